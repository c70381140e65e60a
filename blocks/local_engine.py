"""Local processes: each makes one block at a time, with one thread."""

import contextlib
import logging
import multiprocessing
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import connection

from base.errors import WorldError
from blocks.stage import Made, Task, make_block

logger = logging.getLogger("pinsage")

MAX_TRIES = 3  # of a block whose process dies
# One thread per process: sums of BLAS depend on the number of threads, and blocks must not.
ONE_THREAD = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"), "1"
)


class LocalEngine:
    """Makes blocks in processes of this machine. One that dies is replaced, and its block made again.

    Args:
        num_workers: number of processes.
    """

    def __init__(self, num_workers: int) -> None:
        self.num_workers = num_workers
        self._pool: ProcessPoolExecutor | None = None

    def run(self, tasks: Sequence[Task], done: Callable[[Task, Made], None]) -> None:
        """See ``Engine``."""
        left = list(tasks)
        for tries in range(1, MAX_TRIES + 1):
            left = self._try(left, done)
            if not left:
                return
            self.close()
            logger.warning("a worker process died; %d blocks of %s are left", len(left), left[0].stage)
            if tries < MAX_TRIES:
                continue
            raise WorldError(
                f"worker processes died {MAX_TRIES} times at {left[0].stage}, perhaps for lack of memory; "
                "use fewer `workers`, then run the same command again: what is whole is kept"
            )

    def close(self) -> None:
        """End the processes."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
            self._pool = None

    def _try(self, tasks: Sequence[Task], done: Callable[[Task, Made], None]) -> list[Task]:
        """Make the blocks; those that were left when a process died come back."""
        if self._pool is None:
            self._pool = _new_pool(self.num_workers)
        waiting: dict[Future[Made], Task] = {}
        left = []
        try:
            with contextlib.suppress(BrokenProcessPool):
                for task in tasks:
                    waiting[self._pool.submit(make_block, task)] = task
            for future in as_completed(waiting):
                try:
                    done(waiting[future], future.result())
                except BrokenProcessPool:
                    left.append(waiting[future])
        except BaseException:
            self._pool.shutdown(wait=False, cancel_futures=True)
            raise
        return left + list(tasks[len(waiting) :])


def _new_pool(num_workers: int) -> ProcessPoolExecutor:
    pool = ProcessPoolExecutor(
        num_workers, multiprocessing.get_context("spawn"), initializer=_end_with_the_parent
    )
    with _environment(ONE_THREAD):
        pool.submit(os.getpid)  # the first task starts all processes
    return pool


@contextlib.contextmanager
def _environment(values: dict[str, str]) -> Iterator[None]:
    """Set environment variables for processes that are started meanwhile."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _end_with_the_parent() -> None:
    """End this process when the parent dies: a pool's processes would wait for it for ever."""
    parent = multiprocessing.parent_process()
    assert parent is not None

    def watch() -> None:
        connection.wait([parent.sentinel])
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
