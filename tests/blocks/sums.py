"""Small stages whose results are known: numbers, their running sums, and all sums in one file."""

import time

import numpy as np

from blocks.block_file import Parts
from blocks.stage import Stage

ROWS = 1000


def numbers(work_dir, block, slow=0.0):
    """The numbers of a block."""
    time.sleep(slow)
    return {"numbers": np.arange(block * ROWS, (block + 1) * ROWS)}


def sums(work_dir, block, factor):
    """The running sums of a block."""
    return {"sums": factor * work_dir.block("numbers", block)["numbers"].cumsum()}


def joined(work_dir, block):
    """All sums in one array."""
    parts = [arrays["sums"] for arrays in work_dir.each("sums")]
    return {"all": Parts(np.int64, (sum(map(len, parts)),), parts)}


def stages(num_blocks=4, factor=2, slow=0.0, temporary=True):
    """The stages; ``numbers`` are removed when the sums are there."""
    return [
        Stage("numbers", numbers, num_blocks, settings={"slow": slow}, temporary=temporary),
        Stage("sums", sums, as_many, needs=("numbers",), settings={"factor": factor}),
        Stage("joined", joined, 1, needs=("sums",)),
    ]


def as_many(work_dir):
    """As many sums as numbers."""
    return work_dir.num_blocks("numbers")


def expected(num_blocks=4, factor=2):
    """What ``joined`` must be."""
    return np.concatenate([factor * numbers(None, block)["numbers"].cumsum() for block in range(num_blocks)])
