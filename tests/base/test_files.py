"""Files written whole, and one run at a time in a folder, with nothing in the way after a kill."""

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import filelock
import pytest

from base.errors import UserError
from base.files import locked, replacing, write_json, write_problem
from commands.entry import main_train
from tests.commands.test_commands import FAST, flags, refused
from tests.planted import planted_movielens

ROOT = Path(__file__).resolve().parents[2]
HOLD = "import sys, time; from pathlib import Path; from base.files import locked\n"
HOLD += "with locked(Path(sys.argv[1]), '.lock', 'a training'): print('held', flush=True); time.sleep(60)"


def hold(folder):
    """Another process that holds the lock of ``folder``."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, folder], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "held\n"
    return process


@pytest.fixture
def holder(tmp_path):
    process = hold(tmp_path)
    yield process
    process.kill()
    process.wait()


def names(folder):
    return {path.name for path in folder.iterdir()}


def test_the_second_is_refused_and_told_who_holds_it(holder, tmp_path):
    with pytest.raises(
        UserError, match=rf"is in use \(a training, process {holder.pid} on .* since 2"
    ) as caught:
        with locked(tmp_path, ".lock", "another"):
            pass
    assert "wait for it to end, or give another `checkpoint_dir`" in str(caught.value)
    with locked(tmp_path, ".other", "another"):
        pass


@pytest.mark.parametrize("stop_with", [signal.SIGKILL, signal.SIGTERM])
def test_a_killed_run_leaves_no_lock(holder, tmp_path, stop_with):
    holder.send_signal(stop_with)
    holder.wait()
    assert f"process {holder.pid} " in (tmp_path / ".lock.holder").read_text()  # stale, and not believed
    with locked(tmp_path, ".lock", "the next"):
        assert "the next, process" in (tmp_path / ".lock.holder").read_text()
    assert names(tmp_path) == {".lock"}


def test_whoever_is_refused_hears_of_the_holder_and_not_of_one_that_was_killed(holder, tmp_path):
    holder.kill()
    holder.wait()
    second = hold(tmp_path)
    try:
        with (
            pytest.raises(UserError, match=rf"process {second.pid} on"),
            locked(tmp_path, ".lock", "a third"),
        ):
            pass
    finally:
        second.kill()
        second.wait()


def test_a_file_about_a_holder_is_no_lock(tmp_path):
    (tmp_path / ".lock").touch()
    (tmp_path / ".lock.holder").write_text("a training, process 1 on elsewhere since 2020-01-01 00:00:00")
    with locked(tmp_path, ".lock", "this"):
        assert f"this, process {os.getpid()} " in (tmp_path / ".lock.holder").read_text()


def test_the_holder_is_removed_before_the_lock_is_released(tmp_path, monkeypatch):
    """After the release, the file may be the next holder's."""
    there = []
    release = filelock.FileLock.release

    def watched(lock, *args, **kwargs):
        there.append((tmp_path / ".lock.holder").exists())
        release(lock, *args, **kwargs)

    monkeypatch.setattr(filelock.FileLock, "release", watched)
    with locked(tmp_path, ".lock", "this"):
        assert (tmp_path / ".lock.holder").exists()
    assert there[0] is False


def test_a_file_system_without_locks_goes_unguarded(tmp_path, monkeypatch):
    def acquire(lock, *args, **kwargs):
        raise OSError(errno.ENOLCK, "no locks available")

    monkeypatch.setattr(filelock.FileLock, "acquire", acquire)
    with locked(tmp_path / "new", ".lock", "a training"), locked(tmp_path / "new", ".lock", "another"):
        pass
    assert not names(tmp_path / "new")


def test_the_reason_of_a_failed_write_is_the_systems_own_and_names_the_file(tmp_path):
    """PyTorch hides that a disk is full behind 'unexpected pos 970944 vs 970840'."""
    path = tmp_path / "best.pt"
    with pytest.raises(OSError) as caught, replacing(path):
        try:
            raise OSError(errno.ENOSPC, "No space left on device")
        except OSError:
            raise RuntimeError("unexpected pos 970944 vs 970840")  # noqa: B904 (as PyTorch does)
    assert (caught.value.errno, caught.value.filename) == (errno.ENOSPC, str(path))
    assert write_problem(caught.value) == "the disk is full"
    with pytest.raises(RuntimeError, match="a bug"), replacing(path):
        raise RuntimeError("a bug")
    assert not names(tmp_path)
    with pytest.raises(FileNotFoundError) as caught, replacing(tmp_path / "nowhere" / "x"):
        pass
    assert write_problem(caught.value) == "No such file or directory"


def test_a_lock_file_that_cannot_be_written_is_an_error(tmp_path):
    (tmp_path / ".lock").mkdir()
    with pytest.raises(OSError), locked(tmp_path, ".lock", "a training"):
        pass


def test_a_holder_that_cannot_be_named_still_holds(tmp_path, monkeypatch):
    def full(path):
        raise OSError(errno.ENOSPC, "no space left")

    monkeypatch.setattr("base.files.replacing", full)
    with locked(tmp_path, ".lock", "a training"):
        with pytest.raises(UserError, match=r"is in use \(another process\)"), locked(tmp_path, ".lock", "b"):
            pass


def test_it_is_let_go_when_the_work_fails(tmp_path):
    with pytest.raises(ZeroDivisionError), locked(tmp_path / "new" / "folder", ".lock", "a failure"):
        raise ZeroDivisionError
    with locked(tmp_path / "new" / "folder", ".lock", "the next"):
        pass


def test_a_lock_file_removed_by_its_last_holder_is_made_anew(tmp_path, monkeypatch):
    """A waiting process may have opened the old file just before it went."""
    path = tmp_path / ".lock"
    path.touch()
    real_open, opened = os.open, []

    def open_then_lose(*args, **kwargs):
        descriptor = real_open(*args, **kwargs)
        if not opened and args[0] == str(path):
            path.unlink()
        opened.append(args[0])
        return descriptor

    monkeypatch.setattr(os, "open", open_then_lose)
    with locked(tmp_path, ".lock", "this"):
        assert opened.count(str(path)) == 2 and path.exists()
        with pytest.raises(UserError, match="this, process"), locked(tmp_path, ".lock", "another"):
            pass


def test_two_trainings_in_one_folder(tmp_path, capsys):
    planted_movielens(tmp_path / "planted")
    argv = [*flags(tmp_path), *FAST, "--epochs", "1", "--quiet"]
    folder = tmp_path / "checkpoints"
    with locked(folder, ".training.lock", "a training"):
        for more in ([], ["--resume"]):
            assert f"(a training, process {os.getpid()} on " in refused(capsys, main_train, argv + more)
        assert names(folder) == {".training.lock", ".training.lock.holder"}
    (folder / ".best.pt.12345.tmp").touch()  # of a run that was killed while it saved
    assert main_train(argv) == 0
    assert names(folder) == {".training.lock", "best.pt", "last.pt"}


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path):
    path = tmp_path / "report.json"
    write_json({"a": 1}, path)
    assert path.read_bytes() == b'{\n  "a": 1\n}\n'
    with pytest.raises(ZeroDivisionError), replacing(path) as file:
        file.write(b"half of")
        raise ZeroDivisionError
    assert path.read_bytes() == b'{\n  "a": 1\n}\n' and names(tmp_path) == {"report.json"}
    write_json({}, tmp_path / "new" / "report.json")
    assert names(tmp_path / "new") == {"report.json"}
