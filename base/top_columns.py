"""The best columns of each row of a matrix of scores, in one pass over it."""

import numba
import numpy as np

from base.arrays import FloatArray, IntArray
from base.checks import whole_number


def top_columns(scores: FloatArray, depth: int) -> IntArray:
    """The columns of the ``depth`` highest scores of each row, best first; of equals, the lower column.

    Args:
        scores: float32 or float64 ``[n, num_columns]``; NaN is never chosen.
        depth: number of columns wanted; all if there are fewer.

    Returns:
        int64 ``[n, min(depth, num_columns)]``; -1 where a row has too few numbers.

    Raises:
        ValueError: ``depth`` below 1, or scores of another type or shape.
    """
    scores = np.asarray(scores)
    if scores.ndim != 2 or scores.dtype not in (np.float32, np.float64):
        raise ValueError(
            f"scores must be float32 or float64 with two axes, got {scores.dtype} of shape {scores.shape}"
        )
    depth = whole_number("depth", depth, 1)
    found = np.full((len(scores), min(depth, scores.shape[1])), -1)
    if found.size:
        _top_columns(scores, found)
    return found


@numba.njit(parallel=True, cache=True)
def _top_columns(scores, found):  # type: ignore[no-untyped-def]
    depth = found.shape[1]
    for row in numba.prange(len(scores)):
        best = np.empty(depth, dtype=scores.dtype)
        filled = 0
        for column in range(scores.shape[1]):
            score = scores[row, column]
            if np.isnan(score) or (filled == depth and score <= best[depth - 1]):
                continue
            place = filled if filled < depth else depth - 1
            filled = min(filled + 1, depth)
            while place > 0 and score > best[place - 1]:
                best[place], found[row, place] = best[place - 1], found[row, place - 1]
                place -= 1
            best[place], found[row, place] = score, column
