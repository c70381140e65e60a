"""Ratings, times and amounts of own data from columns of pyarrow, by the rules of ``own_values``.

Each function gives what the reader of the same values row by row gives, or raises ``Doubtful``, or an error
of pyarrow, where such a value may break a rule or be spelled unusually.
"""

from typing import Any

import numpy as np

from data.reading.checked_text import Doubtful
from data.reading.columns import STARS
from data.reading.number_columns import FLOAT32_MAX
from data.reading.own_values import MAX_EXACT, MAX_TIME, amounts
from data.reading.schema import InteractionTable

NO_NUMBER = "0[xX]"  # pyarrow reads 0x10 as 16
MICROSECOND = "us"


def stars_of(array: Any, table: InteractionTable) -> np.ndarray | None:
    """Ratings in stars, float32 ``[n]``; None without a column."""
    if array is None:
        return None
    ratings = _numbers(array, table)
    if len(ratings) and (ratings.min() < 0 or ratings.max() > table.best_rating):
        raise Doubtful
    return (ratings * STARS / table.best_rating).astype(np.float32)


def amounts_of(weights: Any, kinds: Any, table: InteractionTable) -> np.ndarray | None:
    """What each row counts, float32 ``[n]``; None without columns of weights and kinds."""
    numbers = None if weights is None else _numbers(weights, table)
    if table.kind is None:
        return amounts(numbers, None)
    encoded = kinds.dictionary_encode()
    texts = [str(text).strip() for text in encoded.dictionary.to_pylist()]
    nothing = {text.strip() for text in table.empty}
    if encoded.indices.null_count or not set(texts) <= table.kind.weights.keys() - nothing:
        raise Doubtful
    of_kind = np.array([table.kind.weights[text] for text in texts], dtype=np.float64)
    return amounts(numbers, of_kind[encoded.indices.to_numpy()])


def times_of(array: Any, table: InteractionTable) -> np.ndarray | None:
    """Times as int64 or, where some are fractional, float64 ``[n]``; None without a column.

    Dates are whole microseconds since 1970, in UTC where they have no zone.
    """
    import pyarrow
    from pyarrow import compute, types

    if array is None:
        return None
    if array.null_count:
        raise Doubtful
    if types.is_timestamp(array.type) or types.is_date(array.type):
        zone = getattr(array.type, "tz", None)
        return _whole(compute.cast(array, pyarrow.timestamp(MICROSECOND, zone)))
    if table.timestamp_format == "iso":
        return _dates(_text(array, table))
    if types.is_integer(array.type) and not table.empty:
        return _whole(array)
    if _is_text(array):
        text = _text(array, table)
        if compute.any(compute.match_substring_regex(text, NO_NUMBER)).as_py():
            raise Doubtful
        try:
            return _whole(text)
        except pyarrow.ArrowException:
            pass
    values = _numbers(array, table)
    if not (np.abs(values) < min(MAX_EXACT, MAX_TIME)).all():
        raise Doubtful
    return values.astype(np.int64) if (values == np.floor(values)).all() else values


def _whole(array: Any) -> np.ndarray:
    import pyarrow
    from pyarrow import compute

    return compute.cast(array, pyarrow.int64()).to_numpy(zero_copy_only=False)


def _dates(text: Any) -> np.ndarray:
    """Microseconds since 1970 of texts that all have a zone, or all have none."""
    import pyarrow
    from pyarrow import compute

    for zone in (None, "UTC"):
        try:
            return _whole(compute.cast(text, pyarrow.timestamp(MICROSECOND, zone)))
        except pyarrow.ArrowException:
            continue
    raise Doubtful


def _is_text(array: Any) -> bool:
    from pyarrow import types

    return bool(types.is_string(array.type) or types.is_large_string(array.type))


def _text(array: Any, table: InteractionTable) -> Any:
    """An array of text without outer spaces."""
    import pyarrow
    from pyarrow import compute

    if not _is_text(array):
        raise Doubtful
    text = compute.ascii_trim_whitespace(array)
    if table.empty:
        nothing = pyarrow.array([one.strip() for one in table.empty], text.type)
        if compute.any(compute.is_in(text, nothing)).as_py():
            raise Doubtful
    return text


def _numbers(array: Any, table: InteractionTable) -> np.ndarray:
    """Finite numbers, float64 ``[n]``."""
    import pyarrow
    from pyarrow import compute

    if _is_text(array):
        array = _text(array, table)
        if table.decimal == ",":
            array = compute.replace_substring(array, ",", ".", max_replacements=1)
    elif table.empty:  # a placeholder may be a number
        raise Doubtful
    values = compute.cast(array, pyarrow.float64()).to_numpy(zero_copy_only=False)
    if not (np.abs(values) <= FLOAT32_MAX).all():  # false for NaN and null, too
        raise Doubtful
    return values
