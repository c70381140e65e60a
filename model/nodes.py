"""The rows that the layers read: what every film knows of itself, and its importance neighbourhood."""

from typing import NamedTuple

import torch
from torch import Tensor


class Nodes(NamedTuple):
    """Features and neighbour table of films; row i of each belongs to film i.

    Attributes:
        features: float32 ``[n, num_features]``.
        neighbors: int64 ``[n, T]``, rows of the same ``Nodes``; padding is the film's own row.
        weights: float32 ``[n, T]``; 0 for padding.
    """

    features: Tensor
    neighbors: Tensor
    weights: Tensor

    def to(self, device: torch.device) -> "Nodes":
        """The same rows on a device."""
        return Nodes(*(part.to(device) for part in self))

    def followed_by(self, others: "Nodes") -> "Nodes":
        """These rows and, after them, those of ``others``."""
        return Nodes(*(torch.cat([mine, theirs]) for mine, theirs in zip(self, others, strict=True)))
