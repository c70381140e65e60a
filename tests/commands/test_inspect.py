"""``--mode inspect`` from end to end, and the two lines of a training."""

import json
import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest

import pinsage
from commands.entry import main_modes, main_train
from tests.books import SCHEMA, library
from tests.commands.test_commands import FAST, flags, refused
from tests.planted import planted_movielens

ROOT = Path(__file__).resolve().parents[2]


def inspected(folder, *argv):
    return main_modes(["--mode", "inspect", *flags(folder, "data"), *argv])


def test_inspect_prints_a_table_and_writes_json(tmp_path, capsys):
    library(tmp_path / "data")
    assert inspected(tmp_path) == 0
    shown = capsys.readouterr()
    assert "what --split leave_one_out holds out" in shown.out and "`" not in shown.out
    assert "1. the test has only 60 questions" in shown.out
    assert shown.out.endswith(f"written: {tmp_path / 'output' / 'inspect.json'}\n")
    assert shown.err.startswith("data: 720 interactions of 40 items by 60 users")
    written = json.loads((tmp_path / "output" / "inspect.json").read_text())
    assert (written["rows"], written["items"]["count"], written["ratings"]) == (720, 40, None)
    assert not (tmp_path / "checkpoints").exists()


def test_json_alone_is_on_stdout(tmp_path, capsys):
    planted_movielens(tmp_path / "data", per_user=20)
    assert inspected(tmp_path, "--format", "json", "--split", "temporal") == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown == json.loads((tmp_path / "output" / "inspect.json").read_text())
    assert shown["held_out"]["split"] == "temporal"


def test_settings_in_the_advice_are_flags(tmp_path, capsys):
    folder = planted_movielens(tmp_path / "data", per_user=20)
    header, *rows = (folder / "ratings.csv").read_text().splitlines()
    for place, row in enumerate(rows):  # the last fifth of each user's ratings is low
        user, movie, _, time = row.split(",")
        rows[place] = f"{user},{movie},{1 if place % 20 >= 16 else 5},{time}"
    (folder / "ratings.csv").write_text("\n".join([header, *rows]))
    assert inspected(tmp_path, "--split", "temporal", "--format", "json") == 0
    oddities = {one["name"]: one["advice"] for one in json.loads(capsys.readouterr().out)["oddities"]}
    assert oddities["no_test_question"] == "use another --split, or more data"


def test_inspect_needs_no_heavy_library(tmp_path):
    library(tmp_path / "data")
    code = (
        "import sys\n"
        "for name in ('torch', 'numba', 'matplotlib', 'scipy'): sys.modules[name] = None\n"
        "from commands.entry import main_modes\n"
        f"raise SystemExit(main_modes(['--mode', 'inspect', *{flags(tmp_path, 'data')!r}]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, env=os.environ
    )
    assert done.returncode == 0, done.stderr
    assert "what there is" in done.stdout


def test_inspect_takes_the_flags_of_a_training(tmp_path):
    planted_movielens(tmp_path / "data")
    assert inspected(tmp_path, *FAST, "--epochs", "3", "--seed", "2", "--device", "cpu") == 0


def test_formats_for_films_are_refused(tmp_path, capsys):
    with pytest.raises(SystemExit, match="2"):
        main_modes(["--mode", "inspect", "--data_dir", str(tmp_path), "--format", "csv"])
    assert "argument --format: invalid choice: 'csv'" in capsys.readouterr().err


def write(folder, rows, movies=30):
    folder.mkdir()
    lines = [f"{movie},Film {movie} (2000),Drama" for movie in range(1, movies + 1)]
    (folder / "movies.csv").write_text("\n".join(["movieId,title,genres", *lines]))
    (folder / "ratings.csv").write_text("\n".join(["userId,movieId,rating,timestamp", *rows]))


