"""From a film's last layer to its embedding: as the paper does it, or as query and candidate apart."""

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Embeddings(NamedTuple):
    """Films as candidates and as queries: unit rows ``[n, d]``, one tensor twice where they do not differ."""

    candidates: Tensor
    queries: Tensor

    def views(self, count: int) -> list["Embeddings"]:
        """``count`` equal parts of the vectors, each scaled to unit rows ``[n, d / count]``."""
        parts = zip(*(part.chunk(count, dim=1) for part in self), strict=True)
        return [Embeddings(*(F.normalize(half, dim=1) for half in part)) for part in parts]


def head_layers(in_channels: int, out_channels: int) -> nn.Sequential:
    """``G2 ReLU(G1 h + g)``, the paper's Algorithm 2, line 15."""
    return nn.Sequential(
        nn.Linear(in_channels, in_channels), nn.ReLU(), nn.Linear(in_channels, out_channels, bias=False)
    )


class SharedHead(nn.Module):
    """The paper's head: one vector a film, whether it asks or answers.

    Args:
        in_channels: width of the last layer.
        out_channels: length of an embedding.

    Shapes:
        - ``forward``: h ``[n, in_channels]`` -> ``[n, out_channels]`` twice
    """

    num_views = 1

    def __init__(self, in_channels: int, out_channels: int):
        super().__init__()
        self.layers = head_layers(in_channels, out_channels)

    def forward(self, h: Tensor) -> Embeddings:
        """Embed."""
        z = F.normalize(self.layers(h), dim=-1)
        return Embeddings(z, z)


class DirectedHead(nn.Module):
    """A candidate vector by the paper's head, and a query vector that departs from it as far as it pays.

    With one vector for both, every film is its own best answer and a popular one cannot be near to
    all. The correction starts at zero, so training begins with the paper's head.

    Args:
        in_channels: width of the last layer.
        out_channels: length of an embedding.

    Shapes:
        - ``forward``: h ``[n, in_channels]`` -> ``[n, out_channels]`` twice
    """

    num_views = 1

    def __init__(self, in_channels: int, out_channels: int):
        super().__init__()
        self.layers = head_layers(in_channels, out_channels)
        self.correction = head_layers(in_channels, out_channels)
        nn.init.zeros_(self.correction[-1].weight)  # type: ignore[arg-type]

    def forward(self, h: Tensor) -> Embeddings:
        """Embed."""
        z = self.layers(h)
        return Embeddings(F.normalize(z, dim=-1), F.normalize(z + self.correction(h), dim=-1))


class MixedHead(nn.Module):
    """A shared and a directed head side by side; a score is the mean of both heads' scores.

    Each half is trained to rank by itself (``num_views`` losses), so that the two are unlike enough
    for their mean to be better than either.

    Args:
        in_channels: width of the last layer.
        out_channels: length of an embedding; even.

    Shapes:
        - ``forward``: h ``[n, in_channels]`` -> ``[n, out_channels]`` twice
    """

    num_views = 2

    def __init__(self, in_channels: int, out_channels: int):
        super().__init__()
        self.shared = SharedHead(in_channels, out_channels // 2)
        self.directed = DirectedHead(in_channels, out_channels // 2)

    def forward(self, h: Tensor) -> Embeddings:
        """Embed."""
        halves = zip(self.shared(h), self.directed(h), strict=True)
        return Embeddings(*(torch.cat(half, dim=-1) * 0.5**0.5 for half in halves))


HEADS: dict[str, type[SharedHead] | type[DirectedHead] | type[MixedHead]] = {
    "shared": SharedHead,
    "directed": DirectedHead,
    "mixed": MixedHead,
}
