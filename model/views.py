"""Views of films: fixed vectors that training does not change, next to the vectors that the network learns.

The network learns which films people take one after the other. Two views add what else makes films alike: who
rated them, at any time (``data/graph_view.py``), and what they are (genres, year, tags, content).
"""

from typing import NamedTuple

import numpy as np
import scipy.sparse as sp
import torch
from torch import Tensor

from config import ModelConfig
from data.feature_extractor import FeatureBasis
from model.view_arrays import view_arrays


class Views(NamedTuple):
    """The views of films; row i of each belongs to film i.

    Attributes:
        graph: float32 ``[n, k]``; k is 0 if ``graph_view`` is 0.
        content: float32 ``[n, c]``, rows of unit length or zero; c is 0 if ``content_view`` is 0.
        content_factor: float32 ``[n]``, how many times content counts for a film as a candidate: 1 for films
            that training has seen, more for new ones with few ratings.
        popularity: float32 ``[n]``, standardised log(1 + training ratings), within ``MAX_DEVIATIONS`` of
            0 (``model/view_arrays.py``).
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
    """The views of known or new films; arguments as in ``view_arrays``."""
    arrays = view_arrays(basis, features, raters, settings, new)
    return Views(**{name: torch.from_numpy(array) for name, array in arrays.items()})
