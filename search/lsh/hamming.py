"""Hamming distance: popcount, and the rows at the smallest distances; of equals, the lower rows."""

from typing import Any

import numba
import numpy as np
from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic

BLOCK = 256  # rows whose distances are computed before any is looked at


def _popcount(typing_context: Any, word: Any) -> Any:
    """The number of ones in a uint64: one machine instruction, or one for several words at once."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> ir.Value:
        return builder.ctpop(arguments[0])

    return types.uint64(types.uint64), generate


popcount: Any = intrinsic(_popcount)


@numba.njit(nogil=True, cache=True)
def keep_nearest(
    distances: np.ndarray, rows: np.ndarray, size: int, limit: int, by_distance: np.ndarray
) -> int:
    """Reduce a buffer of rows to the ``limit`` nearest, in place and in order; returns the cutoff.

    It counts rows by distance, as a counting sort does, and does not sort. Rows come in rising order, so
    of equally distant ones the first stay. The cutoff is the distance of the worst row that stays: a later
    row must be nearer.

    Args:
        distances: int32, distances of the rows.
        rows: int64.
        size: number of rows in the buffer, at least ``limit``.
        limit: number of rows to keep.
        by_distance: int64 ``[largest distance + 1]``, scratch.
    """
    by_distance[:] = 0
    for i in range(size):
        by_distance[distances[i]] += 1
    below = cutoff = 0
    while below + by_distance[cutoff] < limit:
        below += by_distance[cutoff]
        cutoff += 1
    room = limit - below
    kept = 0
    for i in range(size):
        if distances[i] < cutoff or (distances[i] == cutoff and room > 0):
            room -= distances[i] == cutoff
            distances[kept], rows[kept] = distances[i], rows[i]
            kept += 1
    return cutoff


@numba.njit(nogil=True, cache=True)
def scan(columns: np.ndarray, signature: np.ndarray, limit: int) -> np.ndarray:
    """The ``limit`` rows nearest to ``signature`` among all.

    Distances are computed block by block, several rows at once in vector registers. That is why the words
    are stored by column. Most blocks contain nothing nearer than the cutoff, and are skipped after that.

    Args:
        columns: uint64 ``[words, n]``.
        signature: uint64 ``[words]``.
        limit: number of rows wanted, at most n.

    Returns:
        int64 ``[limit]``, in rising order.
    """
    words, num_rows = columns.shape
    max_distance = words * 64
    room = 2 * limit + BLOCK
    distances = np.empty(room, dtype=np.int32)
    rows = np.empty(room, dtype=np.int64)
    by_distance = np.empty(max_distance + 1, dtype=np.int64)
    block = np.empty(BLOCK, dtype=np.int32)
    size, cutoff = 0, max_distance + 1
    for start in range(0, num_rows, BLOCK):
        length = min(BLOCK, num_rows - start)
        _distances(columns, signature, start, length, block)
        nearest = block[0]
        for i in range(length):
            nearest = min(nearest, block[i])
        if nearest >= cutoff:
            continue
        for i in range(length):
            if block[i] < cutoff:
                distances[size], rows[size] = block[i], start + i
                size += 1
        if size >= 2 * limit:
            cutoff = keep_nearest(distances, rows, size, limit, by_distance)
            size = limit
    if size > limit:
        keep_nearest(distances, rows, size, limit, by_distance)
    return rows[:limit]


@numba.njit(nogil=True, cache=True)
def _distances(columns: np.ndarray, signature: np.ndarray, start: int, length: int, out: np.ndarray) -> None:
    word = columns[0, start : start + length]
    first = signature[0]
    for i in range(length):
        out[i] = np.int32(popcount(word[i] ^ first))
    for w in range(1, len(signature)):
        word, other = columns[w, start : start + length], signature[w]
        for i in range(length):
            out[i] += np.int32(popcount(word[i] ^ other))
