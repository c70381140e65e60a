"""Signs that the order of a user's interactions is not the order in time."""

import numpy as np

from base.arrays import FloatArray, IntArray
from data.dataset import Interactions
from data.inspection.findings import Finding
from data.inspection.times import same_user, tied_pairs

FIFTH = 0.2
NEWEST = 0.99  # the year that is as good as the newest one, but for a few wrong years
MIN_ROWS = 100  # with known years in each fifth
SAMPLE = 1_000_000  # interactions that the years are compared of


def order_signs(interactions: Interactions, years: FloatArray, time_unit: str) -> tuple[Finding, ...]:
    """The signs that occur.

    ``sorted_by_item``: of all neighbours whose order is the file's, how many are in the order of the
    catalogue, or in the reverse order. ``newest_years_first``: in data without times, the newest year of the
    items in the first fifth of the rows is later than in the last fifth; the examples are both years.

    Args:
        interactions: sorted by user and time.
        years: float ``[num_movies]``, nan where unknown.
        time_unit: as of ``MovieLens.time_unit``.
    """
    by_file = same_user(interactions) if time_unit == "row" else tied_pairs(interactions)
    movies = interactions.movies
    rising = int(np.count_nonzero((movies[1:] > movies[:-1]) & by_file))
    pairs = int(np.count_nonzero(by_file))
    signs = [Finding("sorted_by_item", max(rising, pairs - rising), pairs)]
    if time_unit == "row":
        signs += _newest_years_first(interactions, years)
    return tuple(sign for sign in signs if sign.count)


def _newest_years_first(interactions: Interactions, years: FloatArray) -> list[Finding]:
    """Nobody takes an item before it exists: in the order of time, the newest years come late."""
    step = max(1, len(interactions) // SAMPLE)
    year = years[interactions.movies[::step]]
    position = _position(interactions.users, interactions.timestamps)[::step]
    known = ~np.isnan(year)
    early, late = (year[known & part] for part in (position <= FIFTH, position >= 1 - FIFTH))
    if min(len(early), len(late)) < MIN_ROWS:
        return []
    first, last = (int(np.quantile(part, NEWEST)) for part in (early, late))
    return [Finding("newest_years_first", len(early), len(year), (first, last))] if first > last else []


def _position(users: IntArray, rows: IntArray) -> FloatArray:
    """From 0 to 1, float ``[n]``: the place of a row in the file, or in its user's rows if they are together.

    Args:
        users: int ``[n]``, ascending.
        rows: int64 ``[n]``, places in the file.
    """
    together = np.count_nonzero((users[1:] == users[:-1]) & (rows[1:] == rows[:-1] + 1))
    counts = np.bincount(users)
    if together < 0.5 * (len(users) - len(counts)):
        return (rows - rows.min()) / max(1, rows.max() - rows.min())
    within = np.arange(len(users)) - (np.cumsum(counts) - counts)[users]
    return within / np.maximum(1, counts[users] - 1)
