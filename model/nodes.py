"""The inputs of the layers: the features and the important neighbours of each film."""

from typing import NamedTuple

import torch
from torch import Tensor


class Nodes(NamedTuple):
    """Features and neighbour table of films; row i of each belongs to film i.

    Attributes:
        features: float32 ``[n, num_features]``.
        neighbors: int64 ``[n, T]``, rows of the same ``Nodes``; padding is the row of the film itself.
        weights: float32 ``[n, T]``; 0 for padding.
    """

    features: Tensor
    neighbors: Tensor
    weights: Tensor

    def to(self, device: torch.device) -> "Nodes":
        """The same rows on ``device``."""
        return Nodes(*(part.to(device) for part in self))

    def followed_by(self, others: "Nodes") -> "Nodes":
        """These rows, followed by those of ``others``; both number their neighbours in the joined rows."""
        return Nodes(*(torch.cat([mine, theirs]) for mine, theirs in zip(self, others, strict=True)))
