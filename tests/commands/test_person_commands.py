"""``--history``, ``--user_id``, ``--explain`` and the user protocol from end to end on planted data."""

import csv
import json

import pytest

from commands.entry import main_inference, main_modes
from tests.commands.test_commands import flags, recommended, refused
from tests.planted import block_of, planted_movielens
from tests.workspaces import ask, trained


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    folder = tmp_path_factory.mktemp("person")
    planted_movielens(folder / "planted", num_movies=60, per_user=20)
    return trained(folder, "--epochs", "4", "--split", "temporal")


def test_a_history_of_two_tastes_gets_both_each_for_its_reason(workspace, capsys):
    shown = ask(workspace, capsys, "--history", "7:5,8:4.5,9,10:5", "--format", "json")
    (answer,) = json.loads(shown)
    assert answer["query"]["kind"] == "history" and answer["query"]["id"] is None
    films = answer["recommendations"]
    assert len(films) == 10 and not {film["movieId"] for film in films} & {7, 8, 9, 10}
    assert {block_of(film["movieId"]) for film in films} == {0, 1}
    reasons = {
        "because you rated Planted 007 (1987) 5": 7,
        "because you rated Planted 008 (1988) 4.5": 8,
        "because of Planted 009 (1989)": 9,
        "because you rated Planted 010 (1990) 5": 10,
    }
    own = [block_of(film["movieId"]) == block_of(reasons[film["reason"]]) for film in films]
    assert sum(own) >= 8
    assert [film["score"] for film in films] == sorted((film["score"] for film in films), reverse=True)


def test_a_film_that_was_disliked_is_no_reason(workspace, capsys):
    films = json.loads(ask(workspace, capsys, "--history", "7:1", "--format", "json"))[0]["recommendations"]
    assert {film["reason"] for film in films} == {"near Planted 007 (1987), which you rated 1"}


def test_titles_are_the_same_films_as_ids(workspace, capsys):
    by_id = ask(workspace, capsys, "--history", "7:5,12")
    by_title = ask(workspace, capsys, "--history", "planted 007=5; Planted 012 (1992)")
    assert by_id == by_title
    assert "films for someone who has seen Planted 012 (1992), Planted 007 (1987):" in by_id
    many = ask(workspace, capsys, "--history", "1,2,3,4,5")
    assert "Planted 005 (1985), Planted 004 (1984), Planted 003 (1983) and 2 more:" in many


def test_a_user_of_the_data_is_shown_nothing_seen(workspace, capsys):
    with (workspace / "planted" / "ratings.csv").open() as file:
        seen = {int(row["movieId"]) for row in csv.DictReader(file) if row["userId"] == "3"}
    shown = ask(workspace, capsys, "--user_id", "3", "--num_recommendations", "100")
    assert "films for user 3, who has rated 20 films:" in shown
    assert sorted(recommended(shown)) == sorted(set(range(1, 61)) - seen)
    assert "40 instead of 100: the catalogue has no other films" in shown
    last = [line for line in shown.splitlines() if "because you rated" in line]
    assert len(last) == 40


def test_every_index_answers_a_history_alike(workspace, capsys):
    exact = recommended(ask(workspace, capsys, "--history", "7,8"))
    for method in ("lsh", "ivf"):
        assert recommended(ask(workspace, capsys, "--history", "7,8", "--search_method", method)) == exact


def test_diversity_is_for_a_film_a_file_a_person_and_a_new_film(workspace, capsys, tmp_path):
    (tmp_path / "ids.txt").write_text("7\n12\n")
    (tmp_path / "film.json").write_text('{"title": "New", "year": 1990, "genres": ["Drama"]}')
    for asks in (
        ["--movie_id", "7"],
        ["--movie_ids", str(tmp_path / "ids.txt")],
        ["--history", "7:5,8:4.5"],
        ["--user_id", "3"],
        ["--new_movie", str(tmp_path / "film.json")],
    ):
        plain, zero, varied = (
            json.loads(ask(workspace, capsys, *asks, *more, "--format", "json"))
            for more in ([], ["--diversity", "0"], ["--diversity", "1"])
        )
        assert plain == zero != varied
        for before, after in zip(plain, varied, strict=True):
            assert after["query"] == before["query"] and len(after["recommendations"]) == 10
            assert after["recommendations"][0] == before["recommendations"][0]


