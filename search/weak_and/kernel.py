"""Weak AND, compiled: the algorithm of ``reference.py``, with equal results to the last tie.

Cursors are columns of small arrays, kept in the order of their current films. Most of the time the films
before the second cursor are in the first cursor's list alone: it moves through them without the others.
"""

import numba
import numpy as np

from search.kernels import Number, heap_offer, heap_sort
from search.weak_and.postings import BLOCK_LENGTH
from search.weak_and.tokens import DETAIL_SHIFT

END = np.int64(2**62)  # stands for the film of a cursor at its end
NO_THRESHOLD = np.int64(-(2**62))


@numba.njit(nogil=True, cache=True, inline="always")  # a call would cost more than the score
def token_score(
    film: Number,
    terms: np.ndarray,
    weights: np.ndarray,
    details: np.ndarray,
    partition_weights: np.ndarray,
    query_details: np.ndarray,
) -> Number:
    """The additive score of one film, see ``search/weak_and/tokens.py``."""
    # 8192 axes of at most 2047 * 127 still fit 32 bits, twice as many lanes as 64.
    along = np.int32(0)
    for j in range(len(query_details)):
        along = np.int32(along + np.int32(query_details[j]) * np.int32(details[film, j]))
    score = np.int64(along) * DETAIL_SHIFT + partition_weights[terms[film, 0]] * weights[film, 0]
    if terms[film, 1] >= 0:  # few films have more than one: apart, the loop costs the others nothing
        for i in range(1, terms.shape[1]):
            if terms[film, i] >= 0:
                score += partition_weights[terms[film, i]] * weights[film, i]
    return score


@numba.njit(nogil=True, cache=True)
def _raised(threshold: Number, wand_factor: float) -> Number:
    if threshold > 0 and wand_factor != 1.0:
        return np.int64(np.floor(threshold * wand_factor))
    return threshold


@numba.njit(nogil=True, cache=True)
def _upper_bound(peaks: np.ndarray, block: Number, factors: np.ndarray, which: Number) -> Number:
    return (
        factors[which, 0] * peaks[block, 0]
        + factors[which, 1] * peaks[block, 1]
        + factors[which, 2] * peaks[block, 2]
        + factors[which, 3]
    )


@numba.njit(nogil=True, cache=True)
def _seek(films: np.ndarray, place: Number, end: Number, film: Number) -> Number:
    """First place from ``place`` on whose film is not before ``film``: doubling steps, then bisection."""
    if place >= end or films[place] >= film:
        return place
    low, stride = place, 1  # films[low] < film throughout
    while low + stride < end and films[low + stride] < film:
        low += stride
        stride *= 2
    high = min(end, low + stride)
    while high - low > 1:
        middle = (low + high) >> 1
        if films[middle] < film:
            low = middle
        else:
            high = middle
    return high


@numba.njit(nogil=True, cache=True)
def _move(order: np.ndarray, at: np.ndarray, position: int, film: Number) -> None:
    """Give the cursor at ``position`` a new film, and move it to its new place in the order."""
    cursor = order[position]
    at[cursor] = film
    while position + 1 < len(order) and at[order[position + 1]] < film:
        order[position] = order[position + 1]
        position += 1
    order[position] = cursor


