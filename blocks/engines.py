"""The engine of a name."""

import os

from base.errors import UserError
from blocks.local_engine import LocalEngine
from blocks.runner import Engine

ENGINES = ("local", "ray")


def make_engine(name: str, num_workers: int | None = None, ray_address: str | None = None) -> Engine:
    """The engine that makes blocks.

    Args:
        name: ``local`` for processes of this machine, ``ray`` for Ray.
        num_workers: how many blocks are in the making at once; None for as many as there are processors, of
            this machine or of the Ray cluster.
        ray_address: for Ray: ``local``, ``auto`` or ``host:port``; None is ``local``.

    Raises:
        UserError: there is no engine of this name, Ray is not installed, or there is no such cluster.
        WorldError: the Ray cluster refuses.
    """
    if name not in ENGINES:
        raise UserError(f"`engine` {name} must be one of {', '.join(ENGINES)}")
    if num_workers is not None and num_workers < 1:
        raise UserError(f"`workers` {num_workers} must be at least 1")
    if name == "ray":
        from blocks.ray_engine import RayEngine

        return RayEngine(ray_address, num_workers)
    if ray_address is not None:
        raise UserError(f"`ray_address` {ray_address} is for `engine` ray; leave it out")
    return LocalEngine(num_workers or _processors())


def _processors() -> int:
    """The processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1  # macOS, Windows
