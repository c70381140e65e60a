"""What tests on Ray share: the mark of those that need it, and the environment of a cluster."""

import importlib.util
import secrets
from contextlib import contextmanager

import pytest

needs_ray = pytest.mark.skipif(
    importlib.util.find_spec("ray") is None,
    reason="Ray is not installed: pip install -r requirements-ray.txt",
)


@contextmanager
def ray_environment():
    """Variables that Ray reads when it is first imported: a token, and patience."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_AUTH_MODE", "token")
        patch.setenv("RAY_AUTH_TOKEN", secrets.token_hex(32))
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        patch.setenv("RAY_prestart_worker_first_driver", "0")  # processes that nobody needs
        patch.setenv("RAY_raylet_start_wait_time_s", "120")  # of a machine with other work
        yield
