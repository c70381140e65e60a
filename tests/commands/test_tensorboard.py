"""``--tensorboard``: what TensorBoard reads is the training history, also of a training that was resumed."""

import csv
import sys

import pytest
import torch

from commands.entry import main_train
from model.checkpoint import load_checkpoint
from report.event_log import TAGS, EventLog
from tests.commands.test_commands import FAST, flags, refused
from tests.planted import planted_movielens

accumulator = pytest.importorskip(
    "tensorboard.backend.event_processing.event_accumulator", reason="needs requirements-tune.txt"
)


def events(folder):
    """Tag to step to value, as TensorBoard reads them."""
    found = accumulator.EventAccumulator(str(folder / "output" / "tensorboard"))
    found.Reload()
    return {
        tag: [(event.step, event.value) for event in found.Scalars(tag)] for tag in found.Tags()["scalars"]
    }


def history(folder):
    with (folder / "output" / "training_history.csv").open() as file:
        rows = list(csv.DictReader(file))
    return {
        tag: [(int(row["epoch"]), pytest.approx(float(row[name]), rel=1e-6)) for row in rows]
        for name, tag in TAGS.items()
    }


@pytest.fixture
def folder(tmp_path):
    return planted_movielens(tmp_path / "planted").parent


def test_the_events_are_the_history_and_change_no_bit(folder):
    argv = [*FAST, "--epochs", "3"]
    assert main_train([*flags(folder), *argv, "--tensorboard"]) == 0
    assert events(folder) == history(folder) and len(history(folder)["validation/mrr"]) == 3
    plain = planted_movielens(folder / "plain" / "planted").parent
    assert main_train([*flags(plain), *argv]) == 0
    assert not (plain / "output" / "tensorboard").exists()
    with_events, without = (load_checkpoint(f / "checkpoints" / "last.pt") for f in (folder, plain))
    assert torch.equal(with_events.embeddings, without.embeddings)
    weights, others = with_events.trainer["model"], without.trainer["model"]
    assert all(torch.equal(weights[name], others[name]) for name in weights)


def test_a_resumed_training_goes_on_and_a_new_one_begins_again(folder, monkeypatch):
    argv = [*flags(folder), *FAST, "--epochs", "4", "--tensorboard"]

    # Killed after the event of the second epoch, before its checkpoint.
    add = EventLog.add

    def killed(log, row):
        add(log, row)
        if row["epoch"] == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(EventLog, "add", killed)
    assert main_train(argv) == 130
    assert [step for step, _ in events(folder)["training/loss"]] == [1, 2]
    monkeypatch.setattr(EventLog, "add", add)
    assert main_train([*argv, "--resume"]) == 0
    assert events(folder) == history(folder) and len(history(folder)["training/loss"]) == 4
    assert main_train([*flags(folder), *FAST, "--epochs", "2", "--tensorboard"]) == 0
    assert events(folder) == history(folder) and len(history(folder)["training/loss"]) == 2


def test_without_tensorboard_a_line_names_the_command(folder, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    message = refused(capsys, main_train, [*flags(folder), *FAST, "--tensorboard"])
    assert message == (
        "error: --tensorboard needs an extra; run `pip install -r requirements-tune.txt`, or leave it out"
    )
    assert not (folder / "checkpoints" / "last.pt").exists()
