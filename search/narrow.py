"""Exact search in two steps: fast scores with error bounds, then the scores that decide.

A fast score, by a product of matrices or by int8 codes, is off by a little, and by how much depends on the
shape of the matrices. So it only tells which vectors can be among the best k (``narrow``). These are scored
by one kernel, whose scores depend on query and vector alone, and ordered by score and id (``settle``). The
result is therefore the same for one query and for many, and for a catalogue and its shards.
"""

import numba
import numpy as np

from base.arrays import FloatArray
from search.kernels import (
    FINE_FACTOR,
    FINE_MORE,
    Number,
    heap_sort,
    keep_best,
    offer_all,
    products,
)
from search.vectors import CODE_STEPS, Vectors

PIECE, BLOCK = 512, 64  # scores that are compared before any is kept
UNIT = 2.0**-24  # largest relative error of one operation in float32
# Operations beside the sum: decoding, the scale, and the arithmetic on the bounds themselves.
MORE_OPERATIONS = 16
TINY = np.float32(1e-33)  # more than sums of products lose that are too small for float32
# An int8 code is half a step from a value, its float16 a half of the last place of numbers below 128.
CODE_ERROR = 0.5 + 2.0**-5 + 0.01
# Vectors that may be told apart later, for k results; more are all scored.
ROOM_FACTOR, ROOM_MORE = 4, 256


def room_for(k: int) -> int:
    """Vectors that are kept at most."""
    return ROOM_FACTOR * k + ROOM_MORE


def lengths_of(stored: Vectors) -> FloatArray:
    """Float32 ``[n]``, to which the error of a vector's fast score is proportional: lengths, or scales."""
    if stored.compact:
        return stored.scales
    lengths = np.empty(len(stored.codes), dtype=np.float32)
    _row_lengths(stored.codes, lengths)
    return lengths


@numba.njit(nogil=True, cache=True, fastmath={"reassoc", "contract"})
def _row_lengths(vectors: np.ndarray, lengths: np.ndarray) -> None:
    for i in range(len(vectors)):
        total = 0.0
        for j in range(vectors.shape[1]):
            total += np.float64(vectors[i, j]) * np.float64(vectors[i, j])
        lengths[i] = np.sqrt(total)


@numba.njit(nogil=True, cache=True)
def relative_error(dim: int) -> float:
    """How far two sums of the same ``dim`` products in float32 can be apart, per unit of |q| |x|.

    Each, in any order, differs from the true one by at most about dim * UNIT * sum |q_j x_j|, which is at
    most that product of lengths (Higham, 2002, section 3.1).
    """
    return 2.02 * UNIT * (dim + MORE_OPERATIONS)


@numba.njit(nogil=True, cache=True)
def slack_of(query: np.ndarray, compact: bool, by_codes: bool, rounding: float) -> np.float32:
    """How far a fast score can be from the one that decides, per unit of ``lengths_of``.

    Args:
        query: float32 ``[d]``.
        compact: whether the vectors are; then a value is at most ``CODE_STEPS`` scales.
        by_codes: whether the fast score is by int8 codes and the other by float16.
        rounding: relative error of the fast product's factors, 0 in float32.
    """
    total = squares = 0.0
    for j in range(len(query)):
        value = np.float64(query[j])
        total += abs(value)
        squares += value * value
    relative = relative_error(len(query)) + rounding
    if compact:
        return np.float32(1.001 * total * ((CODE_STEPS + 1) * relative + (CODE_ERROR if by_codes else 0.0)))
    return np.float32(1.001 * np.sqrt(squares) * relative)


@numba.njit(nogil=True, cache=True)
def narrow(
    scores: np.ndarray,
    start: int,
    slack: Number,
    lengths: np.ndarray,
    k: int,
    lows: np.ndarray,
    rows: np.ndarray,
    size: int,
    floor: Number,
) -> tuple[int, Number]:
    """Keep the rows that can be among the best k of a query, from the fast scores of the next vectors.

    Args:
        scores: float32 ``[m]``, of the rows from ``start`` on.
        start: first row.
        slack: as ``slack_of``.
        lengths: float32 ``[n]``, as ``lengths_of``.
        k: number of results.
        lows: float32 ``[room]``, the least that the rows kept can score.
        rows: int64 ``[room]``, the rows kept.
        size: number of rows kept, or -1 if there were too many.
        floor: k rows score at least as much; minus infinity while there are fewer.

    Returns:
        the new size and floor.
    """
    skip = False
    for first in range(0, len(scores), BLOCK):
        at = start + first
        if first % PIECE == 0:
            skip = not _any_reaches(floor, slack, scores[first : first + PIECE], lengths[at : at + PIECE])
        if skip:
            continue
        block, of_block = scores[first : first + BLOCK], lengths[at : at + BLOCK]
        if not _any_reaches(floor, slack, block, of_block):
            continue
        if size > 2 * k + BLOCK:
            size, floor = reduced(slack, lengths, k, lows, rows, size)
            if size + BLOCK > len(rows):
                return -1, floor
        for j in range(len(block)):
            bound = slack * of_block[j] + TINY
            # So written that a NaN, as a damaged vector gives, is kept. It is scored again.
            if not block[j] + bound < floor:
                low = block[j] - bound
                lows[size] = low if low == low else np.float32(-np.inf)
                rows[size] = at + j
                size += 1
    return size, floor