def test_a_diversity_out_of_range_is_refused(workspace, capsys):
    for value in ("-0.1", "1.5", "nan"):
        with pytest.raises(SystemExit) as stop:
            main_inference([*flags(workspace), "--diversity", value])
        error = capsys.readouterr().err
        rule = f"--diversity: must be a number at least 0 and at most 1, got '{value}'"
        assert stop.value.code == 2 and error.count("\n") == 1 and rule in error


def test_explanations_name_neighbours_and_what_is_shared(workspace, capsys):
    shown = ask(workspace, capsys, "--movie_id", "7", "--explain")
    assert "what formed the embedding of Planted 007 (1987): its own features and " in shown
    assert "what ties them to it (direct: " in shown
    assert recommended(shown) == recommended(ask(workspace, capsys, "--movie_id", "7"))
    shown = ask(workspace, capsys, "--history", "7,8", "--explain", "--num_recommendations", "4")
    ties = shown.split("what ties them to what was seen")[1].strip().splitlines()[4:]
    assert len(ties) == 4 and all("Planted 007" in line or "Planted 008" in line for line in ties)


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["--history", "7,999"], "--history: no film has the id 999; planted has 60 films"),
        (["--history", "xylophone"], "--history: no film is called anything like 'xylophone'"),
        (["--history", "planted"], "--history: 'planted' can mean 60 films: "),
        (["--history", "7:5.5"], "a rating must be a number from 0.5 to 5, got '5.5' for '7'"),
        (["--history", "7,007"], "--history names Planted 007 (1987) (id 7) twice; name it once"),
        (["--history", "7", "--movie_id", "7"], "--movie_id 7 and --history 7 both name a film or a person"),
        (["--history", "7", "--user_id", "7"], "--history 7 and --user_id 7 both name a film or a person"),
        (["--user_id", "61"], "no user has the id 61; planted has 60 users with ids from 1 to 60"),
        (["--user_id", "ann"], "--user_id must be a whole number from 0 to "),
        (["--user_id", "3", "--data_dir", "nowhere"], "no folder nowhere"),
        (
            ["--explain", "--format", "csv"],
            "--explain prints text for people, --format csv does not",
        ),
    ],
)
def test_mistakes_are_one_line_and_exit_2(workspace, capsys, argv, message):
    assert message in refused(capsys, main_inference, [*flags(workspace), *argv])


def test_a_user_needs_the_data_of_the_checkpoint(workspace, capsys):
    planted_movielens(workspace / "other", num_movies=60, per_user=20, seed=9)
    other = flags(workspace, data="other")
    assert "is not what the checkpoint was trained on" in refused(
        capsys, main_inference, [*other, "--user_id", "3"]
    )


def test_evaluation_of_the_temporal_split_adds_the_user_protocol(workspace, capsys):
    assert main_modes(["--mode", "evaluate", *flags(workspace)]) == 0
    report = json.loads((workspace / "output" / "metrics.json").read_text())
    users = report["user"]
    assert report["protocol"] == "pairs" and users["protocol"] == "user" and 0 < users["users"] <= 60
    assert {"popularity", "item-kNN cosine", "EASE", "iALS item factors", "EASE, weighted"} <= set(
        users["baselines"]
    )
    for values in (users["metrics"], *users["baselines"].values()):
        assert values.keys() == {
            "recall@20", "ndcg@20", "hit_rate@20",
            "diversity@10", "novelty@10", "personalisation@10", "gini@10",
        }  # fmt: skip
        assert values["novelty@10"] > 0
        assert all(0 <= value <= 1 for name, value in values.items() if name != "novelty@10")
    assert users["metrics"]["recall@20"] > users["baselines"]["popularity"]["recall@20"]
    shown = capsys.readouterr().out
    assert f"{users['users']} users with a test rating of 4 or more" in shown
    assert f"{users['metrics']['ndcg@20']:.3f}" in shown.split("user: all that a user rated")[1]


def test_a_sample_of_users_is_said(workspace, capsys):
    assert main_modes(["--mode", "evaluate", *flags(workspace), "--eval_queries", "20"]) == 0
    assert "20 of " in capsys.readouterr().out.split("test questions")[1].split(" users with")[0]
