"""The first level under a condition: a copy of the tokens of the films that fulfil it.

The best that fulfil a condition are farther from the query than the best of all, in more partitions, whose
lists would mostly contain other films. So lists and their bounds are not used here. Partitions are read in
the order of what the best of their films is likely to score, until that is less than the k-th best so far.
Most queries find theirs in a few partitions, others read hundreds.
"""

import heapq
from typing import Any, NamedTuple

import numba
import numpy as np
from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

from base.arrays import FloatArray, IntArray
from search.kernels import Number, byte_products, keep_best
from search.weak_and.kernel import NO_THRESHOLD, of_partitions
from search.weak_and.tokens import FilmTokens

# The films of a partition lie together, those of the next one elsewhere. Asking the memory for them before
# their turn halves the time where partitions are small: so many partitions ahead, so many films of each.
AHEAD, ASKED_FOR = 2, 64
LINE = 64  # bytes that the memory gives at once
BLOCK = 256  # films whose products are computed at a time
LEVELS = 1024  # of what partitions promise; those of one level are read in any order
DEVIATIONS = 4  # standard deviations that the best of a partition is likely to gain by its details


class Part(NamedTuple):
    """Films in their order in the index: by home, and in each home those of further partitions last.

    Attributes:
        tokens: as ``FilmTokens``, of the m films.
        own_weights: int32 ``[m]``, at home.
        starts: int64 ``[P + 1]``, the films at home in partition t are ``starts[t]`` up to ``starts[t + 1]``.
        borders: int64 ``[P]``, from here on they are in further partitions too.
        peaks: int32 ``[P]``, the largest weight of a film at home.
        spreads: float32 ``[P]``, standard deviation of the details of films at home, along any one direction.
    """

    tokens: tuple[IntArray, IntArray, IntArray]
    own_weights: IntArray
    starts: IntArray
    borders: IntArray
    peaks: IntArray
    spreads: FloatArray


def part_of(tokens: FilmTokens, rows: IntArray, num_partitions: int) -> Part:
    """A copy of the tokens of ``rows``, int64 ``[m]``, rising."""
    terms, weights, details = (array[rows] for array in tokens)
    homes = 2 * terms[:, 0] + (terms[:, 1] >= 0)
    limits = np.searchsorted(homes, np.arange(2 * num_partitions + 1))
    own_weights = np.ascontiguousarray(weights[:, 0])
    starts, borders = limits[::2].copy(), limits[1::2].copy()
    peaks = np.zeros(num_partitions, dtype=np.int32)
    np.maximum.at(peaks, terms[:, 0], own_weights)
    squares = np.einsum("nd,nd->n", details, details, dtype=np.float32) / details.shape[1]
    variances = np.bincount(terms[:, 0], squares, num_partitions) / np.maximum(1, np.diff(starts))
    spreads = np.sqrt(variances).astype(np.float32)
    return Part((terms, weights, details), own_weights, starts, borders, peaks, spreads)


def _prefetch(typing_context: Any, array: Any, place: Any) -> Any:
    """Ask the memory for what is at ``place`` of an array with one axis, and do not wait: one instruction."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> ir.Value:
        first = context.make_array(array)(context, builder, arguments[0]).data
        address = builder.bitcast(builder.gep(first, [arguments[1]]), ir.IntType(8).as_pointer())
        number = ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [address.type, number, number, number])
        function = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
        builder.call(function, [address, number(0), number(3), number(1)])  # to read, to keep, data
        return context.get_dummy_value()

    return types.none(array, types.intp), generate


prefetch: Any = intrinsic(_prefetch)


@numba.njit(nogil=True, cache=True)
def best_of_part(
    part: tuple[tuple, np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray],
    query: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, int, int],
    k: int,
    num_films: int,
    num_candidates: int,
) -> tuple[np.ndarray, np.ndarray, int]:
    """The best films of a part by token score, among those at home in the partitions that promise most.

    Args:
        part: as ``Part``, of m films.
        query: as ``QueryTokens``.
        k: partitions are read until the next ones promise less than the k-th best score.
        num_films: or until so many films are scored, at least ``num_candidates``.
        num_candidates: number of films wanted, k or more, at most m.

    Returns:
        films int64 ``[c]``, numbered in the part, and scores int64 ``[c]``, in any order; films scored.
    """
    (terms, weights, details), own_weights, starts, borders, peaks, spreads = part
    partition_weights, query_details, _, _, detail_unit, _ = query
    width, dim = terms.shape[1], details.shape[1]
    flat_terms, flat_weights, flat_details = terms.reshape(-1), weights.reshape(-1), details.reshape(-1)
    along = np.empty(BLOCK, dtype=np.int32)
    scores = np.empty(2 * num_candidates + BLOCK, dtype=np.int64)
    films = np.empty(len(scores), dtype=np.int64)
    best = [NO_THRESHOLD] * k  # a heap, the k-th first
    size = scored = 0
    worst: Number = NO_THRESHOLD
    length = np.sqrt(np.square(query_details.astype(np.float32)).sum())
    promises = partition_weights * peaks.astype(np.float32) + spreads * (DEVIATIONS * detail_unit * length)
    order = _by_level(promises)
    for i in range(len(order)):
        partition = order[i]
        if scored >= num_films or (promises[partition] < best[0] and size >= num_candidates):
            break
        if i + AHEAD < len(order):
            later = order[i + AHEAD]
            start, end = starts[later], starts[later + 1]
            if start < end:
                prefetch(own_weights, start)
            for place in range(borders[later] * width, end * width, LINE // 4):  # numbers of four bytes
                prefetch(flat_terms, place)
                prefetch(flat_weights, place)
            for place in range(start * dim, min(end, start + ASKED_FOR) * dim, LINE):
                prefetch(flat_details, place)
        weight = np.int64(partition_weights[partition])
        for first in range(starts[partition], starts[partition + 1], BLOCK):
            end = min(first + BLOCK, starts[partition + 1])
            border = min(end, max(first, borders[partition]))
            scored += end - first
            known = size
            byte_products(details[first:end], query_details, along)
            for row in range(first, border):
                score = np.int64(along[row - first]) * detail_unit + weight * own_weights[row]
                scores[size], films[size] = score, row
                size += score >= worst
            for row in range(border, end):
                score = np.int64(along[row - first]) * detail_unit
                score += of_partitions(terms, weights, row, partition_weights)
                scores[size], films[size] = score, row
                size += score >= worst
            for score in scores[known:size]:
                if score > best[0]:
                    heapq.heapreplace(best, score)
            if size >= 2 * num_candidates:
                keep_best(scores, films, size, num_candidates)
                size, worst = num_candidates, scores[num_candidates - 1]
    if size > num_candidates:
        keep_best(scores, films, size, num_candidates)
        size = num_candidates
    return films[:size], scores[:size], scored


@numba.njit(nogil=True, cache=True)
def _by_level(promises: np.ndarray) -> np.ndarray:
    """The partitions, those that promise most first; sorted by ``LEVELS`` levels, which is fast."""
    low, high = promises.min(), promises.max()
    levels = ((high - promises) * ((LEVELS - 1) / max(high - low, np.float32(1)))).astype(np.int64)
    places = np.zeros(LEVELS + 1, dtype=np.int64)
    for level in levels:
        places[level + 1] += 1
    places = np.cumsum(places)
    order = np.empty(len(levels), dtype=np.int64)
    for partition in range(len(levels)):
        level = levels[partition]
        order[places[level]] = partition
        places[level] += 1
    return order
