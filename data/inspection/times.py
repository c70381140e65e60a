"""Times of interactions: their unit, their span in dates, and how many are equal."""

from dataclasses import dataclass

import numpy as np

from data.dataset import Interactions
from data.inspection.findings import Finding

# Units of whole numbers since 1970, per second.
PER_SECOND = {"seconds": 1, "milliseconds": 10**3, "microseconds": 10**6, "nanoseconds": 10**9}
# Times of people's actions lie between these years. Two units never overlap there: they are a factor of
# 1,000 apart, the years a factor of 44.
EARLIEST = int(np.datetime64("1973-01-01", "s").astype(np.int64))
LATEST = int(np.datetime64("2100-01-01", "s").astype(np.int64))
SAMPLE = 10_000  # times that the unit is guessed from


@dataclass(frozen=True)
class Times:
    """The times of the interactions.

    Attributes:
        unit: a key of ``PER_SECOND``; ``number`` where it is not known; ``row`` where data have no times.
        guessed: whether the unit is a guess by magnitude.
        first: the earliest time, as a date and time in UTC or as the number; None without times.
        last: the latest time.
        days: from the first to the last; None where the unit is not known.
        tied: neighbouring interactions of one user with equal times, of all neighbouring interactions.
        missing: times of 0 or below in data from after 1973.
        differ: whether there are two different times.
    """

    unit: str
    guessed: bool
    first: str | None
    last: str | None
    days: float | None
    tied: Finding
    missing: Finding
    differ: bool


def times_of(interactions: Interactions, unit: str) -> Times:
    """Describe the times.

    Args:
        interactions: sorted by user and time; at least one.
        unit: ``seconds``, ``microseconds``, ``number`` or ``row``, as of ``MovieLens.time_unit``.
    """
    times = interactions.timestamps
    if unit == "row":
        nothing = Finding("", 0)
        return Times(unit, False, None, None, None, nothing, nothing, True)
    tied = int(np.count_nonzero(tied_pairs(interactions)))
    pairs = int(np.count_nonzero(same_user(interactions)))
    first, last = int(times.min()), int(times.max())
    known = unit if unit == "microseconds" else guess_unit(times)
    missing = 0
    if known is None:
        shown, days = (str(first), str(last)), None
    else:
        missing = int(np.count_nonzero(times <= 0)) if last > 0 else 0
        if missing:  # the span is that of the others
            first = int(times[times > 0].min())
        shown = (as_date(first, known), as_date(last, known))
        days = (last - first) / PER_SECOND[known] / 86_400
    return Times(
        known or "number",
        known is not None and known != unit,
        *shown,
        days,
        Finding("tied_times", tied, pairs),
        Finding("missing_times", missing, len(times)),
        int(times.min()) != last,
    )


def same_user(interactions: Interactions) -> np.ndarray:
    """Bool ``[n - 1]``: whether an interaction and the next one are of the same user."""
    return interactions.users[1:] == interactions.users[:-1]


def tied_pairs(interactions: Interactions) -> np.ndarray:
    """Bool ``[n - 1]``: whether an interaction and the next one are of the same user and time."""
    return same_user(interactions) & (interactions.timestamps[1:] == interactions.timestamps[:-1])


def guess_unit(times: np.ndarray) -> str | None:
    """The unit in which the median lies between 1973 and 2100; None if there is none."""
    median = float(np.median(times[:: max(1, len(times) // SAMPLE)]))
    fitting = (unit for unit, factor in PER_SECOND.items() if EARLIEST <= median / factor < LATEST)
    return next(fitting, None)


def as_date(time: int, unit: str) -> str:
    """A time as ``2011-12-09T12:50:00``, in UTC, with as many digits after the second as it has."""
    microseconds = time * 10**6 // PER_SECOND[unit]
    if abs(microseconds) >= 2**63:
        return str(time)
    date = str(np.datetime64(microseconds, "us"))
    return date.rstrip("0").rstrip(".") if "." in date else date
