"""How long to fuzz: a little in every run of the tests, as long as one likes with ``PINSAGE_FUZZ``.

``PINSAGE_FUZZ=40 python -m pytest tests/test_dataset_fuzz.py tests/test_reader_fuzz.py`` tries
forty times as many examples, other ones each time.
"""

import os

from hypothesis import HealthCheck, settings

TIMES = int(os.environ.get("PINSAGE_FUZZ", "1"))


def fuzz(examples: int) -> settings:
    """Hypothesis settings for so many examples, times ``PINSAGE_FUZZ``."""
    return settings(
        max_examples=examples * TIMES,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
        print_blob=True,
    )
