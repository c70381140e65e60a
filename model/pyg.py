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

from model.pinsage import build_blocks


def importance_graph(neighbors: Tensor, weights: Tensor, x: Tensor | None = None) -> Data:
    """The neighbour table as a graph with an edge from every neighbour to its film.

    Args:
        neighbors: int64 ``[num_movies, T]``.
        weights: float32 ``[num_movies, T]``; entries with weight 0 are padding and make no edge.
        x: features ``[num_movies, num_features]``.

    Returns:
        ``Data`` with ``edge_index`` ``[2, E]``, ``edge_weight`` ``[E]`` and ``x``.
    """
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
        neighbors: int64 ``[num_movies, T]``, the table behind ``importance_graph``.
        weights: float32 ``[num_movies, T]``.
        num_layers: K, the hops to follow.
    """

    def __init__(self, neighbors: Tensor, weights: Tensor, num_layers: int):
        self.neighbors = neighbors
        self.weights = weights
        self.layer_neighbors = (neighbors.size(1),) * num_layers
        present = (weights > 0).view(-1)
        self._edge_id = (present.cumsum(0) - 1).view(weights.shape)  # numbering of importance_graph

    def sample_from_nodes(self, index: NodeSamplerInput, **kwargs: object) -> SamplerOutput:
        """The subgraph of distinct seed films, seeds first."""
        output = self._sample(index.node)
        output.metadata = (index.input_id, index.time)
        return output

    def sample_from_edges(
        self, index: EdgeSamplerInput, neg_sampling: NegativeSampling | None = None
    ) -> SamplerOutput:
        """The subgraph of all films in the given pairs; ``edge_label_index`` is renumbered to it.

        Raises:
            ValueError: negatives are asked for; they are ``NegativeSampler``'s part.
        """
        if neg_sampling is not None:
            raise ValueError(f"neg_sampling must be None, got {neg_sampling}; use data.negative_sampler")
        seeds, place = torch.cat([index.row, index.col]).unique(return_inverse=True)
        output = self._sample(seeds)
        output.metadata = (index.input_id, place.view(2, -1), index.label, index.time)
        return output

    def _sample(self, seeds: Tensor) -> SamplerOutput:
        nodes, blocks = build_blocks(seeds, self.neighbors, self.weights, self.layer_neighbors)
        # Every layer's targets are among the first layer's, with the same neighbours.
        first = blocks[0]
        target, slot = (first.weights > 0).nonzero(as_tuple=True)
        return SamplerOutput(
            node=nodes,
            row=first.neighbors[target, slot],
            col=target,
            edge=self._edge_id[nodes[target], slot],
        )
