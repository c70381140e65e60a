"""The comparison with SASRec and LightGCN: its judge against the project's own, the exchange, LightGCN."""

import importlib.util
import json
import os
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
import torch

from base.errors import UserError, WorldError
from benchmarks.rivals import compare, light_gcn, sasrec_files
from benchmarks.rivals.judge import Outcome, figures_of, scores_of_ranking
from benchmarks.rivals.light_gcn_scorer import WAYS
from benchmarks.rivals.questions import FACTS, questions_of
from benchmarks.rivals.results import OnTask, Result, store, stored
from benchmarks.rivals.sasrec_files import RecTools, check_python
from benchmarks.rivals.table import chosen_lines, task_table
from benchmarks.rivals.tuning import best_epochs, coordinate_search, searched_again
from data.dataset import load_movielens
from data.histories import user_questions
from data.splits import held_out_queries, split_movielens
from evaluation.ranking import evaluate
from evaluation.users import user_metrics
from tests.planted import block_of, planted_movielens
from tests.test_rooms import imported_modules

FAKE = Path(__file__).with_name("fake_ranker.py")
SETTINGS = {name: values[0] for name, values in light_gcn.GRID.items()}


@pytest.fixture(scope="module")
def movielens(tmp_path_factory):
    return load_movielens(
        planted_movielens(tmp_path_factory.mktemp("rivals"), 100, 80, per_user=20), cache=False
    )


@pytest.fixture(scope="module")
def temporal(movielens):
    return split_movielens(movielens, "temporal")


@pytest.fixture(scope="module")
def leave_one_out(movielens):
    return split_movielens(movielens, "leave_one_out")


class Fixed:
    """Scores that depend on the query alone."""

    def __init__(self, num_movies):
        self.table = np.random.default_rng(1).integers(0, 9, (num_movies, num_movies)).astype(np.float32)

    def score(self, queries):
        return self.table[queries]


@pytest.mark.parametrize("part", ["validation", "test"])
def test_the_judge_agrees_with_the_projects_protocols(movielens, temporal, leave_one_out, part):
    scorer = Fixed(len(movielens.movies))
    questions = questions_of(leave_one_out, part, movielens)["next_by_film"]
    ours = evaluate(scorer, held_out_queries(leave_one_out, part)).metrics
    asked = scorer.score(np.array([history.rows[0] for history in questions.histories]))
    found = figures_of(asked, questions)
    assert found == pytest.approx({name: ours[name] for name in FACTS["next_by_film"].figures})
    people = questions_of(temporal, part, movielens)["people"]
    scores = np.stack([scorer.table[history.rows].sum(axis=0) for history in people.histories])
    theirs = user_metrics(scores, user_questions(temporal, part))
    assert figures_of(scores, people) == {name: theirs[name] for name in FACTS["people"].figures}


def test_histories_of_the_next_item_end_before_validation_and_nothing_rated_is_a_candidate(
    movielens, leave_one_out
):
    questions = questions_of(leave_one_out, "test", movielens)["next_by_history"]
    for user, history, excluded, targets in zip(
        questions.users, questions.histories, questions.excluded, questions.targets, strict=True
    ):
        rated = movielens.interactions.movies[movielens.interactions.users == user]
        assert list(history.rows) == list(rated[:-2])
        assert list(excluded) == list(rated[:-1])
        assert list(targets) == [rated[-1]]


def test_ranked_films_have_the_ranks_of_brute_force(movielens, leave_one_out):
    rng = np.random.default_rng(0)
    questions = questions_of(leave_one_out, "test", movielens)["next_by_history"]
    num_movies = len(movielens.movies)
    ranked = np.stack([rng.permutation(num_movies)[: num_movies - 5] for _ in questions.users])
    ranked[3] = -1
    ranks = []
    for row, excluded, (target,) in zip(ranked, questions.excluded, questions.targets, strict=True):
        candidates = [film for film in range(num_movies) if film not in excluded]
        listed = [film for film in row if film in candidates]
        behind = len(candidates) - len(listed)  # these tie
        ranks.append(1 + listed.index(target) if target in listed else len(listed) + (behind + 1) / 2)
    found = figures_of(scores_of_ranking(ranked, num_movies), questions)
    assert found["mrr"] == pytest.approx(np.mean(1 / np.array(ranks)))
    assert found["hit_rate@10"] == np.mean(np.array(ranks) <= 10)


@pytest.mark.parametrize(("ranked", "message"), [([[1, 1]], "twice"), ([[3, 0]], "from 0 to 2")])
def test_a_wrong_ranking_is_refused(ranked, message):
    with pytest.raises(WorldError, match=message):
        scores_of_ranking(np.array(ranked), 3)


def test_nan_is_refused(movielens, temporal):
    people = questions_of(temporal, "test", movielens)["people"]
    with pytest.raises(WorldError, match="NaN"):
        figures_of(np.full((len(people), len(movielens.movies)), np.nan), people)


