"""Arrays that a caller gives as interactions: ids, ratings, times and weights, checked once.

Values are taken in any spelling that keeps them exact: whole numbers may be floats, as pandas makes of a
column with a missing value, and times whole seconds, fractions of them, or dates of any kind.
"""

from datetime import datetime
from typing import Any

import numpy as np
import numpy.typing as npt

from base.checks import EXACT_BELOW
from base.errors import UserError
from data.reading.columns import STARS
from data.reading.moments import MAX_TIME, MICROSECONDS, microseconds_of

MAX_ID = np.iinfo(np.int64).max


def ids_of(argument: str, values: npt.ArrayLike) -> np.ndarray:
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
    rule = f"whole numbers from 0 to {MAX_ID}, or texts that are not empty"
    if array.dtype.kind == "f":
        bad = ~((array >= 0) & (array == np.floor(array)) & (array < EXACT_BELOW))
        if not bad.any():
            return array.astype(np.int64)
        odd: Any = array[bad.argmax()].item()
        if EXACT_BELOW <= odd <= MAX_ID:
            rule += f", and integers, not floats, from {EXACT_BELOW} on"
    elif array.dtype.kind in "iu":
        bad = (array < 0) | (array > MAX_ID)
        if not bad.any():
            return array.astype(np.int64)
        odd = int(array[bad.argmax()])
    else:
        not_texts = (one for one in array.tolist() if not isinstance(one, str) or not one)
        odd = next(not_texts, None)
        if odd is None:
            return array.astype(object)
    raise UserError(f"{argument} must be {rule}, got {odd!r}")


def ratings_of(ratings: npt.ArrayLike | None, num: int) -> np.ndarray:
    """Ratings, float32 ``[n]``; the best one where there are none.

    Raises:
        UserError: they are not finite numbers of 0 or more.
    """
    if ratings is None:
        return np.full(num, STARS, dtype=np.float32)
    return _numbers("ratings", ratings, "numbers of 0 or more", lowest=0)


def amounts_of(weights: npt.ArrayLike | None) -> np.ndarray | None:
    """How much each interaction counts: log(1 + weight), 0 for weights below 0; None if all count the same.

    Raises:
        UserError: they are not finite numbers.
    """
    if weights is None:
        return None
    return np.log1p(np.maximum(_numbers("weights", weights, "numbers", lowest=-np.inf), 0))


def _numbers(argument: str, values: npt.ArrayLike, rule: str, lowest: float) -> np.ndarray:
    try:
        with np.errstate(over="ignore"):  # 1e39 becomes inf, which is refused
            numbers = np.asarray(values, dtype=np.float32)
    except (TypeError, ValueError):
        raise UserError(f"{argument} must be {rule}") from None
    bad = ~(np.isfinite(numbers) & (numbers >= lowest))
    if bad.any():
        odd = np.asarray(values).reshape(-1)[bad.reshape(-1).argmax()]
        raise UserError(f"{argument} must be finite {rule}, got {odd:g}")
    return numbers


def times_of(times: npt.ArrayLike | None, num: int) -> tuple[np.ndarray, str]:
    """Times as int64 ``[n]`` and their unit.

    Returns:
        ``seconds`` where all are whole; else ``microseconds``. Without times the numbers of the rows, and
        ``row``.

    Raises:
        UserError: they are neither numbers nor dates, or one is missing or too far away.
    """
    if times is None:
        return np.arange(num, dtype=np.int64), "row"
    array = np.asarray(times)
    if array.dtype.kind in "iu":
        if array.size and array.max() > MAX_ID:
            raise UserError(f"times must be at most {MAX_ID}, got {array.max()}")
        return array.astype(np.int64), "seconds"
    if array.dtype.kind == "f":
        return _of_floats(array)
    if array.dtype.kind == "O" and all(isinstance(one, datetime) for one in array.flat):
        array = np.array([_microseconds(one) for one in array.flat], dtype="datetime64[us]")
    if array.dtype.kind != "M":
        raise UserError(f"times must be numbers of seconds or dates, got values of type {array.dtype}")
    if np.isnat(array).any():
        raise UserError("times must not contain missing dates (NaT)")
    seconds = array.astype("datetime64[s]")
    if (seconds == array).all():
        return seconds.astype(np.int64), "seconds"
    microseconds = array.astype("datetime64[us]")
    if (microseconds.astype("datetime64[s]") != seconds).any():
        raise UserError("times must be dates within 290,000 years of 1970")
    return microseconds.astype(np.int64), "microseconds"


def _of_floats(array: np.ndarray) -> tuple[np.ndarray, str]:
    """Seconds as whole numbers, or microseconds if some are fractional."""
    array = array.astype(np.float64)
    bad = ~(np.abs(array) < MAX_TIME)
    if bad.any():
        odd = array[bad.argmax()]
        raise UserError(f"times that are floats must be finite and at most {MAX_TIME}, got {odd:g}")
    if (array == np.floor(array)).all():
        return array.astype(np.int64), "seconds"
    return np.rint(array * MICROSECONDS).astype(np.int64), "microseconds"


def _microseconds(when: datetime) -> np.datetime64:
    """A date of the datetime module; in UTC if it has no zone."""
    if when != when:  # pandas' NaT
        return np.datetime64("NaT", "us")
    return np.datetime64(microseconds_of(when), "us")
