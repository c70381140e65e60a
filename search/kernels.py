"""Compiled pieces that the indexes share: inner products, the bounded heap, exact rescoring."""

from typing import Any

import numba
import numpy as np

from search.vectors import decoded

Number = Any  # in compiled code, numbers of Python and NumPy are the same
# Sums may be regrouped, so that they run in vector registers; infinities keep their meaning.
REGROUP = {"reassoc", "contract"}
# Of int8 vectors, so many are read in float16 for k results: FINE_FACTOR * k + FINE_MORE.
FINE_FACTOR, FINE_MORE = 2, 10


@numba.njit(nogil=True, cache=True, fastmath=REGROUP)
def inner_products(rows: np.ndarray, query: np.ndarray, out: np.ndarray) -> None:
    """``out[i] = <rows[i], query>``: ``[n, d]`` of any code, see ``Vectors``; float32 ``[d]``, ``[n]``.

    Four rows at a time: their sums are independent, so no addition waits for one of another row.
    """
    num_rows, dim = rows.shape
    whole = num_rows - num_rows % 4
    for i in range(0, whole, 4):
        a = b = c = d = np.float32(0)
        for j in range(dim):
            a += decoded(rows[i, j]) * query[j]
            b += decoded(rows[i + 1, j]) * query[j]
            c += decoded(rows[i + 2, j]) * query[j]
            d += decoded(rows[i + 3, j]) * query[j]
        out[i], out[i + 1], out[i + 2], out[i + 3] = a, b, c, d
    for i in range(whole, num_rows):
        a = np.float32(0)
        for j in range(dim):
            a += decoded(rows[i, j]) * query[j]
        out[i] = a


@numba.njit(nogil=True, cache=True)
def heap_offer(scores: np.ndarray, rows: np.ndarray, size: int, score: Number, row: Number) -> int:
    """Offer (score, row) to a heap that keeps the best ``len(scores)`` pairs; returns its new size.

    The worst pair is at the root: the lowest score and, of equal scores, the highest row. So ``scores[0]``
    of a full heap is the threshold that a higher row must exceed.
    """
    if size < len(scores):
        place = size
        while place > 0:
            parent = (place - 1) >> 1
            if not _is_worse(score, row, scores[parent], rows[parent]):
                break
            scores[place], rows[place] = scores[parent], rows[parent]
            place = parent
        scores[place], rows[place] = score, row
        return size + 1
    if _is_worse(scores[0], rows[0], score, row):
        _sink(scores, rows, size, score, row)
    return size


@numba.njit(inline="always", cache=True)
def _is_worse(score: Number, row: Number, other_score: Number, other_row: Number) -> bool:
    return score < other_score or (score == other_score and row > other_row)


@numba.njit(nogil=True, cache=True)
def _sink(scores: np.ndarray, rows: np.ndarray, size: int, score: Number, row: Number) -> None:
    """Replace the root by (score, row) and restore the heap of ``size`` pairs."""
    place = 0
    while True:
        child = 2 * place + 1
        if child >= size:
            break
        if child + 1 < size and _is_worse(scores[child + 1], rows[child + 1], scores[child], rows[child]):
            child += 1
        if not _is_worse(scores[child], rows[child], score, row):
            break
        scores[place], rows[place] = scores[child], rows[child]
        place = child
    scores[place], rows[place] = score, row


@numba.njit(nogil=True, cache=True)
def heap_sort(scores: np.ndarray, rows: np.ndarray, size: int) -> None:
    """Turn a heap into a list, best first, in place."""
    for last in range(size - 1, 0, -1):
        score, row = scores[last], rows[last]
        scores[last], rows[last] = scores[0], rows[0]
        _sink(scores, rows, last, score, row)


@numba.njit(nogil=True, cache=True)
def worth_rescoring(rows: np.ndarray, scores: np.ndarray, k: int, margin: int) -> np.ndarray:
    """Those of a first level's ``rows`` that can be among the best k by the exact score.

    A row cannot if k others are ahead of it by more than ``margin``: twice the largest error of an
    approximate score.
    """
    best_scores = np.empty(k, dtype=scores.dtype)
    best_rows = np.empty(k, dtype=rows.dtype)
    size = 0
    for i in range(len(rows)):
        if size < k or scores[i] > best_scores[0]:
            size = heap_offer(best_scores, best_rows, size, scores[i], rows[i])
    kept = 0
    worth = np.empty_like(rows)
    for i in range(len(rows)):
        if scores[i] >= best_scores[0] - margin:
            worth[kept] = rows[i]
            kept += 1
    return worth[:kept]


@numba.njit(nogil=True, cache=True)
def rescore(
    vectors: tuple[np.ndarray, np.ndarray, np.ndarray],
    query: np.ndarray,
    candidates: np.ndarray,
    best_scores: np.ndarray,
    best_rows: np.ndarray,
) -> None:
    """The second level: inner products of ``candidates``; the best k go into ``best_*``.

    Args:
        vectors: as ``Vectors``. If they have fine codes, these decide among the best few by the others.
        query: float32 ``[d]``.
        candidates: distinct rows, at least k.
        best_scores: float32 ``[k]``, written.
        best_rows: int64 ``[k]``, written; of equal scores the lower row comes first.
    """
    codes, scales, fine = vectors
    if len(fine) == 0:
        _best_products(codes, scales, query, candidates, best_scores, best_rows)
        return
    few = min(len(candidates), FINE_FACTOR * len(best_scores) + FINE_MORE)
    scores = np.empty(few, dtype=np.float32)
    rows = np.empty(few, dtype=np.int64)
    _best_products(codes, scales, query, candidates, scores, rows)
    _best_products(fine, scales, query, rows, best_scores, best_rows)


@numba.njit(nogil=True, cache=True)
def rescore_all(
    queries: np.ndarray,
    scores: np.ndarray,
    rows: np.ndarray,
    vectors: tuple[np.ndarray, np.ndarray, np.ndarray],
) -> None:
    """``rescore`` for queries float32 ``[q, d]`` with every vector a candidate; fills ``[q, k]``."""
    candidates = np.arange(len(vectors[0]))
    for i in range(len(queries)):
        rescore(vectors, queries[i], candidates, scores[i], rows[i])


@numba.njit(nogil=True, cache=True, fastmath=REGROUP)
def _best_products(
    codes: np.ndarray,
    scales: np.ndarray,
    query: np.ndarray,
    candidates: np.ndarray,
    best_scores: np.ndarray,
    best_rows: np.ndarray,
) -> None:
    size = 0
    for i in range(len(candidates)):
        row = candidates[i]
        score = np.float32(0)
        for j in range(len(query)):
            score += decoded(codes[row, j]) * query[j]
        if len(scales) > 0:
            score *= scales[row]
        if size < len(best_scores) or score >= best_scores[0]:
            size = heap_offer(best_scores, best_rows, size, score, row)
    heap_sort(best_scores, best_rows, size)