def test_files_go_out_and_rankings_come_back(movielens, leave_one_out):
    validation, test = (questions_of(leave_one_out, part, movielens) for part in ("validation", "test"))
    with RecTools(sys.executable, leave_one_out, [validation, test], script=FAKE) as rectools:
        assert rectools.versions == {"fake": "1"}
        for _ in range(2):  # a training that was stopped is followed by another one
            with closing(rectools.train({}, seed=0, epochs=40)) as models:
                best = best_epochs(models, validation, test, {}, patience=2)
            assert {outcome.epoch for outcome in best.values()} == {4}
        films = np.arange(len(movielens.movies))
        for task, questions in test.items():
            first = np.array([history.rows[0] for history in questions.histories])
            same_block = (films - first[:, None]) % 2 == 0
            assert best[task].test == figures_of(same_block * 1000 - films, questions)
        with pytest.raises(WorldError, match="SASRec: out of luck"):
            list(rectools.train({}, seed=13))


def test_the_exchange_has_training_films_alone(movielens, leave_one_out):
    validation = questions_of(leave_one_out, "validation", movielens)
    with RecTools(sys.executable, leave_one_out, [validation], script=FAKE) as rectools:
        with np.load(Path(rectools._folder.name) / "questions.npz") as file:
            assert np.array_equal(file["train_movies"], leave_one_out.train.movies)
            assert np.array_equal(np.diff(file["train_ptr"]), np.bincount(leave_one_out.train.users))
            assert all(file[name].size <= len(leave_one_out.train) for name in file.files)


def test_a_missing_environment_is_one_line(movielens, temporal, capsys):
    assert compare.main(["--methods", "pinsage", "sasrec"]) == 2
    assert "--rectools_python" in capsys.readouterr().err
    with pytest.raises(UserError, match="cannot run nowhere/python.*requirements-rivals.txt"):
        check_python("nowhere/python")
    if importlib.util.find_spec("rectools") is None:
        with pytest.raises(UserError, match="cannot import.*RecTools.*requirements-rivals.txt"):
            check_python(sys.executable)
        # The script itself says so, too.
        with pytest.raises(UserError, match="cannot import RecTools.*requirements-rivals.txt"):
            with RecTools(sys.executable, temporal, [questions_of(temporal, "test", movielens)]):
                pass


def test_the_script_of_the_other_environment_imports_nothing_of_ours():
    names = {
        name.split(".")[0] for _, name in imported_modules(sasrec_files.SCRIPT.read_text(encoding="utf-8"))
    }
    libraries = {"numpy", "pandas", "pytorch_lightning", "rectools", "torch"}
    assert names - libraries <= sys.stdlib_module_names


def test_every_training_film_is_a_target_once():
    windows = sasrec_windows()
    ptr, movies = windows(np.array([0, 7, 8, 10]), np.arange(10), 3)
    pieces = [list(movies[a:b]) for a, b in zip(ptr, ptr[1:], strict=False)]
    assert pieces == [[3, 4, 5, 6], [0, 1, 2, 3], [8, 9]]
    assert sorted(film for piece in pieces for film in piece[1:]) == [1, 2, 3, 4, 5, 6, 9]


def sasrec_windows():
    from benchmarks.rivals.sasrec import _windows

    return _windows


def test_sasrec_trains_and_ranks(movielens, leave_one_out):
    """Needs RecTools: set PINSAGE_RECTOOLS_PYTHON to the Python of its environment."""
    python = os.environ.get("PINSAGE_RECTOOLS_PYTHON")
    if python is None or subprocess.run([python, "-c", "import rectools"], capture_output=True).returncode:
        pytest.skip("RecTools: PINSAGE_RECTOOLS_PYTHON does not name a Python that has it")
    validation = questions_of(leave_one_out, "validation", movielens)
    settings = {name: values[0] for name, values in sasrec_files.GRID.items()}
    with (
        RecTools(python, leave_one_out, [validation]) as rectools,
        closing(rectools.train(settings, 0, epochs=12, every=6)) as models,
    ):
        [_, (epoch, scores)] = models
    assert epoch == 12
    questions = validation["next_by_history"]
    found = scores(questions, "")
    assert all(len(np.unique(row)) == len(row) for row in found)
    assert block_share(movielens, questions, found) > 0.7


def test_light_gcn_finds_planted_blocks(movielens, leave_one_out):
    questions = questions_of(leave_one_out, "validation", movielens)
    graph = light_gcn.user_film_graph(leave_one_out)
    for loss in ("bpr", "softmax"):
        [(epoch, scores)] = light_gcn.train(graph, SETTINGS | {"loss": loss, "lr": 0.03}, 0, 50, 50)
        assert epoch == 50
        for task, ways in WAYS.items():
            for way in ways if task in questions else ():
                assert block_share(movielens, questions[task], scores(questions[task], way)) > 0.7, (
                    loss,
                    way,
                )


def block_share(movielens, questions, scores):
    """Share of films of the user's own block among the five best candidates."""
    shares = []
    for user, excluded, row in zip(questions.users, questions.excluded, scores.copy(), strict=True):
        row[excluded] = -np.inf
        best = movielens.movies.ids[np.argsort(-row)[:5]]
        shares.append(np.mean([block_of(film) == (movielens.user_ids[user] - 1) % 2 for film in best]))
    return np.mean(shares)


