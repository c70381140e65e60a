"""The folder of the metrics: removed at the end, or by the next server if this one was killed."""

import os
import subprocess
import sys
import tempfile

import pytest

from serve import metrics_folder as module
from serve.metrics import FOLDER
from serve.metrics_folder import LOCK, PREFIX, metrics_folder

HOLD = """
from serve.metrics_folder import metrics_folder
with metrics_folder() as folder:
    print(folder, flush=True)
    input()
"""


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setattr(module, "NEW_SECONDS", 0.0)
    return tmp_path


def holder():
    """A process that holds a folder, and the folder's name."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    return process, os.path.basename(process.stdout.readline().strip())


def test_the_folder_is_there_meanwhile(temporary):
    with metrics_folder() as folder:
        assert os.environ[FOLDER] == str(folder) and folder.name.startswith(PREFIX)
    assert FOLDER not in os.environ
    assert os.listdir(temporary) == []


def test_folders_of_killed_servers_are_removed_and_others_stay(temporary):
    (killed, left), (alive, kept) = holder(), holder()
    killed.kill()
    killed.wait()
    assert {left, kept} == set(os.listdir(temporary))
    with metrics_folder() as folder:
        assert set(os.listdir(temporary)) == {kept, folder.name}
    alive.communicate("\n")
    assert os.listdir(temporary) == []


def test_folders_that_are_new_or_have_no_lock_stay(temporary, monkeypatch):
    (temporary / f"{PREFIX}other").mkdir()
    with metrics_folder():
        assert f"{PREFIX}other" in os.listdir(temporary)
    monkeypatch.setattr(module, "NEW_SECONDS", 60.0)
    (temporary / f"{PREFIX}other" / LOCK).touch()
    with metrics_folder():
        assert f"{PREFIX}other" in os.listdir(temporary)
