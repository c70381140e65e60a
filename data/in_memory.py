"""Data from arrays or DataFrames in memory. The result equals that of reading files with the same rows.

Ids that are whole numbers are treated like MovieLens ids: user rows are in the order of the ids. Ids that
are text are treated like those of own data: user rows are in the order of the first interactions.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from base.errors import UserError
from data.reading.columns import STARS, Columns
from data.reading.formats import NO_GENRES
from data.title_year import year_of_title

if TYPE_CHECKING:
    import pandas as pd

NO_CONTENT = frozenset({"findings", "time_unit"})  # texts of ``Columns``
MAX_ID = np.iinfo(np.int64).max
# Accepted names of the columns of DataFrames: ours and those of MovieLens.
USER_COLUMNS = ("user", "userId", "user_id")
ITEM_COLUMNS = ("item", "itemId", "item_id", "movieId", "movie_id")
RATING_COLUMNS = ("rating",)
TIME_COLUMNS = ("time", "timestamp")
TITLE_COLUMNS = ("title",)
GENRE_COLUMNS = ("genres",)


def columns_from_frames(interactions: "pd.DataFrame", catalogue: "pd.DataFrame | None" = None) -> Columns:
    """Read DataFrames with the columns of ``ratings.csv`` and ``movies.csv``.

    Args:
        interactions: columns ``userId`` and ``movieId`` (or ``user`` and ``item``); optional ``rating``
            and ``timestamp`` (or ``time``).
        catalogue: column ``movieId`` (or ``item``); optional ``title`` and ``genres``. None if nothing is
            known about the items.

    Returns:
        As ``columns_from_arrays``.

    Raises:
        UserError: a required column is missing, the catalogue has an id twice, or an error of
            ``columns_from_arrays``.
    """
    users, items = (_column(interactions, "interactions", names) for names in (USER_COLUMNS, ITEM_COLUMNS))
    ratings, times = (_optional_column(interactions, names) for names in (RATING_COLUMNS, TIME_COLUMNS))
    if catalogue is None:
        return columns_from_arrays(users, items, ratings, times)
    ids = _column(catalogue, "catalogue", ITEM_COLUMNS)
    titles, genres = (_optional_column(catalogue, names) for names in (TITLE_COLUMNS, GENRE_COLUMNS))
    return columns_from_arrays(
        users,
        items,
        ratings,
        times,
        titles=_by_id(ids, ids if titles is None else titles, missing=str),
        genres=None if genres is None else _by_id(ids, genres, missing=lambda _: ""),
    )


def columns_from_arrays(
    users: npt.ArrayLike,
    items: npt.ArrayLike,
    ratings: npt.ArrayLike | None = None,
    times: npt.ArrayLike | None = None,
    titles: Mapping[Any, str] | None = None,
    genres: Mapping[Any, str | Sequence[str]] | None = None,
) -> Columns:
    """Number users and items and sort the interactions; interaction i is of user ``users[i]``, ``items[i]``.

    If a user has several interactions with the same item, only the first one counts.

    Args:
        users: ids ``[n]``, all whole numbers or all text.
        items: ids ``[n]``, all whole numbers or all text.
        ratings: numbers ``[n]`` of 0 or more; 4 or more counts as liked. None if there are no ratings.
        times: whole seconds since 1970 or dates (``datetime64``) ``[n]``. None if the interactions are in
            the order of time.
        titles: item id -> title, in the order of the catalogue; interactions with other items are dropped.
            None: the catalogue is the items of the interactions, and their ids are the titles.
        genres: item id -> genres, a sequence of names or one text with ``|`` between the names.

    Returns:
        Columns like those of ``read_release``; if ids are text, also their texts.

    Raises:
        UserError: the arrays differ in length or are empty, whole numbers and text are mixed in the ids, or
            a value is not allowed.
    """
    user_ids, item_ids = _ids("users", users), _ids("items", items)
    num = len(user_ids)
    stars = _ratings(ratings, num)
    seconds = _times(times, num)
    for argument, values in (("items", item_ids), ("ratings", stars), ("times", seconds)):
        if len(values) != num:
            raise UserError(
                f"users and {argument} must have one entry per interaction, got {num} and {len(values)}"
            )
    if num == 0:
        raise UserError("users and items must have at least one interaction, got none")
    columns = Columns({}, {"notes": []})
    movie_rows = _add_catalogue(columns, item_ids, titles, genres)
    known = movie_rows >= 0
    if not known.any():
        raise UserError(f"none of the {num} items is in titles; use the same ids in both")
    user_rows = _add_users(columns, user_ids[known])
    repeats = columns.add_interactions(user_rows, movie_rows[known], stars[known], seconds[known])
    if ratings is None:
        columns.texts["unrated"] = []
    if times is None:
        columns.texts["time_unit"] = ["row"]
    columns.note(int((~known).sum()), "interaction", "with items absent from titles dropped")
    columns.note(repeats, "repeated interaction", "dropped, the first of each kept")
    columns.freeze()
    return columns


def fingerprint_of(columns: Columns) -> str:
    """The hexadecimal BLAKE2b digest of arrays and texts; what is only told about them is left out."""
    digest = hashlib.blake2b(digest_size=16)
    for name, array in sorted(columns.arrays.items()):
        digest.update(name.encode() + array.tobytes())
    for name, texts in sorted(columns.texts.items()):
        if name in NO_CONTENT:
            continue
        digest.update("\n".join([name, *texts]).encode("utf-8", "surrogatepass"))
    return digest.hexdigest()


def _ids(argument: str, values: npt.ArrayLike) -> np.ndarray:
    """Ids as an int64 array, or as an object array of texts.

    Raises:
        UserError: an id is neither a whole number nor text, or both kinds occur.
    """
    array = np.asarray(values)
    if array.dtype.kind == "U" and not isinstance(values, np.ndarray):
        array = np.asarray(values, dtype=object)  # NumPy makes text of a number among texts
    if array.ndim != 1:
        raise UserError(f"{argument} must have one dimension, got the shape {array.shape}")
    if array.size == 0:
        return array.astype(np.int64)
    if array.dtype.kind in "iu":
        bad = (array < 0) | (array > MAX_ID)
        if not bad.any():
            return array.astype(np.int64)
        odd: Any = int(array[bad.argmax()])
    else:
        not_texts = (one for one in array.tolist() if not isinstance(one, str) or not one)
        odd = next(not_texts, None)
        if odd is None:
            return array.astype(object)
    rule = f"whole numbers from 0 to {MAX_ID}, or texts that are not empty"
    raise UserError(f"{argument} must be {rule}, got {odd!r}")


def _ratings(ratings: npt.ArrayLike | None, num: int) -> np.ndarray:
    if ratings is None:
        return np.full(num, STARS, dtype=np.float32)
    try:
        stars = np.asarray(ratings, dtype=np.float32)
    except (TypeError, ValueError):
        raise UserError("ratings must be numbers of 0 or more") from None
    bad = ~(np.isfinite(stars) & (stars >= 0))
    if bad.any():
        raise UserError(f"ratings must be finite numbers of 0 or more, got {stars[bad.argmax()]:g}")
    return stars


def _times(times: npt.ArrayLike | None, num: int) -> np.ndarray:
    if times is None:
        return np.arange(num, dtype=np.int64)
    array = np.asarray(times)
    if array.dtype.kind == "M":
        if np.isnat(array).any():
            raise UserError("times must not contain missing dates (NaT)")
        return array.astype("datetime64[s]").astype(np.int64)
    if array.dtype.kind not in "iu":
        raise UserError(f"times must be whole seconds or dates, got values of type {array.dtype}")
    return array.astype(np.int64)


def _add_catalogue(
    columns: Columns,
    item_ids: np.ndarray,
    titles: Mapping[Any, str] | None,
    genres: Mapping[Any, str | Sequence[str]] | None,
) -> np.ndarray:
    """Add the items to ``columns``.

    Returns:
        int32 ``[n]``, the item row of each interaction; -1 if the item is not in the catalogue.

    Raises:
        UserError: the ids in ``items`` and in ``titles`` differ in kind.
    """
    are_text = item_ids.dtype == object
    if titles is None:
        ids = list(dict.fromkeys(item_ids)) if are_text else np.unique(item_ids).tolist()
        names = [str(one) for one in ids]
    else:
        ids, names = list(titles), [str(title) for title in titles.values()]
        if (_ids("titles", ids).dtype == object) != are_text:
            raise UserError("items and titles must have ids of one kind, whole numbers or texts")
    columns.texts |= {"titles": names, "genres": [_joined((genres or {}).get(one, ())) for one in ids]}
    columns.arrays["years"] = np.array([year_of_title(title) for title in names], dtype=np.float32)
    if are_text:
        columns.texts["movie_text_ids"] = [str(one) for one in ids]
        columns.arrays["movie_ids"] = np.arange(len(ids), dtype=np.int64)
    else:
        columns.arrays["movie_ids"] = np.array(ids, dtype=np.int64)
    row_of = {one: row for row, one in enumerate(ids)}
    rows = (row_of.get(one, -1) for one in item_ids.tolist())
    return np.fromiter(rows, dtype=np.int32, count=len(item_ids))


def _joined(genres: str | Iterable[str]) -> str:
    """Genres as one text with ``|`` between the names."""
    if isinstance(genres, str):
        return "" if genres.strip() == NO_GENRES else genres.strip()
    names = (str(name).strip().replace("|", "/") for name in genres)
    return "|".join(name for name in names if name)


def _add_users(columns: Columns, ids: np.ndarray) -> np.ndarray:
    """Add the users to ``columns``; returns the user row of each interaction, int32 ``[n]``."""
    if ids.dtype == object:
        row_of: dict[str, int] = {}
        rows = np.array([row_of.setdefault(one, len(row_of)) for one in ids], dtype=np.int32)
        columns.arrays["user_ids"] = np.arange(len(row_of), dtype=np.int64)
        columns.texts["user_text_ids"] = list(row_of)
        return rows
    distinct, place = np.unique(ids, return_inverse=True)
    columns.arrays["user_ids"] = distinct
    return place.astype(np.int32)


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
