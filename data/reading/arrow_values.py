"""Values of own interactions from arrays of pyarrow: texts, ratings and times.

What might be something else than the reading row by row would take it for is ``Doubtful``.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import numpy as np

from base.checks import EXACT_BELOW
from data.reading.columns import STARS
from data.reading.moments import MICROSECONDS, microseconds_of
from data.reading.number_kinds import FLOAT32_MAX, INT64
from data.reading.schema import InteractionTable
from data.reading.tables import as_text_array
from data.reading.text_blocks import Doubtful

# All that str.strip takes away.
SPACES = "".join(sign for sign in map(chr, range(0x3001)) if sign.isspace())
NANOSECONDS = 1000  # in a microsecond
FIRST_DATE, LAST_DATE = map(microseconds_of, (datetime.min, datetime.max))  # the dates that Python knows


def time_types(table: InteractionTable) -> list[Any]:
    """The types in pyarrow that times of a text table may have."""
    import pyarrow

    if table.timestamp is None:
        return [pyarrow.null()]
    if table.timestamp_format == "number":
        return [pyarrow.int64(), pyarrow.float64()]
    return [pyarrow.timestamp(unit, zone) for unit in ("us", "ns") for zone in (None, "UTC")]


def distinct_texts(array: Any, nothing: Iterable[str]) -> tuple[Any, np.ndarray]:
    """The texts of an array without spaces around them, and int ``[n]``: which of them each entry has.

    Args:
        array: of texts or of what is shown as text.
        nothing: texts that stand for no value.

    Raises:
        Doubtful: a value is missing or has a line break.
    """
    from pyarrow import compute, types

    encoded = array if types.is_dictionary(array.type) else array.dictionary_encode()
    if encoded.null_count or encoded.dictionary.null_count:
        raise Doubtful
    texts = compute.utf8_trim(as_text_array(encoded.dictionary), SPACES)
    if any(compute.index(texts, one).as_py() >= 0 for one in ("", *nothing)):
        raise Doubtful
    if compute.any(compute.match_substring_regex(texts, "[\r\n]")).as_py():
        raise Doubtful
    return texts, encoded.indices.to_numpy()


def finite_numbers(array: Any) -> np.ndarray:
    """Float64 values of an array of numbers.

    Raises:
        Doubtful: they are no numbers, or too large.
    """
    import pyarrow

    if not _is_number(array.type):
        raise Doubtful
    values = array.cast(pyarrow.float64()).to_numpy(zero_copy_only=False)
    if not (np.abs(values) <= FLOAT32_MAX).all():  # false for NaN, too
        raise Doubtful
    return np.asarray(values)


def stars(array: Any, table: InteractionTable) -> np.ndarray | None:
    """Ratings as float32 stars; None without ratings.

    Raises:
        Doubtful: one is no number from 0 to the best one.
    """
    if array is None:
        return None
    ratings = finite_numbers(array)
    if ratings.min(initial=0) < 0 or ratings.max(initial=0) > table.best_rating:
        raise Doubtful
    return (ratings * STARS / table.best_rating).astype(np.float32)


def times_in(array: Any, table: InteractionTable) -> np.ndarray | None:
    """Times as int64, or float64 where some are fractional; dates in microseconds; None without times.

    Raises:
        Doubtful: one is missing, or not of the kind that the table names.
    """
    import pyarrow
    from pyarrow import types

    if array is None:
        return None
    if array.null_count:
        raise Doubtful
    if is_date(array.type):
        return _microseconds(array)
    if table.timestamp_format == "iso":
        raise Doubtful
    if types.is_integer(array.type):
        return np.asarray(array.cast(pyarrow.int64()).to_numpy())
    values = finite_numbers(array)
    if (np.abs(values) < EXACT_BELOW).all() and (values == np.floor(values)).all():
        return values.astype(np.int64)
    if (np.abs(values) * MICROSECONDS >= INT64.max).any():
        raise Doubtful
    return values


def is_date(kind: Any) -> bool:
    """Whether a type of pyarrow is one of dates or of dates with a time."""
    from pyarrow import types

    return bool(types.is_timestamp(kind) or types.is_date(kind))


def _is_number(kind: Any) -> bool:
    from pyarrow import types

    return bool(types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind))


def _microseconds(array: Any) -> np.ndarray:
    """Dates and times as microseconds since 1970, in UTC where they have no zone."""
    import pyarrow

    zone = getattr(array.type, "tz", None)
    if getattr(array.type, "unit", "") == "ns":
        values = array.cast(pyarrow.int64()).to_numpy() // NANOSECONDS
    else:
        values = array.cast(pyarrow.timestamp("us", zone)).cast(pyarrow.int64()).to_numpy()
    if ((values < FIRST_DATE) | (values > LAST_DATE)).any():
        raise Doubtful
    return np.asarray(values)
