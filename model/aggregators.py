"""How a film's neighbours become one vector: importance, mean or max pooling (paper, section 3.2).

Each aggregator pools two layouts of the same neighbourhood, with equal results: padded rows, where
film i's T neighbours stand in row i and padding has weight 0, and PyG's edge list.
"""

import torch
from torch import Tensor
from torch.nn import functional as F
from torch_geometric.nn.aggr import Aggregation


def importance_pooling(h: Tensor, neighbors: Tensor, weights: Tensor) -> Tensor:
    """The weighted mean of each film's neighbours, weighted by normalised visit counts.

    Args:
        h: float ``[num_nodes, d]``, vectors of all nodes.
        neighbors: int64 ``[n, T]``, rows of ``h``; padding is any valid row with weight 0.
        weights: float ``[n, T]``, non-negative; rows need not sum to 1.

    Returns:
        float ``[n, d]``; zeros for a film whose weights are all 0.
    """
    # One fused pass: the [n, T, d] tensor of gathered neighbours is never made.
    pooled = F.embedding_bag(neighbors, h, per_sample_weights=weights, mode="sum")  # [n, d]
    return pooled / _positive(weights.sum(dim=1, keepdim=True))


def _positive(total: Tensor) -> Tensor:
    """Replace zeros by one: an isolated film divides 0 by 1."""
    return torch.where(total > 0, total, torch.ones_like(total))


class NeighborAggregation(Aggregation):
    """Pools neighbour vectors given padded rows (``pool``) or edges (``forward``).

    Shapes:
        - ``pool``: h ``[num_nodes, d]``, neighbors ``[n, T]``, weights ``[n, T]`` -> ``[n, d]``
        - ``forward``: x ``[num_edges, d]``, index and edge_weight ``[num_edges]`` -> ``[dim_size, d]``
    """

    def pool(self, h: Tensor, neighbors: Tensor, weights: Tensor) -> Tensor:
        """Pool padded rows; entries with weight 0 are no neighbours."""
        raise NotImplementedError


class ImportanceAggregation(NeighborAggregation):
    """Mean weighted by L1-normalised visit counts: the paper's importance pooling."""

    def pool(self, h: Tensor, neighbors: Tensor, weights: Tensor) -> Tensor:
        """See ``importance_pooling``."""
        return importance_pooling(h, neighbors, weights)

    def forward(
        self,
        x: Tensor,
        index: Tensor | None = None,
        ptr: Tensor | None = None,
        dim_size: int | None = None,
        dim: int = -2,
        edge_weight: Tensor | None = None,
    ) -> Tensor:
        """Weighted mean over edges; without ``edge_weight`` all edges weigh the same."""
        weight = x.new_ones(x.size(0)) if edge_weight is None else edge_weight
        total = self.reduce(weight.unsqueeze(-1), index, ptr, dim_size, dim=0, reduce="sum")
        return self.reduce(x * weight.unsqueeze(-1), index, ptr, dim_size, dim, reduce="sum") / _positive(
            total
        )


class MeanAggregation(ImportanceAggregation):
    """Plain mean over the same neighbours: the paper's mean-pooling ablation."""

    def pool(self, h: Tensor, neighbors: Tensor, weights: Tensor) -> Tensor:
        """Mean over the entries with a positive weight."""
        return super().pool(h, neighbors, (weights > 0).to(h.dtype))

    def forward(
        self,
        x: Tensor,
        index: Tensor | None = None,
        ptr: Tensor | None = None,
        dim_size: int | None = None,
        dim: int = -2,
        edge_weight: Tensor | None = None,
    ) -> Tensor:
        """Mean over edges with a positive weight."""
        present = None if edge_weight is None else (edge_weight > 0).to(x.dtype)
        return super().forward(x, index, ptr, dim_size, dim, present)


class MaxAggregation(NeighborAggregation):
    """Element-wise maximum over the same neighbours: the paper's max-pooling ablation.

    Messages leave a ReLU and so are never negative: 0 is the neutral element.
    """

    def pool(self, h: Tensor, neighbors: Tensor, weights: Tensor) -> Tensor:
        """Maximum over the entries with a positive weight; 0 where there is none."""
        # Entries without weight read a row of zeros; the [n, T, d] tensor of neighbours is never made.
        rows = neighbors.masked_fill(weights <= 0, len(h))
        return F.embedding_bag(rows, torch.cat([h, h.new_zeros(1, h.size(1))]), mode="max")  # [n, d]

    def forward(
        self,
        x: Tensor,
        index: Tensor | None = None,
        ptr: Tensor | None = None,
        dim_size: int | None = None,
        dim: int = -2,
        edge_weight: Tensor | None = None,
    ) -> Tensor:
        """Maximum over edges with a positive weight."""
        if edge_weight is not None:
            x = x * (edge_weight > 0).unsqueeze(-1)
        return self.reduce(x, index, ptr, dim_size, dim, reduce="max").clamp(min=0)


AGGREGATIONS: dict[str, type[NeighborAggregation]] = {
    "importance": ImportanceAggregation,
    "mean": MeanAggregation,
    "max": MaxAggregation,
}
