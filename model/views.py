"""Views of films: fixed vectors that training does not change, next to the vectors that the network learns.

The network learns which films people take one after the other. Two views add what else makes films alike: who
rated them, at any time (``data/graph_view.py``), and what they are (genres, year, tags, content).
"""

from typing import NamedTuple

import numpy as np
import scipy.sparse as sp
import torch
from torch import Tensor

from base.arrays import unit_rows
from base.sparse_products import product_with_dense
from config import ModelConfig
from data.feature_extractor import FeatureBasis, described_parts, training_ratings

# Of popularity. Where all films have equally many ratings, a new film is thousands of deviations away.
MAX_DEVIATIONS = 3.0

# The network is unsure about films that it was not trained on and gives them middling scores, so their
# content counts more. Chosen on validation pairs of films held out from training (seeds 10 and 11).
NEW_FILM_FACTOR = 5.0
FACTOR_PER_RATING = 0.1  # by which the factor falls with every rating, down to 1


class Views(NamedTuple):
    """The views of films; row i of each belongs to film i.

    Attributes:
        graph: float32 ``[n, k]``; k is 0 if ``graph_view`` is 0.
        content: float32 ``[n, c]``, rows of unit length or zero; c is 0 if ``content_view`` is 0.
        content_factor: float32 ``[n]``, how many times content counts for a film as a candidate: 1 for films
            that training has seen, more for new ones with few ratings.
        popularity: float32 ``[n]``, standardised log(1 + training ratings), within ``MAX_DEVIATIONS`` of 0.
    """

    graph: Tensor
    content: Tensor
    content_factor: Tensor
    popularity: Tensor

    def followed_by(self, others: "Views") -> "Views":
        """These films, followed by ``others``."""
        return Views(*(torch.cat([mine, theirs]) for mine, theirs in zip(self, others, strict=True)))


def film_views(
    basis: FeatureBasis, features: np.ndarray, raters: sp.csr_matrix, settings: ModelConfig, new: bool = False
) -> Views:
    """The views of known or new films.

    Args:
        basis: of the features and of the graph view.
        features: float32 ``[n, num_features]`` of these films.
        raters: 0/1 ``[n, num_users]``, who rated them.
        settings: the weights of the views; a view of weight 0 has no columns.
        new: whether the films are new to the network.
    """
    num_films = len(features)
    graph = content = np.zeros((num_films, 0), dtype=np.float32)
    if basis.view_basis is not None:
        graph = product_with_dense(raters.astype(np.float32), basis.view_basis)
    if settings.content_view:
        content = unit_rows(described_parts(basis, features))
    factor = np.ones(num_films, dtype=np.float32)
    if new:
        num_ratings = np.diff(raters.indptr).astype(np.float32)
        factor = np.maximum(1, NEW_FILM_FACTOR - FACTOR_PER_RATING * num_ratings)
    log_ratings = np.log1p(training_ratings(basis, features))
    deviations = (log_ratings - basis.degree_mean) / basis.degree_std
    popularity = np.clip(deviations, -MAX_DEVIATIONS, MAX_DEVIATIONS).astype(np.float32)
    parts = (graph, content, factor, popularity)
    return Views(*(torch.from_numpy(np.ascontiguousarray(part)) for part in parts))
