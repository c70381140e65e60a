"""Which engine makes the blocks."""

import os

from base.errors import UserError
from blocks.local_engine import LocalEngine
from blocks.runner import Engine


def make_engine(engine: str, workers: int | None = None, ray_address: str | None = None) -> Engine:
    """The engine of this name.

    Args:
        engine: ``local`` or ``ray``.
        workers: number of processes; None means one per core.
        ray_address: of the cluster of ``ray``.

    Raises:
        UserError: the engine is not there.
    """
    if engine == "ray":
        raise UserError("`engine` ray is not part of this version; use `engine` local")
    return LocalEngine(workers or _num_cores())


def _num_cores() -> int:
    """Cores that this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # macOS and Windows
        return os.cpu_count() or 1
