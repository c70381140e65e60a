"""A saved model on newer data: its spectral basis kept, new users folded into it.

Singular vectors computed anew come with other signs and rotations, so the saved weights would be
meaningless on them. The saved ones are kept instead. With ``N = D_m^-1/2 A D_u^-1/2`` of the films and users
known before, and V the users' saved vectors, a row of V is ``N[:, u]' (N V) (V' N' N V)^-1``: exactly so
where V spans singular vectors, since then ``N V = U S`` and ``V = N' U S^-1``; in the least-squares sense
otherwise. In this form it takes nothing of a user but their films, so it serves for new users.
"""

from dataclasses import replace
from typing import NamedTuple

import numpy as np
import torch

from base.arrays import FloatArray, IntArray
from config import ModelConfig
from data.dataset import MovieLens
from data.feature_extractor import FeatureBasis
from data.graph_builder import ItemGraph, build_graph
from data.splits import Split
from model.inputs import ModelInputs, inputs_by_basis, training_facts


class ExtendedInputs(NamedTuple):
    """Inputs on newer data, and how much of it the saved basis knows.

    Attributes:
        inputs: with the extended basis.
        folded_users: users that were given a row.
        agreement: median cosine of the saved rows with those that folding in makes of the same users, both
            about their means; None without a spectral basis. Near 1 where ids still name the same people.
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
    device: torch.device | str = "cpu",
) -> ExtendedInputs:
    """Graph, features and neighbour table of newer data, the features in the terms of a saved basis.

    Args:
        basis: of the saved model.
        known: rows of its users in ``movielens``, in the basis's order.
        movielens: the newer data.
        split: of these data; only its training part is used.
        settings: of features and walks, those of the saved model.
        seed: of the walks.
        device: where the walks are taken; changes no bit of the result.
    """
    graph = build_graph(split.train, split.num_users, split.num_movies)
    rows = fold_in_users(basis.user_basis, graph, known)
    saved = basis.user_basis.any(axis=1)  # who had training ratings then
    agreement = _agreement(rows[known[saved]], basis.user_basis[saved])
    rows[known[saved]] = basis.user_basis[saved]
    extended = replace(basis, user_basis=rows)
    inputs = inputs_by_basis(extended, graph, training_facts(movielens, split), settings, seed, device)
    return ExtendedInputs(inputs, int(rows.any(axis=1).sum() - saved.sum()), agreement)


def fold_in_users(user_basis: FloatArray, graph: ItemGraph, known: IntArray) -> FloatArray:
    """Rows of the basis for all users of ``graph``, computed from their films alone.

    Args:
        user_basis: float32 ``[len(known), d]``, the saved rows ``V D_u^-1/2``.
        graph: training graph of the newer data.
        known: user rows of ``graph`` that the saved rows belong to.

    Returns:
        float32 ``[graph.num_users, d]``; zeros for a user whose films no known user rated.
    """
    ratings = graph.movie_user_matrix()
    of_known = ratings[:, known]
    degree = np.asarray(of_known.sum(axis=1)).ravel()
    sums = (of_known @ user_basis).astype(np.float64)  # D_m^1/2 N V
    means = sums / np.maximum(degree, 1)[:, None]  # D_m^-1/2 N V
    films = means @ np.linalg.pinv(sums.T @ means)  # what is inverted is V' N' N V
    return (ratings.T @ films / np.maximum(graph.user_degree, 1)[:, None]).astype(np.float32)


def _agreement(folded: FloatArray, saved: FloatArray) -> float | None:
    """Median cosine of the rows, what all users have in common taken out first; None without rows."""
    if not saved.size:
        return None
    one, other = folded - folded.mean(axis=0), saved - saved.mean(axis=0)
    lengths = np.linalg.norm(one, axis=1) * np.linalg.norm(other, axis=1)
    return float(np.median((one * other).sum(axis=1) / np.maximum(lengths, 1e-30)))
