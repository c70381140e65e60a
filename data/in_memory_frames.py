"""Data from DataFrames in memory: their columns go the way of arrays."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from base.errors import UserError
from data.in_memory import columns_from_arrays
from data.in_memory_values import ids_of
from data.reading.columns import Columns
from data.reading.events import Counted

if TYPE_CHECKING:
    import pandas as pd

# Accepted names of the columns of DataFrames: ours and those of MovieLens.
USER_COLUMNS = ("user", "userId", "user_id")
ITEM_COLUMNS = ("item", "itemId", "item_id", "movieId", "movie_id")
RATING_COLUMNS = ("rating",)
TIME_COLUMNS = ("time", "timestamp")
TITLE_COLUMNS = ("title",)
GENRE_COLUMNS = ("genres",)


def columns_from_frames(
    interactions: "pd.DataFrame",
    catalogue: "pd.DataFrame | None" = None,
    repeats: Counted | None = None,
    weights: str | None = None,
) -> Columns:
    """Read DataFrames with the columns of ``ratings.csv`` and ``movies.csv``.

    Args:
        interactions: columns ``userId`` and ``movieId`` (or ``user`` and ``item``); optional ``rating``
            and ``timestamp`` (or ``time``).
        catalogue: column ``movieId`` (or ``item``); optional ``title`` and ``genres``. None if nothing is
            known about the items.
        repeats: as in ``columns_from_arrays``.
        weights: name of the column of weights.

    Returns:
        As ``columns_from_arrays``.

    Raises:
        UserError: a required column is missing, the catalogue has an id twice, or an error of
            ``columns_from_arrays``.
    """
    users, items = (_column(interactions, "interactions", names) for names in (USER_COLUMNS, ITEM_COLUMNS))
    ratings, times = (_optional_column(interactions, names) for names in (RATING_COLUMNS, TIME_COLUMNS))
    amounts = None if weights is None else _column(interactions, "interactions", (weights,))
    if catalogue is None:
        return columns_from_arrays(users, items, ratings, times, None, None, repeats, amounts)
    ids = catalogue_ids(catalogue)
    titles, genres = (_optional_column(catalogue, names) for names in (TITLE_COLUMNS, GENRE_COLUMNS))
    return columns_from_arrays(
        users,
        items,
        ratings,
        times,
        titles=_by_id(ids, ids if titles is None else titles, missing=str),
        genres=None if genres is None else _by_id(ids, genres, missing=lambda _: ""),
        repeats=repeats,
        weights=amounts,
    )


def catalogue_ids(catalogue: "pd.DataFrame") -> np.ndarray:
    """The ids of a catalogue, int64 or texts.

    Raises:
        UserError: there is no column of ids, or one is neither a whole number nor text.
    """
    return ids_of("the catalogue's ids", _column(catalogue, "catalogue", ITEM_COLUMNS))


def column_by_id(catalogue: "pd.DataFrame", name: str) -> dict[Any, Any]:
    """A column of a catalogue: from item ids to values.

    Raises:
        UserError: there is no such column.
    """
    values = _column(catalogue, "catalogue", (name,))
    return dict(zip(catalogue_ids(catalogue).tolist(), values.tolist(), strict=True))


def _column(frame: "pd.DataFrame", what: str, names: tuple[str, ...]) -> np.ndarray:
    column = _optional_column(frame, names)
    if column is None:
        have = ", ".join(map(str, frame))
        raise UserError(f"the {what} must have a column {' or '.join(names)}, got the columns {have}")
    return column


def _optional_column(frame: "pd.DataFrame", names: tuple[str, ...]) -> np.ndarray | None:
    return next((frame[name].to_numpy() for name in names if name in frame), None)


def _by_id(ids: np.ndarray, values: np.ndarray, missing: Callable[[Any], str]) -> dict[Any, str]:
    """A dictionary from id to text; for a missing value, ``missing(id)`` is the text.

    Raises:
        UserError: an id occurs twice.
    """
    by_id = {
        one: missing(one) if value is None or value != value else str(value)
        for one, value in zip(ids.tolist(), values, strict=True)
    }
    if len(by_id) < len(ids):
        distinct, counts = np.unique(ids, return_counts=True)
        raise UserError(
            f"the catalogue must have each id once, got {distinct.tolist()[counts.argmax()]!r} twice"
        )
    return by_id
