"""A run in a process of its own that a test holds in the middle of a write, kills, and looks at."""

import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import numpy as np
import psutil

from blocks.work_dir import MANIFEST, WorkDir
from tests.blocks.held import expected_total

ROOT = Path(__file__).resolve().parent.parent.parent
PATIENCE = 60.0  # seconds


def wait_until(condition, what):
    """Wait for something that another process does."""
    end = time.monotonic() + PATIENCE
    while not (value := condition()):
        assert time.monotonic() < end, f"waited {PATIENCE:.0f} seconds for {what}"
        time.sleep(0.02)
    return value


class Drive:
    """A work in a folder, and runs of it.

    Args:
        folder: of the work.
        engine: words for ``drive``: name, workers, and perhaps an address.
    """

    def __init__(self, folder, *engine):
        self.folder = folder
        self.engine = engine
        self.process = None
        folder.mkdir(exist_ok=True)

    def start(self):
        """Start a run in a process group of its own, as a terminal does."""
        command = [sys.executable, "-m", "tests.blocks.drive", str(self.folder), *map(str, self.engine)]
        self.process = subprocess.Popen(
            command,
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
            # A shell's background job, as a CI can be, ignores Ctrl-C and hands that on.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )

    def end(self):
        """Wait for the end: exit code, and what the user saw."""
        seen, _ = self.process.communicate(timeout=PATIENCE)
        print(seen)
        return self.process.returncode, seen

    def run(self):
        """A whole run."""
        self.start()
        return self.end()

    def hold(self, stage, block=1):
        """Hold a block in the middle of its write."""
        (self.folder / f"hold-{stage}-{block}").touch()

    def let_go_of(self, stage, block):
        """Hold a block no more."""
        (self.folder / f"hold-{stage}-{block}").unlink()

    def let_go(self):
        """Hold nothing any more."""
        for path in self.folder.glob("hold-*"):
            path.unlink()

    def started(self, *engine_blocks):
        """Wait until blocks are written as far as they are held: the processes that write them."""
        return [wait_until(lambda path=path: self._writer(*path), f"{path}") for path in engine_blocks]

    def _writer(self, stage, block):
        for path in (self.folder / stage).glob(f".{block:06d}.block.*.tmp"):
            try:
                if path.stat().st_size:
                    return int(path.name.split(".")[3].split("-")[0])
            except FileNotFoundError:
                pass
        return None

    def whole(self, *stages):
        """Inode and time of each block that is there."""
        paths = [path for stage in stages for path in (self.folder / stage).glob("*.block")]
        return {path: (path.stat().st_ino, path.stat().st_mtime_ns) for path in paths}

    def wait_for_others(self, stage, held, num_blocks=4):
        """Wait until all blocks of a stage but the held ones are whole."""
        wait_until(lambda: len(self.whole(stage)) >= num_blocks - held, f"the other blocks of {stage}")

    def calls(self):
        """How often each block was begun, and by which processes."""
        rows = [line.split() for line in (self.folder / "calls").read_text().splitlines()]
        return Counter((stage, int(block)) for stage, block, _ in rows), {int(row[2]) for row in rows}

    def repeated(self):
        """The blocks that were begun more than once, and how often more."""
        return {block: count - 1 for block, count in self.calls()[0].items() if count > 1}

    def left(self):
        """Names of half files."""
        return [path.name for path in self.folder.glob("*/.*.tmp")]

    def digests(self):
        """The manifests of all stages."""
        return [(self.folder / stage / MANIFEST).read_text() for stage in ("numbers", "squares", "total")]

    def assert_right(self):
        """The result is what it must be, and nothing else is left."""
        assert np.array_equal(WorkDir(self.folder).block("total")["values"], expected_total())
        assert self.left() == []

    def assert_no_process_left(self):
        """None of the processes that made blocks is alive."""
        pids = self.calls()[1]
        wait_until(lambda: not [pid for pid in pids if is_alive(pid)], "the end of the processes")


def besides_progress(seen):
    """The lines that are no progress."""
    return [line for line in seen.splitlines() if not re.search(r": \d+ of \d+ blocks", line)]


def is_alive(pid):
    """Whether a process runs; one that ended and was not waited for does not."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def interrupt(drive):
    """Ctrl-C in a terminal: SIGINT to the whole process group."""
    os.killpg(drive.process.pid, signal.SIGINT)
