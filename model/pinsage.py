"""PinSage: K convolutions over importance neighbourhoods and a two-layer head (paper, Algorithm 2)."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from model.heads import HEADS, Embeddings
from model.layers import ImportancePoolingConv


@dataclass(frozen=True)
class Block:
    """One layer's share of a mini-batch: its target nodes stand first among its source nodes.

    Attributes:
        num_targets: nodes whose new vectors this layer computes.
        neighbors: int64 ``[num_targets, T]``, positions among the sources.
        weights: float32 ``[num_targets, T]``.
    """

    num_targets: int
    neighbors: Tensor
    weights: Tensor


def build_blocks(
    seeds: Tensor, neighbors: Tensor, weights: Tensor, layer_neighbors: Sequence[int]
) -> tuple[Tensor, list[Block]]:
    """The nodes a batch needs, each once a layer (paper, Algorithm 2, lines 1-7).

    Args:
        seeds: int64 ``[n]`` distinct films whose embeddings are wanted.
        neighbors: int64 ``[num_movies, T]``, the neighbour table of the catalogue.
        weights: float32 ``[num_movies, T]``.
        layer_neighbors: how many of the T each of the K layers pools, first layer first.

    Returns:
        The films whose features the first layer reads, ``seeds`` first, and the blocks, first layer first.
    """
    num_movies = len(neighbors)
    nodes = seeds
    blocks: list[Block] = []
    position = torch.empty(num_movies, dtype=torch.int64, device=seeds.device)
    for count in reversed(layer_neighbors):
        table = neighbors[nodes, :count]  # [targets, count] film rows
        needed = torch.zeros(num_movies, dtype=torch.bool, device=seeds.device)
        needed[table.view(-1)] = True
        needed[nodes] = False
        sources = torch.cat([nodes, needed.nonzero().view(-1)])
        position[sources] = torch.arange(len(sources), device=seeds.device)
        blocks.append(Block(len(nodes), position[table], weights[nodes, :count]))
        nodes = sources
    return nodes, blocks[::-1]


class PinSage(nn.Module):
    """Film embeddings from features and neighbourhoods; no vector belongs to an id, so it is inductive.

    Args:
        in_channels: number of features.
        hidden_channels: width of every layer.
        out_channels: length of an embedding.
        layer_neighbors: how many neighbours each of the K layers pools, first layer first.
        aggregator: ``importance``, ``mean`` or ``max``.
        head: ``shared``, ``directed`` or ``mixed``: see ``model/heads.py``.

    Shapes:
        - ``forward``: features of the first block's sources ``[s, in_channels]`` -> ``Embeddings`` of
          ``[n, out_channels]``
        - ``embed_all``: features ``[num_movies, in_channels]`` -> ``[num_movies, out_channels]`` twice

    Embeddings have unit length, which Algorithm 2 leaves out after its last line but which search by
    inner product needs.
    """

    def __init__(
        self,
        in_channels: int,
        hidden_channels: int,
        out_channels: int,
        layer_neighbors: Sequence[int] = (50, 50),
        aggregator: str = "importance",
        head: str = "shared",
    ):
        super().__init__()
        self.layer_neighbors = tuple(layer_neighbors)
        sizes = [in_channels] + [hidden_channels] * len(self.layer_neighbors)
        self.convs = nn.ModuleList(
            ImportancePoolingConv(size_in, hidden_channels, size_out, aggregator)
            for size_in, size_out in zip(sizes[:-1], sizes[1:], strict=True)
        )
        self.head = HEADS[head](hidden_channels, out_channels)

    @property
    def num_views(self) -> int:
        """Equal parts of an embedding that are trained to rank each by itself."""
        return self.head.num_views

    def forward(self, features: Tensor, blocks: list[Block]) -> Embeddings:
        """Embed a mini-batch over the blocks that ``build_blocks`` made."""
        h = features
        for conv, block in zip(self.convs, blocks, strict=True):
            h = conv.forward_padded(  # type: ignore[operator]
                h, h[: block.num_targets], block.neighbors, block.weights
            )
        return self.head(h)

    @torch.no_grad()
    def embed_all(
        self, features: Tensor, neighbors: Tensor, weights: Tensor, block_size: int = 16_384
    ) -> Embeddings:
        """Embed the catalogue layer by layer, each film once a layer (paper, section 3.4).

        Only two layers' vectors exist at a time; the messages of a layer are computed once for all
        films, then pooled in blocks of ``block_size`` films.
        """
        h = features
        for conv, count in zip(self.convs, self.layer_neighbors, strict=True):
            h = conv.forward_whole(  # type: ignore[operator]
                h, neighbors[:, :count], weights[:, :count], block_size
            )
        parts = [self.head(block) for block in h.split(block_size)]
        return Embeddings(*(torch.cat(part) for part in zip(*parts, strict=True)))
