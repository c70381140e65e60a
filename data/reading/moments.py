"""Times as whole microseconds since 1970."""

from datetime import UTC, datetime, timedelta

import numpy as np

MICROSECONDS = 1_000_000  # in a second
MAX_TIME = int(np.iinfo(np.int64).max) // MICROSECONDS  # in seconds, where some have fractions

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def microseconds_of(when: datetime) -> int:
    """Microseconds since 1970 of a date; it is in UTC if it has no zone."""
    aware = when if when.tzinfo else when.replace(tzinfo=UTC)
    return (aware - _EPOCH) // timedelta(microseconds=1)
