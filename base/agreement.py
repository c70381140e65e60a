"""Several processes that end together: an error in one of them is the error of all, in one line per machine.

A process that fails alone leaves the others waiting for it. So each step that can fail in one process, as
reading data that only one machine lacks, ends with an exchange: who failed, and why. Then all continue or
all end, with the same exit code. With one process there is no exchange.
"""

import contextlib
import os
import socket
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from base.distributed import gather_objects, world_size
from base.errors import UserError, WorldError

# ``torchrun`` ends the other processes of its machine as soon as one has ended. The one that says why needs
# a moment.
SECONDS_FOR_THE_LINE = 1.0


class Outcome(NamedTuple):
    """How a step ended in one process.

    Attributes:
        host: the machine of the process.
        problem: why the step failed; None if it did not.
        exit_code: of the error.
    """

    host: str
    problem: str | None = None
    exit_code: int = 0

    @classmethod
    def of(cls, error: Exception | None) -> "Outcome":
        """The outcome of this process."""
        host = socket.gethostname()
        if error is None:
            return cls(host)
        if isinstance(error, UserError | WorldError):
            return cls(host, str(error), error.exit_code)
        first = (str(error) or type(error).__name__).splitlines()[0]
        return cls(host, f"{type(error).__name__}: {first}", WorldError.exit_code)


@contextlib.contextmanager
def agreeing() -> Iterator[None]:
    """A step that all processes take, each for itself: if it fails in one, it fails in all.

    Nothing in the step may communicate: a process that has failed would not answer.

    Raises:
        UserError: the step raised it in a process; the message names the process, unless all have the same.
        WorldError: as ``UserError``; also for any other exception in another process.
        SystemExit: in place of these, where another process of this machine says the line.
    """
    error: Exception | None = None
    try:
        yield
    except Exception as caught:
        if world_size() == 1:
            raise
        error = caught
    if world_size() == 1:
        return
    outcomes = gather_objects(Outcome.of(error))
    if error is not None and not isinstance(error, UserError | WorldError):
        raise error  # with its traceback, for --verbose
    end_if_failed(outcomes)


def end_if_failed(outcomes: Sequence[Outcome]) -> None:
    """End this process if a process failed; all must call it with the same outcomes.

    Args:
        outcomes: one per process.

    Raises:
        UserError, WorldError, SystemExit: see ``agreeing``.
    """
    failed = [number for number, outcome in enumerate(outcomes) if outcome.problem is not None]
    if not failed:
        return
    host, problem, exit_code = outcomes[failed[0]]
    if len({outcome.problem for outcome in outcomes}) > 1:
        problem = f"process {failed[0]} of {len(outcomes)} on {host}: {problem}"
    if os.environ.get("LOCAL_RANK", "0") != "0":
        time.sleep(SECONDS_FOR_THE_LINE)
        raise SystemExit(exit_code)
    raise (UserError if exit_code == UserError.exit_code else WorldError)(problem)


def check_equal(facts: Mapping[str, str]) -> None:
    """Check that all processes have the same, for instance the same data.

    Args:
        facts: name to value, the same names in every process.

    Raises:
        UserError, SystemExit: a process has another value than the leader; see ``agreeing``.
    """
    if world_size() > 1:
        found = gather_objects((socket.gethostname(), dict(facts)))
        end_if_failed(compared(found))


def compared(found: Sequence[tuple[str, Mapping[str, str]]]) -> list[Outcome]:
    """Compare the facts of every process with those of the first.

    Args:
        found: machine and facts of each process.

    Returns:
        One outcome per process. The problem of a process is its first fact that differs.
    """
    leader, expected = found[0]
    outcomes = []
    for host, facts in found:
        problem = None
        for name in expected:
            if facts.get(name) != expected[name]:
                problem = (
                    f"{name} is {facts.get(name)}, but {expected[name]} in process 0 on {leader}; all "
                    "processes need the same flags, data, packages and version of this program"
                )
                break
        outcomes.append(Outcome(host, problem, UserError.exit_code if problem else 0))
    return outcomes
