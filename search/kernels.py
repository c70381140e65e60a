"""Compiled pieces that the indexes share: inner products, the bounded heap, exact rescoring."""

from typing import Any

import numba
import numpy as np

from search.vectors import decoded

Number = Any  # in compiled code, numbers of Python and NumPy are the same
# Sums may be regrouped, so that they run in vector registers; infinities keep their meaning.
REGROUP = {"reassoc", "contract"}
STRETCH = 128  # axes of one piece of straight code
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
def byte_products(rows: np.ndarray, query: np.ndarray, out: np.ndarray) -> None:
    """``out[i] = <rows[i], query>``: int8 ``[n, d]``, int16 ``[d]``, int32 ``[n]``.

    A loop of constant length becomes straight code of multiply-and-add instructions. Rows of one stretch
    take a loop of their own, in which nothing else happens; it takes two thirds of the time.
    """
    if len(query) == STRETCH:
        for i in range(len(rows)):
            total = np.int32(0)
            for axis in range(STRETCH):
                total = np.int32(total + np.int32(query[axis]) * np.int32(rows[i, axis]))
            out[i] = total
        return
    whole = len(query) // STRETCH
    rest = len(query) - whole * STRETCH
    for i in range(len(rows)):
        total = np.int32(0)
        for stretch in range(whole):
            for j in range(STRETCH):
                place = stretch * STRETCH + j
                total = np.int32(total + np.int32(query[place]) * np.int32(rows[i, place]))
        for j in range(rest):
            # Unsigned: a test for negative places would keep the loop from vector registers.
            last = np.uint64(whole * STRETCH + j)
            total = np.int32(total + np.int32(query[last]) * np.int32(rows[i, last]))
        out[i] = total


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
def nan_last(score: Number) -> Number:
    """A float32 score for a heap: a NaN, as one damaged vector gives, would keep others from their places."""
    return score if score == score else np.float32(-np.inf)


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
def keep_best(scores: np.ndarray, rows: np.ndarray, size: int, count: int) -> None:
    """Move the best ``count`` of the first ``size`` pairs to the front, the worst of them last.

    The higher score is better and, of equal scores, the lower row; rows are distinct. Quickselect, whose
    exchanges depend on no branch: a heap mispredicts one at almost every step.
    """
    low, high = 0, size
    while high - low > 1:
        middle, last = (low + high) >> 1, high - 1
        score, row = scores[middle], rows[middle]  # the pivot
        scores[middle], rows[middle] = scores[last], rows[last]
        place = low
        for i in range(low, last):
            other_score, other_row = scores[i], rows[i]
            scores[i], rows[i] = scores[place], rows[place]
            scores[place], rows[place] = other_score, other_row
            place += (other_score > score) | ((other_score == score) & (other_row < row))
        scores[last], rows[last] = scores[place], rows[place]
        scores[place], rows[place] = score, row
        if place == count - 1:
            return
        if place >= count:
            high = place
        else:
            low = place + 1


@numba.njit(nogil=True, cache=True)
def worth_rescoring(rows: np.ndarray, scores: np.ndarray, k: int, margin: int) -> np.ndarray:
    """Those of a first level's ``rows`` that can be among the best k by the exact score.

    A row cannot if k others are ahead of it by more than ``margin``: twice the largest error of an
    approximate score. Both arrays are put in another order; at least k rows must be there.
    """
    keep_best(scores, rows, len(rows), k)
    kept = k
    for i in range(k, len(rows)):
        rows[kept] = rows[i]
        kept += scores[i] >= scores[k - 1] - margin
    return rows[:kept]


@numba.njit(nogil=True, cache=True)
def rescore(
    vectors: tuple[np.ndarray, np.ndarray, np.ndarray],
    ids: np.ndarray,
    query: np.ndarray,
    candidates: np.ndarray,
    best_scores: np.ndarray,
    best_ids: np.ndarray,
) -> None:
    """The second level: inner products of ``candidates``; the best k go into ``best_*``.

    Args:
        vectors: as ``Vectors``. If they have fine codes, the other codes choose a few candidates, and the
            fine ones rank these.
        ids: int64 ``[n]``, of the rows.
        query: float32 ``[d]``.
        candidates: distinct rows, at least k.
        best_scores: float32 ``[k]``, written.
        best_ids: int64 ``[k]``, written; of equal scores the lower id comes first.
    """
    codes, scales, fine = vectors
    scores = np.empty(len(candidates), dtype=np.float32)
    products(codes, scales, query, candidates, scores)
    if len(fine) > 0:
        few = min(len(candidates), FINE_FACTOR * len(best_scores) + FINE_MORE)
        rows = candidates.copy()
        keep_best(scores, rows, len(rows), few)
        candidates = rows[:few]
        products(fine, scales, query, candidates, scores)
    size = offer_all(scores, ids, candidates, best_scores, best_ids, 0)
    heap_sort(best_scores, best_ids, size)


@numba.njit(nogil=True, cache=True)
def rescore_all(
    queries: np.ndarray,
    scores: np.ndarray,
    found: np.ndarray,
    vectors: tuple[np.ndarray, np.ndarray, np.ndarray],
    ids: np.ndarray,
) -> None:
    """``rescore`` for queries float32 ``[q, d]`` with every vector a candidate; fills ``[q, k]``."""
    candidates = np.arange(len(ids))
    for i in range(len(queries)):
        rescore(vectors, ids, queries[i], candidates, scores[i], found[i])


@numba.njit(nogil=True, cache=True, fastmath=REGROUP)
def products(
    codes: np.ndarray, scales: np.ndarray, query: np.ndarray, rows: np.ndarray, scores: np.ndarray
) -> None:
    """``scores[i] = scales[rows[i]] * <codes[rows[i]], query>``: the scores that a search returns.

    The compiler chooses the order of the additions, one for all rows. So the score of a vector does not
    depend on its row, on the number of rows, or on the other candidates.
    """
    # No branch on a score in between, so several rows come from memory at once.
    for i in range(len(rows)):
        row = rows[i]
        score = np.float32(0)
        for j in range(len(query)):
            score += decoded(codes[row, j]) * query[j]
        scores[i] = score * scales[row] if len(scales) > 0 else score


@numba.njit(nogil=True, cache=True)
def offer_all(
    scores: np.ndarray,
    ids: np.ndarray,
    rows: np.ndarray,
    best_scores: np.ndarray,
    best_ids: np.ndarray,
    size: int,
) -> int:
    """Offer the scores of ``rows``, with their ids, to the heap ``best_*``; returns its new size."""
    for i in range(len(rows)):
        if size < len(best_scores) or scores[i] >= best_scores[0]:
            size = heap_offer(best_scores, best_ids, size, nan_last(scores[i]), ids[rows[i]])
    return size
