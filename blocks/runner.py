"""Runs stages one after the other, each over its missing blocks; goes on where an earlier run ended."""

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from base.errors import UserError
from base.files import locked, write_json
from base.progress import progress
from blocks.block_file import block_digest
from blocks.stage import Made, Stage, Task, block_key, count_blocks, missing_blocks, stage_keys
from blocks.work_dir import MANIFEST, WorkDir

logger = logging.getLogger("pinsage")

LOCK = ".work.lock"


class Engine(Protocol):
    """Makes blocks, in this process or in others."""

    def run(self, tasks: Sequence[Task], done: Callable[[Task, Made], None]) -> None:
        """Make all blocks, in any order; ``done`` is called after each.

        Raises:
            UserError, WorldError: of a block, or because processes die again and again.
        """

    def close(self) -> None:
        """End the processes."""


class Runner:
    """Brings a folder of work up to date.

    Args:
        folder: of the work; ``opened`` holds its lock.
        engine: makes the blocks.
        quiet: no progress bar. Where stderr is not a terminal, lines of the log take its place.

    Attributes:
        work_dir: reads what is there.
        made: what every block of this run took, by stage.
    """

    def __init__(self, folder: Path, engine: Engine, quiet: bool = True) -> None:
        self.work_dir = WorkDir(folder)
        self.engine = engine
        self.quiet = quiet
        self.keys: dict[str, str] = {}
        self.made: dict[str, list[Made]] = {}

    def run(self, stages: Sequence[Stage]) -> None:
        """Make the missing blocks of these stages, each after the ones that it needs.

        Raises:
            UserError, WorldError: a block cannot be made. What is whole stays.
        """
        self.keys = stage_keys(stages, self.keys)
        missing = {stage.name: self._missing(stage) for stage in stages}
        wanted = _wanted(stages, missing)
        remade: set[str] = set()
        for place, stage in enumerate(stages):
            blocks = missing[stage.name]
            if stage.name in wanted:
                if blocks is None or not remade.isdisjoint(stage.needs):
                    blocks = self._missing(stage)
                assert blocks is not None  # all that it needs is whole
                if blocks:
                    self._make(stage, blocks)
                    remade.add(stage.name)
            later = {name for other in stages[place + 1 :] if other.name in wanted for name in other.needs}
            for before in stages[: place + 1]:
                if before.temporary and before.name not in later:
                    self._remove_files(before)

    def adopt(self, names: Sequence[str], mode: str, verify: bool = True) -> None:
        """Take whole stages of an earlier command as they are, so that others can be made from them.

        Args:
            names: of the stages.
            mode: the command that makes them.
            verify: read all their blocks and compare the digests; else only the keys are taken.

        Raises:
            UserError: a stage was never whole, or a block of it is missing, damaged or of another run.
        """
        for name in names:
            try:
                manifest = self.work_dir.manifest(name)
                key, digests = manifest["key"], manifest["digests"]
            except (OSError, ValueError, KeyError, TypeError):
                raise UserError(f"{self.work_dir.folder} has no {name}; run --mode {mode} first") from None
            self.keys[name] = key
            bad = self._bad_blocks(name, key, digests) if verify else []
            if bad:
                path = self.work_dir.path(name, min(bad))
                raise UserError(f"{path} is missing or damaged; run --mode {mode} again")

    def _bad_blocks(self, name: str, key: str, digests: list[str]) -> list[int]:
        """The blocks that are not those of the manifest."""
        bad = missing_blocks(self.work_dir, name, len(digests), key)
        sound = set(range(len(digests))) - set(bad)
        return bad + [b for b in sound if block_digest(self.work_dir.path(name, b)) != digests[b]]

    def _missing(self, stage: Stage) -> list[int] | None:
        """The blocks to make; None as long as nobody knows how many there are."""
        num_blocks = count_blocks(self.work_dir, stage)
        if num_blocks is None:
            return None
        return missing_blocks(self.work_dir, stage.name, num_blocks, self.keys[stage.name])

    def _make(self, stage: Stage, blocks: list[int]) -> None:
        folder, key = self.work_dir.folder / stage.name, self.keys[stage.name]
        num_blocks = count_blocks(self.work_dir, stage)
        assert num_blocks is not None
        paths = [self.work_dir.path(stage.name, block) for block in range(num_blocks)]
        folder.mkdir(parents=True, exist_ok=True)
        _remove_strangers(folder, paths)
        tasks = [
            Task(
                self.work_dir.folder, stage.name, stage.compute, stage.settings, block, block_key(key, block)
            )
            for block in blocks
        ]
        started = time.perf_counter()
        made = self.made.setdefault(stage.name, [])
        with progress(stage.name, len(tasks), self.quiet) as advance:

            def done(task: Task, what: Made) -> None:
                made.append(what)
                advance()

            try:
                self.engine.run(tasks, done)
            finally:
                _remove_strangers(folder, paths)  # of processes that died; they may fill the disk
        self.work_dir = WorkDir(self.work_dir.folder)  # files may have been replaced since they were mapped
        write_json({"key": key, "digests": [block_digest(path) for path in paths]}, folder / MANIFEST)
        logger.info(
            "%s: %d of %d blocks made in %.1f s (%.1f s of processor time), %.2f GB",
            stage.name,
            len(blocks),
            num_blocks,
            time.perf_counter() - started,
            sum(what.processor_seconds for what in made),
            sum(what.bytes for what in made) / 1e9,
        )

    def _remove_files(self, stage: Stage) -> None:
        for path in (self.work_dir.folder / stage.name).glob("*.block"):
            path.unlink(missing_ok=True)


def _remove_strangers(folder: Path, own: Sequence[Path]) -> None:
    """Remove what a killed process left, and blocks of a run that had more of them."""
    for path in (*folder.glob(".*.tmp"), *folder.glob("*.block")):
        if path not in own:
            path.unlink(missing_ok=True)


def _wanted(stages: Sequence[Stage], missing: dict[str, list[int] | None]) -> set[str]:
    """The stages that must be whole: all that stay, and those that a stage with missing blocks reads."""
    wanted: set[str] = set()
    read: set[str] = set()
    for stage in reversed(stages):
        if missing[stage.name] != [] and (not stage.temporary or stage.name in read):
            wanted.add(stage.name)
            read |= set(stage.needs)
    return wanted


@contextmanager
def opened(folder: Path, engine: Engine, quiet: bool = True) -> Iterator[Runner]:
    """A runner that holds the lock of its folder, and ends the engine's processes at the end.

    Raises:
        UserError: another process works in the folder.
    """
    with locked(folder, LOCK, "a preparation", "work_dir"):
        try:
            yield Runner(folder, engine, quiet)
        finally:
            engine.close()
