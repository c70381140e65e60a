"""From the rows of a source to interactions, one for each user and item, and to the events behind them."""

from collections.abc import Sequence
from typing import Literal

import numpy as np

from data.inspection.findings import newest_first
from data.reading.columns import Columns, first_of_pair, pairs_of, stable_order, time_order

Counted = Literal["count", "first", "last"]


def add_events(
    columns: Columns,
    users: np.ndarray,
    movies: np.ndarray,
    ratings: np.ndarray,
    timestamps: np.ndarray,
    amounts: np.ndarray | None = None,
    counted: Counted = "first",
) -> int:
    """Add the interactions, sorted by user, then time, then the order of the source, and their events.

    A user and an item have one interaction, however many rows they have. It has the time and the rating of
    one row: with ``first`` the first row of the source, with ``last`` the last row in time, and only this row
    counts; with ``count`` the first row in time, and all rows count. Rows of the same time stay in the order
    of the source.

    The arrays ``event_edges``, ``event_amounts`` and ``edge_events`` (as ``data.dataset.Events``) are added
    only if interactions count differently: if amounts differ, or, with ``count``, rows are repeated.

    Args:
        columns: what to add to.
        users: int32 ``[n]``, rows.
        movies: int32 ``[n]``, rows.
        ratings: float32 ``[n]``.
        timestamps: int64 ``[n]``.
        amounts: float32 ``[n]`` above 0, how much each row counts; None if all count the same.
        counted: what counts if a user has an item several times.

    Returns:
        The number of rows beyond one for each user and item.
    """
    if amounts is None and counted == "first":
        return columns.add_interactions(users, movies, ratings, timestamps)
    if (newest := newest_first(timestamps)) is not None:
        columns.texts.setdefault("findings", []).append(newest.as_text())
    num = len(users)
    order = time_order(users, timestamps, first_of_pair(users, movies) if counted == "first" else None)
    own, event_edges = _own_events(pairs_of(users[order], movies[order]), last=counted == "last")
    rows = order[own]  # those that give interactions their time
    events = order if counted == "count" else rows
    amounts = np.ones(len(events), dtype=np.float32) if amounts is None else amounts[events]
    del order, events
    # A name is given away before the next array is made: two copies of all columns are too many.
    columns.arrays["users"] = users = users[rows]
    columns.arrays["movies"] = movies = movies[rows]
    columns.arrays["ratings"] = ratings = ratings[rows]
    columns.arrays["timestamps"] = timestamps = timestamps[rows]
    if counted != "count":
        own = event_edges = np.arange(len(rows), dtype=np.int32)
    if len(amounts) > len(rows) or amounts.min(initial=np.inf) < amounts.max(initial=-np.inf):
        columns.arrays["event_edges"] = event_edges
        columns.arrays["event_amounts"] = amounts.astype(np.float32, copy=False)
        columns.arrays["edge_events"] = own.astype(np.int32)
    return num - len(rows)


def rows_with_equals(values: Sequence[np.ndarray]) -> np.ndarray:
    """The rows whose values another row has, too: positions, ascending.

    Args:
        values: columns, ``[n]`` each; the first two are user rows and film rows.
    """
    pairs = pairs_of(*values[:2])
    order = stable_order(pairs)
    order = order[_in_groups([pairs[order]])]  # few have their pair more than once; only they are compared
    order = order[np.lexsort([column[order] for column in values])]
    return np.sort(order[_in_groups([column[order] for column in values])])


def equal_to_earlier(values: Sequence[np.ndarray]) -> np.ndarray:
    """The rows whose values an earlier row has, too: positions, ascending; arguments as above."""
    rows = rows_with_equals(values)
    order = rows[np.lexsort([column[rows] for column in values])]  # stable: the earliest equal row is first
    again = np.ones(max(len(order) - 1, 0), dtype=bool)
    for column in values:
        again &= column[order[1:]] == column[order[:-1]]
    return np.sort(order[1:][again])


def _in_groups(ordered: Sequence[np.ndarray]) -> np.ndarray:
    """Which rows of sorted columns equal a row beside them, bool ``[n]``."""
    size = len(ordered[0])
    same = np.ones(max(size - 1, 0), dtype=bool)
    for column in ordered:
        same &= column[1:] == column[:-1]
    grouped = np.zeros(size, dtype=bool)
    grouped[1:] |= same
    grouped[:-1] |= same
    return grouped


def _own_events(pairs: np.ndarray, last: bool) -> tuple[np.ndarray, np.ndarray]:
    """Which of the events of each pair gives the interaction its time.

    Args:
        pairs: int64 ``[num_events]``, the user and film of each event, in the order of the events.
        last: whether it is the last event of the pair instead of the first one.

    Returns:
        The own event of each interaction, int ``[num_interactions]``, ascending; and the interaction of each
        event, int32 ``[num_events]``.
    """
    if len(pairs) == 0:
        return np.empty(0, dtype=np.int32), np.empty(0, dtype=np.int32)
    place = stable_order(pairs)  # events of one pair side by side, in their order
    pairs = pairs[place]
    is_start = np.concatenate([[True], pairs[1:] != pairs[:-1]])
    del pairs
    is_own = np.concatenate([is_start[1:], [True]]) if last else is_start
    chosen = place[is_own].astype(np.int32)
    own = np.sort(chosen)
    edge_at = np.empty(len(place), dtype=np.int32)
    edge_at[own] = np.arange(len(own), dtype=np.int32)
    group = np.cumsum(is_start, dtype=np.int32)
    group -= 1
    event_edges = np.empty(len(place), dtype=np.int32)
    event_edges[place] = edge_at[chosen][group]
    return own, event_edges
