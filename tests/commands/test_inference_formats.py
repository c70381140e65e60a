"""The flags ``--format`` and ``--movie_ids`` from end to end on planted data."""

import csv
import io
import json

import pytest

from commands.entry import main_everything, main_inference
from tests.commands.test_commands import flags, recommended, refused
from tests.planted import planted_movielens
from tests.workspaces import ask, trained


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    folder = tmp_path_factory.mktemp("formats")
    planted_movielens(folder / "planted")
    return trained(folder, "--epochs", "1")


def id_file(workspace, content):
    path = workspace / "ids.txt"
    path.write_bytes(content)
    return str(path)


def test_all_formats_hold_the_same_films(workspace, capsys):
    argv = ["--movie_id", "7", "--num_recommendations", "5"]
    (answer,) = json.loads(ask(workspace, capsys, *argv, "--format", "json"))
    rows = list(csv.DictReader(io.StringIO(ask(workspace, capsys, *argv, "--format", "csv"))))
    ids = [film["movieId"] for film in answer["recommendations"]]
    assert answer["query"] == {"kind": "film", "id": 7, "title": "Planted 007 (1987)"}
    assert ids == recommended(ask(workspace, capsys, *argv)) == [int(row["movieId"]) for row in rows]
    film = answer["recommendations"][0]
    assert film["rank"] == 1 and film["reason"] is None and film["title"].startswith("Planted ")
    assert rows[0]["queryId"] == "7" and float(rows[0]["score"]) == film["score"]
    assert (rows[0]["genres"], int(rows[0]["year"])) == ("|".join(film["genres"]), film["year"])


@pytest.mark.parametrize("search", [[], ["--search_method", "ivf", "--ivf_partitions", "4"]])
def test_a_file_of_ids_is_asked_line_by_line(workspace, capsys, search):
    path = id_file(workspace, b"\xef\xbb\xbf# my films\n7\n\n  12\r\n# again\n7")
    answers = json.loads(ask(workspace, capsys, "--movie_ids", path, "--format", "json", *search))
    assert [answer["query"]["id"] for answer in answers] == [7, 12, 7]
    for answer in answers:
        movie = str(answer["query"]["id"])
        (alone,) = json.loads(ask(workspace, capsys, "--movie_id", movie, "--format", "json", *search))
        assert [f["movieId"] for f in alone["recommendations"]] == [
            f["movieId"] for f in answer["recommendations"]
        ]
    rows = list(csv.DictReader(io.StringIO(ask(workspace, capsys, "--movie_ids", path, "--format", "csv"))))
    assert [row["queryId"] for row in rows] == ["7"] * 10 + ["12"] * 10 + ["7"] * 10
    assert ask(workspace, capsys, "--movie_ids", path).count("films that go with Planted 0") == 3


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"7\n\n7x\n", "line 3: an id must be a whole number from 0 to 9223372036854775807, got '7x'"),
        (b"# a\n41\n", "line 2: no film has the id 41; planted has 40 films"),
        (b"7\n8,9\n", "line 2: an id must be a whole number"),
        (b"# nothing\n\n", "contains no id; write one id per line"),
        (b"7\n\xff\n", "is not UTF-8 text; save it as UTF-8"),
    ],
)
def test_a_bad_line_is_named_before_anything_is_answered(workspace, capsys, content, message):
    path = id_file(workspace, content)
    line = refused(capsys, main_inference, [*flags(workspace), "--movie_ids", path, "--format", "json"])
    assert f"--movie_ids {path}" in line and message in line and capsys.readouterr().out == ""


def test_other_mistakes_are_one_line(workspace, capsys):
    assert "cannot be read (No such file or directory)" in refused(
        capsys, main_inference, [*flags(workspace), "--movie_ids", "nowhere.txt"]
    )
    assert "--title 'planted 007' and --movie_ids 'x.txt' both name a film" in refused(
        capsys, main_inference, [*flags(workspace), "--movie_ids", "x.txt", "--title", "planted 007"]
    )
    with pytest.raises(SystemExit) as left:  # it prints a table of figures, too
        main_everything(["--format", "json"])
    assert left.value.code == 2 and "unrecognized arguments: --format json" in capsys.readouterr().err