@numba.njit(nogil=True, cache=True)
def weak_and(
    postings: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray],
    tokens: tuple[np.ndarray, np.ndarray, np.ndarray],
    query: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, int],
    num_candidates: int,
    wand_factor: float,
) -> tuple[np.ndarray, np.ndarray, int, int]:
    """The best films by token score among those in the query's lists.

    Args:
        postings: as ``Postings``.
        tokens: as ``FilmTokens``.
        query: as ``QueryTokens``.
        num_candidates: number of films wanted.
        wand_factor: factor on a positive threshold; 1 is exact.

    Returns:
        films int64 ``[c]`` and scores int64 ``[c]``, a heap; films scored; postings skipped.
    """
    films, starts, block_starts, block_peaks, list_peaks = postings
    terms, weights, details = tokens
    partition_weights, query_details, lists, factors, _ = query
    num_lists = len(lists)
    place = np.empty(num_lists, dtype=np.int64)
    end = np.empty(num_lists, dtype=np.int64)
    at = np.empty(num_lists, dtype=np.int64)  # current film of each cursor
    bound = np.empty(num_lists, dtype=np.int64)
    order = np.empty(num_lists, dtype=np.int64)  # cursors by their current films
    total = 0
    for i in range(num_lists):
        place[i], end[i] = starts[lists[i]], starts[lists[i] + 1]
        total += end[i] - place[i]
        bound[i] = _upper_bound(list_peaks, lists[i], factors, i)
        film: Number = np.int64(films[place[i]]) if place[i] < end[i] else END
        at[i] = film
        position = i
        while position > 0 and at[order[position - 1]] > film:
            order[position] = order[position - 1]
            position -= 1
        order[position] = i
    best_scores = np.empty(num_candidates, dtype=np.int64)
    best_films = np.empty(num_candidates, dtype=np.int64)
    size = scored = 0
    threshold: Number = NO_THRESHOLD

    while True:
        first = order[0]
        if at[first] == END:
            break
        following = at[order[1]] if num_lists > 1 else END
        if bound[first] > threshold and at[first] < following:
            # The first cursor is its own pivot up to the next cursor's film, or until its bound is too low.
            term, here = lists[first], place[first]
            start, stop = starts[term], end[first]
            block_end = here
            film = at[first]
            while film < following and bound[first] > threshold:
                if here >= block_end:
                    block = block_starts[term] + (here - start) // BLOCK_LENGTH
                    block_end = min(stop, start + ((here - start) // BLOCK_LENGTH + 1) * BLOCK_LENGTH)
                    block_bound = _upper_bound(block_peaks, block, factors, first)
                if block_bound <= threshold:
                    here = _seek(films, here, block_end, following)
                else:
                    score = token_score(film, terms, weights, details, partition_weights, query_details)
                    scored += 1
                    if size < num_candidates or score > best_scores[0]:
                        size = heap_offer(best_scores, best_films, size, score, film)
                        if size == num_candidates:
                            threshold = _raised(best_scores[0], wand_factor)
                    here += 1
                if here >= stop:
                    film = END
                    break
                film = np.int64(films[here])
            place[first] = here
            _move(order, at, 0, film)
            continue

        total_bound = np.int64(0)
        pivot = END
        for i in range(num_lists):
            if at[order[i]] == END:
                break
            total_bound += bound[order[i]]
            if total_bound > threshold:
                pivot = at[order[i]]
                break
        if pivot == END:
            break
        if at[first] < pivot:
            target = pivot
        else:
            around = np.int64(0)
            beyond = END
            for i in range(num_lists):
                cursor = order[i]
                if at[cursor] > pivot:
                    beyond = min(beyond, at[cursor])
                    break
                start = starts[lists[cursor]]
                in_list = (place[cursor] - start) // BLOCK_LENGTH
                around += _upper_bound(block_peaks, block_starts[lists[cursor]] + in_list, factors, cursor)
                last = min(end[cursor], start + (in_list + 1) * BLOCK_LENGTH) - 1
                beyond = min(beyond, np.int64(films[last]) + 1)
            if around <= threshold:
                target = beyond
            else:
                score = token_score(pivot, terms, weights, details, partition_weights, query_details)
                scored += 1
                size = heap_offer(best_scores, best_films, size, score, pivot)
                if size == num_candidates:
                    threshold = _raised(best_scores[0], wand_factor)
                target = pivot + 1
        while at[order[0]] < target:
            cursor = order[0]
            place[cursor] = _seek(films, place[cursor], end[cursor], target)
            _move(order, at, 0, np.int64(films[place[cursor]]) if place[cursor] < end[cursor] else END)
    return best_films[:size], best_scores[:size], scored, total - scored


@numba.njit(nogil=True, cache=True)
def weak_and_sorted(
    postings: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray],
    tokens: tuple[np.ndarray, np.ndarray, np.ndarray],
    query: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, int],
    num_candidates: int,
    wand_factor: float,
) -> tuple[np.ndarray, np.ndarray, int, int]:
    """``weak_and``, best first."""
    films, scores, scored, skipped = weak_and(postings, tokens, query, num_candidates, wand_factor)
    heap_sort(scores, films, len(films))
    return films, scores, scored, skipped
