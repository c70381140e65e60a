"""The best columns of each row of a matrix of scores, in one pass over it."""

import numba
import numpy as np

from base.arrays import FloatArray, IntArray
from base.checks import whole_number

RUN = 512  # columns that are looked at together


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
    for row in numba.prange(len(scores)):
        find_top(scores[row], found[row])


@numba.njit(cache=True)
def find_top(scores, found):  # type: ignore[no-untyped-def]
    """Write the columns of the highest of ``scores`` ``[num_columns]`` to ``found`` ``[depth]``."""
    depth = len(found)
    best = np.empty(depth, dtype=scores.dtype)
    filled = 0
    for first in range(0, len(scores), RUN):
        end = min(first + RUN, len(scores))
        if filled == depth:
            # Most runs have nothing good enough, and to count is faster than to look at each.
            better = np.int32(0)
            for column in range(first, end):
                better += np.int32(scores[column] > best[depth - 1])
            if better == 0:
                continue
        for column in range(first, end):
            score = scores[column]
            if np.isnan(score) or (filled == depth and score <= best[depth - 1]):
                continue
            place = filled if filled < depth else depth - 1
            filled = min(filled + 1, depth)
            while place > 0 and score > best[place - 1]:
                best[place], found[place] = best[place - 1], found[place - 1]
                place -= 1
            best[place], found[place] = score, column
