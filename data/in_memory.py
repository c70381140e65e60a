"""Data from arrays in memory. The result equals that of reading files with the same rows.

Ids that are whole numbers are treated like MovieLens ids: user rows are in the order of the ids. Ids that
are text are treated like those of own data: user rows are in the order of the first interactions.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_args

import numpy as np
import numpy.typing as npt

from base.errors import UserError
from data.in_memory_values import amounts_of, ids_of, ratings_of, times_of
from data.inspection.findings import EXAMPLES, Finding
from data.reading.columns import Columns
from data.reading.events import Counted, add_events, equal_to_earlier
from data.reading.formats import NO_GENRES
from data.title_year import year_of_title

NO_CONTENT = frozenset({"findings", "time_unit", "counted"})  # texts of ``Columns``
MAX_DROPPED_SHARE = 0.5  # of the interactions; beyond, items and titles do not belong together


def columns_from_arrays(
    users: npt.ArrayLike,
    items: npt.ArrayLike,
    ratings: npt.ArrayLike | None = None,
    times: npt.ArrayLike | None = None,
    titles: Mapping[Any, str] | None = None,
    genres: Mapping[Any, str | Sequence[str]] | None = None,
    repeats: Counted | None = None,
    weights: npt.ArrayLike | None = None,
) -> Columns:
    """Number users and items and sort the interactions; interaction i is of user ``users[i]``, ``items[i]``.

    Args:
        users: ids ``[n]``, all whole numbers or all text.
        items: ids ``[n]``, all whole numbers or all text.
        ratings: numbers ``[n]`` of 0 or more; 4 or more counts as liked. None if there are no ratings.
        times: seconds since 1970, whole or fractional, or dates ``[n]``; fractions are kept to the
            microsecond. None if the interactions are in the order of time.
        titles: item id -> title, in the order of the catalogue; interactions with other items are dropped.
            None: the catalogue is the items of the interactions, and their ids are the titles.
        genres: item id -> genres, a sequence of names or one text with ``|`` between the names.
        repeats: what counts if a user has an item several times: ``count``, ``first`` or ``last``, as of
            ``add_events``; None for ``count`` without ratings, else ``first``.
        weights: numbers ``[n]``; an interaction counts log(1 + weight), those of 0 or less are left out.

    Returns:
        Columns like those of ``read_release``; if ids are text, also their texts.

    Raises:
        UserError: the arrays differ in length or are empty, whole numbers and text are mixed in the ids, or
            a value is not allowed.
    """
    if repeats not in (None, *get_args(Counted)):
        raise UserError(f"repeats must be one of {', '.join(get_args(Counted))}, got {repeats!r}")
    rows = _checked_rows(users, items, ratings, times, weights)
    columns = Columns({}, {"notes": []})
    movie_rows = _add_catalogue(columns, rows.items, titles, genres)
    known = movie_rows >= 0
    kept = known if rows.amounts is None else known & (rows.amounts > 0)
    findings = _dropped(columns, rows.items, known, kept)
    if times is not None:
        kept, equal = _without_equal_rows(rows, movie_rows, kept)
        columns.note(equal, "row", "equal to another in every column left out")
        findings.append(Finding("equal_rows", equal, len(kept)))
    counted = repeats or ("count" if ratings is None else "first")
    findings.append(_add_interactions(columns, rows, movie_rows, kept, counted))
    if ratings is None:
        columns.texts["unrated"] = []
        columns.texts["counted"] = [counted]
    if rows.unit != "seconds":
        columns.texts["time_unit"] = [rows.unit]
    texts = [one.as_text() for one in findings if one.count]
    columns.texts["findings"] = [*columns.texts.get("findings", []), *texts]
    columns.freeze()
    return columns


@dataclass(frozen=True)
class _Rows:
    """The interactions as they were given, one entry per row.

    Attributes:
        users: ids ``[n]``, int64 or texts.
        items: ids ``[n]``, int64 or texts.
        stars: float32 ``[n]``.
        times: int64 ``[n]``.
        unit: of the times.
        amounts: float32 ``[n]``, how much a row counts; None if all count the same.
    """

    users: np.ndarray
    items: np.ndarray
    stars: np.ndarray
    times: np.ndarray
    unit: str
    amounts: np.ndarray | None


def _checked_rows(
    users: npt.ArrayLike,
    items: npt.ArrayLike,
    ratings: npt.ArrayLike | None,
    times: npt.ArrayLike | None,
    weights: npt.ArrayLike | None,
) -> _Rows:
    """The arguments of ``columns_from_arrays`` as arrays of one length.

    Raises:
        UserError: a value is not allowed, or the arrays differ in length or are empty.
    """
    user_ids, item_ids = ids_of("users", users), ids_of("items", items)
    num = len(user_ids)
    stars, amounts = ratings_of(ratings, num), amounts_of(weights)
    moments, unit = times_of(times, num)
    given = {"items": item_ids, "ratings": stars, "times": moments, "weights": amounts}
    for argument, values in given.items():
        if values is not None and values.shape != (num,):
            got = len(values) if values.ndim == 1 else f"the shape {values.shape}"
            raise UserError(f"users and {argument} must have one entry per interaction, got {num} and {got}")
    if num == 0:
        raise UserError("users and items must have at least one interaction, got none")
    return _Rows(user_ids, item_ids, stars, moments, unit, amounts)


def _dropped(columns: Columns, item_ids: np.ndarray, known: np.ndarray, kept: np.ndarray) -> list[Finding]:
    """Report interactions with unknown items or without weight.

    Args:
        columns: which notes are added to.
        item_ids: ``[n]``.
        known: bool ``[n]``, whether the item is in the catalogue.
        kept: bool ``[n]``, whether the interaction also counts something.

    Raises:
        UserError: most interactions are left out for their items, or all for their weights.
    """
    num, unknown = len(known), int((~known).sum())
    examples = tuple(dict.fromkeys(item_ids[~known].tolist()))[:EXAMPLES]
    listed = ", ".join(map(repr, examples))
    if unknown > MAX_DROPPED_SHARE * num:
        some = "none" if unknown == num else f"only {num - unknown}"
        raise UserError(f"{some} of the {num} items is in titles (not {listed}); use the same ids in both")
    if not kept.any():
        raise UserError(f"none of the {num} interactions counts, all have a weight of 0 or less")
    columns.note(unknown, "interaction", f"with items absent from titles dropped ({listed})")
    weightless = int((known & ~kept).sum())
    columns.note(weightless, "interaction", "with a weight of 0 or less left out")
    return [Finding("unknown_items", unknown, num, examples), Finding("zero_weight", weightless, num)]


def _without_equal_rows(rows: _Rows, movie_rows: np.ndarray, kept: np.ndarray) -> tuple[np.ndarray, int]:
    """Leave out of ``kept`` all but the first of equal interactions; also returns how many these are."""
    given = (movie_rows, rows.stars, rows.times, rows.amounts)
    users = np.unique(rows.users[kept], return_inverse=True)[1]
    columns = [users, *(column[kept] for column in given if column is not None)]
    equal = np.flatnonzero(kept)[equal_to_earlier(columns)]
    stays = kept.copy()
    stays[equal] = False
    return stays, len(equal)


def _add_interactions(
    columns: Columns, rows: _Rows, movie_rows: np.ndarray, kept: np.ndarray, counted: Counted
) -> Finding:
    """Add the users and their interactions, and report repeated ones.

    Args:
        columns: what is added to.
        rows: as given.
        movie_rows: int32 ``[n]``.
        kept: bool ``[n]``, which rows count.
        counted: what counts of repeated interactions.
    """
    user_rows = _add_users(columns, rows.users[kept])
    amounts = None if rows.amounts is None else rows.amounts[kept]
    repeated = add_events(
        columns, user_rows, movie_rows[kept], rows.stars[kept], rows.times[kept], amounts, counted
    )
    if counted == "count":
        columns.note(repeated, "repeated interaction", "counted in the weight of the first")
        return Finding("counted_repeats", repeated, len(kept))
    columns.note(repeated, "repeated interaction", f"dropped, the {counted} of each kept")
    return Finding("repeats", repeated, len(kept))


def fingerprint_of(columns: Columns) -> str:
    """The hexadecimal BLAKE2b digest of arrays and texts; what is only told about them is left out."""
    digest = hashlib.blake2b(digest_size=16)
    for name, array in sorted(columns.arrays.items()):
        digest.update(name.encode())
        digest.update(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data)
    for name, texts in sorted(columns.texts.items()):
        if name in NO_CONTENT:
            continue
        digest.update("\n".join([name, *texts]).encode("utf-8", "surrogatepass"))
    return digest.hexdigest()


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
        if (ids_of("titles", ids).dtype == object) != are_text:
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
