"""The spectral basis: it describes a film by a few numbers that depend on its raters.

Let A be the film-user matrix, of edge weights or else of 0 and 1, and D_m, D_u the diagonal matrices of its
sums by film and by user (without weights, the degrees). The basis consists of the leading right singular
vectors V of N = D_m^-1/2 A D_u^-1/2. With N = U S V', a film's row of U S is its row of N times V. This needs
only the raters of the film, so it works for new films too.
"""

import numpy as np
import scipy.sparse as sp
from scipy import linalg

from base.arrays import FloatArray, IntArray
from base.sparse_products import product_with_dense
from data.graph_builder import ItemGraph

POWER_ITERATIONS = 4  # more of them did not change validation figures
OVERSAMPLES = 10  # additional directions during the iteration; they are dropped at the end


def fit_spectral(graph: ItemGraph, spectral_dim: int, seed: int) -> FloatArray:
    """The matrix ``D_u^-1/2 V``, one row per user.

    Args:
        graph: training graph.
        spectral_dim: maximum number of singular vectors; the matrix may have fewer.
        seed: seed of the randomised SVD.

    Returns:
        float32 ``[num_users, rank]``.
    """
    matrix = graph.movie_user_matrix()
    rank = min(spectral_dim, min(matrix.shape) - 1)
    if rank < 1 or graph.num_edges == 0:
        return np.zeros((graph.num_users, 0), dtype=np.float32)
    user_scale = inverse_root(graph.user_strength)
    # Products with diagonal matrices would copy rows and columns of all edges.
    of_movie = np.repeat(inverse_root(graph.movie_strength), graph.movie_degree)
    normalised = of_movie * matrix.data * user_scale[matrix.indices]
    matrix = sp.csr_matrix((normalised, matrix.indices, matrix.indptr), shape=matrix.shape)
    right = leading_right_vectors(matrix, rank, seed)
    return np.ascontiguousarray((right * user_scale).T, dtype=np.float32)


def leading_right_vectors(matrix: sp.csr_matrix, rank: int, seed: int) -> FloatArray:
    """Right singular vectors of the largest singular values, by a randomised SVD.

    Subspace iteration of Halko, Martinsson and Tropp (SIAM Review 2011, algorithms 4.4 and 5.1). The result
    equals that of scikit-learn's ``randomized_svd`` to the bit. That function can only use the matrix
    products of SciPy, which take five times as long at 25 million ratings.

    Args:
        matrix: float32 ``[m, n]`` with sorted columns.
        rank: number of vectors, less than ``m`` and ``n``.
        seed: seed of the random start.

    Returns:
        float32 ``[rank, n]``. Signs are chosen so that the largest entry of each left vector is positive.
    """
    transposed = matrix.T.tocsr()
    wide = matrix.shape[0] < matrix.shape[1]
    tall, flat = (transposed, matrix) if wide else (matrix, transposed)
    start = np.random.RandomState(seed).normal(size=(tall.shape[1], rank + OVERSAMPLES))
    directions = start.astype(np.float32)
    for _ in range(POWER_ITERATIONS):
        directions = _normalised(product_with_dense(tall, directions))
        directions = _normalised(product_with_dense(flat, directions))
    directions = product_with_dense(tall, directions)
    basis, _ = linalg.qr(directions, overwrite_a=True, mode="economic", check_finite=False)
    inner, _, of_flat = linalg.svd(product_with_dense(flat, basis).T, full_matrices=False)
    of_tall = (basis @ inner).T
    left, right = (of_flat, of_tall) if wide else (of_tall, of_flat)
    largest = np.take_along_axis(left, np.abs(left).argmax(axis=1, keepdims=True), axis=1)
    return (right * np.sign(largest))[:rank]


def right_singular_vectors(matrix: FloatArray | sp.csr_matrix, rank: int, seed: int) -> FloatArray:
    """As ``leading_right_vectors``, of a small matrix, dense or sparse, and of any rank up to its own."""
    from sklearn.utils.extmath import randomized_svd  # takes a second to import, and few commands fit

    _, _, right = randomized_svd(matrix, rank, n_iter=POWER_ITERATIONS, random_state=seed)
    return right


def _normalised(vectors: FloatArray) -> FloatArray:
    """A well-conditioned basis of the same space; between products an LU factorisation is enough."""
    return linalg.lu(vectors, permute_l=True, overwrite_a=True, check_finite=False)[0]


def inverse_root(strength: IntArray | FloatArray) -> FloatArray:
    """One divided by the square root, float32 ``[n]``; 1 for 0."""
    return 1 / np.sqrt(np.where(strength > 0, strength, 1).astype(np.float32))
