"""The folder of a work: a folder per stage, in it a file per block and, once all are there, a manifest."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from base.arrays import IntArray
from blocks.block_file import Array, read_block

MANIFEST = "manifest.json"


def block_ranges(num_rows: int, rows_per_block: int) -> list[range]:
    """The rows of each block; one empty block if there are no rows."""
    return [
        range(first, min(first + rows_per_block, num_rows))
        for first in range(0, max(num_rows, 1), rows_per_block)
    ]


@dataclass(frozen=True)
class WorkDir:
    """Reads the blocks of a work. ``block`` maps each one once per ``WorkDir``, ``each`` anew.

    Attributes:
        folder: where the stages have their folders; the same path for every process that works there.
    """

    folder: Path

    @cached_property
    def _mapped(self) -> dict[tuple[str, int], dict[str, Array]]:
        return {}

    def path(self, stage: str, block: int) -> Path:
        """The file of a block."""
        return self.folder / stage / f"{block:06d}.block"

    def block(self, stage: str, block: int = 0) -> dict[str, Array]:
        """The mapped arrays of a block.

        Raises:
            FileNotFoundError: it is not there.
            BadBlockError: it is torn.
        """
        if (stage, block) not in self._mapped:
            self._mapped[stage, block] = read_block(self.path(stage, block))
        return self._mapped[stage, block]

    def manifest(self, stage: str) -> dict[str, Any]:
        """The ``key`` of a stage that is whole, and the ``digests`` of its blocks.

        Raises:
            FileNotFoundError: it was never whole.
        """
        return json.loads((self.folder / stage / MANIFEST).read_bytes())

    def num_blocks(self, stage: str) -> int:
        """How many blocks a stage has, or had before its files were removed.

        Raises:
            FileNotFoundError: it was never whole.
        """
        return len(self.manifest(stage)["digests"])

    def each(self, stage: str) -> Iterator[dict[str, Array]]:
        """The mapped arrays of each block of a whole stage, in order.

        Each is mapped anew, so one that the caller lets go of is in memory no more.
        """
        for block in range(self.num_blocks(stage)):
            yield read_block(self.path(stage, block))

    def rows(self, stage: str, name: str, rows: IntArray) -> Array:
        """Some rows of an array whose rows are divided over the blocks of a stage.

        Args:
            stage: all blocks but the last one have equally many rows.
            name: of the array.
            rows: int ``[n]``, ascending.
        """
        first = self.block(stage)[name]
        found = np.empty((len(rows), *first.shape[1:]), first.dtype)
        blocks = rows // max(len(first), 1)
        ends = np.flatnonzero(np.diff(blocks, append=-1)) + 1
        start = 0
        for end in ends.tolist():
            block = int(blocks[start])
            found[start:end] = self.block(stage, block)[name][rows[start:end] - block * len(first)]
            start = end
        return found
