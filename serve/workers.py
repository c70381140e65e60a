"""Several processes that answer at one socket, and the parent that starts, watches and stops them."""

import contextlib
import logging
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from typing import Any

from base.errors import WorldError

logger = logging.getLogger("pinsage")

POLL_SECONDS = 0.2
SECONDS_TO_STOP = 6  # more than a process needs to finish its answers
SECONDS_TO_RESTART = 1  # after a process that could not load its model


@dataclass
class _Worker:
    process: SpawnProcess
    news: Connection  # gets a text once the model of the process is served
    ready: bool = False


class Workers:
    """The processes. The parent imports nothing heavy and answers nothing.

    The first process is alone until its model is served, so that the others find the files of its indexes and
    map them. A process that ends is replaced.

    Args:
        number: of processes.
        work: what a process runs. Called with ``args``, whether the process is the first, and a function that
            takes a text once the model is served. It must be a function of a module.
        args: the first arguments of ``work``.
        ended: called with the id of a process that has ended.
    """

    def __init__(
        self, number: int, work: Callable[..., None], args: tuple[Any, ...], ended: Callable[[int], None]
    ):
        self.number = number
        self._work, self._args, self._ended = work, args, ended
        self._context = multiprocessing.get_context("spawn")  # a fork would lack the threads of libraries
        self._workers: list[_Worker] = []
        self._stopping = False
        self._text = ""  # of the first process that was ready

    def run(self, then: Callable[[str], None]) -> None:
        """Run until SIGINT or SIGTERM, then stop all processes. SIGHUP is passed on to them.

        Args:
            then: called once, when all processes are ready, with a text of one of them.

        Raises:
            SystemExit: the first process could not load its model. It has said why.
            WorldError: the first process was killed.
            KeyboardInterrupt: after a signal, when all have stopped.
        """
        handlers: dict[int, Callable[..., None]] = {signal.SIGINT: self._stop, signal.SIGTERM: self._stop}
        if hasattr(signal, "SIGHUP"):
            handlers[signal.SIGHUP] = self._pass_on
        before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
        try:
            text = self._start_all()
            if not self._stopping:
                then(text)
            while not self._stopping:
                self._look()
        finally:
            self._end_all()
            for number, handler in before.items():
                signal.signal(number, handler)
        raise KeyboardInterrupt

    def _start_all(self) -> str:
        self._start(first=True)
        (first,) = self._workers
        while not (first.ready or self._stopping):
            self._look()
        while len(self._workers) < self.number and not self._stopping:
            self._start()
        while not (all(worker.ready for worker in self._workers) or self._stopping):
            self._look()
        return self._text

    def _start(self, first: bool = False) -> None:
        news, sender = self._context.Pipe(duplex=False)
        process = self._context.Process(target=_run, args=(self._work, self._args, first, sender))
        process.start()
        sender.close()
        self._workers.append(_Worker(process, news))

    def _look(self) -> None:
        """Wait a moment for processes that are ready or have ended."""
        waiting: list[Any] = [worker.process.sentinel for worker in self._workers]
        waiting += [worker.news for worker in self._workers if not worker.ready]
        wait(waiting, POLL_SECONDS)
        for worker in list(self._workers):
            if not worker.process.is_alive():
                if not self._stopping:
                    self._replace(worker)
            elif not worker.ready and worker.news.poll():
                with contextlib.suppress(EOFError):  # it has just ended
                    self._text = worker.news.recv()
                    worker.ready = True

    def _replace(self, worker: _Worker) -> None:
        """Start another process for one that has ended.

        Raises:
            SystemExit: no process has been ready yet, and this one has said why.
            WorldError: no process has been ready yet, and this one was killed.
        """
        pid, code = worker.process.pid, worker.process.exitcode
        assert pid is not None and code is not None
        self._workers.remove(worker)
        self._ended(pid)
        if not self._text:
            if code > 0:
                raise SystemExit(code)
            raise WorldError(f"process {pid} ended by signal {-code} before it answered; start again")
        logger.warning("process %d of the server has ended with code %d; another one is started", pid, code)
        if not worker.ready:
            time.sleep(SECONDS_TO_RESTART)
        self._start()

    def _stop(self, *_: Any) -> None:
        self._stopping = True

    def _pass_on(self, number: int, _: Any) -> None:
        """Tell the processes to look for a new model; one that is not ready reads the newest anyway."""
        for worker in self._workers:
            if worker.ready and worker.process.is_alive():
                os.kill(worker.process.pid or 0, number)

    def _end_all(self) -> None:
        for worker in self._workers:
            worker.process.terminate()
        deadline = time.monotonic() + SECONDS_TO_STOP
        for worker in self._workers:
            worker.process.join(max(0, deadline - time.monotonic()))
            worker.process.kill()
            worker.process.join()


def _run(work: Callable[..., None], args: tuple[Any, ...], first: bool, news: Connection) -> None:
    """What a process of the server does. It ends when its parent has gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all processes; the parent stops them
    parent = multiprocessing.parent_process()
    assert parent is not None

    def end_with_parent() -> None:
        wait([parent.sentinel])
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=end_with_parent, daemon=True).start()
    work(*args, first, news.send)