def test_the_vector_of_a_training_history_is_the_models_own(movielens, leave_one_out):
    graph = light_gcn.user_film_graph(leave_one_out)
    [(_, scores)] = light_gcn.train(graph, SETTINGS, 0, 3, 3)
    scorer = scores.__self__
    questions = questions_of(leave_one_out, "validation", movielens)["next_by_history"]
    with torch.no_grad():
        model = light_gcn.LightGCN(graph.num_users + graph.num_films, SETTINGS["dim"], 2, normalize=False)
        start = np.concatenate([scorer.user_start, scorer.film_layers[0]])
        model.embedding.weight.copy_(torch.from_numpy(start))
        own = model.get_embedding(graph.adjacency).numpy()
    found = scorer.user_vectors(questions, weighted=False)
    np.testing.assert_allclose(found, own[questions.users], atol=1e-6)


def test_same_seed_same_light_gcn(leave_one_out, movielens):
    graph = light_gcn.user_film_graph(leave_one_out)
    questions = questions_of(leave_one_out, "test", movielens)["next_by_film"]
    state = torch.get_rng_state()
    first, again, other = (
        next(light_gcn.train(graph, SETTINGS, seed, 5, 5))[1](questions, "films, cosine")
        for seed in (0, 0, 1)
    )
    assert np.array_equal(first, again) and not np.array_equal(first, other)
    assert torch.equal(state, torch.get_rng_state())


def test_negatives_are_unseen():
    seen = torch.tensor([[True, False, True], [True, True, True]])
    users = torch.tensor([0] * 50 + [1])
    films = light_gcn._unseen(users, seen, torch.Generator().manual_seed(0))
    assert (films[:50] == 1).all()


def test_the_norm_is_the_librarys():
    graph = light_gcn.UserFilmGraph(
        torch.tensor([0, 1, 1]),
        torch.tensor([0, 0, 2]),
        2,
        3,
        torch.empty(0),
        np.array([2, 0, 1], np.float32),
    )
    model = light_gcn.LightGCN(5, 4, 1)
    drawn = torch.tensor([1, 1, 2])
    scores = torch.zeros(3)
    theirs = model.recommendation_loss(
        scores, scores, torch.tensor([0, 1, 1, 2, 2, 4, 3, 4, 3]), lambda_reg=0.5
    )
    drawn = torch.tensor([0, 2, 1])
    ours = model.recommendation_loss(scores, scores, lambda_reg=0) + 0.5 * light_gcn._norm(
        model, graph, drawn
    )
    torch.testing.assert_close(ours, theirs)


def test_the_search_goes_one_setting_after_the_other_and_tasks_may_differ():
    asked = []

    def train(settings):
        asked.append(tuple(settings.values()))
        a, b = settings["a"], settings["b"]
        return {
            "next_by_film": Outcome(-abs(a - 2) - b, 1, "", {}),
            "next_by_history": Outcome(float(b), 1, "", {}),
        }

    chosen = coordinate_search({"a": (1, 2, 3), "b": (0, 5)}, ["next_by_film", "next_by_history"], train)
    assert chosen == {"next_by_film": {"a": 2, "b": 0}, "next_by_history": {"a": 1, "b": 5}}
    assert set(asked) == {(1, 0), (2, 0), (3, 0), (2, 5), (1, 5)}


def test_a_search_can_start_from_another_ones_choice():
    grid = {"a": (1, 2, 3), "b": (0, 5), "c": (7, 8)}
    assert searched_again(grid, {"a": 2, "b": 5, "c": 8}, ["b", "a"]) == {
        "a": (2, 1, 3),
        "b": (5, 0),
        "c": (8,),
    }


def test_results_are_stored_and_tables_have_means_and_differences(tmp_path):
    data = {"name": "x", "fingerprint": "y", "num_seeds": 2}
    runs = [Outcome(0.1, 7, "films, cosine", {"recall@20": r, "ndcg@20": 0.5}) for r in (0.2, 0.4)]
    rival = Result(
        "A rival",
        data,
        {"people": OnTask({"dim": 4}, runs)},
        {"dim": [4, 8]},
        3,
        {"clock_s": 90, "processor_s": 60},
    )
    ours = Result("PinSage", data, {"people": OnTask({}, [run for run in runs for _ in range(1)])})
    store(rival, tmp_path)
    store(ours, tmp_path)
    (tmp_path / "old.json").write_text(json.dumps({"data": {"name": "z"}}))
    found = stored(tmp_path, data)
    assert found == {"A rival": rival, "PinSage": ours}
    table = task_table("people", found, 12)
    assert "people: 12 test questions, split temporal" in table
    row = next(line for line in table.splitlines() if line.startswith("A rival"))
    assert "0.300 +- 0.141" in row and "+0.000 +- 0.608" in row
    lines = chosen_lines(rival, ["people"])
    assert lines[0] == "A rival: 1.5 minutes, 1.0 of processor time"
    assert lines[1].endswith("3 trainings: dim 4, 8") and "epochs 7, 7; asked by films, cosine" in lines[2]
