"""Hash tables on pieces of the signature, probed in the order of the query's least certain bits.

Each table stores the rows bucket by bucket, and where each bucket starts: a key is an address. A query
reads its own bucket and those that differ in the bits whose projections are closest to zero: these are
the most likely to differ in a near vector (query-directed multi-probe: Lv et al., VLDB 2007).
"""

from typing import NamedTuple

import numba
import numpy as np

from base.arrays import IntArray
from search.kernels import Number
from search.lsh.hamming import keep_nearest, popcount

MAX_KEY_BITS = 20  # a table of wider keys would have mostly empty buckets


class Tables(NamedTuple):
    """All hash tables.

    Attributes:
        rows: int32 ``[tables, n]``, by bucket, rising within a bucket.
        starts: int32 ``[tables, 2**bits + 1]``, where each bucket starts in ``rows``.
    """

    rows: IntArray
    starts: IntArray


def table_keys(signatures: IntArray, num_tables: int, key_bits: int) -> IntArray:
    """Keys int64 ``[n, tables]``: table t uses bits ``[t * key_bits, (t + 1) * key_bits)`` of a signature."""
    as_bits = np.unpackbits(signatures.view(np.uint8), axis=1, bitorder="little")
    pieces = as_bits[:, : num_tables * key_bits].reshape(len(signatures), num_tables, key_bits)
    return pieces.astype(np.int64) @ (1 << np.arange(key_bits, dtype=np.int64))


def make_tables(signatures: IntArray, num_tables: int, key_bits: int) -> Tables:
    """Hash tables of signatures uint64 ``[n, words]``."""
    rows = np.empty((num_tables, len(signatures)), dtype=np.int32)
    starts = np.zeros((num_tables, (1 << key_bits) + 1), dtype=np.int32)
    counts = np.zeros((num_tables, 1 << key_bits), dtype=np.int64)
    keys = np.empty((len(signatures), num_tables), dtype=np.int32)
    for start in range(0, len(signatures), 65_536):
        part = slice(start, start + 65_536)
        keys[part] = table_keys(signatures[part], num_tables, key_bits)
    for table in range(num_tables):
        rows[table] = np.argsort(keys[:, table], kind="stable")
        counts[table] = np.bincount(keys[:, table], minlength=1 << key_bits)
    starts[:, 1:] = np.cumsum(counts, axis=1)
    return Tables(rows, starts)


@numba.njit(nogil=True, cache=True)
def flips(margins: np.ndarray, num_probes: int, out: np.ndarray) -> int:
    """Which bits to flip, most likely first: masks of the sets with the smallest sum of squared margins.

    The sets are generated in that order from bits sorted by margin: the successors of a set replace its
    last bit by the next one, or add the next one (Lv et al., section 4.4).

    Args:
        margins: float32 ``[bits]``, distances of the projections from zero.
        num_probes: number of masks wanted.
        out: int64 ``[num_probes]``, written; the first is 0, nothing flipped.

    Returns:
        the number of masks written.
    """
    bits = len(margins)
    by_margin = np.argsort(margins)
    cost = margins[by_margin].astype(np.float64) ** 2
    waiting_cost = np.empty(2 * num_probes + 1, dtype=np.float64)
    waiting_mask = np.empty(2 * num_probes + 1, dtype=np.int64)  # over the sorted bits
    waiting_last = np.empty(2 * num_probes + 1, dtype=np.int64)
    waiting_cost[0], waiting_mask[0], waiting_last[0] = cost[0], 1, 0
    waiting = 1
    out[0] = 0
    found = 1
    while found < num_probes and waiting > 0:
        cheapest = np.argmin(waiting_cost[:waiting])
        total, mask, last = waiting_cost[cheapest], waiting_mask[cheapest], waiting_last[cheapest]
        waiting -= 1
        waiting_cost[cheapest], waiting_mask[cheapest] = waiting_cost[waiting], waiting_mask[waiting]
        waiting_last[cheapest] = waiting_last[waiting]
        out[found] = 0
        for b in range(bits):
            if mask >> b & 1:
                out[found] |= 1 << by_margin[b]
        found += 1
        if last + 1 < bits:
            following = 1 << (last + 1)
            waiting_cost[waiting] = total - cost[last] + cost[last + 1]
            waiting_mask[waiting] = mask ^ (1 << last) | following
            waiting_last[waiting] = last + 1
            waiting_cost[waiting + 1] = total + cost[last + 1]
            waiting_mask[waiting + 1] = mask | following
            waiting_last[waiting + 1] = last + 1
            waiting += 2
    return found


@numba.njit(nogil=True, cache=True)
def probe(
    tables: tuple[np.ndarray, np.ndarray],
    signatures: np.ndarray,
    signature: np.ndarray,
    projections: np.ndarray,
    key_bits: int,
    num_probes: int,
    limit: int,
) -> tuple[np.ndarray, int]:
    """The rows nearest to ``signature`` among those in the buckets probed.

    Args:
        tables: as ``Tables``.
        signatures: uint64 ``[n, words]``.
        signature: uint64 ``[words]`` of the query.
        projections: float32 ``[bits]`` of the query.
        key_bits: bits per table.
        num_probes: buckets read in each table.
        limit: number of rows wanted.

    Returns:
        int64, at most ``limit`` distinct rows; and how many were compared.
    """
    table_rows, starts = tables
    num_tables, num_rows = table_rows.shape
    masks = np.empty(num_probes, dtype=np.int64)
    seen = np.zeros((num_rows + 63) >> 6, dtype=np.uint64)
    room = 4 * limit + 64
    distances = np.empty(room, dtype=np.int32)
    rows = np.empty(room, dtype=np.int64)
    max_distance = 64 * len(signature)
    by_distance = np.empty(max_distance + 1, dtype=np.int64)
    size, cutoff, compared = 0, max_distance + 1, 0
    for table in range(num_tables):
        bits = projections[table * key_bits : (table + 1) * key_bits]
        key: Number = 0
        for b in range(key_bits):
            key |= np.int64(bits[b] > 0) << b
        for p in range(flips(np.abs(bits), num_probes, masks)):
            bucket = key ^ masks[p]
            for place in range(starts[table, bucket], starts[table, bucket + 1]):
                row = np.int64(table_rows[table, place])
                flag = np.uint64(1) << np.uint64(row & 63)
                if seen[row >> 6] & flag:
                    continue
                seen[row >> 6] |= flag
                compared += 1
                distance = np.int32(0)
                for w in range(len(signature)):
                    distance += np.int32(popcount(signatures[row, w] ^ signature[w]))
                if distance < cutoff:
                    distances[size], rows[size] = distance, row
                    size += 1
                    if size == room:
                        cutoff = keep_nearest(distances, rows, size, limit, by_distance)
                        size = limit
    if size > limit:
        keep_nearest(distances, rows, size, limit, by_distance)
        size = limit
    return rows[:size], compared
