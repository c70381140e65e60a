"""A file system of a given size, for tests of a full disk."""

import os
import subprocess
import sys
from contextlib import contextmanager

import pytest

from tests.blocks.held import STAGES


@contextmanager
def small_disk(folder, size):
    """Mount one on a new folder; skips where that is not allowed."""
    if not sys.platform.startswith("linux") or os.geteuid() != 0:
        pytest.skip("a small disk is mounted as root, on Linux")
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder], capture_output=True, text=True
    )
    if mounted.returncode:
        pytest.skip(f"no small disk can be mounted: {mounted.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


def fill(drive):
    """A run that does not fit; the user is told in one line."""
    code, seen = drive.run()
    assert code == 1
    assert "the disk is full; free some space, then run the same command again" in seen.splitlines()[-1]


def go_on_with_more_space(drive, disk):
    """A second run on the larger disk, which keeps what was whole."""
    before = drive.whole(*STAGES)
    assert before
    subprocess.run(["mount", "-o", "remount,size=50m", disk], check=True)
    assert drive.run()[0] == 0
    assert before.items() <= drive.whole(*STAGES).items()
    drive.assert_right()
