"""The device and the threads a command computes with, and the memory it took."""

import os
import sys

from base.errors import UserError
from config import RunConfig


def set_up_compute(run: RunConfig) -> "torch.device":  # type: ignore[name-defined]  # noqa: F821
    """Choose the device and apply ``--num_threads`` to PyTorch and the walks.

    ``auto`` is cuda where there is one, else cpu; mps only on request, since PyTorch lacks some of
    the operations there.

    Raises:
        UserError: the device asked for is not here.
    """
    import numba
    import torch

    from base.distributed import join_process_group

    if run.num_threads is not None:
        torch.set_num_threads(run.num_threads)
        most = numba.config.NUMBA_NUM_THREADS  # type: ignore[attr-defined]
        numba.set_num_threads(min(run.num_threads, most))
    device = _choose(run.device)
    join_process_group(device)
    return device


def _choose(wanted: str) -> "torch.device":  # type: ignore[name-defined]  # noqa: F821
    """The device that ``--device`` means; the processes of one machine take a GPU each."""
    import torch

    available = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if wanted == "auto":
        wanted = "cuda" if available["cuda"] else "cpu"
    if not available[wanted]:
        raise UserError(f"--device {wanted}: PyTorch finds none here; use --device auto or cpu")
    if wanted == "cuda":
        return torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))
    return torch.device(wanted)


def peak_memory_gb() -> float:
    """Most memory this process has held so far, in GB; 0 where the system does not say."""
    try:
        import resource
    except ImportError:  # Windows
        return 0.0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e9 if sys.platform == "darwin" else peak * 1024 / 1e9
