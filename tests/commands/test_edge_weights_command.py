"""Edge weights by command line: what a checkpoint was trained with stays."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from commands import common
from commands.entry import main_modes, main_train
from data.dataset import Events, load_movielens
from model.checkpoint import load_checkpoint, save_checkpoint
from tests.books import library
from tests.commands.test_commands import FAST, flags, refused
from tests.planted import planted_movielens


@pytest.fixture
def repeated(tmp_path, monkeypatch):
    """A folder whose data get events of unequal amounts while the flag is on; without a training."""
    library(tmp_path / "planted")
    on = [True]

    def load(*arguments, **named):
        movielens = load_movielens(*arguments, **named)
        edges = np.repeat(np.arange(len(movielens.interactions), dtype=np.int32), 2)
        amounts = (1 + np.arange(len(edges)) % 7).astype(np.float32)
        own = np.arange(0, len(edges), 2, dtype=np.int32)
        return replace(movielens, events=Events(edges, amounts, own) if on[0] else None)

    monkeypatch.setattr(common, "load_movielens", load)
    return tmp_path, on


def same_model(one, other):
    return torch.equal(one.embeddings, other.embeddings) and torch.equal(one.weights, other.weights)


def test_a_checkpoint_of_before_goes_on_without_weights(repeated, capsys):
    folder, on = repeated
    on[0] = False
    schedule = ["--lr_schedule", "exponential"]  # that of before; it does not depend on the number of epochs
    assert main_train([*flags(folder), *FAST, *schedule, "--epochs", "3"]) == 0
    whole = load_checkpoint(folder / "checkpoints" / "last.pt")
    assert main_train([*flags(folder), *FAST, *schedule, "--epochs", "2"]) == 0
    for name in ("last.pt", "best.pt"):
        old = load_checkpoint(folder / "checkpoints" / name)
        del old.settings["weighted_walks"]
        for row in old.progress["history"]:
            row.pop("validation_mrr_error", None)
        save_checkpoint(old, folder / "checkpoints" / name)
    on[0] = True
    line = refused(capsys, main_train, [*flags(folder), "--resume", "--weighted_walks", "data"])
    assert "--weighted_walks data contradicts the checkpoint, trained with none" in line
    assert main_train([*flags(folder), "--resume", "--epochs", "3", "--num_threads", "1"]) == 0
    resumed = load_checkpoint(folder / "checkpoints" / "last.pt")
    assert same_model(resumed, whole) and resumed.settings["weighted_walks"] == "none"
    assert main_modes(["--mode", "evaluate", *flags(folder), "--weighted_walks", "none"]) == 0


def test_new_trainings_take_the_weights_of_the_data_unless_told(repeated, capsys):
    folder, on = repeated
    assert main_train([*flags(folder), *FAST, "--epochs", "1"]) == 0
    assert (
        "training interactions have weights from 1.39 to 2.64 (--weighted_walks data)"
        in capsys.readouterr().err
    )
    weighted = load_checkpoint(folder / "checkpoints" / "last.pt")
    assert weighted.settings["weighted_walks"] == "data"
    assert main_train([*flags(folder), *FAST, "--epochs", "1", "--weighted_walks", "none"]) == 0
    plain = load_checkpoint(folder / "checkpoints" / "last.pt")
    on[0] = False
    assert main_train([*flags(folder), *FAST, "--epochs", "1"]) == 0
    assert same_model(load_checkpoint(folder / "checkpoints" / "last.pt"), plain)
    assert not torch.equal(weighted.weights, plain.weights)
    # The split is the same: weights are in the settings, not in what identifies the data.
    assert weighted.dataset == plain.dataset


def test_weights_by_rating(tmp_path, capsys):
    planted_movielens(tmp_path / "planted")
    argv = [*flags(tmp_path), *FAST, "--epochs", "1", "--weighted_walks", "rating"]
    assert main_train(argv) == 0
    assert "(--weighted_walks rating)" in capsys.readouterr().err
    library(tmp_path / "books")
    unrated = [*flags(tmp_path, "books"), *FAST, "--weighted_walks", "rating"]
    assert "books has no ratings, which --weighted_walks rating takes" in refused(capsys, main_train, unrated)


SHOP = {
    "items": {"file": "goods.csv", "id": "id", "title": "name"},
    "interactions": {
        "file": "events.csv",
        "user": "who",
        "item": "what",
        "timestamp": "when",
        "weight": "seconds",
        "kind": {"column": "kind", "weights": {"view": 1, "cart": 3, "buy": 5}},
    },
}
Event = tuple[int, int, int, int, str]  # user, item, time, seconds, kind


def write_shop(folder, rows: list[Event]):
    folder.mkdir()
    (folder / "schema.json").write_text(json.dumps(SHOP))
    (folder / "goods.csv").write_text("id,name\n" + "".join(f"g{row},Thing {row}\n" for row in range(25)))
    lines = "".join(f"u{who},g{what},{when},{much},{kind}\n" for who, what, when, much, kind in rows)
    (folder / "events.csv").write_text("who,what,when,seconds,kind\n" + lines)


def test_later_rows_of_a_file_change_no_bit_of_training(tmp_path):
    rng = np.random.default_rng(0)
    rows: list[Event] = [
        (int(rng.integers(30)), int(rng.integers(25)), time, int(rng.integers(1, 90)), "view")
        for time in range(700)
    ]
    altered, earlier = [], []
    for who in range(30):
        own = [row for row in rows if row[0] == who]
        firsts = [row for place, row in enumerate(own) if row[1] not in {r[1] for r in own[:place]}]
        held_out = firsts[-2][2]  # validation; the last one is test
        bought = [(*row[:3], row[3] + 500, "buy") for row in own]
        altered += [old if old[2] < held_out else new for old, new in zip(own, bought, strict=True)]
        altered += [(who, what, 1000 + what, 60, "cart") for _, what, *_ in firsts[:-2]]
        earlier += [
            new if old[2] < held_out and old[1] % 2 else old for old, new in zip(own, bought, strict=True)
        ]
    models = []
    for name, content in (("one", rows), ("later", altered), ("earlier", earlier)):
        write_shop(tmp_path / name, sorted(content, key=lambda row: row[2]))  # users keep their rows
        argv = [*flags(tmp_path, name), *FAST, "--epochs", "1", "--quiet"]
        assert main_train(argv) == 0
        models.append(load_checkpoint(tmp_path / "checkpoints" / "last.pt"))
    one, later, changed = models
    assert same_model(one, later) and torch.equal(one.features, later.features)
    assert one.dataset["data"] != later.dataset["data"]
    assert not torch.equal(one.weights, changed.weights)
