"""How many entries two rows of a 0/1 matrix have in common, for chosen pairs of rows only."""

import numba
import numpy as np

from base.arrays import IntArray

ROWS_TOGETHER = 256  # that share the memory of one thread


def common_counts(
    row_ptr: IntArray, columns: IntArray, ptr: IntArray, rows: IntArray, pairs: IntArray
) -> IntArray:
    """Columns that a row shares with each of its partners, counted one by one.

    A row is counted in the cheaper of two ways: through the rows of all its columns, which is fast for a row
    with few columns; or by marking its columns and reading those of its partners.

    Args:
        row_ptr: int ``[num_rows + 1]``; row r has the columns ``columns[row_ptr[r]:row_ptr[r + 1]]``.
        columns: int ``[num_entries]``, each at most once in a row.
        ptr: int ``[num_columns + 1]``, the same matrix by columns.
        rows: int ``[num_entries]``.
        pairs: int ``[num_rows, k]``, the partners of each row.

    Returns:
        int32 ``[num_rows, k]``.
    """
    out = np.empty(pairs.shape, dtype=np.int32)
    _count(row_ptr, columns, ptr, rows, pairs, out, ROWS_TOGETHER)
    return out


@numba.njit(parallel=True, cache=True)
def _count(row_ptr, columns, ptr, rows, pairs, out, together):  # type: ignore[no-untyped-def]
    num_rows, k = pairs.shape
    for block in numba.prange((num_rows + together - 1) // together):
        met = np.zeros(num_rows, dtype=np.int32)  # how many columns each row shares with this one
        marked = np.full(len(ptr) - 1, -1, dtype=np.int32)
        for row in range(block * together, min((block + 1) * together, num_rows)):
            mine = columns[row_ptr[row] : row_ptr[row + 1]]
            through, reading = 0, len(mine)
            for column in mine:
                through += ptr[column + 1] - ptr[column]
            for partner in pairs[row]:
                reading += row_ptr[partner + 1] - row_ptr[partner]
            if through < reading:
                for column in mine:
                    for other in rows[ptr[column] : ptr[column + 1]]:
                        met[other] += 1
                for j in range(k):
                    out[row, j] = met[pairs[row, j]]
                for column in mine:
                    for other in rows[ptr[column] : ptr[column + 1]]:
                        met[other] = 0
            else:
                for column in mine:
                    marked[column] = row
                for j in range(k):
                    partner, shared = pairs[row, j], 0
                    for column in columns[row_ptr[partner] : row_ptr[partner + 1]]:
                        shared += marked[column] == row
                    out[row, j] = shared
