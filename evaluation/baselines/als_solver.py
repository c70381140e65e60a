"""One half of an iteration of iALS: better factors of all rows, with those of the other side fixed.

Takacs, Pilaszy and Tikk (RecSys 2011): a few steps of conjugate gradients per row, from the factors that the
row has. With the factors ``Y`` of the other side and the confidence c of each entry, the factors x of a row
solve (Hu, Koren and Volinsky, ICDM 2008, equation 4)

    (Y'Y + regularization I + sum (c - 1) y y') x = sum c y      over the rows y of ``Y`` that have an entry.

``implicit`` does the same with two calls of BLAS per entry and step. At 32 factors, their overhead is most of
its time. Here the y of a row are copied together first, so that two calls per step do for all of its entries.
"""

import numba
import numpy as np
import scipy.sparse as sp

from base.arrays import FloatArray

STEPS = 3  # of conjugate gradients per row and iteration, as many as ``implicit`` takes
SOLVED = 1e-20  # squared length of a residual that counts as zero
ROWS_TOGETHER = 256  # rows that one thread solves one after the other


def solve_rows(
    confidence: sp.csr_matrix, factors: FloatArray, fixed: FloatArray, regularization: float
) -> None:
    """Improve the factors of all rows in place; rows without entries get zeros.

    Args:
        confidence: float32 CSR ``[n, m]``. What is not stored is no interaction, with a confidence of 1.
        factors: float32 ``[n, k]``, the result of the iteration before.
        fixed: float32 ``[m, k]``.
        regularization: weight of the squared length of a row's factors.
    """
    gram = fixed.T @ fixed + np.float32(regularization) * np.eye(fixed.shape[1], dtype=np.float32)
    _solve_rows(confidence.indptr, confidence.indices, confidence.data, factors, fixed, gram)


@numba.njit(parallel=True, cache=True, fastmath={"reassoc", "contract"})
def _solve_rows(ptr, columns, confidence, factors, fixed, gram):  # type: ignore[no-untyped-def]
    # Loops rather than expressions of arrays, which would allocate a result for every few numbers.
    num_rows, width = factors.shape
    one = np.float32(1)
    for group in numba.prange((num_rows + ROWS_TOGETHER - 1) // ROWS_TOGETHER):
        first_row = group * ROWS_TOGETHER
        end_row = min(num_rows, first_row + ROWS_TOGETHER)
        longest = 0
        for row in range(first_row, end_row):
            longest = max(longest, ptr[row + 1] - ptr[row])
        copies, values = np.empty((longest, width), dtype=np.float32), np.empty(longest, dtype=np.float32)
        residual, direction = np.empty(width, dtype=np.float32), np.empty(width, dtype=np.float32)
        product, of_gram = np.empty(width, dtype=np.float32), np.empty(width, dtype=np.float32)
        for row in range(first_row, end_row):
            first, size, solution = ptr[row], ptr[row + 1] - ptr[row], factors[row]
            if size == 0:
                solution[:] = 0
                continue
            weights, near, along = confidence[first : first + size], copies[:size], values[:size]
            for entry in range(size):
                source = fixed[columns[first + entry]]
                for k in range(width):
                    near[entry, k] = source[k]
            # What the equation lacks at the start: sum (c - (c - 1) y.x) y - (Y'Y + regularization I) x.
            np.dot(near, solution, along)
            for entry in range(size):
                along[entry] = weights[entry] - (weights[entry] - one) * along[entry]
            np.dot(along, near, residual)
            np.dot(gram, solution, of_gram)
            length = np.float32(0)
            for k in range(width):
                residual[k] -= of_gram[k]
                direction[k] = residual[k]
                length += residual[k] * residual[k]
            for _ in range(STEPS):
                if length < SOLVED:
                    break
                np.dot(near, direction, along)
                for entry in range(size):
                    along[entry] *= weights[entry] - one
                np.dot(along, near, product)
                np.dot(gram, direction, of_gram)
                energy = np.float32(0)
                for k in range(width):
                    product[k] += of_gram[k]
                    energy += direction[k] * product[k]
                step = length / energy
                before, length = length, np.float32(0)
                for k in range(width):
                    solution[k] += step * direction[k]
                    residual[k] -= step * product[k]
                    length += residual[k] * residual[k]
                for k in range(width):
                    direction[k] = residual[k] + length / before * direction[k]
