"""Where targets stand among the candidates of each question: counted in one pass, without a sort or a copy.

A rank needs only two numbers per target: how many candidates have a higher score, and how many an equal one.
"""

import numba
import numpy as np

from base.arrays import FloatArray, IntArray
from base.top_columns import find_top


def candidate_counts(
    scores: FloatArray,
    rows: IntArray,
    mask_ptr: IntArray,
    masked: IntArray,
    target_ptr: IntArray,
    targets: IntArray,
    depth: int = 0,
) -> tuple[IntArray, IntArray, IntArray]:
    """Candidates above and level with each target, and the best candidates of each question.

    A target is always a candidate of its question, even where the mask names it.

    Args:
        scores: float32 ``[num_rows, num_columns]`` without NaN.
        rows: int64 ``[n]``, the row of scores that answers each question.
        mask_ptr: int64 ``[n + 1]``; question i masks the columns ``masked[mask_ptr[i]:mask_ptr[i + 1]]``.
        masked: columns that are no candidates.
        target_ptr: int64 ``[n + 1]``, where the targets of each question begin.
        targets: int ``[t]``, columns; question i has ``targets[target_ptr[i]:target_ptr[i + 1]]``.
        depth: how many of the best candidates are wanted.

    Returns:
        Candidates with a higher score than each target, int64 ``[t]``; with an equal one, the target among
        them, int64 ``[t]``; and the columns of the best candidates, best first, of equals the lower column,
        int64 ``[n, min(depth, num_columns)]``, -1 where a question has too few.
    """
    scores = np.ascontiguousarray(scores, dtype=np.float32)
    higher, equal = np.empty(len(targets), dtype=np.int64), np.empty(len(targets), dtype=np.int64)
    best = np.full((len(rows), min(depth, scores.shape[1])), -1)
    _count(scores, rows, mask_ptr, masked, target_ptr, targets, higher, equal, best)
    return higher, equal, best


@numba.njit(parallel=True, cache=True)
def _count(scores, rows, mask_ptr, masked, target_ptr, targets, higher, equal, best):  # type: ignore[no-untyped-def]
    for question in numba.prange(len(rows)):
        source = scores[rows[question]]
        own = source.copy()
        for place in range(mask_ptr[question], mask_ptr[question + 1]):
            own[masked[place]] = np.nan  # neither above nor equal to anything
        for place in range(target_ptr[question], target_ptr[question + 1]):
            own[targets[place]] = source[targets[place]]
        for place in range(target_ptr[question], target_ptr[question + 1]):
            target = source[targets[place]]
            above, level = np.int32(0), np.int32(0)
            for column in range(len(own)):
                above += np.int32(own[column] > target)
                level += np.int32(own[column] == target)
            higher[place], equal[place] = above, level
        if best.shape[1]:
            find_top(own, best[question])
