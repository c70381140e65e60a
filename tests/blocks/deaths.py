"""The whole road with a death in each stage: what writes a block of it is killed in the middle of the write.

``python -m tests.blocks.deaths DATA WORK MODEL MARKS`` makes every block in the process that drives, and
starts it again after each death: the driver dies once in each stage.
"""

import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

import blocks.network  # noqa: F401  so that a fork server imports it once
from blocks.block_file import Array, Parts
from blocks.stage import Stage
from blocks.work_dir import WorkDir
from tests.blocks.here import Here
from tests.blocks.road import embed_and_answer, prepare


@dataclass(frozen=True)
class Dying:
    """Computes blocks, and once kills something in the middle of writing one.

    Attributes:
        stage: whose blocks it computes.
        marks: folder of a file per death, and of the record of calls.
        victim: the process to kill, from inside the one that writes.
        at_last: whether it happens at the last block instead of the first.
    """

    stage: Stage
    marks: Path
    victim: Callable[[], int] = os.getpid
    at_last: bool = False

    def __call__(self, work_dir: WorkDir, block: int, **settings: Any) -> Mapping[str, Array | Parts]:
        with (self.marks / "calls").open("a") as calls:
            calls.write(f"{self.stage.name} {block}\n")
        arrays = dict(self.stage.compute(work_dir, block, **settings))
        mark = self.marks / f"died-{self.stage.name}"
        if block == self._dies_at(work_dir) and not mark.exists():
            mark.touch()
            name, array = next(iter(arrays.items()))
            arrays[name] = Parts(array.dtype, array.shape, self._half(array))
        return arrays

    def _dies_at(self, work_dir: WorkDir) -> int:
        count = self.stage.num_blocks
        return (count if isinstance(count, int) else count(work_dir)) - 1 if self.at_last else 0

    def _half(self, array: Array | Parts) -> Iterator[Array]:
        """The first half of an array, and then the death."""
        whole = np.concatenate(list(array.parts)) if isinstance(array, Parts) else array
        yield whole[: len(whole) // 2]
        os.kill(self.victim(), signal.SIGKILL)
        time.sleep(60)  # the victim is another process, which takes this one with it


def dying(marks: Path, **how: Any) -> Callable[[list[Stage]], list[Stage]]:
    """What makes stages die, for ``tests.blocks.road``; ``how`` is of ``Dying``."""
    return lambda stages: [replace(stage, compute=Dying(stage, marks, **how)) for stage in stages]


def deaths(marks: Path) -> set[str]:
    """The stages in which a process died."""
    return {path.name.removeprefix("died-") for path in marks.glob("died-*")}


def begun(marks: Path) -> dict[str, list[int]]:
    """How often each block of each stage was begun, from the first block on."""
    calls = Counter(tuple(line.split()) for line in (marks / "calls").read_text().splitlines())
    stages: dict[str, list[int]] = {}
    for (stage, _), count in sorted(calls.items(), key=lambda item: int(item[0][1])):
        stages.setdefault(stage, []).append(count)
    return stages


def main(data: str, work: str, model: str, marks: str) -> int:
    """Drive until nothing dies any more."""
    while True:
        pid = os.fork()
        if pid == 0:
            prepare(Path(data), Path(work), Here(), dying(Path(marks)))
            embed_and_answer(Path(work), Here(), Path(model), dying(Path(marks)))
            os._exit(0)
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        if code != -signal.SIGKILL:
            return code


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
