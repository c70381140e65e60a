"""Edge weights by command line: what a checkpoint was trained with stays."""

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
    assert main_train([*flags(folder), *FAST, "--epochs", "3"]) == 0
    whole = load_checkpoint(folder / "checkpoints" / "last.pt")
    assert main_train([*flags(folder), *FAST, "--epochs", "2"]) == 0
    for name in ("last.pt", "best.pt"):
        old = load_checkpoint(folder / "checkpoints" / name)
        del old.settings["weighted_walks"]
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
        "training interactions have weights from 3 to 13 (--weighted_walks data)" in capsys.readouterr().err
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
