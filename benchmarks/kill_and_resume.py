"""Kill a training at random moments, resume it, and compare the result with an uninterrupted training.

    python -m benchmarks.kill_and_resume --data_dir data/ml-100k
    python -m benchmarks.kill_and_resume --data_dir data/synthetic-25m --kills 3 -- --pairs_per_epoch 200000

Flags after ``--`` go to train.py. The training is killed by SIGKILL, which no program can catch. A training
that is killed before its first checkpoint is started again, as a user would do. The last line is ``ratio:
NUMBER (of what to what)``.
"""

import argparse
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # for `python benchmarks/kill_and_resume.py`

from model.checkpoint import BEST, LAST, load_checkpoint  # noqa: E402


def start(folder: Path, flags: list[str]) -> subprocess.Popen[bytes]:
    """Begin a training in ``folder``, or continue the one whose checkpoint is there."""
    resume = ["--resume"] if (folder / LAST).exists() else []
    where = [f"--checkpoint_dir={folder}", f"--output_dir={folder}", "--quiet"]
    return subprocess.Popen([sys.executable, "train.py", *where, *flags, *resume], cwd=ROOT)


def finish(folder: Path, flags: list[str]) -> float:
    """Train to the end; returns the seconds.

    Raises:
        RuntimeError: the training failed.
    """
    started = time.perf_counter()
    if start(folder, flags).wait():
        raise RuntimeError(f"the training in {folder} failed")
    return time.perf_counter() - started


def killed_at(folder: Path, flags: list[str], seconds: float) -> bool:
    """Begin a training and kill it after ``seconds``; False if it had ended by then."""
    training = start(folder, flags)
    try:
        training.wait(timeout=seconds)
        return False
    except subprocess.TimeoutExpired:
        training.send_signal(signal.SIGKILL)
        training.wait()
    done = load_checkpoint(folder / LAST).trainer["epoch"] if (folder / LAST).exists() else "no checkpoint"
    print(f"killed after {seconds:.0f} s; epochs done: {done}", flush=True)
    return True


def compare(alone: Path, killed: Path) -> None:
    """Compare every weight and embedding of two trainings.

    Raises:
        SystemExit: one differs.
    """
    for name in (BEST, LAST):
        one, other = (load_checkpoint(place / name) for place in (alone, killed))
        weights = zip(one.trainer["model"].values(), other.trainer["model"].values(), strict=True)
        same = torch.equal(one.embeddings, other.embeddings) and all(torch.equal(*w) for w in weights)
        print(f"  {name}: weights and embeddings {'equal to the bit' if same else 'DIFFER'}", flush=True)
        if not same:
            raise SystemExit(1)


def main(argv: list[str] | None = None) -> None:
    """Train twice and compare every weight and embedding."""
    parser = argparse.ArgumentParser(description="A killed and resumed training beside an uninterrupted one.")
    parser.add_argument("--data_dir", required=True, help="folder of a dataset")
    parser.add_argument("--kills", type=int, default=3, help="number of trainings to kill")
    parser.add_argument("--seed", type=int, default=0, help="decides the moments")
    parser.add_argument("flags", nargs="*", help="flags for train.py, after --")
    typed = parser.parse_args(argv)
    flags = [f"--data_dir={Path(typed.data_dir).resolve()}", *typed.flags]
    moments = random.Random(typed.seed)
    with tempfile.TemporaryDirectory() as folder:
        alone = Path(folder) / "alone"
        whole = finish(alone, flags)
        print(f"uninterrupted: {whole:.0f} s", flush=True)
        longest, kills = 0.0, 0
        while kills < typed.kills:
            killed = Path(folder) / f"killed-{kills}"
            started = time.perf_counter()
            if not killed_at(killed, flags, moments.uniform(0.1, 0.9) * whole):
                whole = time.perf_counter() - started  # the machine was faster this time: try again
                shutil.rmtree(killed)
                continue
            kills += 1
            finish(killed, flags)
            longest = max(longest, time.perf_counter() - started)
            compare(alone, killed)
    what = "longest time of a killed and resumed training to that of an uninterrupted one"
    print(f"ratio: {longest / whole:.2f} ({what})")


if __name__ == "__main__":
    main()
