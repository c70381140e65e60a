"""Checks of a graph's arrays, before compiled code reads them as they are."""

from typing import Any

import numpy as np
import numpy.typing as npt

from base.arrays import IntArray
from base.checks import MAX_INT32, real_numbers, whole_number, whole_numbers

# Rows without an edge in a graph whose size is not given. More of them mean ids instead of row numbers.
MAX_EMPTY_ROWS = 10_000_000


def checked_side(name: str, rows: Any, num_rows: int | None) -> tuple[npt.NDArray[np.int32], int]:
    """One end of each edge, int32 ``[num_edges]``, and the number of rows, by default as many as they need.

    Raises:
        ValueError: one is no row number, or nearly all rows would have no edge.
    """
    if num_rows is not None:
        num_rows = whole_number(f"num_{name}", num_rows, 0, MAX_INT32 - 1)
        return checked_ends(name, rows, num_rows), num_rows
    ends = checked_ends(name, rows, MAX_INT32 - 1)
    num_rows = int(ends.max(initial=-1)) + 1
    if num_rows > len(ends) + MAX_EMPTY_ROWS:
        raise ValueError(
            f"{name} must be row numbers from 0, but {num_rows - 1} leaves over {MAX_EMPTY_ROWS} rows "
            f"without an edge; give num_{name} if that is right"
        )
    return ends, num_rows


def checked_ends(name: str, rows: Any, num_rows: int) -> npt.NDArray[np.int32]:
    """One end of each edge, int32 ``[num_edges]``.

    Raises:
        ValueError: they are not rows of ``num_rows``.
    """
    ends = whole_numbers(name, rows, 0, num_rows - 1, np.int32)
    if ends.ndim != 1 or len(ends) > MAX_INT32:
        raise ValueError(f"{name} must have one axis and at most {MAX_INT32} edges, got shape {ends.shape}")
    return ends


def checked_pointers(name: str, values: Any) -> npt.NDArray[np.int32]:
    """Where each row starts and the last one ends, int32 ``[num_rows + 1]``.

    Raises:
        ValueError: they do not start at 0, or fall.
    """
    pointers = whole_numbers(name, values, 0, MAX_INT32, np.int32)
    if pointers.ndim != 1 or len(pointers) == 0:
        raise ValueError(f"{name} must have one axis and at least one entry, got shape {pointers.shape}")
    if pointers[0] != 0:
        raise ValueError(f"{name} must start at 0, got {pointers[0]}")
    falls = pointers[1:] < pointers[:-1]
    if falls.any():
        raise ValueError(f"{name} must not fall, but it does after entry {int(falls.argmax())}")
    return pointers


def checked_direction(
    name: str, rows: Any, ptr_name: str, pointers: IntArray, num_rows: int
) -> npt.NDArray[np.int32]:
    """The ends of a direction's edges, int32 ``[num_edges]``, rows of the other direction.

    Args:
        name: of the ends, for errors.
        rows: the ends.
        ptr_name: of the pointers.
        pointers: int32 ``[n + 1]``, where the edges of each row start and the last ones end.
        num_rows: of the other direction.

    Raises:
        ValueError: one is no row, or the pointers are of another number of edges.
    """
    ends = checked_ends(name, rows, num_rows)
    last = int(pointers[-1])
    if last != len(ends):
        raise ValueError(f"{ptr_name} must end at the {len(ends)} edges of {name}, got {last}")
    return ends


def checked_weights(name: str, values: Any, num_edges: int) -> npt.NDArray[np.float32]:
    """The weights of all edges, float32 ``[num_edges]``.

    Raises:
        ValueError: they are not one number above 0 per edge.
    """
    weights = real_numbers(name, values)
    if weights.shape != (num_edges,):
        raise ValueError(f"{name} must have one entry per edge, [{num_edges}], got shape {weights.shape}")
    if len(weights) and weights.min() <= 0:
        raise ValueError(f"{name} must be above 0, got {weights.min():g}")
    return weights
