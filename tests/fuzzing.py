"""How long to fuzz: the same few examples in every run of the tests, others for as long as one likes.

Without it the examples are derived from the test, so that a run fails for what changed and not for what the
dice found. ``PINSAGE_FUZZ=40 python -m pytest`` tries forty times as many, other ones each time.
"""

import os

from hypothesis import HealthCheck, settings

TIMES = int(os.environ.get("PINSAGE_FUZZ", "0"))


def fuzz(examples: int = 100) -> settings:
    """Hypothesis settings for so many examples, times ``PINSAGE_FUZZ``."""
    return settings(
        max_examples=examples * max(1, TIMES),
        derandomize=TIMES == 0,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
        print_blob=True,
    )
