"""Weak AND, compiled: the algorithm of ``reference.py``, with equal results to the last tie.

The films of a block lie side by side in memory. Their scores are computed in loops without branches, and
written behind the best films so far; those below the threshold are written over by the next.
"""

import numba
import numpy as np

from search.kernels import Number, byte_products, keep_best
from search.weak_and.postings import BLOCK_LENGTH

NO_THRESHOLD = np.int64(-(2**62))


@numba.njit(nogil=True, cache=True)
def _raised(threshold: Number, wand_factor: float) -> Number:
    if threshold > 0 and wand_factor != 1.0:
        return np.int64(np.floor(threshold * wand_factor))
    return threshold


@numba.njit(nogil=True, cache=True, inline="always")
def _upper_bound(peaks: np.ndarray, which: Number, factors: np.ndarray, i: Number) -> Number:
    return (
        factors[i, 0] * peaks[which, 0]
        + factors[i, 1] * peaks[which, 1]
        + factors[i, 2] * peaks[which, 2]
        + factors[i, 3]
    )


@numba.njit(nogil=True, cache=True)
def _heavier_and_read(terms: np.ndarray, row: Number, partition: Number, weights: np.ndarray) -> bool:
    """Whether a film of a list is in one that was read before it: a heavier one, of equals the lower."""
    weight = weights[partition]
    for place in range(terms.shape[1]):
        other = terms[row, place]
        if other >= 0 and (weights[other] > weight or (weights[other] == weight and other < partition)):
            return True
    return False


@numba.njit(nogil=True, cache=True, inline="always")
def of_partitions(terms: np.ndarray, weights: np.ndarray, row: Number, of_query: np.ndarray) -> Number:
    """The part of a token score that the partitions of a row give."""
    score = np.int64(0)
    for place in range(terms.shape[1]):
        if terms[row, place] >= 0:
            score += np.int64(of_query[terms[row, place]]) * weights[row, place]
    return score


@numba.njit(nogil=True, cache=True)
def weak_and(
    postings: tuple[tuple, np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray],
    query: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, int, int],
    num_candidates: int,
    wand_factor: float,
) -> tuple[np.ndarray, np.ndarray, int, int]:
    """The best films by token score among those in the query's lists.

    Args:
        postings: as ``Postings``.
        query: as ``QueryTokens``.
        num_candidates: number of films wanted.
        wand_factor: factor on a positive threshold; 1 is exact.

    Returns:
        films int64 ``[c]`` and scores int64 ``[c]``, in any order; films scored; postings skipped.
    """
    (terms, weights, details), copied, blocks, peaks, starts, list_peaks, own_weights = postings
    partition_weights, query_details, lists, factors, detail_unit, _ = query
    num_films = len(terms) - len(copied)
    along = np.empty(BLOCK_LENGTH, dtype=np.int32)
    scores = np.empty(2 * num_candidates + BLOCK_LENGTH, dtype=np.int64)
    films = np.empty(len(scores), dtype=np.int64)
    size = scored = total = 0
    worst: Number = NO_THRESHOLD
    threshold: Number = NO_THRESHOLD
    for i in range(len(lists)):
        partition = lists[i]
        weight = np.int64(partition_weights[partition])
        worth = _upper_bound(list_peaks, partition, factors, i) >= threshold
        for block in range(starts[partition], starts[partition + 1]):
            first, end = blocks[block, 0], blocks[block, 1]
            total += end - first
            if not worth or _upper_bound(peaks, block, factors, i) < threshold:
                continue
            byte_products(details[first:end], query_details, along)
            if blocks[block, 2]:
                scored += end - first
                for j in range(end - first):
                    score = np.int64(along[j]) * detail_unit + weight * own_weights[first + j]
                    scores[size], films[size] = score, first + j
                    size += score >= worst
            else:
                for row in range(first, end):
                    if _heavier_and_read(terms, row, partition, partition_weights):
                        continue
                    scored += 1
                    score = np.int64(along[row - first]) * detail_unit
                    score += of_partitions(terms, weights, row, partition_weights)
                    scores[size] = score
                    films[size] = row if row < num_films else np.int64(copied[row - num_films])
                    size += score >= worst
            if size >= 2 * num_candidates:
                keep_best(scores, films, size, num_candidates)
                size, worst = num_candidates, scores[num_candidates - 1]
                threshold = _raised(worst, wand_factor)
        if size >= num_candidates:
            keep_best(scores, films, size, num_candidates)
            size, worst = num_candidates, scores[num_candidates - 1]
            threshold = _raised(worst, wand_factor)
    return films[:size], scores[:size], scored, total - scored
