"""How the neighbours of a film become one vector: importance, mean or max pooling (paper, section 3.2).

Each aggregator pools two layouts of the same neighbourhood, with equal results: padded rows, where row i
contains the T neighbours of film i and padding has weight 0, and PyG's edge list.
"""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F
from torch_geometric.nn.aggr import Aggregation


def importance_pooling(h: Tensor, neighbors: Tensor, weights: Tensor) -> Tensor:
    """The mean of each film's neighbours, weighted by normalised visit counts.

    Args:
        h: float ``[num_nodes, d]``, vectors of all nodes.
        neighbors: int64 ``[n, T]``, rows of ``h``; padding is any valid row with weight 0.
        weights: float ``[n, T]``, non-negative; rows need not sum to 1.

    Returns:
        float ``[n, d]``; zeros for a film whose weights are all 0.

    Raises:
        ValueError: shapes or types that do not fit, rows that do not exist, negative or infinite weights.
    """
    return _pool_checked(_weighted_mean, h, neighbors, weights)


def _weighted_mean(h: Tensor, neighbors: Tensor, weights: Tensor) -> Tensor:
    # One fused pass: the [n, T, d] tensor of gathered neighbours is never made.
    pooled = F.embedding_bag(neighbors, h, per_sample_weights=weights, mode="sum")  # [n, d]
    return pooled / _positive(weights.sum(dim=1, keepdim=True))


def _positive(total: Tensor) -> Tensor:
    """Replace zeros by one, so that an isolated film gets 0 / 1."""
    return torch.where(total > 0, total, torch.ones_like(total))


def _pool_checked(pool: Callable[..., Tensor], h: Tensor, neighbors: Tensor, weights: Tensor) -> Tensor:
    """Call ``pool``, or refuse what cannot be pooled; see ``importance_pooling``."""
    if not isinstance(h, Tensor) or h.ndim != 2 or not h.is_floating_point():
        found = f"{h.dtype} of shape {tuple(h.shape)}" if isinstance(h, Tensor) else type(h).__name__
        raise ValueError(f"h must be a floating-point tensor [num_nodes, d], got {found}")
    check_table(neighbors, weights, len(h))
    if neighbors.device != h.device:
        raise ValueError(f"neighbors must be on the device of h, {h.device}, got {neighbors.device}")
    if neighbors.numel() == 0:  # PyTorch cannot pool rows of length 0
        return h.new_zeros(len(neighbors), h.size(1))
    return pool(h, neighbors, weights.to(h.dtype))


def check_table(neighbors: Tensor, weights: Tensor, num_rows: int | None = None) -> None:
    """Refuse a neighbour table with rows that do not exist, or with bad weights.

    Args:
        neighbors: int64 ``[n, T]``, rows.
        weights: float ``[n, T]``.
        num_rows: how many rows exist; ``n`` by default.

    Raises:
        ValueError: names the argument, what it must be, and the value.
    """
    for name, part in (("neighbors", neighbors), ("weights", weights)):
        if not isinstance(part, Tensor) or part.ndim != 2:
            found = f"shape {tuple(part.shape)}" if isinstance(part, Tensor) else type(part).__name__
            raise ValueError(f"{name} must be a tensor [n, T], got {found}")
    if neighbors.dtype not in (torch.int64, torch.int32):
        raise ValueError(f"neighbors must be int64, got {neighbors.dtype}")
    if not weights.is_floating_point():
        raise ValueError(f"weights must be floating point, got {weights.dtype}")
    if neighbors.shape != weights.shape or neighbors.device != weights.device:
        raise ValueError(
            f"neighbors and weights must have the same shape and device, got {tuple(neighbors.shape)} on "
            f"{neighbors.device} and {tuple(weights.shape)} on {weights.device}"
        )
    if not neighbors.numel():
        return
    num_rows = len(neighbors) if num_rows is None else num_rows
    first, last = (int(row) for row in neighbors.aminmax())
    if first < 0 or last >= num_rows:
        raise ValueError(
            f"neighbors must be rows from 0 to {num_rows - 1}, got {first if first < 0 else last}"
        )
    lowest, highest = (float(weight) for weight in weights.detach().aminmax())  # NaN if any weight is
    if not 0 <= lowest <= highest < float("inf"):
        raise ValueError(
            f"weights must be finite numbers of at least 0, got {highest if lowest >= 0 else lowest}"
        )


class NeighborAggregation(Aggregation):
    """Pools neighbour vectors, given padded rows (``pool``) or edges (``forward``).

    A subclass defines ``pool_unchecked`` and ``forward``.

    Shapes:
        - ``pool``: h ``[num_nodes, d]``, neighbors ``[n, T]``, weights ``[n, T]`` -> ``[n, d]``
        - ``forward``: x ``[num_edges, d]``, index and edge_weight ``[num_edges]`` -> ``[dim_size, d]``
    """

    def pool(self, h: Tensor, neighbors: Tensor, weights: Tensor) -> Tensor:
        """Pool padded rows; entries with weight 0 do not count.

        Raises:
            ValueError: see ``importance_pooling``.
        """
        return _pool_checked(self.pool_unchecked, h, neighbors, weights)

    def pool_unchecked(self, h: Tensor, neighbors: Tensor, weights: Tensor) -> Tensor:
        """``pool`` of arguments that are known to be right: the step that training repeats."""
        raise NotImplementedError


class ImportanceAggregation(NeighborAggregation):
    """Mean weighted by L1-normalised visit counts: the paper's importance pooling."""

    def pool_unchecked(self, h: Tensor, neighbors: Tensor, weights: Tensor) -> Tensor:
        """See ``importance_pooling``."""
        return _weighted_mean(h, neighbors, weights)

    def forward(
        self,
        x: Tensor,
        index: Tensor | None = None,
        ptr: Tensor | None = None,
        dim_size: int | None = None,
        dim: int = -2,
        edge_weight: Tensor | None = None,
    ) -> Tensor:
        """Weighted mean over edges; without ``edge_weight`` all edges have the same weight."""
        weight = x.new_ones(x.size(0)) if edge_weight is None else edge_weight
        total = self.reduce(weight.unsqueeze(-1), index, ptr, dim_size, dim=0, reduce="sum")
        return self.reduce(x * weight.unsqueeze(-1), index, ptr, dim_size, dim, reduce="sum") / _positive(
            total
        )


class MeanAggregation(ImportanceAggregation):
    """Plain mean over the same neighbours: the paper's mean-pooling ablation."""

    def pool_unchecked(self, h: Tensor, neighbors: Tensor, weights: Tensor) -> Tensor:
        """Mean over the entries with a positive weight."""
        return super().pool_unchecked(h, neighbors, (weights > 0).to(h.dtype))

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

    def pool_unchecked(self, h: Tensor, neighbors: Tensor, weights: Tensor) -> Tensor:
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
