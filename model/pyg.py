"""Importance neighbourhoods for PyG's own loaders.

``importance_graph`` turns a neighbour table into a PyG graph, and ``ImportanceNeighborSampler`` lets
``torch_geometric.loader.NodeLoader`` and ``LinkLoader`` draw mini-batches from it::

    neighbors, weights = random_walk_sampler.batch_sample_neighbors(range(num_movies), 50)
    data = importance_graph(neighbors, weights, x=features)
    loader = NodeLoader(data, ImportanceNeighborSampler(neighbors, weights, num_layers=2), batch_size=512)
"""

import torch
from torch import Tensor
from torch_geometric.data import Data
from torch_geometric.sampler import (
    BaseSampler,
    EdgeSamplerInput,
    NegativeSampling,
    NodeSamplerInput,
    SamplerOutput,
)

from base.checks import whole_number
from model.aggregators import check_table
from model.pinsage import build_blocks_unchecked, check_seeds

MAX_LAYERS = 100


def importance_graph(neighbors: Tensor, weights: Tensor, x: Tensor | None = None) -> Data:
    """The neighbour table as a graph with an edge from each neighbour to its film.

    Args:
        neighbors: int64 ``[num_movies, T]``.
        weights: float32 ``[num_movies, T]``; entries with weight 0 are padding and become no edge.
        x: features ``[num_movies, num_features]``.

    Returns:
        ``Data`` with ``edge_index`` ``[2, E]``, ``edge_weight`` ``[E]`` and ``x``.

    Raises:
        ValueError: a table that leads outside itself, or features of other films.
    """
    check_table(neighbors, weights)
    if x is not None and len(x) != len(neighbors):
        raise ValueError(f"x must have a row for each of {len(neighbors)} films, got {len(x)}")
    film, slot = (weights > 0).nonzero(as_tuple=True)
    return Data(
        x=x,
        edge_index=torch.stack([neighbors[film, slot], film]),
        edge_weight=weights[film, slot],
        num_nodes=len(neighbors),
    )


class ImportanceNeighborSampler(BaseSampler):
    """Subgraphs that K importance-pooling layers need, for PyG's loaders.

    Args:
        neighbors: int64 ``[num_movies, T]``, the table that ``importance_graph`` was made from.
        weights: float32 ``[num_movies, T]``.
        num_layers: K, the number of hops to follow.

    Raises:
        ValueError: a table that leads outside itself, or no layer.
    """

    def __init__(self, neighbors: Tensor, weights: Tensor, num_layers: int):
        check_table(neighbors, weights)
        self.neighbors = neighbors
        self.weights = weights
        self.layer_neighbors = (neighbors.size(1),) * whole_number("num_layers", num_layers, 1, MAX_LAYERS)
        present = (weights > 0).view(-1)
        self._edge_id = (present.cumsum(0) - 1).view(weights.shape)  # as importance_graph numbers edges

    def sample_from_nodes(self, index: NodeSamplerInput, **kwargs: object) -> SamplerOutput:
        """The subgraph of distinct seed films, seeds first.

        Raises:
            ValueError: seeds that repeat or do not exist.
        """
        output = self._sample(check_seeds("index.node", index.node, self.neighbors))
        output.metadata = (index.input_id, index.time)
        return output

    def sample_from_edges(
        self, index: EdgeSamplerInput, neg_sampling: NegativeSampling | None = None
    ) -> SamplerOutput:
        """The subgraph of all films in the given pairs; ``edge_label_index`` is renumbered to it.

        Raises:
            ValueError: films that do not exist, or ``neg_sampling``: negatives come from ``NegativeSampler``.
        """
        if neg_sampling is not None:
            raise ValueError(f"neg_sampling must be None, got {neg_sampling}; use data.negative_sampler")
        seeds, place = torch.cat([index.row, index.col]).unique(return_inverse=True)
        output = self._sample(check_seeds("index.row and index.col", seeds, self.neighbors))
        output.metadata = (index.input_id, place.view(2, -1), index.label, index.time)
        return output

    def _sample(self, seeds: Tensor) -> SamplerOutput:
        nodes, blocks = build_blocks_unchecked(seeds, self.neighbors, self.weights, self.layer_neighbors)
        # The targets of every layer are among those of the first, with the same neighbours.
        first = blocks[0]
        target, slot = (first.weights > 0).nonzero(as_tuple=True)
        return SamplerOutput(
            node=nodes,
            row=first.neighbors[target, slot],
            col=target,
            edge=self._edge_id[nodes[target], slot],
        )