@numba.njit(nogil=True, cache=True)
def _any_reaches(floor: Number, slack: Number, scores: np.ndarray, lengths: np.ndarray) -> bool:
    """Whether a score and its bound reach the floor; in vector registers, so no score ends the loop."""
    hit = False
    for j in range(len(scores)):
        hit |= not scores[j] + (slack * lengths[j] + TINY) < floor
    return hit


@numba.njit(nogil=True, cache=True)
def reduced(
    slack: Number, lengths: np.ndarray, k: int, lows: np.ndarray, rows: np.ndarray, size: int
) -> tuple[int, Number]:
    """Drop the rows that k others are ahead of for certain; returns the new size and floor."""
    if size <= k:
        return size, np.float32(-np.inf)
    keep_best(lows, rows, size, k)
    floor = lows[k - 1]
    kept = k
    for i in range(k, size):
        low, row = lows[i], rows[i]
        lows[kept], rows[kept] = low, row
        kept += not low + 2 * (slack * lengths[row] + TINY) < floor
    return kept, floor


@numba.njit(nogil=True, cache=True)
def _finest(
    vectors: tuple[np.ndarray, np.ndarray, np.ndarray],
    query: np.ndarray,
    rows: np.ndarray,
    scores: np.ndarray,
) -> None:
    codes, scales, fine = vectors
    if len(fine) > 0:
        products(fine, scales, query, rows, scores)
    else:
        products(codes, scales, query, rows, scores)


@numba.njit(nogil=True, cache=True)
def settle_all(
    queries: np.ndarray,
    scores: np.ndarray,
    found: np.ndarray,
    vectors: tuple[np.ndarray, np.ndarray, np.ndarray],
    ids: np.ndarray,
) -> None:
    """``settle`` for queries float32 ``[q, d]`` with nothing narrowed; fills ``[q, k]``."""
    rows = np.arange(len(ids))
    products_of_rows = np.empty(len(ids), dtype=np.float32)
    for i in range(len(queries)):
        _finest(vectors, queries[i], rows, products_of_rows)
        filled = offer_all(products_of_rows, ids, rows, scores[i], found[i], 0)
        heap_sort(scores[i], found[i], filled)


@numba.njit(nogil=True, cache=True)
def settle(
    vectors: tuple[np.ndarray, np.ndarray, np.ndarray],
    ids: np.ndarray,
    lengths: np.ndarray,
    query: np.ndarray,
    slack: Number,
    lows: np.ndarray,
    rows: np.ndarray,
    size: int,
    best_scores: np.ndarray,
    best_ids: np.ndarray,
) -> None:
    """The best k of the rows that ``narrow`` kept, or of all if they were too many; fills ``best_*``.

    Scores are those of ``products``, by fine codes if there are any. Equal ones are in the order of ids.
    """
    if size < 0:
        settle_all(query.reshape(1, -1), best_scores.reshape(1, -1), best_ids.reshape(1, -1), vectors, ids)
        return
    k = len(best_scores)
    size, _ = reduced(slack, lengths, k, lows, rows, size)
    few = min(size, FINE_FACTOR * k + FINE_MORE)
    if few < size:
        keep_best(lows, rows, size, few)
    scores = np.empty(size, dtype=np.float32)
    _finest(vectors, query, rows[:few], scores)
    filled = offer_all(scores, ids, rows[:few], best_scores, best_ids, 0)
    kept = few
    for i in range(few, size):  # now the k-th best is known, and most others are behind it
        low, row = lows[i], rows[i]
        rows[kept] = row
        kept += not low + 2 * (slack * lengths[row] + TINY) < best_scores[0]
    if kept > few:
        _finest(vectors, query, rows[few:kept], scores)
        filled = offer_all(scores, ids, rows[few:kept], best_scores, best_ids, filled)
    heap_sort(best_scores, best_ids, filled)
