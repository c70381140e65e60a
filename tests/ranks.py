"""Processes that train one model, each started with its own flags, as on machines of their own.

``torchrun`` gives all processes of a machine the same flags and one screen. Here each has its own.
"""

import os
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SMALL = (
    "--epochs 3 --batch_size 500 --num_negatives 20 --max_hard_negatives 2 --spectral_dim 8 --num_layers 2 "
    "--num_neighbors 5 --hidden_dim 16 --embedding_dim 8 --patience 9 --num_threads 1 --device cpu"
).split()


def start_ranks(
    flags: Sequence[Sequence[str]], script: Sequence[str] = ("train.py",)
) -> list[subprocess.Popen]:
    """Start one process per list of flags."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    shared = {"WORLD_SIZE": str(len(flags)), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    return [
        subprocess.Popen(
            [sys.executable, "train.py", *its_flags],
            cwd=ROOT,
            env=os.environ | shared | {"RANK": str(number), "LOCAL_RANK": "0", "OMP_NUM_THREADS": "1"},
            stderr=subprocess.PIPE,
            text=True,
        )
        for number, its_flags in enumerate(flags)
    ]


def end_of(processes: Sequence[subprocess.Popen], seconds: float = 200) -> list[tuple[int, list[str]]]:
    """Exit code and lines on stderr of each process; all are killed if one does not end in time."""
    try:
        said = [process.communicate(timeout=seconds)[1].splitlines() for process in processes]
    finally:
        for process in processes:
            process.kill()
    return [(process.returncode, lines) for process, lines in zip(processes, said, strict=True)]


def run_ranks(*flags: Sequence[str]) -> list[tuple[int, list[str]]]:
    """Start one ``train.py`` per list of flags and wait; see ``end_of``."""
    return end_of(start_ranks(flags))
