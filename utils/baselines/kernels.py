"""Products of sparse matrices whose result is dense, by Numba and on all threads.

Sums run in the order and the precision of SciPy's own products, so that both are equal to the last bit,
whatever the threads. SciPy has no product of sparse matrices with a dense result, and keeps a list of the
columns it touched; its product with a dense matrix goes back to memory with every term.
"""

import numba
import numpy as np
import scipy.sparse as sp

from data.dataset import FloatArray, IntArray


def rows_product(left: sp.csr_matrix, rows: IntArray, right: sp.csr_matrix) -> FloatArray:
    """``left[rows] @ right`` of float32 CSR matrices, dense float32 ``[len(rows), right.shape[1]]``."""
    out = np.zeros((len(rows), right.shape[1]), dtype=np.float32)
    _rows_product(
        left.indptr, left.indices, left.data, np.asarray(rows), right.indptr, right.indices, right.data, out
    )
    return out


def product_with_dense(left: sp.csr_matrix, right: FloatArray) -> FloatArray:
    """``left @ right`` of a float32 CSR matrix and a contiguous float32 matrix, dense float32."""
    out = np.empty((left.shape[0], right.shape[1]), dtype=np.float32)
    _product_with_dense(left.indptr, left.indices, left.data, right, out)
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
def _product_with_dense(left_ptr, left_columns, left_data, right, out):  # type: ignore[no-untyped-def]
    # Row by row of the result: its sums stay in the cache.
    for row in numba.prange(len(out)):
        sums = out[row]
        sums[:] = 0
        for i in range(left_ptr[row], left_ptr[row + 1]):
            factor, source = left_data[i], right[np.uint32(left_columns[i])]
            for column in range(len(sums)):
                sums[column] += factor * source[column]
