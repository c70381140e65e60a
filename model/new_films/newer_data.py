"""The inputs of a trained model on newer data: its spectral basis is kept, and new users are folded in.

A new decomposition of the newer data has other signs and rotations, and the saved weights do not fit it. So
the saved singular vectors V are kept, one row per user, and rows of new users are computed from them. This
is called folding in. Let N be ``D_m^-1/2 A D_u^-1/2`` (``data/spectral.py``) for the films of the newer
data and the users of the saved basis. The row of V of user u is ``N[:, u]' (N V) (V' N' N V)^-1``. This is
exact if the columns of V are singular vectors of N, because then ``N V = U S`` and ``V = N' U S^-1``;
otherwise it is a least-squares fit. The formula needs only the films of user u, so it also gives rows for new
users.
"""

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from base.arrays import FloatArray, IntArray
from config import ModelConfig
from data.dataset import MovieLens
from data.feature_extractor import FeatureBasis
from data.film_facts import training_facts
from data.graph_builder import ItemGraph, build_graph
from data.graph_view import fit_graph_view
from data.splits import Split
from model.inputs import ModelInputs, inputs_by_basis


class ExtendedInputs(NamedTuple):
    """Inputs on newer data, and how well the newer data agree with the saved basis.

    Attributes:
        inputs: inputs with the saved basis and the rows of new users.
        folded_users: number of users whose row was computed by folding in.
        agreement: the rows of the saved users are also computed by folding in and compared with the saved
            rows: the median cosine, after the mean row is subtracted. It is near 1 if the ids belong to the
            same users as before. None without a spectral basis.
    """

    inputs: ModelInputs
    folded_users: int
    agreement: float | None


def extended_inputs(
    basis: FeatureBasis,
    known: IntArray,
    movielens: MovieLens,
    split: Split,
    settings: ModelConfig,
    seed: int,
) -> ExtendedInputs:
    """Graph, features and neighbour table of newer data, with the feature basis of a saved model.

    Args:
        basis: feature basis of the saved model.
        known: int ``[n]``, the user rows in ``movielens`` of the n users of the basis, in its order.
        movielens: the newer data.
        split: split of the newer data; only its training part is used.
        settings: settings of features and walks, those of the saved model.
        seed: seed of the walks.
    """
    graph = build_graph(split.train, split.num_users, split.num_movies)
    rows = fold_in_users(basis.user_basis, graph, known)
    saved = basis.user_basis.any(axis=1)  # users with training ratings in the older data
    agreement = _agreement(rows[known[saved]], basis.user_basis[saved])
    rows[known[saved]] = basis.user_basis[saved]
    # The network does not read the graph view, so that is fitted anew.
    view_basis = fit_graph_view(graph, seed) if settings.graph_view else None
    extended = replace(basis, user_basis=rows, view_basis=view_basis)
    inputs = inputs_by_basis(extended, graph, training_facts(movielens.facts, split), settings, seed)
    return ExtendedInputs(inputs, int(rows.any(axis=1).sum() - saved.sum()), agreement)


def fold_in_users(user_basis: FloatArray, graph: ItemGraph, known: IntArray) -> FloatArray:
    """Compute the rows of the basis for all users of ``graph`` from their films (folding in).

    Args:
        user_basis: float32 ``[n, d]``, the saved rows ``D_u^-1/2 V``.
        graph: training graph of the newer data.
        known: int ``[n]``, the user row in ``graph`` of each saved row.

    Returns:
        float32 ``[graph.num_users, d]``; zeros for a user without a film that a known user rated.
    """
    ratings = graph.movie_user_matrix()
    of_known = ratings[:, known]
    strength = np.asarray(of_known.sum(axis=1)).ravel()
    sums = (of_known @ user_basis).astype(np.float64)  # D_m^1/2 N V
    means = sums / _or_one(strength)[:, None]  # D_m^-1/2 N V
    films = means @ np.linalg.pinv(sums.T @ means)  # pseudo-inverse of V' N' N V
    return (ratings.T @ films / _or_one(graph.user_strength)[:, None]).astype(np.float32)


def _or_one(strength: IntArray | FloatArray) -> IntArray | FloatArray:
    """A divisor for each row: rows without an edge are divided by 1."""
    return np.where(strength > 0, strength, 1)


def _agreement(folded: FloatArray, saved: FloatArray) -> float | None:
    """The median cosine of the rows after the mean row is subtracted; None if there are no values."""
    if not saved.size:
        return None
    one, other = folded - folded.mean(axis=0), saved - saved.mean(axis=0)
    lengths = np.linalg.norm(one, axis=1) * np.linalg.norm(other, axis=1)
    return float(np.median((one * other).sum(axis=1) / np.maximum(lengths, 1e-30)))
