"""The device and the number of threads to compute with, and the memory that was used."""

import contextlib
import os
import sys
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from base.errors import UserError
from config import RunConfig


def set_up_compute(run: RunConfig, facts: Mapping[str, str] | None = None) -> "torch.device":  # type: ignore[name-defined]  # noqa: F821
    """Choose the device, set the number of threads of PyTorch and Numba, and join the process group.

    ``auto`` means cuda if there is a GPU, else cpu. It never means mps, because PyTorch does not have all
    operations there.

    Args:
        run: its ``device`` and ``num_threads`` are used.
        facts: what must be equal in all processes of a group, see ``base/joining.py``.

    Returns:
        The ``torch.device``.

    Raises:
        UserError: this machine does not have the device, or the processes of a group differ.
        WorldError: a process of the group did not come.
    """
    import numba
    import torch

    from base.joining import join_process_group

    if run.num_threads is not None:
        torch.set_num_threads(run.num_threads)
        max_threads = numba.config.NUMBA_NUM_THREADS  # type: ignore[attr-defined]
        numba.set_num_threads(min(run.num_threads, max_threads))
    return join_process_group(partial(_choose, run.device), facts or {})


def _choose(wanted: str) -> "torch.device":  # type: ignore[name-defined]  # noqa: F821
    """The device of this process. The processes of one machine take one GPU each."""
    import torch

    available = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if wanted == "auto":
        wanted = "cuda" if available["cuda"] else "cpu"
    if not available[wanted]:
        raise UserError(
            f"`device` {wanted}: PyTorch finds no such device on this machine; use `device` auto or cpu"
        )
    if wanted == "cuda":
        return torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))
    return torch.device(wanted)


def peak_memory_gb() -> float:
    """The maximum memory of this process so far, in GB; 0 if the system does not report it."""
    with contextlib.suppress(OSError):  # Linux; its getrusage also counts what a parent had at the start
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024 / 1e9
    try:
        import resource
    except ImportError:  # Windows
        return 0.0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e9 if sys.platform == "darwin" else peak * 1024 / 1e9
