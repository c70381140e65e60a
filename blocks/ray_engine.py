"""Ray as the engine: each block is a task on some node of a cluster. Only paths and small results travel.

Files go in and files come out, so every node has the folder of the work under the same path, and this code
under the same path. Nothing is kept in Ray's object store.
"""

import logging
import os
import socket
import textwrap
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from base.errors import UserError, WorldError
from blocks.local_engine import MAX_TRIES, ONE_THREAD
from blocks.stage import Made, Task, make_block

logger = logging.getLogger("pinsage")

INSTALL = "pip install -r requirements-ray.txt"
CODE = Path(__file__).resolve().parent.parent
STORE_BYTES = 100 << 20  # of Ray's object store here; by default it takes a third of the memory
SECONDS_TO_ANSWER = 10.0  # of a cluster's head. Ray itself tries for minutes
SECONDS_UNTIL_A_WORD = 30.0  # without any finished block


class RayEngine:
    """Makes blocks as tasks of Ray, which repeats those whose process or node dies.

    Args:
        address: ``local`` or None starts Ray on this machine. ``auto`` joins the cluster of this machine,
            ``host:port`` the one whose head is there.
        num_workers: number of blocks in the making; None for as many as the cluster has processors.

    Raises:
        UserError: Ray is not installed, or there is no such cluster.
        WorldError: the cluster refuses.
    """

    def __init__(self, address: str | None = None, num_workers: int | None = None) -> None:
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        try:
            import ray
        except ImportError:
            raise UserError(f"`engine` ray needs an extra; run `{INSTALL}`, or use `engine` local") from None
        self.ray: Any = ray
        self.num_workers = num_workers
        self._connect(address or "local")
        variables = {**ONE_THREAD, "PYTHONPATH": f"{CODE}:${{PYTHONPATH}}"}
        self._make: Any = ray.remote(make_block).options(
            num_cpus=1, max_retries=MAX_TRIES - 1, runtime_env={"env_vars": variables}
        )

    def run(self, tasks: Sequence[Task], done: Callable[[Task, Made], None]) -> None:
        """See ``Engine``."""
        waiting = deque(tasks)
        running: dict[Any, Task] = {}
        try:
            while waiting or running:
                while waiting and len(running) < self._most_at_once():
                    task = waiting.popleft()
                    running[self._make.remote(task)] = task
                ready, _ = self.ray.wait(list(running), timeout=SECONDS_UNTIL_A_WORD)
                if not ready and not self._processors():
                    logger.warning("no node of the Ray cluster is left; waiting for one")
                for reference in ready:
                    task = running.pop(reference)
                    done(task, self._result(reference, task))
        except BaseException:
            for reference in running:
                self.ray.cancel(reference, force=True)
            raise

    def close(self) -> None:
        """Leave the cluster, which ends what still runs for this process; end a Ray that was started here."""
        self.ray.shutdown()

    def _connect(self, address: str) -> None:
        options = {"address": address, "log_to_driver": False, "logging_level": logging.CRITICAL}
        if address == "local":
            options |= {"num_cpus": self.num_workers, "object_store_memory": STORE_BYTES}
            options |= {"include_dashboard": False}
        elif address != "auto":
            _check_answers(address)
        # Ray prints what goes wrong in the cluster to stdout, where answers belong. No switch stops it.
        self.ray._private.worker.print_to_stdstream = _log_message
        try:
            self.ray.init(**options)
        except ConnectionError as error:
            if address == "auto":
                raise UserError(
                    "`ray_address` auto: no Ray cluster runs on this machine; give the host:port of "
                    "its head, or use `ray_address` local"
                ) from None
            raise WorldError(
                f"`ray_address` {address}: the Ray there refuses; set RAY_AUTH_MODE=token in the "
                "environment, and put the cluster's token into ~/.ray/auth_token"
            ) from error
        except (RuntimeError, ValueError, self.ray.exceptions.RayError) as error:
            first = str(error).splitlines()[0]
            raise WorldError(
                f"`ray_address` {address}: Ray could not be reached or started: {first}"
            ) from error

    def _processors(self) -> int:
        return int(self.ray.cluster_resources().get("CPU", 0))

    def _most_at_once(self) -> int:
        """How many tasks Ray has at a time. Some that wait make a cluster that can grow, grow."""
        return self.num_workers or 2 * max(self._processors(), 1)

    def _result(self, reference: Any, task: Task) -> Made:
        """What a block took.

        Raises:
            UserError, WorldError: of the block, or because its processes died again and again.
        """
        errors = self.ray.exceptions
        try:
            return self.ray.get(reference)
        except errors.RayTaskError as error:
            if isinstance(error.cause, Exception):
                error.cause.add_note(str(error))
                raise error.cause from None
            raise
        except errors.RuntimeEnvSetupError as error:
            raise WorldError(f"a node of the Ray cluster cannot start processes: {error}") from error
        except errors.RayError as error:  # of a process or a node; Ray has repeated the task
            raise WorldError(
                f"processes or nodes of the Ray cluster died {MAX_TRIES} times at block {task.block} of "
                f"{task.stage} ({type(error).__name__}), perhaps for lack of memory; use fewer `workers`, "
                "then run the same command again: what is whole is kept"
            ) from error


def _log_message(data: dict[str, Any], ignore_prefix: bool) -> None:
    for message in data["lines"]:
        logger.warning("Ray: %s", textwrap.shorten(message, 160))
        logger.debug("Ray: %s", message)


def _check_answers(address: str) -> None:
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal() or "/" in host:
        raise UserError(f"`ray_address` {address} must be local, auto, or host:port of the cluster's head")
    try:
        socket.create_connection((host, int(port)), SECONDS_TO_ANSWER).close()
    except (OSError, OverflowError) as error:
        raise UserError(
            f"`ray_address` {address}: nothing answers there ({error}); is the head of the cluster running?"
        ) from None
