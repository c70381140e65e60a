"""The first level under a condition: a copy of the tokens of the films that fulfil it, read in order.

The best that fulfil a condition are farther from the query than the best of all, in more partitions, whose
lists would mostly contain other films. So lists and bounds are not used here. All films of a part that are
at home in enough of the query's heaviest partitions are scored.
"""

from typing import Any, NamedTuple

import numba
import numpy as np
from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

from base.arrays import IntArray
from search.kernels import Number, byte_products, keep_best
from search.weak_and.kernel import NO_THRESHOLD, of_partitions
from search.weak_and.tokens import FilmTokens

# The films of a partition lie together, those of the next one elsewhere. Asking the memory for them before
# their turn takes up to a third of the time off: so many partitions ahead, so many films of each.
AHEAD, ASKED_FOR = 16, 64
LINE = 64  # bytes that the memory gives at once
BLOCK = 256  # films whose products are computed at a time


class Part(NamedTuple):
    """Films in their order in the index: by home, and in each home those of further partitions last.

    Attributes:
        tokens: as ``FilmTokens``, of the m films.
        own_weights: int32 ``[m]``, at home.
        starts: int64 ``[P + 1]``, the films at home in partition t are ``starts[t]`` up to ``starts[t + 1]``.
        borders: int64 ``[P]``, from here on they are in further partitions too.
    """

    tokens: tuple[IntArray, IntArray, IntArray]
    own_weights: IntArray
    starts: IntArray
    borders: IntArray


def part_of(tokens: FilmTokens, rows: IntArray, num_partitions: int) -> Part:
    """A copy of the tokens of ``rows``, int64 ``[m]``, rising."""
    terms, weights, details = (array[rows] for array in tokens)
    homes = 2 * terms[:, 0] + (terms[:, 1] >= 0)
    limits = np.searchsorted(homes, np.arange(2 * num_partitions + 1))
    own_weights = np.ascontiguousarray(weights[:, 0])
    return Part((terms, weights, details), own_weights, limits[::2].copy(), limits[1::2].copy())


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
    part: tuple[tuple, np.ndarray, np.ndarray, np.ndarray],
    query: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, int, int],
    num_films: int,
    num_candidates: int,
) -> tuple[np.ndarray, np.ndarray, int]:
    """The best films of a part by token score, among those at home in the query's heaviest partitions.

    Args:
        part: as ``Part``, of m films.
        query: as ``QueryTokens``.
        num_films: so many partitions are read that so many films are at home there, at most m.
        num_candidates: number of films wanted, at most ``num_films``.

    Returns:
        films int64 ``[c]``, numbered in the part, and scores int64 ``[c]``, in any order; films scored.
    """
    (terms, weights, details), own_weights, starts, borders = part
    partition_weights, query_details, _, _, detail_unit, _ = query
    width, dim = terms.shape[1], details.shape[1]
    flat_terms, flat_weights, flat_details = terms.reshape(-1), weights.reshape(-1), details.reshape(-1)
    along = np.empty(BLOCK, dtype=np.int32)
    scores = np.empty(2 * num_candidates + BLOCK, dtype=np.int64)
    films = np.empty(len(scores), dtype=np.int64)
    size = scored = 0
    worst: Number = NO_THRESHOLD
    lists = _heaviest(partition_weights, starts, num_films)
    for i in range(len(lists)):
        if i + AHEAD < len(lists):
            later = lists[i + AHEAD]
            start, end = starts[later], starts[later + 1]
            if start < end:
                prefetch(own_weights, start)
            for place in range(borders[later] * width, end * width, LINE // 4):  # numbers of four bytes
                prefetch(flat_terms, place)
                prefetch(flat_weights, place)
            for place in range(start * dim, min(end, start + ASKED_FOR) * dim, LINE):
                prefetch(flat_details, place)
        partition = lists[i]
        weight = np.int64(partition_weights[partition])
        for first in range(starts[partition], starts[partition + 1], BLOCK):
            end = min(first + BLOCK, starts[partition + 1])
            border = min(end, max(first, borders[partition]))
            scored += end - first
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
            if size >= 2 * num_candidates:
                keep_best(scores, films, size, num_candidates)
                size, worst = num_candidates, scores[num_candidates - 1]
    if size > num_candidates:
        keep_best(scores, films, size, num_candidates)
        size = num_candidates
    return films[:size], scores[:size], scored


@numba.njit(nogil=True, cache=True)
def _heaviest(partition_weights: np.ndarray, starts: np.ndarray, num_films: int) -> np.ndarray:
    """The heaviest partitions that are home to ``num_films`` together, in the order of memory."""
    count = len(partition_weights)
    weights, lists = partition_weights.copy(), np.arange(count)
    wanted = min(count, 1 + count * num_films // max(1, starts[count]))
    while True:
        keep_best(weights, lists, count, wanted)
        total = 0
        for partition in lists[:wanted]:
            total += starts[partition + 1] - starts[partition]
        if total >= num_films or wanted == count:
            return np.flatnonzero(partition_weights >= weights[:wanted].min())
        wanted = min(count, wanted + wanted // 4 + 1)
