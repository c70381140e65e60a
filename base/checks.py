"""Checks of arguments before they reach compiled code, which would crash on bad ones or answer wrongly.

Every refusal is a ``ValueError`` of one line that names the argument, what it must be, and the value.
Single numbers and short arrays take the fastest way, since a search for one vector takes microseconds.
"""

import operator
from typing import Any

import numpy as np
import numpy.typing as npt

from base.arrays import FloatArray, IntArray

MIN_INT64, MAX_INT64 = -(2**63), 2**63 - 1
MAX_INT32 = 2**31 - 1
EXACT_BELOW = 2**53  # whole numbers below are exact as float64, and no other number becomes one of them
# Beyond it, inner products of float32 vectors could overflow: with 8192 axes they stay below 1e34.
MAX_MAGNITUDE = 1e15
SHORT = 32  # entries up to which Python's own min and max are faster than NumPy's
MAX_SHOWN = 60  # characters of a value in a message
BOOLEANS = frozenset((bool, np.bool_))


def whole_number(name: str, value: Any, low: int, high: int | None = None) -> int:
    """``value`` as an int, if it is an integer (of Python, NumPy or PyTorch) from ``low`` to ``high``.

    Raises:
        ValueError: it is of another type, a boolean or 1.0 among them, or out of range.
    """
    number = value if type(value) is int else _integer(value)
    if number is None or number < low or (high is not None and number > high):
        limits = f"of at least {low}" if high is None else f"from {low} to {high}"
        raise ValueError(f"{name} must be a whole number {limits}, got {shown_value(value)}")
    return number


def number(name: str, value: Any, low: float, high: float) -> float:
    """``value`` as a float, if it is a number from ``low`` to ``high``.

    Raises:
        ValueError: it is not a number, or NaN, or out of range.
    """
    real = isinstance(value, (int, float, np.integer, np.floating)) and type(value) is not bool
    if not (real and low <= value <= high):
        raise ValueError(f"{name} must be a number from {low} to {high}, got {shown_value(value)}")
    return float(value)


def whole_numbers(
    name: str, values: Any, low: int, high: int, dtype: npt.DTypeLike = np.int64
) -> npt.NDArray[Any]:
    """``values`` as a contiguous integer array of the same shape, if all are from ``low`` to ``high``.

    Args:
        name: of the argument.
        values: array, tensor or sequence. An empty one may have any type: ``[]`` is one of floats.
        low: smallest integer allowed.
        high: largest integer allowed.
        dtype: integer type of the result, wide enough for the range.

    Raises:
        ValueError: they are of another type, booleans or floats among them, or a value is out of range. 3.0
            is refused as well: a float may already be another number than the one that was meant.
    """
    array = _array(name, values)
    if array.size == 0:
        return np.zeros(array.shape, dtype=dtype)
    if array.dtype.kind == "f" and type(values) in (list, tuple):
        # NumPy makes floats of integers of which one is beyond int64.
        integers = [_integer(value) for value in values]
        array = array if None in integers else np.asarray(integers, object)
    kind = array.dtype.kind
    # Python's own integers, as NumPy keeps large ones and pandas those of a column with gaps, are objects.
    flat = _flat(array) if array.size <= SHORT or kind == "O" else None
    if kind not in "iu" and not (kind == "O" and set(map(type, flat or ())) == {int}):
        raise ValueError(f"{name} {_range(low, high)}, got {_first(array)}")
    smallest, largest = (min(flat), max(flat)) if flat else (int(array.min()), int(array.max()))
    if smallest < low or largest > high:
        raise ValueError(f"{name} {_range(low, high)}, got {smallest if smallest < low else largest}")
    return np.asarray(array, dtype, order="C")


