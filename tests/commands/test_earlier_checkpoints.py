"""Checkpoints of earlier versions still fit their data, though these are read in another way today."""

import json

import numpy as np
import pytest

from commands.entry import main_modes, main_train
from data.dataset import find_data, load_movielens
from data.earlier_reading import EarlierReading
from model.checkpoint import load_checkpoint, save_checkpoint
from tests.commands.test_commands import FAST, flags

SCHEMA = {"interactions": {"file": "visits.csv", "user": "user", "item": "item", "timestamp": "time"}}


@pytest.fixture
def visits(tmp_path):
    """A folder of visits without ratings, where most users come back and the newest visit stands first."""
    rng = np.random.default_rng(0)
    folder = tmp_path / "visits"
    folder.mkdir()
    rows = [(user, item, rng.integers(10**6)) for user in range(60) for item in rng.integers(25, size=40)]
    rows.sort(key=lambda row: -row[2])
    lines = [f"u{user},i{item},{time}" for user, item, time in rows]
    (folder / "visits.csv").write_text("\n".join(["user,item,time", *lines]), encoding="utf-8")
    return tmp_path


def write_schema(folder, **repeats):
    content = {"interactions": SCHEMA["interactions"] | repeats}
    (folder / "visits" / "schema.json").write_text(json.dumps(content), encoding="utf-8")


def test_a_checkpoint_that_knew_first_rows_only_is_evaluated_and_resumed(visits, capsys):
    write_schema(visits, repeats="first")
    assert main_train([*flags(visits, "visits"), *FAST, "--epochs", "1"]) == 0
    write_schema(visits)  # as it was when versions did not know "repeats"
    fingerprint = find_data(visits / "visits").fingerprint()
    for name in ("last.pt", "best.pt"):
        old = load_checkpoint(visits / "checkpoints" / name)
        old.dataset["data"] = fingerprint
        del old.dataset["repeats"], old.settings["weighted_walks"]
        save_checkpoint(old, visits / "checkpoints" / name)
    evaluate = ["--mode", "evaluate", *flags(visits, "visits")]
    assert main_modes(evaluate) == 0
    assert main_train([*flags(visits, "visits"), "--resume", "--epochs", "2"]) == 0
    assert load_checkpoint(visits / "checkpoints" / "last.pt").earlier.first_rows
    assert main_modes(evaluate) == 0


def test_a_new_checkpoint_reads_its_data_as_they_are_read_today(visits, capsys):
    write_schema(visits)
    assert main_train([*flags(visits, "visits"), *FAST, "--epochs", "1", "--split", "temporal"]) == 0
    model = load_checkpoint(visits / "checkpoints" / "best.pt")
    assert model.dataset["repeats"] == "count" and not model.earlier.first_rows
    capsys.readouterr()
    assert main_modes(["--mode", "evaluate", *flags(visits, "visits")]) == 0
    assert "60 users with a test interaction\n" in capsys.readouterr().out
    assert "60 users with a test interaction;" in (visits / "output" / "report.html").read_text("utf-8")


def test_first_rows_are_read_without_the_cache_of_today(visits):
    write_schema(visits)
    folder = visits / "visits"
    today = load_movielens(folder)
    former = load_movielens(folder, earlier=EarlierReading(first_rows=True))
    write_schema(visits, repeats="first")
    first = load_movielens(folder)
    for name in ("users", "movies", "timestamps"):
        assert np.array_equal(getattr(former.interactions, name), getattr(first.interactions, name))
    assert former.fingerprint == today.fingerprint != first.fingerprint
    assert not np.array_equal(former.interactions.timestamps, today.interactions.timestamps)
