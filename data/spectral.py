"""The spectral basis: what a film's raters say of it, as a few numbers.

With A the 0/1 film-user matrix and D_m, D_u the degrees, the basis is of the leading right singular vectors
V of D_m^-1/2 A D_u^-1/2. A film's row of U S is its own row of that matrix times V: linear in its raters,
so films without a place in training have one too.
"""

import numpy as np
import scipy.sparse as sp
from scipy import linalg

from base.arrays import FloatArray, IntArray
from base.sparse_products import product_with_dense
from data.graph_builder import ItemGraph

POWER_ITERATIONS = 4  # more no longer changes validation figures
OVERSAMPLES = 10  # directions tried beyond those that are kept


def fit_spectral(graph: ItemGraph, spectral_dim: int, seed: int) -> FloatArray:
    """The rows ``D_u^-1/2 V`` of users, float32 ``[num_users, rank]``.

    Args:
        graph: training graph.
        spectral_dim: singular vectors to keep; fewer where the matrix has fewer.
        seed: of the randomised SVD.
    """
    matrix = graph.movie_user_matrix()
    rank = min(spectral_dim, min(matrix.shape) - 1)
    if rank < 1 or graph.num_edges == 0:
        return np.zeros((graph.num_users, 0), dtype=np.float32)
    user_scale = _inverse_root(graph.user_degree)
    normalised = sp.diags_array(_inverse_root(graph.movie_degree)) @ matrix @ sp.diags_array(user_scale)
    right = leading_right_vectors(normalised.tocsr(), rank, seed)
    return np.ascontiguousarray((right * user_scale).T, dtype=np.float32)


def leading_right_vectors(matrix: sp.csr_matrix, rank: int, seed: int) -> FloatArray:
    """Right singular vectors of the largest singular values, by a randomised SVD.

    Subspace iteration of Halko, Martinsson and Tropp (SIAM Review 2011, algorithms 4.4 and 5.1), and the
    same vectors to the bit as scikit-learn's ``randomized_svd``, which takes no products but SciPy's: at 25
    million ratings those need five times as long.

    Args:
        matrix: float32 ``[m, n]`` with sorted columns.
        rank: vectors to find, fewer than ``m`` and ``n``.
        seed: of the random start.

    Returns:
        float32 ``[rank, n]``; the largest entry of each left vector is positive.
    """
    transposed = matrix.T.tocsr()
    wide = matrix.shape[0] < matrix.shape[1]
    tall, flat = (transposed, matrix) if wide else (matrix, transposed)
    start = np.random.RandomState(seed).normal(size=(tall.shape[1], rank + OVERSAMPLES))
    directions = start.astype(np.float32)
    for _ in range(POWER_ITERATIONS):
        directions = _normalised(product_with_dense(tall, directions))
        directions = _normalised(product_with_dense(flat, directions))
    basis, _ = linalg.qr(product_with_dense(tall, directions), mode="economic", check_finite=False)
    inner, _, of_flat = linalg.svd(product_with_dense(flat, basis).T, full_matrices=False)
    of_tall = (basis @ inner).T
    left, right = (of_flat, of_tall) if wide else (of_tall, of_flat)
    largest = np.take_along_axis(left, np.abs(left).argmax(axis=1, keepdims=True), axis=1)
    return (right * np.sign(largest))[:rank]


def _normalised(vectors: FloatArray) -> FloatArray:
    """The same span, well conditioned; an LU factorisation is enough for that between products."""
    return linalg.lu(vectors, permute_l=True, check_finite=False)[0]


def _inverse_root(degree: IntArray) -> FloatArray:
    return 1 / np.sqrt(np.maximum(degree, 1, dtype=np.float32))
