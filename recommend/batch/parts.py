"""Answers made part by part, each in a file, so that an interrupted run goes on where it was."""

import logging
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from base.files import locked
from base.progress import progress
from blocks.block_file import BadBlockError, read_block, write_block
from recommend.batch.answers import Answers

logger = logging.getLogger("pinsage")

LOCK = ".recommendations.lock"


@contextmanager
def in_parts(
    folder: Path, name: str, key: str, parts: Sequence[range], make: Callable[[range], Answers], quiet: bool
) -> Iterator[Iterator[Answers]]:
    """The answers of each part, in order. At the end their folder is removed; after an error it stays.

    Args:
        folder: of the files. No other process may work in its parent.
        name: of the questions, for the progress.
        key: of all that the answers follow from. A file with another key is made again.
        parts: the questions of each.
        make: gives the answers to questions.
        quiet: no progress bar.

    Raises:
        UserError: another process works there.
        OSError: a file could not be written. Those that are whole stay.
    """
    with locked(folder.parent, LOCK, "recommend_all", "output_dir"):
        folder.mkdir(exist_ok=True)
        paths = [folder / f"{part.start:09d}-{key}.block" for part in parts]
        missing = [place for place, path in enumerate(paths) if not _is_whole(path, key)]
        for path in set(folder.iterdir()) - set(paths):  # of a run with other settings, or half written
            path.unlink()
        if len(missing) < len(parts):
            logger.info("%d of %d parts are there from an earlier run", len(parts) - len(missing), len(parts))
        with progress(name, len(missing), quiet) as advance:
            for place in missing:
                write_block(paths[place], key, make(parts[place])._asdict())
                advance()
        yield (Answers(**read_block(path, key)) for path in paths)
        shutil.rmtree(folder)


def _is_whole(path: Path, key: str) -> bool:
    try:
        read_block(path, key, verify=True)
    except (FileNotFoundError, BadBlockError):
        return False
    return True
