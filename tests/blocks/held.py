"""Small stages that stop in the middle of a write for as long as a test wants, and leave a record of calls.

A block is held while the file ``hold-<stage>-<block>`` is in the folder of the work. Each call of a stage
adds a line to ``calls``: stage, block, process. Neither changes what is made.
"""

import os
import signal
import threading
import time

import numpy as np

from base.errors import UserError
from blocks.block_file import Parts
from blocks.local_engine import ONE_THREAD
from blocks.stage import Stage

ROWS = 1 << 17  # of a block: more than a buffer of the file
NUM_BLOCKS = 4
STAGES = ["numbers", "squares", "total"]
TROUBLE = (
    "mistake",
    "strange",
    "kills itself",
)  # what ``numbers`` does at block 2 while a file has this name


class Strange(Exception):
    """An error that does not pickle."""

    def __init__(self, what):
        super().__init__(what)
        self.lock = threading.Lock()


def numbers(work_dir, block):
    """The numbers of a block."""
    _note_call(work_dir, "numbers", block)
    if block == 2 and (work_dir.folder / "mistake").exists():
        raise UserError("numbers of block 2 are wrong; use other numbers")
    if block == 2 and (work_dir.folder / "strange").exists():
        raise Strange("something strange")
    if block == 2 and (work_dir.folder / "kills itself").exists():
        os.kill(os.getpid(), signal.SIGKILL)
    return {"values": _held(work_dir, "numbers", block, np.arange(block * ROWS, (block + 1) * ROWS))}


def squares(work_dir, block):
    """Their squares."""
    _note_call(work_dir, "squares", block)
    return {"values": _held(work_dir, "squares", block, work_dir.block("numbers", block)["values"] ** 2)}


def total(work_dir, block):
    """All squares in one array."""
    _note_call(work_dir, "total", block)
    parts = [arrays["values"] for arrays in work_dir.each("squares")]
    return {"values": _held(work_dir, "total", block, np.concatenate(parts))}


def products(work_dir, block):
    """A product of matrices, whose last bits depend on the number of threads."""
    left = np.random.default_rng(block).normal(size=(500, 500)).astype(np.float32)
    return {"values": left @ left}


def environment(work_dir, block):
    """How many variables say that this process has one thread, its number, and that of its parent."""
    time.sleep(0.5)  # so that each process makes one
    ones = [os.environ.get(name) for name in ONE_THREAD].count("1")
    return {"values": np.array([ones, os.getpid(), os.getppid()])}


def held_stages():
    """The stages."""
    return [
        Stage("numbers", numbers, NUM_BLOCKS),
        Stage("squares", squares, NUM_BLOCKS, needs=("numbers",)),
        Stage("total", total, 1, needs=("squares",)),
    ]


def expected_total():
    """What ``total`` must be."""
    return np.arange(NUM_BLOCKS * ROWS) ** 2


def _note_call(work_dir, stage, block):
    with (work_dir.folder / "calls").open("a") as file:
        file.write(f"{stage} {block} {os.getpid()}\n")


def _held(work_dir, stage, block, array):
    hold = work_dir.folder / f"hold-{stage}-{block}"

    def parts():
        yield array[: len(array) // 2]
        while hold.exists():
            time.sleep(0.02)
        yield array[len(array) // 2 :]

    return Parts(array.dtype, array.shape, parts())
