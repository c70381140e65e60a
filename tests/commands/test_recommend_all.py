"""``--mode recommend_all`` from a checkpoint: the same answers as inference gives one by one."""

import csv
import io
import json
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from pyarrow import parquet

import commands.recommend_all
from commands.entry import main_modes
from model.checkpoint import load_checkpoint
from tests.books import library
from tests.commands.test_commands import ROOT, flags, refused
from tests.planted import planted_movielens
from tests.workspaces import ask, trained

WANTED = 7


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    """More films than a history looks at first, so that users share one table."""
    folder = tmp_path_factory.mktemp("all")
    planted_movielens(folder / "planted", num_movies=240, per_user=20)
    return trained(folder, "--epochs", "1")


def all_of(folder, *argv, data="planted"):
    argv = ["--mode", "recommend_all", *flags(folder, data), "--num_recommendations", str(WANTED), *argv]
    assert main_modes(argv) == 0
    form = argv[argv.index("--format") + 1] if "--format" in argv else "parquet"
    return folder / "output" / f"recommendations.{form}"


def rows_of(text, *columns):
    return [tuple(row[column] for column in columns) for row in csv.DictReader(io.StringIO(text))]


WHERE = "year >= 1990 or id in (3, 4) or year is unknown"


@pytest.mark.parametrize(
    "typed",
    [("--popularity", "0.5"), ("--diversity", "0.5"), ("--where", WHERE), ("--where", "id in (3, 4)")],
)
def test_films_get_what_inference_gives_each(workspace, capsys, typed):
    found = all_of(workspace, "--format", "csv", *typed).read_text()
    assert found.startswith("queryId,rank,movieId,score\n")
    ids = load_checkpoint(workspace / "checkpoints" / "best.pt").movies.ids
    (workspace / "ids.txt").write_text("\n".join(map(str, ids)))
    expected = ask(
        workspace,
        capsys,
        *("--movie_ids", str(workspace / "ids.txt"), "--format", "csv", *typed),
        *("--num_recommendations", str(WANTED)),
    )
    columns = ("queryId", "rank", "movieId")
    assert rows_of(found, *columns) == rows_of(expected, *columns)
    scores = [np.array(rows_of(text, "score"), dtype=float) for text in (found, expected)]
    np.testing.assert_allclose(*scores, rtol=0, atol=2e-6)


@pytest.mark.parametrize(
    "typed", [("--diversity", "0"), ("--diversity", "0.5"), ("--where", "not id in (3, 4)")]
)
def test_users_get_what_inference_gives_each(workspace, capsys, typed):
    path = all_of(workspace, "--recommend_for", "users", *typed)
    assert f"{WANTED * 60} recommendations for 60 users" in capsys.readouterr().out
    rows = parquet.read_table(path).to_pylist()
    for user in (1, 2, 30, 60):
        text = ask(
            workspace,
            capsys,
            *("--user_id", str(user), "--num_recommendations", str(WANTED), "--format", "csv"),
            *typed,
        )
        own = [row for row in rows if row["queryId"] == user]
        assert [(str(row["rank"]), str(row["movieId"])) for row in own] == rows_of(text, "rank", "movieId")
        reasons = [reason for (reason,) in rows_of(text, "reason")]
        assert all(
            f"Planted {row['becauseId']:03d}" in reason for row, reason in zip(own, reasons, strict=True)
        )


@pytest.mark.parametrize("who", ["items", "users"])
def test_all_formats_have_the_same_rows(workspace, who):
    table = parquet.read_table(all_of(workspace, "--recommend_for", who))
    kinds = {"queryId": "int64", "rank": "int32", "movieId": "int64", "score": "float"}
    kinds |= {"becauseId": "int64"} if who == "users" else {}
    assert {field.name: str(field.type) for field in table.schema} == kinds
    rows = table.to_pylist()
    rounded = [row | {"score": pytest.approx(row["score"], abs=1e-6)} for row in rows]
    lines = all_of(workspace, "--recommend_for", who, "--format", "jsonl").read_text().splitlines()
    assert [json.loads(line) for line in lines] == rounded
    text = csv.DictReader(all_of(workspace, "--recommend_for", who, "--format", "csv").open())
    read = [
        {name: float(value) if name == "score" else int(value) for name, value in row.items()} for row in text
    ]
    assert read == rounded


