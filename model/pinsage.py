"""PinSage: K convolutions over important neighbours and a head of two layers (paper, Algorithm 2)."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn
from torch_geometric.typing import Adj

from base.checks import MAX_INT32, check_distinct, row_numbers, whole_number
from base.distributed import gather_rows, share_of_rows
from model.aggregators import check_table
from model.heads import HEADS, Embeddings
from model.layers import ImportancePoolingConv


@dataclass(frozen=True)
class Block:
    """The part of a mini-batch that one layer computes. Its targets are the first of its sources.

    Attributes:
        num_targets: number of nodes whose new vectors this layer computes.
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
        raise ValueError(f"layer_neighbors must have one number per layer, got {layer_neighbors!r}")
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
    """The model of `"Graph Convolutional Neural Networks for Web-Scale Recommender Systems"
    <https://arxiv.org/abs/1806.01973>`_: film embeddings from features and neighbours.

    The model is inductive: there is no vector per film id, so it also embeds new films. Embeddings have unit
    length. Algorithm 2 does not normalise after its last line, but search by inner product needs it. The
    defaults are those of the command line; the paper has two layers, 50 neighbours and ``head="shared"``.

    Args:
        in_channels: number of features.
        hidden_channels: width of every layer (the paper's m).
        out_channels: length of an embedding (the paper's d); even for the mixed head.
        layer_neighbors: number of neighbours that each of the K layers pools, first layer first.
        aggregator: a key of ``model.aggregators.AGGREGATIONS``.
        head: a key of ``model.heads.HEADS``.

    Shapes:
        - ``forward``: x :math:`(|V|, F_{in})`, edge_index :math:`(2, |E|)`, edge_weight :math:`(|E|)` ->
          ``Embeddings`` of :math:`(|V|, F_{out})`
        - ``forward_blocks``: features of the first block's sources ``[s, in_channels]`` -> ``Embeddings`` of
          ``[n, out_channels]``
        - ``embed_all``: features ``[num_movies, in_channels]``, neighbors and weights ``[num_movies, T]`` ->
          ``Embeddings`` of ``[num_movies, out_channels]``

    Raises:
        ValueError: a size below 1, an unknown aggregator or head, or an odd ``out_channels`` for the mixed
            head.
    """  # noqa: D205

    def __init__(
        self,
        in_channels: int,
        hidden_channels: int = 256,
        out_channels: int = 256,
        layer_neighbors: Sequence[int] = (20,),
        aggregator: str = "importance",
        head: str = "mixed",
    ):
        super().__init__()
        sizes = {"in_channels": in_channels, "hidden_channels": hidden_channels, "out_channels": out_channels}
        _check_arguments(sizes, head)
        self.layer_neighbors = check_layers(layer_neighbors)
        widths = [in_channels] + [hidden_channels] * len(self.layer_neighbors)
        self.convs = nn.ModuleList(
            ImportancePoolingConv(width_in, hidden_channels, width_out, aggregator)
            for width_in, width_out in zip(widths[:-1], widths[1:], strict=True)
        )
        self.head = HEADS[head](hidden_channels, out_channels)

    @property
    def num_views(self) -> int:
        """The number of equal parts of an embedding that have a loss of their own."""
        return self.head.num_views

    def forward(self, x: Tensor, edge_index: Adj, edge_weight: Tensor | None = None) -> Embeddings:
        """Embed all nodes of a PyG graph, or of a batch of a PyG loader.

        Edges lead from a neighbour to its film, as in ``model.pyg.importance_graph``. Each layer pools all
        edges. Without ``edge_weight`` all edges have the same weight.
        """
        h = x
        for conv in self.convs:
            h = conv(h, edge_index, edge_weight)
        return self.head(h)

    def forward_blocks(
        self, features: Tensor, blocks: list[Block], num_queries: int | None = None
    ) -> Embeddings:
        """Embed a mini-batch with the blocks of ``build_blocks``; this form is the fastest in training.

        Args:
            features: of the first block's sources.
            blocks: the first layer's block first.
            num_queries: how many of the films, the first ones, need a vector as query; all by default.
        """
        h = features
        for conv, block in zip(self.convs, blocks, strict=True):
            h = conv.forward_padded(  # type: ignore[operator]
                h, h[: block.num_targets], block.neighbors, block.weights
            )
        return self.head(h, num_queries)

    @torch.no_grad()
    def embed_all(
        self,
        features: Tensor,
        neighbors: Tensor,
        weights: Tensor,
        block_size: int = 16_384,
        together: bool = False,
    ) -> Embeddings:
        """Embed all films layer by layer, each film once per layer (paper, section 3.4).

        Each layer computes its messages once for all films and pools them for ``block_size`` films at a
        time. Only the vectors of two layers are in memory at the same time.

        Args:
            features: of all films.
            neighbors: of all films.
            weights: of the neighbours.
            block_size: films that are pooled at once.
            together: the processes of ``base/distributed.py`` embed a share of the films each, and all have
                all embeddings at the end. All of them must call it. Between layers they exchange messages
                only: a film's own vector is needed by no other process.
        """
        num_movies = len(features)
        mine = share_of_rows(num_movies) if together else slice(num_movies)
        gather = partial(gather_rows, num_rows=num_movies) if together else None
        h = features[mine]
        for conv, count in zip(self.convs, self.layer_neighbors, strict=True):
            h = conv.forward_whole(  # type: ignore[operator]
                h, neighbors[mine, :count], weights[mine, :count], block_size, gather
            )
        blocks = [self.head(block) for block in h.split(block_size)]
        parts = (torch.cat(part) for part in zip(*blocks, strict=True))
        return Embeddings(*(part if gather is None else gather(part) for part in parts))


def _check_arguments(sizes: dict[str, int], head: str) -> None:
    """Check the arguments of ``PinSage``; the layers check the aggregator."""
    for name, size in sizes.items():
        whole_number(name, size, 1, MAX_INT32)
    if head not in HEADS:
        raise ValueError(f"head must be one of {', '.join(HEADS)}, got {head!r}")
    if head == "mixed" and sizes["out_channels"] % 2:
        raise ValueError(f"out_channels must be even for the mixed head, got {sizes['out_channels']}")
