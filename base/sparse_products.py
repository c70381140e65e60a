"""Products of sparse matrices with a dense result, by Numba and on all threads.

Sums run in the order and the precision of SciPy's own products, so both are equal to the last bit,
whatever the number of threads. SciPy has no product of sparse matrices with a dense result. Its product
with a dense matrix writes to memory with every term, and reads the rows of the dense matrix in no order.
"""

import numba
import numpy as np
import scipy.sparse as sp

from base.arrays import FloatArray, IntArray
from base.checks import row_numbers

BLOCK_BYTES = 2**22  # of the dense matrix at a time: a few megabytes stay in the cache
COLUMNS_TOGETHER = 2**12  # of a row that is added to: they stay in the nearest cache
STRIP_ROWS = 2**14  # of the result at a time: a short strip reads the dense matrix too often


def rows_product(left: sp.csr_matrix, rows: IntArray, right: sp.csr_matrix) -> FloatArray:
    """``left[rows] @ right`` of float32 CSR matrices, dense.

    Args:
        left: float32 ``[n, m]``.
        rows: integers ``[k]``, rows of ``left``.
        right: float32 ``[m, d]``.

    Returns:
        float32 ``[k, d]``.

    Raises:
        ValueError: rows that do not exist, shapes that do not fit, another type, damaged matrices.
    """
    _check_csr("left", left)
    _check_csr("right", right)
    _check_inner(left.shape, right.shape)
    rows = row_numbers("rows", rows, left.shape[0])
    out = np.zeros((len(rows), right.shape[1]), dtype=np.float32)
    _rows_product(left.indptr, left.indices, left.data, rows, right.indptr, right.indices, right.data, out)
    return out


def product_with_dense(left: sp.csr_matrix, right: FloatArray) -> FloatArray:
    """``left @ right`` of a float32 CSR matrix and a dense one; fastest if columns are sorted.

    Args:
        left: float32 ``[n, m]``.
        right: float32 ``[m, d]``.

    Returns:
        float32 ``[n, d]``.

    Raises:
        ValueError: shapes that do not fit, another type, a damaged matrix.
    """
    _check_csr("left", left)
    right = np.ascontiguousarray(right)
    if right.ndim != 2 or right.dtype != np.float32:
        raise ValueError(f"right must be float32 with two axes, got {right.dtype} of shape {right.shape}")
    _check_inner(left.shape, right.shape)
    out = np.empty((left.shape[0], right.shape[1]), dtype=np.float32)
    block_rows = BLOCK_BYTES // (4 * max(1, right.shape[1])) + 1
    _product_with_dense(left.indptr, left.indices, left.data, right, out, block_rows, STRIP_ROWS)
    return out


def add_product(total: FloatArray, left: sp.csr_matrix, right: FloatArray) -> None:
    """Add ``left @ right`` to ``total``; rows of ``left`` without entries cost little.

    Args:
        total: float32 ``[n, d]``, changed in place.
        left: float32 ``[n, m]``.
        right: float32 ``[m, d]``.
    """
    _add_product(left.indptr, left.indices, left.data, right, total)


def _check_inner(left: tuple[int, int], right: tuple[int, int]) -> None:
    if left[1] != right[0]:
        raise ValueError(f"left must have as many columns as right has rows, got shapes {left} and {right}")


def _check_csr(name: str, matrix: sp.csr_matrix) -> None:
    """Refuse what the kernels cannot read. SciPy looks at pointers and columns on request only.

    Raises:
        ValueError: not a CSR matrix of float32, or one whose pointers or columns lead outside it.
    """
    if getattr(matrix, "format", None) != "csr" or matrix.ndim != 2 or matrix.dtype != np.float32:
        found = f"{matrix.format} of {matrix.dtype}" if sp.issparse(matrix) else type(matrix).__name__
        raise ValueError(f"{name} must be a float32 CSR matrix, got {found}")
    ptr, columns = matrix.indptr, matrix.indices
    if len(ptr) != matrix.shape[0] + 1 or ptr[0] != 0 or (ptr[1:] < ptr[:-1]).any():
        raise ValueError(f"{name}.indptr must rise from 0 in {matrix.shape[0] + 1} entries")
    if len(columns) != len(matrix.data) or ptr[-1] > len(columns):
        raise ValueError(f"{name}.indices and data must have the {ptr[-1]} entries that indptr ends at")
    # Read as unsigned, a negative column is too large as well: one pass finds both.
    if len(columns) and columns.view(f"u{columns.itemsize}").max() >= matrix.shape[1]:
        wrong = columns[(columns < 0) | (columns >= matrix.shape[1])][0]
        raise ValueError(f"{name}.indices must be columns from 0 to {matrix.shape[1] - 1}, got {wrong}")


@numba.njit(parallel=True, cache=True)
def _rows_product(left_ptr, left_columns, left_data, rows, right_ptr, right_columns, right_data, out):  # type: ignore[no-untyped-def]
    for place in numba.prange(len(rows)):
        row, sums = rows[place], out[place]
        for i in range(left_ptr[row], left_ptr[row + 1]):
            factor, middle = left_data[i], left_columns[i]
            for j in range(right_ptr[middle], right_ptr[middle + 1]):
                sums[np.uint32(right_columns[j])] += factor * right_data[j]


@numba.njit(parallel=True, cache=True)
def _add_product(left_ptr, left_columns, left_data, right, total):  # type: ignore[no-untyped-def]
    for row in numba.prange(len(total)):
        for first in range(0, total.shape[1], COLUMNS_TOGETHER):
            sums = total[row, first : first + COLUMNS_TOGETHER]
            for i in range(left_ptr[row], left_ptr[row + 1]):
                factor, source = left_data[i], right[left_columns[i], first : first + COLUMNS_TOGETHER]
                for column in range(len(sums)):
                    sums[column] += factor * source[column]


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
                # Four terms at a time: the sums are read and written once for them, and added in order.
                while i + 3 < end and left_columns[i + 3] < block + block_rows:
                    a, b, c, d = left_data[i], left_data[i + 1], left_data[i + 2], left_data[i + 3]
                    of_a, of_b = right[np.uint32(left_columns[i])], right[np.uint32(left_columns[i + 1])]
                    of_c, of_d = right[np.uint32(left_columns[i + 2])], right[np.uint32(left_columns[i + 3])]
                    for column in range(len(sums)):
                        first = (sums[column] + a * of_a[column]) + b * of_b[column]
                        sums[column] = (first + c * of_c[column]) + d * of_d[column]
                    i += 4
                while i < end and left_columns[i] < block + block_rows:
                    factor, source = left_data[i], right[np.uint32(left_columns[i])]
                    for column in range(len(sums)):
                        sums[column] += factor * source[column]
                    i += 1
                done[row - first_row] = i
