"""How the processes of one training find each other, and what must be equal in all of them.

``torchrun`` gives every process an address where all can leave a few words. Before they connect, each
leaves there what it is about to do. So a process that cannot start, has other flags or other packages than
the first, or never comes ends all of them at once.
"""

import json
import os
from collections.abc import Callable, Mapping
from datetime import timedelta
from hashlib import blake2b
from importlib.metadata import version
from pathlib import Path
from platform import python_version

import torch
import torch.distributed as dist
from torch.distributed.rendezvous import rendezvous

from base.agreement import Outcome, compared, end_if_failed
from base.errors import UserError, WorldError

ARRIVAL = timedelta(minutes=3)  # the processes are started together; a slow disk delays imports
# The others wait for the leader where it works alone, as for the spectral basis of large data.
PATIENCE = timedelta(hours=2)
SECONDS_TO_READ = timedelta(seconds=10)
PACKAGES = ("torch", "numpy", "scipy", "numba")  # they decide features, walks and gradients
ROOMS = ("base", "data", "model", "evaluation", "commands")  # what a training runs


def join_process_group(choose: Callable[[], torch.device], facts: Mapping[str, str]) -> torch.device:
    """Connect to the other processes that ``torchrun`` started, if any: NCCL on GPUs, else gloo.

    Args:
        choose: chooses the device of this process.
        facts: what must be equal in all processes, besides packages and program: name to value.

    Returns:
        The device.

    Raises:
        UserError: ``choose`` raised it in a process, or a fact differs; all processes end.
        WorldError: a process did not come.
        SystemExit: see ``base.agreement.agreeing``.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) == 1 or dist.is_initialized():
        return choose()
    device, problem = None, None
    try:
        device = choose()
    except UserError as error:
        problem = error
    try:
        store, rank, world_size = next(rendezvous("env://", timeout=ARRIVAL))
    except RuntimeError as error:
        raise WorldError(
            f"process {os.environ.get('RANK')} found no other process at {os.environ.get('MASTER_ADDR')}: "
            f"{str(error).splitlines()[0]}; start torchrun on every node with the same --master_addr"
        ) from error
    kind = device.type if device is not None else "none"
    meet(
        dist.PrefixStore("meeting", store), rank, world_size, problem, {**facts, "device": kind, **versions()}
    )
    assert device is not None
    if device.type == "cuda":
        torch.cuda.set_device(device)  # where NCCL sends objects from; else all processes take the first
    dist.init_process_group(
        "nccl" if device.type == "cuda" else "gloo",
        store=dist.PrefixStore("training", store),
        rank=rank,
        world_size=world_size,
        timeout=PATIENCE,
    )
    return device


def meet(
    store: dist.Store,
    rank: int,
    world_size: int,
    problem: UserError | None,
    facts: Mapping[str, str],
    wait: timedelta = ARRIVAL,
) -> None:
    """Wait for all processes; end them all if one of them cannot take part.

    Args:
        store: what all can write to and read from.
        rank: number of this process.
        world_size: number of processes.
        problem: why this process cannot take part.
        facts: what must be equal.
        wait: for the others.

    Raises:
        UserError, WorldError, SystemExit: see ``join_process_group``.
    """
    outcome = Outcome.of(problem)
    store.set(f"hello {rank}", json.dumps([*outcome, dict(facts)]))
    numbers = range(world_size)
    try:
        store.wait([f"hello {number}" for number in numbers], wait)
    except RuntimeError as error:
        missing = _missing(store, world_size)
        raise WorldError(
            f"process {missing} of {world_size} did not come within {wait.total_seconds():.0f} s; its own "
            "output says why; start torchrun again on every node"
        ) from error
    said = [json.loads(store.get(f"hello {number}")) for number in numbers]
    outcomes = [Outcome(*words[:3]) for words in said]
    if all(other.problem is None for other in outcomes):
        outcomes = compared([(words[0], words[3]) for words in said])
    if any(other.problem is not None for other in outcomes):
        # The words may be kept by the machine of the process that ends first; so all read them before.
        store.set(f"read {rank}", "")
        try:
            store.wait([f"read {number}" for number in numbers], SECONDS_TO_READ)
        except RuntimeError:
            pass  # a process has ended for another reason
    end_if_failed(outcomes)


def versions() -> dict[str, str]:
    """What computes: the versions of Python and packages, and a digest of this program's own files."""
    root = Path(__file__).resolve().parent.parent
    digest = blake2b(digest_size=8)
    for path in [
        root / "config.py",
        *(path for room in ROOMS for path in sorted((root / room).rglob("*.py"))),
    ]:
        digest.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    packages = {name: version(name).partition("+")[0] for name in PACKAGES}
    return {"python": python_version(), **packages, "the digest of this program": digest.hexdigest()}


def _missing(store: dist.Store, world_size: int) -> str:
    """The numbers of the processes that have left no words; all others, where nobody can be asked."""
    try:
        numbers = [str(number) for number in range(world_size) if not store.check([f"hello {number}"])]
    except RuntimeError:
        numbers = []
    return ", ".join(numbers) or "0"
