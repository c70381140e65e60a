"""Heads: from the output of the last layer to the embedding, with one vector per film or two."""

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Embeddings(NamedTuple):
    """Vectors of films as candidates and as queries, with rows of unit length.

    Attributes:
        candidates: float ``[n, d]``.
        queries: float ``[n, d]``, or of the first films alone; a part of ``candidates`` if the head makes one
            vector per film.
    """

    candidates: Tensor
    queries: Tensor

    def views(self, count: int) -> list["Embeddings"]:
        """Cut the vectors into ``count`` equally long parts ``[n, d / count]``, with rows of unit length."""
        if count == 1:
            return [self]
        parts = zip(*(part.chunk(count, dim=1) for part in self), strict=True)
        return [Embeddings(*(count**0.5 * half for half in part)) for part in parts]


def head_layers(in_channels: int, out_channels: int) -> nn.Sequential:
    """The head of the paper, ``G2 ReLU(G1 h + g)`` (Algorithm 2, line 15)."""
    return nn.Sequential(
        nn.Linear(in_channels, in_channels), nn.ReLU(), nn.Linear(in_channels, out_channels, bias=False)
    )


class SharedHead(nn.Module):
    """The head of the paper: one vector per film, both as query and as candidate.

    Args:
        in_channels: width of the last layer.
        out_channels: length of an embedding.

    Shapes:
        - ``forward``: h ``[n, in_channels]`` -> candidates ``[n, out_channels]``, and queries of the first
          ``num_queries`` films, of all by default
    """

    num_views = 1

    def __init__(self, in_channels: int, out_channels: int):
        super().__init__()
        self.layers = head_layers(in_channels, out_channels)

    def forward(self, h: Tensor, num_queries: int | None = None) -> Embeddings:
        """Candidate and query vectors of unit length."""
        z = F.normalize(self.layers(h), dim=-1)
        return Embeddings(z, z[:num_queries])


class DirectedHead(nn.Module):
    """Two vectors per film: the candidate vector of the paper's head, and the same plus a learned correction.

    The second one is the query vector. With one vector for both, every film is its own best candidate, and a
    popular film cannot be close to all queries. The correction starts at zero, so training starts with the
    paper's head.

    Args:
        in_channels: width of the last layer.
        out_channels: length of an embedding.

    Shapes:
        - ``forward``: h ``[n, in_channels]`` -> candidates ``[n, out_channels]``, and queries of the first
          ``num_queries`` films, of all by default
    """

    num_views = 1

    def __init__(self, in_channels: int, out_channels: int):
        super().__init__()
        self.layers = head_layers(in_channels, out_channels)
        self.correction = head_layers(in_channels, out_channels)
        nn.init.zeros_(self.correction[-1].weight)  # type: ignore[arg-type]

    def forward(self, h: Tensor, num_queries: int | None = None) -> Embeddings:
        """Candidate and query vectors of unit length."""
        z = self.layers(h)
        asked = z[:num_queries] + self.correction(h[:num_queries])
        return Embeddings(F.normalize(z, dim=-1), F.normalize(asked, dim=-1))


class MixedHead(nn.Module):
    """A shared and a directed head side by side; the score is the mean of the scores of both.

    Each half has its own loss (``num_views`` losses). So each half learns to rank alone, and the two halves
    differ enough that their mean is better than each of them.

    Args:
        in_channels: width of the last layer.
        out_channels: length of an embedding; must be even.

    Shapes:
        - ``forward``: h ``[n, in_channels]`` -> candidates ``[n, out_channels]``, and queries of the first
          ``num_queries`` films, of all by default
    """

    num_views = 2

    def __init__(self, in_channels: int, out_channels: int):
        super().__init__()
        self.shared = SharedHead(in_channels, out_channels // 2)
        self.directed = DirectedHead(in_channels, out_channels // 2)

    def forward(self, h: Tensor, num_queries: int | None = None) -> Embeddings:
        """Candidate and query vectors of unit length."""
        halves = zip(self.shared(h, num_queries), self.directed(h, num_queries), strict=True)
        return Embeddings(*(torch.cat(half, dim=-1) * 0.5**0.5 for half in halves))


HEADS: dict[str, type[SharedHead] | type[DirectedHead] | type[MixedHead]] = {
    "shared": SharedHead,
    "directed": DirectedHead,
    "mixed": MixedHead,
}
