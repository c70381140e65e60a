"""The views of films as arrays: what ``model/views.py`` has as tensors. Blocks are made without PyTorch."""

import numpy as np
import scipy.sparse as sp

from base.arrays import FloatArray, unit_rows
from base.sparse_products import product_with_dense
from config import ModelConfig
from data.feature_extractor import FeatureBasis, described_parts, training_ratings

# Of popularity. Where all films have equally many ratings, a new film is thousands of deviations away.
MAX_DEVIATIONS = 3.0

# The network is unsure about films that it was not trained on and gives them middling scores, so their
# content counts more. Chosen on validation pairs of films held out from training (seeds 10 and 11).
NEW_FILM_FACTOR = 5.0
FACTOR_PER_RATING = 0.1  # by which the factor falls with every rating, down to 1


def view_arrays(
    basis: FeatureBasis, features: np.ndarray, raters: sp.csr_matrix, settings: ModelConfig, new: bool = False
) -> dict[str, FloatArray]:
    """The members of ``Views`` of known or new films, by name.

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
    arrays = {"graph": graph, "content": content, "content_factor": factor, "popularity": popularity}
    return {name: np.ascontiguousarray(array) for name, array in arrays.items()}
