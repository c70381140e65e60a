"""Products of sparse matrices whose result is dense, by Numba and on all threads.

Sums run in the order and the precision of SciPy's own products, so that both are equal to the last bit,
whatever the threads. SciPy has no product of sparse matrices with a dense result, and keeps a list of the
columns it touched; its product with a dense matrix goes back to memory with every term, and takes the rows
of the dense matrix from all over it.
"""

import numba
import numpy as np
import scipy.sparse as sp

from base.arrays import FloatArray, IntArray

BLOCK_BYTES = 2**22  # of the dense matrix at a time: a few megabytes stay in the cache
STRIP_ROWS = 2**14  # of the result at a time: a short strip reads the dense matrix too often


def rows_product(left: sp.csr_matrix, rows: IntArray, right: sp.csr_matrix) -> FloatArray:
    """``left[rows] @ right`` of float32 CSR matrices, dense float32 ``[len(rows), right.shape[1]]``."""
    out = np.zeros((len(rows), right.shape[1]), dtype=np.float32)
    _rows_product(
        left.indptr, left.indices, left.data, np.asarray(rows), right.indptr, right.indices, right.data, out
    )
    return out


def product_with_dense(left: sp.csr_matrix, right: FloatArray) -> FloatArray:
    """``left @ right`` of float32, CSR and dense; dense float32. Sorted columns are fastest."""
    right = np.ascontiguousarray(right)
    out = np.empty((left.shape[0], right.shape[1]), dtype=np.float32)
    block_rows = BLOCK_BYTES // (4 * max(1, right.shape[1])) + 1
    _product_with_dense(left.indptr, left.indices, left.data, right, out, block_rows, STRIP_ROWS)
    return out


@numba.njit(parallel=True, cache=True)
def _rows_product(left_ptr, left_columns, left_data, rows, right_ptr, right_columns, right_data, out):  # type: ignore[no-untyped-def]
    for place in numba.prange(len(rows)):
        row, sums = rows[place], out[place]
        for i in range(left_ptr[row], left_ptr[row + 1]):
            factor, middle = left_data[i], left_columns[i]
            for j in range(right_ptr[middle], right_ptr[middle + 1]):
                sums[np.uint32(right_columns[j])] += factor * right_data[j]


@numba.njit(parallel=True, cache=True)
def _product_with_dense(left_ptr, left_columns, left_data, right, out, block_rows, strip_rows):  # type: ignore[no-untyped-def]
    # A strip of the result takes what a block of ``right`` adds to it, then what the next one adds:
    # the block stays in the cache, and so do a row's sums.
    for strip in numba.prange((len(out) + strip_rows - 1) // strip_rows):
        first_row = strip * strip_rows
        end_row = min(len(out), first_row + strip_rows)
        out[first_row:end_row] = 0
        done = left_ptr[first_row:end_row].copy()
        for block in range(0, len(right), block_rows):
            for row in range(first_row, end_row):
                sums, i, end = out[row], done[row - first_row], left_ptr[row + 1]
                while i < end and left_columns[i] < block + block_rows:
                    factor, source = left_data[i], right[np.uint32(left_columns[i])]
                    for column in range(len(sums)):
                        sums[column] += factor * source[column]
                    i += 1
                done[row - first_row] = i
