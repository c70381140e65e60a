"""The graph view of a film: a vector that says who rated it, at any time.

Let A be the film-user matrix of 0 and 1, and A = U S V' its singular value decomposition. The view of all
films is ``U diag(s / sqrt(s^2 + noise))`` for the largest singular values s, so the inner products of all
films are ``U diag(s^2 / (s^2 + noise)) U'``. This is a Wiener filter: directions that are mostly noise count
little. It is also the form of EASE (Steck, WWW 2019) at low rank: a vector for each film instead of a number
for every two films. A film's view is the sum of its raters' rows of ``V diag(1 / sqrt(s^2 + noise))``, so new
films have one, too.

The paper has no such view: its embeddings are the output of the network alone.
"""

import numpy as np
import scipy.sparse as sp

from base.arrays import FloatArray
from base.sparse_products import product_with_dense
from data.graph_builder import ItemGraph
from data.spectral import leading_right_vectors

GRAPH_VIEW_DIM = 64  # singular vectors; 128 gave the same validation figures on ml-100k
NOISE_SHARE = 0.1  # the noise, as a share of the largest squared singular value


def fit_graph_view(graph: ItemGraph, seed: int) -> FloatArray:
    """The matrix ``V diag(1 / sqrt(s^2 + noise))``, one row per user.

    Args:
        graph: training graph; the weights of its edges do not matter.
        seed: seed of the randomised SVD.

    Returns:
        float32 ``[num_users, rank]``, where rank is at most ``GRAPH_VIEW_DIM``.
    """
    rank = min(GRAPH_VIEW_DIM, graph.num_movies - 1, graph.num_users - 1)
    if rank < 1 or graph.num_edges == 0:
        return np.zeros((graph.num_users, 0), dtype=np.float32)
    matrix = rater_matrix(graph)
    right = leading_right_vectors(matrix, rank, seed).T.astype(np.float32)
    squares = np.square(product_with_dense(matrix, right)).sum(axis=0, dtype=np.float64)  # s^2
    return np.ascontiguousarray(right * view_scale(squares), dtype=np.float32)


def view_scale(squares: FloatArray) -> FloatArray:
    """``1 / sqrt(s^2 + noise)`` of the squared singular values, float64 ``[rank]``."""
    return 1 / np.sqrt(squares + NOISE_SHARE * squares.max())


def rater_matrix(graph: ItemGraph) -> sp.csr_matrix:
    """The film-user matrix with 1 for every edge, whatever its weight; float32 CSR."""
    matrix = graph.movie_user_matrix()
    return sp.csr_matrix((np.ones_like(matrix.data), matrix.indices, matrix.indptr), shape=matrix.shape)