def row_numbers(name: str, values: Any, num_rows: int) -> IntArray:
    """``values`` as int64 ``[n]``, if it is a list of rows of a table with ``num_rows`` rows.

    Raises:
        ValueError: more than one axis, or a value that is not a row.
    """
    rows = whole_numbers(name, values, 0, num_rows - 1)
    if rows.ndim != 1:
        raise ValueError(f"{name} must have one axis, got shape {rows.shape}")
    return rows


def real_numbers(name: str, values: Any) -> FloatArray:
    """``values`` as a contiguous float32 array of the same shape, if all are finite and of usable size.

    Raises:
        ValueError: values that are not real numbers, NaN or infinite, or larger than ``MAX_MAGNITUDE``.
    """
    array = _array(name, values)
    if array.dtype != np.float32:
        if array.size and array.dtype.kind not in "iuf":
            raise ValueError(f"{name} must be real numbers, got {_first(array)}")
        with np.errstate(over="ignore"):
            array = array.astype(np.float32)
    array = np.asarray(array, order="C")
    # If the sum of squares is small, so is every value: a third of the time of looking at each.
    squares = array.dot(array) if array.ndim == 1 else np.vdot(array, array)  # the method is faster
    if not squares <= MAX_MAGNITUDE**2:
        if not np.isfinite(array).all():
            raise ValueError(f"{name} must be finite, but contain NaN or infinity")
        largest = float(np.abs(array).max())
        if largest > MAX_MAGNITUDE:
            raise ValueError(f"{name} must be from {-MAX_MAGNITUDE:g} to {MAX_MAGNITUDE:g}, got {largest:g}")
    return array


def check_distinct(name: str, values: IntArray) -> None:
    """Refuse a value that occurs more than once.

    Raises:
        ValueError: names the smallest such value.
    """
    distinct, counts = np.unique(values, return_counts=True)
    if len(distinct) < len(values):
        raise ValueError(f"{name} must be distinct, got {distinct[counts > 1][0]} more than once")


def _array(name: str, values: Any) -> npt.NDArray[Any]:
    """``values`` as NumPy reads it, but for a list with a boolean, which NumPy would turn into 0 or 1."""
    kind = type(values)
    if kind is np.ndarray:
        return values
    try:
        if kind is list or kind is tuple:
            return np.asarray(values, None if BOOLEANS.isdisjoint(map(type, values)) else object)
        return _of_tensor(values) if hasattr(values, "detach") else np.asarray(values)
    except (TypeError, ValueError, OverflowError, RuntimeError):
        raise ValueError(f"{name} must be an array of numbers, got {shown_value(values)}") from None


def _of_tensor(tensor: Any) -> npt.NDArray[Any]:
    """The values of a PyTorch tensor, of any device; this room does not import PyTorch."""
    try:
        return tensor.numpy()
    except (TypeError, RuntimeError):  # on a GPU, or part of a gradient
        return tensor.detach().cpu().numpy()


def _flat(array: npt.NDArray[Any]) -> list[Any]:
    return array.tolist() if array.ndim == 1 else array.ravel().tolist()


def _integer(value: Any) -> int | None:
    """The value as an int; None if it is not an integer."""
    if type(value) in BOOLEANS or "bool" in str(getattr(value, "dtype", "")):
        return None
    try:
        return operator.index(value)
    except TypeError:
        return None


def _range(low: int, high: int) -> str:
    if high < low:
        return "must be empty, since there are no rows"
    return f"must be whole numbers from {low} to {high}"


def _first(array: npt.NDArray[Any]) -> str:
    """The first value that shows what is wrong: one that is not a whole number, if there is one."""
    found = _flat(array)
    wrong = (v for v in found if not (type(v) is int or (type(v) is float and v.is_integer())))
    return f"{shown_value(next(wrong, found[0]))} ({array.dtype})"


def shown_value(value: Any) -> str:
    """The value in one short line."""
    text = " ".join(repr(value.item() if isinstance(value, np.generic) else value).split())
    return text if len(text) <= MAX_SHOWN else text[:MAX_SHOWN] + "..."
