"""Stages: what they make, from what, and which of their blocks are whole.

A block is a pure function of its number and of the files of earlier stages. So whatever process makes it,
however often, the file is the same. A block's key names the stage, its settings, the block and the keys of
the stages that it reads, back to a digest of the source. A file with the right key and digest is never made
again; any other file is.
"""

import hashlib
import json
import os
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

from base.compute import peak_memory_gb
from base.errors import WorldError
from base.files import DISK_FULL, write_problem
from blocks.block_file import Array, BadBlockError, Parts, read_block, write_block
from blocks.work_dir import WorkDir

VERSION = 3  # raise it whenever a stage gives other bits than before

Compute = Callable[..., Mapping[str, Array | Parts]]


@dataclass(frozen=True)
class Later:
    """A function whose module is imported when it is called: one that takes seconds to import.

    Attributes:
        module, name: of the function.
        arguments: that come before those of the call.
    """

    module: str
    name: str
    arguments: tuple[Any, ...] = ()

    def __call__(self, *arguments: Any, **settings: Any) -> Mapping[str, Array | Parts]:
        """Call the function."""
        function = getattr(import_module(self.module), self.name)
        return function(*self.arguments, *arguments, **settings)


@dataclass(frozen=True)
class Stage:
    """One step over all blocks.

    Attributes:
        name: also of its folder.
        compute: ``compute(work_dir, block, **settings)`` gives the arrays of a block. A function of a module,
            so that any process can import it, or ``Later``.
        num_blocks: how many there are, or a function of the ``WorkDir`` that tells once its needs are whole.
        needs: names of the stages whose blocks it reads.
        settings: plain values that the result depends on.
        temporary: whether its files are removed once all stages that need it are whole.
    """

    name: str
    compute: Compute
    num_blocks: int | Callable[[WorkDir], int]
    needs: tuple[str, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    temporary: bool = False


@dataclass(frozen=True)
class Task:
    """A block to make: plain values only, so that it can be sent to any process.

    Attributes:
        folder: of the work.
        stage: name of the stage.
        compute: of the stage.
        settings: of the stage.
        block: its number.
        key: that its file gets.
    """

    folder: Path
    stage: str
    compute: Compute
    settings: Mapping[str, Any]
    block: int
    key: str


@dataclass(frozen=True)
class Made:
    """What a finished block took: seconds by the clock and of the processor, bytes, and peak memory in GB."""

    seconds: float
    processor_seconds: float
    bytes: int
    memory_gb: float


def make_block(task: Task) -> Made:
    """Make a block and write its file.

    Raises:
        WorldError: the file could not be written.
    """
    started, processor_started = time.perf_counter(), time.process_time()
    work_dir = WorkDir(task.folder)
    path = work_dir.path(task.stage, task.block)
    arrays = task.compute(work_dir, task.block, **task.settings)
    try:
        write_block(path, task.key, arrays)
    except OSError as error:
        advice = "free some space" if error.errno in DISK_FULL else "solve this"
        raise WorldError(
            f"could not write {path}: {write_problem(error)}; {advice}, then run the same command again: "
            "what is whole is kept"
        ) from error
    return Made(
        time.perf_counter() - started,
        time.process_time() - processor_started,
        path.stat().st_size,
        peak_memory_gb(),
    )


def stage_keys(stages: Sequence[Stage], known: Mapping[str, str]) -> dict[str, str]:
    """The key of each stage, by name.

    Args:
        stages: each after those that it needs.
        known: keys of earlier stages.
    """
    keys = dict(known)
    for stage in stages:
        num_blocks = stage.num_blocks if isinstance(stage.num_blocks, int) else None  # else the needs tell
        made_from = [VERSION, stage.name, num_blocks, dict(stage.settings)]
        text = json.dumps([made_from, [keys[name] for name in stage.needs]], sort_keys=True)
        keys[stage.name] = hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
    return keys


def block_key(stage_key: str, block: int) -> str:
    """The key of a block."""
    return f"{stage_key}-{block}"


def count_blocks(work_dir: WorkDir, stage: Stage) -> int | None:
    """The number of blocks of a stage; None if what tells it is not there yet."""
    if isinstance(stage.num_blocks, int):
        return stage.num_blocks
    try:
        return stage.num_blocks(work_dir)
    except (FileNotFoundError, BadBlockError):
        return None


def missing_blocks(work_dir: WorkDir, stage: str, num_blocks: int, key: str) -> list[int]:
    """The blocks of a stage that must be made: they are absent, torn, damaged or of something else.

    Args:
        work_dir: has the blocks.
        stage: name of the stage.
        num_blocks: how many it has.
        key: of the stage.
    """

    def is_whole(block: int) -> bool:
        try:
            read_block(work_dir.path(stage, block), block_key(key, block), verify=True)
        except (FileNotFoundError, BadBlockError):
            return False
        return True

    with ThreadPoolExecutor(os.cpu_count()) as pool:  # a digest does not hold the interpreter's lock
        whole = list(pool.map(is_whole, range(num_blocks)))
    return [block for block, is_there in enumerate(whole) if not is_there]
