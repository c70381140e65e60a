"""500 random calls of the public classes in processes of their own: right, or refused; never a crash."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PROCESSES, CALLS = 4, 125  # 500 in all
FUZZ = int(os.environ.get("PINSAGE_FUZZ", "1"))  # more of other calls


@pytest.mark.parametrize("seed", range(PROCESSES * FUZZ))
def test_random_calls_are_right_or_refused(seed):
    command = [sys.executable, "-m", "tests.public_calls", str(seed), str(CALLS)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    last = done.stdout.strip().splitlines()[-1:]
    assert done.returncode == 0, f"exit {done.returncode} at {last}: {done.stderr[-1500:]}"
    assert last == [f"done: {{'equal to the naive loop': {CALLS - CALLS // 2}, 'refused': {CALLS // 2}}}"]
