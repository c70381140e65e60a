"""The device and the threads a command computes with, and the memory it took."""

import sys

from config import RunConfig
from utils.errors import UserError


def set_up_compute(run: RunConfig) -> "torch.device":  # type: ignore[name-defined]  # noqa: F821
    """Choose the device and apply ``--num_threads`` to PyTorch and the walks.

    ``auto`` is cuda where there is one, else cpu; mps only on request, since PyTorch lacks some of
    the operations there.

    Raises:
        UserError: the device asked for is not here.
    """
    import numba
    import torch

    if run.num_threads is not None:
        torch.set_num_threads(run.num_threads)
        most = numba.config.NUMBA_NUM_THREADS  # type: ignore[attr-defined]
        numba.set_num_threads(min(run.num_threads, most))
    available = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if run.device == "auto":
        return torch.device("cuda" if available["cuda"] else "cpu")
    if not available[run.device]:
        raise UserError(f"--device {run.device}: PyTorch finds none here; use --device auto or cpu")
    return torch.device(run.device)


def peak_memory_gb() -> float:
    """Most memory this process has held so far, in GB; 0 where the system does not say."""
    try:
        import resource
    except ImportError:  # Windows
        return 0.0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e9 if sys.platform == "darwin" else peak * 1024 / 1e9