def test_items_with_text_ids_and_readers_without_ratings(tmp_path, capsys):
    library(tmp_path / "books")
    schema = json.loads((tmp_path / "books" / "schema.json").read_text())
    words = {"words": {"item": "book", "items": "books"}}
    (tmp_path / "books" / "schema.json").write_text(json.dumps(schema | words))
    trained(tmp_path, "--epochs", "1", data="books")
    rows = parquet.read_table(all_of(tmp_path, "--recommend_for", "users", data="books")).to_pylist()
    assert [row["rank"] for row in rows] == [*range(1, WANTED + 1)] * 60
    reader = rows[5 * WANTED]["queryId"]
    text = ask(
        tmp_path,
        capsys,
        *("--user_id", reader, "--num_recommendations", str(WANTED), "--format", "csv"),
        data="books",
    )
    assert [(row["movieId"],) for row in rows if row["queryId"] == reader] == rows_of(text, "movieId")
    capsys.readouterr()
    lines = all_of(tmp_path, "--format", "jsonl", data="books").read_text().splitlines()
    assert capsys.readouterr().out.endswith(f"{40 * WANTED} recommendations for 40 books\n")
    assert len(lines) == 40 * WANTED and "/" in json.loads(lines[0])["queryId"]


def test_more_than_there_are_gives_all_there_are(workspace):
    rows = parquet.read_table(
        all_of(workspace, "--recommend_for", "users", "--num_recommendations", "1000")
    ).to_pylist()
    assert len(rows) == 60 * (240 - 20)


def test_an_interrupted_run_goes_on_and_another_question_begins_anew(workspace, monkeypatch, capsys):
    monkeypatch.setattr(commands.recommend_all, "ASKED_AT_ONCE", 50)
    whole = all_of(workspace).read_bytes()
    original, asked = commands.recommend_all.answers_of_films, []

    def breaks_down(recommender, rows, k):
        asked.append(rows.start)
        if len(asked) == 4:
            raise KeyboardInterrupt
        return original(recommender, rows, k)

    monkeypatch.setattr(commands.recommend_all, "answers_of_films", breaks_down)
    argv = ["--mode", "recommend_all", *flags(workspace), "--num_recommendations", str(WANTED)]
    assert main_modes(argv) == 130
    parts = workspace / "output" / "recommendations.parts"
    first, *_ = sorted(parts.glob("*.block"))
    first.write_bytes(first.read_bytes()[:-1])  # torn
    assert all_of(workspace).read_bytes() == whole
    assert asked == [0, 50, 100, 150, 0, 150, 200] and not parts.exists()
    asked.clear()
    assert main_modes([*argv, "--popularity", "0.1"]) == 130
    assert all_of(workspace).read_bytes() == whole
    assert asked[4:] == [0, 50, 100, 150, 200]


@pytest.mark.slow
def test_a_killed_run_goes_on(workspace):
    whole = all_of(workspace, "--recommend_for", "users", "--format", "csv").read_bytes()
    (workspace / "output" / "recommendations.csv").unlink()
    argv = ["--mode", "recommend_all", "--recommend_for", "users", "--format", "csv"]
    program = (
        "import sys, time, commands.recommend_all as all\n"
        "from commands.entry import main_modes\n"
        "all.ASKED_AT_ONCE = 10\n"
        "make = all.People.answers\n"
        "all.People.answers = lambda *args: (time.sleep(0.2), make(*args))[1]\n"
        f"sys.exit(main_modes({[*argv, *flags(workspace), '--num_recommendations', str(WANTED)]!r}))\n"
    )
    process = subprocess.Popen([sys.executable, "-c", program], cwd=ROOT)
    parts = workspace / "output" / "recommendations.parts"
    while len(list(parts.glob("0*.block"))) < 3:
        assert process.poll() is None
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not (workspace / "output" / "recommendations.csv").exists()
    assert subprocess.run([sys.executable, "-c", program], cwd=ROOT).returncode == 0
    assert (workspace / "output" / "recommendations.csv").read_bytes() == whole


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (
            ["--format", "table"],
            "argument --format: invalid choice: 'table'",
        ),
        (["--work_dir", "work", "--popularity", "1"], "--popularity needs all films in memory"),
        (["--work_dir", "work", "--where", "id = 1"], "--where needs all films in memory"),
        (["--where", "id ="], "--where, character 5: expected a value"),
        (["--recommend_for", "users", "--data_dir", "missing"], "missing"),
    ],
)
def test_what_does_not_fit_is_one_line(workspace, capsys, argv, message):
    try:
        line = refused(capsys, main_modes, ["--mode", "recommend_all", *flags(workspace), *argv])
    except SystemExit as exit:
        assert exit.code == 2
        line = capsys.readouterr().err
    assert message in line
