"""PinSage: K convolutions over importance neighbourhoods and a two-layer head (paper, Algorithm 2)."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from base.checks import MAX_INT32, check_distinct, row_numbers, whole_number
from model.aggregators import check_table
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
    """The nodes that a batch needs, each once per layer (paper, Algorithm 2, lines 1-7).

    Args:
        seeds: int64 ``[n]``, distinct films whose embeddings are wanted.
        neighbors: int64 ``[num_movies, T]``, the neighbour table of the catalogue.
        weights: float32 ``[num_movies, T]``.
        layer_neighbors: how many of the T each of the K layers pools, first layer first.

    Returns:
        The films whose features the first layer reads, ``seeds`` first, and the blocks, first layer first.

    Raises:
        ValueError: seeds that repeat or do not exist, a table that leads outside itself, no layer.
    """
    check_table(neighbors, weights)
    counts = check_layers(layer_neighbors)
    return build_blocks_unchecked(check_seeds("seeds", seeds, neighbors), neighbors, weights, counts)


def check_seeds(name: str, seeds: Tensor, neighbors: Tensor) -> Tensor:
    """Distinct rows of a neighbour table, as int64 ``[n]`` on its device.

    Raises:
        ValueError: seeds that repeat or do not exist.
    """
    rows = row_numbers(name, seeds, len(neighbors))
    check_distinct(name, rows)
    return torch.from_numpy(rows).to(neighbors.device)


def check_layers(layer_neighbors: Sequence[int]) -> tuple[int, ...]:
    """How many neighbours each layer pools: at least one layer, at least one neighbour each.

    Raises:
        ValueError: anything else.
    """
    if not isinstance(layer_neighbors, Sequence) or len(layer_neighbors) == 0:
        raise ValueError(f"layer_neighbors must be one integer per layer, got {layer_neighbors!r}")
    return tuple(whole_number("layer_neighbors", count, 1, MAX_INT32) for count in layer_neighbors)


def build_blocks_unchecked(
    seeds: Tensor, neighbors: Tensor, weights: Tensor, layer_neighbors: Sequence[int]
) -> tuple[Tensor, list[Block]]:
    """``build_blocks`` of arguments that are known to be right: the step that training repeats."""
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
