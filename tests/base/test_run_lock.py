"""One run at a time in a folder, and nothing left behind by those that were killed."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from base.errors import UserError
from base.run_lock import locked
from commands.entry import main_train
from tests.commands.test_commands import FAST, flags, refused
from tests.planted import planted_movielens

ROOT = Path(__file__).resolve().parents[2]
HOLD = "import sys, time; from pathlib import Path; from base.run_lock import locked\n"
HOLD += "with locked(Path(sys.argv[1]), '.lock', 'a training'): print('held', flush=True); time.sleep(60)"


@pytest.fixture
def holder(tmp_path):
    """Another process that holds the lock of ``tmp_path``."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, tmp_path], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.wait()


def test_the_second_is_refused_and_told_who_holds_it(holder, tmp_path):
    with pytest.raises(
        UserError, match=rf"is in use \(a training, process {holder.pid} on .* since 2"
    ) as caught:
        with locked(tmp_path, ".lock", "another"):
            pass
    assert "wait for it to end, or give another --checkpoint_dir" in str(caught.value)
    with locked(tmp_path, ".other", "another"):
        pass


@pytest.mark.parametrize("stop_with", [signal.SIGKILL, signal.SIGTERM])
def test_a_killed_run_leaves_no_lock(holder, tmp_path, stop_with):
    holder.send_signal(stop_with)
    holder.wait()
    with locked(tmp_path, ".lock", "the next"):
        assert "the next, process" in (tmp_path / ".lock").read_text()
    assert not list(tmp_path.iterdir())


def test_a_system_without_locks_goes_unguarded(tmp_path, monkeypatch):
    """Windows, whose Python lacks ``pwrite`` too."""
    monkeypatch.setattr("base.run_lock.fcntl", None)
    monkeypatch.delattr("os.pwrite")
    with locked(tmp_path / "new", ".lock", "a training"):
        assert not list((tmp_path / "new").iterdir())


def test_it_is_let_go_when_the_work_fails(tmp_path):
    with pytest.raises(ZeroDivisionError), locked(tmp_path / "new" / "folder", ".lock", "a failure"):
        raise ZeroDivisionError
    with locked(tmp_path / "new" / "folder", ".lock", "the next"):
        pass


def test_a_lock_file_removed_by_its_last_holder_is_made_anew(tmp_path):
    """A waiting process may have opened the old file just before it went."""
    path = tmp_path / ".lock"
    real_open, opened = os.open, []

    def open_then_lose(*args):
        opened.append(real_open(*args))
        if len(opened) == 1:
            path.unlink()
        return opened[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "open", open_then_lose)
        with locked(tmp_path, ".lock", "this"):
            assert len(opened) == 2 and path.exists()


def test_two_trainings_in_one_folder(tmp_path, capsys):
    planted_movielens(tmp_path / "planted")
    argv = [*flags(tmp_path), *FAST, "--epochs", "1", "--quiet"]
    with locked(tmp_path / "checkpoints", ".training.lock", "a training"):
        for more in ([], ["--resume"]):
            assert f"(a training, process {os.getpid()} on " in refused(capsys, main_train, argv + more)
        assert [path.name for path in (tmp_path / "checkpoints").iterdir()] == [".training.lock"]
    (tmp_path / "checkpoints" / ".best.pt.12345.tmp").touch()  # of a run that was killed while it saved
    assert main_train(argv) == 0
    assert {path.name for path in (tmp_path / "checkpoints").iterdir()} == {"best.pt", "last.pt"}
