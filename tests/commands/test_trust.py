"""What nobody should have to think about: full disks, stopped runs, one seed. All from the command line."""

import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from commands.entry import main_inference, main_modes, main_train
from tests.commands.test_commands import FAST, flags
from tests.planted import planted_movielens

ROOT = Path(__file__).resolve().parents[2]
LIVELY = [*FAST, "--max_hard_negatives", "6", "--patience", "2", "--lr", "0.05", "--quiet"]
# With this schedule a training that is resumed with more epochs equals one that had them from the start.
LIVELY += ["--lr_schedule", "exponential"]


@pytest.fixture
def planted(tmp_path):
    planted_movielens(tmp_path / "planted")
    return tmp_path


def stored(folder, name="last.pt"):
    return torch.load(folder / "checkpoints" / name, weights_only=True)


def same(one, other):
    """Equal to the last bit, tensors, numbers and texts alike; but for how long things took."""
    if isinstance(one, torch.Tensor):
        return torch.equal(one, other)
    if isinstance(one, dict):
        keys = [key for key in one if "second" not in str(key)]
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in keys)
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    return one == other or one != one and other != other


def test_resumed_twice_equals_uninterrupted_up_to_early_stopping(planted, monkeypatch):
    """Curriculum, schedule, random states, best epoch and patience: all go on where they were."""
    monkeypatch.setattr("model.fit.STANDARD_ERRORS", 0)  # with 60 questions nothing is beyond the error
    whole = planted / "whole"
    whole.mkdir()
    argv = ["--data_dir", str(planted / "planted"), "--output_dir", str(planted / "output")]
    assert main_train([*argv, "--checkpoint_dir", str(whole / "checkpoints"), *LIVELY, "--epochs", "12"]) == 0
    epochs = stored(whole)["trainer"]["epoch"]
    assert 3 <= epochs < 12  # it stopped early, with hard negatives in the mixture
    pieces = planted / "pieces"
    argv += ["--checkpoint_dir", str(pieces / "checkpoints")]
    assert main_train([*argv, *LIVELY, "--epochs", "1"]) == 0
    for number in (2, 12):
        resumed = [*argv, "--resume", "--quiet", "--num_threads", "1", "--epochs", str(number)]
        assert main_train(resumed) == 0
    for name in ("best.pt", "last.pt"):
        ours, theirs = stored(pieces, name), stored(whole, name)
        for content in (ours, theirs):
            del content["settings"]["epochs"]
        assert ours.keys() == theirs.keys()
        for part in ours:
            assert same(ours[part], theirs[part]), part


def test_the_seed_fixes_everything(planted, capsys):
    def run(name, seed):
        folder = planted / name
        argv = flags(planted)[:2] + flags(folder)[2:]
        assert main_train([*argv, *LIVELY, "--epochs", "2", "--seed", seed]) == 0
        capsys.readouterr()
        for method in ("exact", "lsh", "ivf"):
            assert main_inference([*argv, "--search_method", method, "--quiet"]) == 0
        assert main_modes(["--mode", "export", *argv]) == 0
        printed = capsys.readouterr().out.replace(str(folder), "")
        exported = (folder / "output" / "embeddings" / "embeddings.npy").read_bytes()
        return stored(folder), printed, exported

    first, again, other = run("a", "3"), run("b", "3"), run("c", "4")
    assert same(first[0], again[0]) and first[1:] == again[1:]
    assert not same(first[0]["embeddings"], other[0]["embeddings"]) and first[2] != other[2]


def test_a_disk_that_fills_up_while_training_costs_nothing(planted):
    """The command line under a limit on file size that a checkpoint exceeds."""
    argv = [*flags(planted), *LIVELY]
    assert main_train([*argv, "--epochs", "1"]) == 0
    before = {path.name: path.read_bytes() for path in (planted / "checkpoints").iterdir()}

    def full_disk():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        limit = len(before["last.pt"]) // 2
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    done = subprocess.run(
        [sys.executable, "train.py", *flags(planted), "--resume", "--epochs", "2", "--num_threads", "1"],
        cwd=ROOT, preexec_fn=full_disk, capture_output=True, text=True,
    )  # fmt: skip
    errors = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert done.returncode == 1 and len(errors) == 1 and "Traceback" not in done.stderr
    assert "could not write" in errors[0] and "the previous checkpoint is intact" in errors[0]
    assert "best.pt: the disk is full" in errors[0] and "unexpected pos" not in done.stderr
    assert {path.name: path.read_bytes() for path in (planted / "checkpoints").iterdir()} == before
    assert main_train([*flags(planted), "--resume", "--quiet", "--epochs", "2"]) == 0