@pytest.mark.parametrize(
    ("rows", "movies", "argv", "message"),
    [
        ([f"1,{n},4,{n}" for n in range(1, 9)] + ["1,9,x,9"], 30, [], "line 10: rating must be"),
        (["1,1,4,1", "2,2,4,2"], 30, [], "too few ratings to split"),
        (["1,1,4,1", "1,2,4,2"], 2, ["--split", "none"], "at least 3 films, got 2"),
        (["1,1,4,1", "1,2,4,2", "1,3,4,3"], 30, [], "none of the 1 users has two training"),
        (
            [f"1,{n},4,{n}" for n in range(1, 7)], 30, ["--split", "temporal"],
            "the validation part of split temporal has 0 ratings but gives no question",
        ),
        (None, 30, [], "is missing"),
    ],
)  # fmt: skip
def test_what_training_refuses_inspect_refuses_with_the_same_line(
    tmp_path, capsys, rows, movies, argv, message
):
    write(tmp_path / "data", rows or [], movies)
    if rows is None:
        (tmp_path / "data" / "ratings.csv").unlink()
    line = refused(capsys, main_modes, ["--mode", "inspect", *flags(tmp_path, "data"), *argv])
    assert message in line or rows is None
    assert refused(capsys, main_train, [*flags(tmp_path, "data"), *FAST, *argv]) == line
    assert not (tmp_path / "output" / "inspect.json").exists()


def test_an_odd_data_set_is_exit_0(tmp_path, capsys):
    write(tmp_path / "data", [f"{user},{n},3,7" for user in (1, 2) for n in range(1, 8)])
    assert inspected(tmp_path) == 0
    names = [
        one["name"] for one in json.loads((tmp_path / "output" / "inspect.json").read_text())["oddities"]
    ]
    assert names == ["equal_ratings", "equal_times", "unused_items", "few_questions", "few_candidates"]


def test_an_output_folder_that_cannot_be_written_is_one_line(tmp_path, capsys):
    library(tmp_path / "data")
    (tmp_path / "output").mkdir()
    (tmp_path / "output" / "inspect.json").mkdir()
    assert refused(capsys, main_modes, ["--mode", "inspect", *flags(tmp_path, "data")], code=1)


def test_a_schema_elsewhere_is_used(tmp_path, capsys):
    library(tmp_path / "data")
    (tmp_path / "data" / "schema.json").unlink()
    (tmp_path / "other.json").write_text(json.dumps(SCHEMA | {"items": {**SCHEMA["items"], "genres": None}}))
    assert inspected(tmp_path, "--schema", str(tmp_path / "other.json"), "--format", "json") == 0
    assert json.loads(capsys.readouterr().out)["missing"]["genres"]["count"] == 40


def test_every_training_says_what_it_read_and_holds_out(tmp_path, capsys):
    planted_movielens(tmp_path / "data")
    argv = [*flags(tmp_path, "data"), *FAST]
    for more in (["--epochs", "1"], ["--epochs", "2", "--resume"]):
        capsys.readouterr()
        assert main_train([*argv, *more]) == 0
        lines = capsys.readouterr().err.splitlines()
        assert lines[0] == "data: 720 ratings of 40 films by 60 users, 2001-09-09 to 2001-09-16"
        assert lines[1].startswith(
            "held out: 60 validation and 60 test interactions; odd: the test has only 60"
        )
        assert lines[1].endswith("(and 1 more); main.py --mode inspect shows more")
        assert sum(line.startswith("held out:") for line in lines) == 1


def test_a_comparison_says_it_of_no_training(tmp_path, capsys):
    planted_movielens(tmp_path / "data")
    argv = ["--mode", "benchmark", *flags(tmp_path, "data")[:2], *FAST, "--epochs", "1", "--num_seeds", "2"]
    argv += ["--split", "leave_one_out", "--output_dir", str(tmp_path / "output")]
    assert main_modes(argv) == 0
    lines = capsys.readouterr().err.splitlines()
    assert not any("held out:" in line for line in lines)
    assert sum(line.startswith("data: 720 ratings") for line in lines) == 1


def test_the_python_door_logs_both_lines(caplog):
    users = [user for user in range(30) for _ in range(6)]
    items = [(user + step) % 20 for user in range(30) for step in range(6)]
    with caplog.at_level(logging.INFO, logger="pinsage"):
        pinsage.train(
            users, items, epochs=1, hidden_dim=8, embedding_dim=8, spectral_dim=4, num_walks=10, batch_size=64
        )
    lines = caplog.messages[0].splitlines()
    assert lines[0] == "data in memory: 180 interactions of 20 films by 30 users"
    assert lines[1].startswith("held out: 30 validation and 30 test interactions; odd:")
    assert "main.py" not in lines[1]
