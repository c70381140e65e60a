"""Local processes: each makes one block at a time, with one thread."""

import contextlib
import logging
import multiprocessing
import os
import pickle
import signal
import sys
import threading
import traceback
from collections import Counter, deque
from collections.abc import Callable, Container, Iterator, Sequence
from multiprocessing import connection
from typing import Any

from base.errors import WorldError
from blocks.stage import Later, Made, Task, make_block

logger = logging.getLogger("pinsage")

ROOM = "blocks."
MAX_TRIES = 3  # of a block whose process dies
# One thread per process: sums of BLAS depend on the number of threads, and blocks must not.
ONE_THREAD = dict.fromkeys(
    (
        "OMP_NUM_THREADS",
        "OPENBLAS_NUM_THREADS",
        "MKL_NUM_THREADS",
        "VECLIB_MAXIMUM_THREADS",
        "NUMBA_NUM_THREADS",
    ),
    "1",
)


class LocalEngine:
    """Makes blocks in processes of this machine. One that dies is replaced, and its block made again.

    An error or an interrupt ends all processes at once. What they leave, the runner removes.

    Args:
        num_workers: number of processes.
    """

    def __init__(self, num_workers: int) -> None:
        self.num_workers = num_workers
        self._workers: list[_Worker] = []

    def run(self, tasks: Sequence[Task], done: Callable[[Task, Made], None]) -> None:
        """See ``Engine``."""
        waiting = deque(tasks)
        deaths: Counter[int] = Counter()  # by block
        busy: dict[connection.Connection, tuple[_Worker, Task]] = {}
        try:
            while waiting or busy:
                for worker in self._idle(busy, waiting):
                    task = waiting.popleft()
                    busy[worker.pipe] = worker, task
                    worker.make(task)
                ready = connection.wait(list(busy))
                for pipe in [pipe for pipe in busy if pipe in ready]:
                    worker, task = busy.pop(pipe)
                    answer = worker.answer()
                    if isinstance(answer, Made):
                        done(task, answer)
                    elif answer is not None:
                        raise answer
                    else:
                        self._workers.remove(worker)
                        deaths[task.block] += 1
                        _report_death(worker, task, deaths[task.block])
                        waiting.appendleft(task)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """End the processes."""
        for worker in self._workers:
            worker.process.kill()
        for worker in self._workers:
            worker.process.join()
        self._workers = []

    def _idle(self, busy: Container[connection.Connection], waiting: Sequence[Task]) -> list["_Worker"]:
        idle = [worker for worker in self._workers if worker.pipe not in busy][: len(waiting)]
        new = min(len(waiting) - len(idle), self.num_workers - len(self._workers))
        started = [_Worker(_context(waiting[0])) for _ in range(new)]
        self._workers += started
        return idle + started


class _Worker:
    """A process, and this end of the pipe to it."""

    def __init__(self, context: Any) -> None:
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(target=_make_blocks, args=(theirs,), daemon=True)
        path = os.pathsep.join(filter(None, sys.path))  # a fork server of Python 3.11 gets no other
        with _environment(ONE_THREAD | {"PYTHONPATH": path}):
            self.process.start()
        theirs.close()  # so that the pipe ends with the process

    def make(self, task: Task) -> None:
        with contextlib.suppress(OSError):  # it died while it was idle; then it gives no answer
            self.pipe.send(task)

    def answer(self) -> Made | Exception | None:
        """What a block took, or its error; None if the process died."""
        try:
            return self.pipe.recv()
        except (EOFError, OSError):
            self.process.join()
            return None


def _context(task: Task) -> Any:
    """How processes start: from a fork server that has imported once what all of them need.

    It has one thread, so forking it is safe, unlike this process. A system without one starts each anew.

    Args:
        task: the first one.
    """
    if "forkserver" not in multiprocessing.get_all_start_methods():  # Windows
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    modules = ["__main__", *(name for name in sys.modules if name.startswith(ROOM))]
    if isinstance(task.compute, Later):
        modules.append(task.compute.module)
    context.set_forkserver_preload(modules)
    return context


def _report_death(worker: _Worker, task: Task, deaths: int) -> None:
    code = worker.process.exitcode or 0
    how = f"was ended by signal {-code}" if code < 0 else f"ended with code {code}"
    if deaths == MAX_TRIES:
        raise WorldError(
            f"{MAX_TRIES} processes in turn died at block {task.block} of {task.stage}, the last one {how}, "
            "perhaps for lack of memory; use fewer `workers`, then run the same command again: "
            "what is whole is kept"
        )
    logger.warning("a process %s; block %d of %s is made again", how, task.block, task.stage)


@contextlib.contextmanager
def _environment(values: dict[str, str]) -> Iterator[None]:
    """Set environment variables for a process that is started meanwhile."""
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


def _make_blocks(pipe: connection.Connection) -> None:
    """Make one block after the other, in a process of its own."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all processes; the parent ends this one
    # It starts none; but of a fork server Numba makes a semaphore, which stays when the process is killed.
    multiprocessing.set_start_method("spawn", force=True)
    _end_with_the_parent()
    while True:
        answer: Made | Exception
        try:
            task = pipe.recv()
            _check_threads()
            answer = make_block(task)
        except EOFError:
            return
        except Exception as error:
            answer = _sendable(error)
        pipe.send(answer)


def _check_threads() -> None:
    """Check that the variables of ``ONE_THREAD`` were there when this process imported its libraries.

    Raises:
        RuntimeError: the program had a fork server before, which this process comes from.
    """
    if ONE_THREAD.items() - os.environ.items():
        raise RuntimeError("blocks cannot be made by a fork server of something else; make them first")


def _sendable(error: Exception) -> Exception:
    """An error that can be pickled, with its traceback as a note."""
    note = "".join(traceback.format_exception(error))
    try:
        error = pickle.loads(pickle.dumps(error))
    except Exception:
        error = RuntimeError(f"{type(error).__name__}: {error}")
    error.add_note(note)
    return error


def _end_with_the_parent() -> None:
    """End this process when the parent dies, also in the middle of a block."""
    parent = multiprocessing.parent_process()
    assert parent is not None

    def watch() -> None:
        connection.wait([parent.sentinel])
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
