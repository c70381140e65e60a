"""How far a long work is: a bar on a terminal, else now and then a line in the log."""

import logging
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tqdm import tqdm

logger = logging.getLogger("pinsage")

LINE_EVERY = 30.0  # seconds between lines of progress where there is no bar


@contextmanager
def progress(name: str, total: int, quiet: bool) -> Iterator[Callable[[], None]]:
    """Call what comes back after each block: it shows how many are done and how long the rest may take.

    Args:
        name: of the work.
        total: number of blocks.
        quiet: no bar.
    """
    started = said = time.perf_counter()
    done = 0
    has_bar = not quiet and sys.stderr.isatty()
    with tqdm(total=total, desc=name, unit="blocks", disable=not has_bar, leave=False) as bar:

        def advance() -> None:
            nonlocal done, said
            done += 1
            bar.update()
            now = time.perf_counter()
            if not has_bar and now - said >= LINE_EVERY:
                said = now
                left = tqdm.format_interval((now - started) / done * (total - done))
                logger.info("%s: %d of %d blocks, about %s left", name, done, total, left)

        yield advance
