"""Alias tables: an edge of a node is drawn in proportion to its weight by one read (Walker 1974, Vose 1991).

A node with n edges has n slots of equal chance. A slot belongs to one edge and has another one as its alias:
below the threshold the draw is the edge itself, else the alias. Thresholds are in units of 2^-32, so each
chance is right to about that. A slot is a record of the whole answer, so that a draw reads one place in
memory.
"""

import numba
import numpy as np

from base.arrays import FloatArray, IntArray

WHOLE = 2.0**32  # a threshold of 1


def alias_table(ptr: IntArray, ends: IntArray, weights: FloatArray) -> np.ndarray:
    """The slots of all nodes of one direction of an ``ItemGraph``.

    Args:
        ptr: int32 ``[num_nodes + 1]``, where the edges of each node start and the last ones end.
        ends: int32 ``[num_edges]``, the node at the other end of each edge.
        weights: float32 ``[num_edges]`` above 0.

    Returns:
        uint32 ``[num_edges, 3]``: threshold, end of the edge, end of its alias.
    """
    table = np.empty((len(ends), 3), dtype=np.uint32)
    table[:, 1] = ends
    _fill(ptr, weights, table)
    return table


@numba.njit(parallel=True, nogil=True, cache=True)
def _fill(ptr: np.ndarray, weights: np.ndarray, table: np.ndarray) -> None:
    """Vose's method, node by node; blocks of nodes share the buffers of a thread."""
    num_nodes = len(ptr) - 1
    most = 0
    for node in range(num_nodes):
        most = max(most, ptr[node + 1] - ptr[node])
    num_blocks = 64
    for block in numba.prange(num_blocks):
        share = np.empty(most, dtype=np.float64)
        waiting = np.empty(most, dtype=np.int64)  # slots below one at the front, others at the back
        for node in range(block * num_nodes // num_blocks, (block + 1) * num_nodes // num_blocks):
            first, degree = ptr[node], ptr[node + 1] - ptr[node]
            total = 0.0
            for i in range(degree):
                total += weights[first + i]
            small, large = 0, degree
            for i in range(degree):
                share[i] = weights[first + i] / total * degree
                if share[i] < 1:
                    waiting[small] = i
                    small += 1
                else:
                    large -= 1
                    waiting[large] = i
            while small > 0 and large < degree:
                # A slot below one is filled up by an edge above one, which waits with what is left of it.
                small -= 1
                i, other = waiting[small], waiting[large]
                table[first + i, 0] = np.uint32(min(round(share[i] * WHOLE), WHOLE - 1))
                table[first + i, 2] = table[first + other, 1]
                share[other] = (share[other] + share[i]) - 1
                if share[other] < 1:
                    large += 1
                    waiting[small] = other
                    small += 1
            # What is left is one up to rounding.
            for place in range(small):
                _own(table, first + waiting[place])
            for place in range(large, degree):
                _own(table, first + waiting[place])


@numba.njit(inline="always", cache=True)
def _own(table: np.ndarray, edge: int) -> None:
    """A slot that is all its edge's: a threshold cannot say one, so the alias is the edge itself."""
    table[edge, 0] = 0
    table[edge, 2] = table[edge, 1]
