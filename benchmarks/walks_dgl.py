"""DGL's PinSAGESampler on our graph, for the walks benchmark; not a requirement of the project.

The newest wheel is 2.1.0. It needs ``setuptools<71``. With a current PyTorch it also needs a placeholder for
``dgl.graphbolt``, whose compiled part was built for an older PyTorch; the sampler does not use it.
"""

import sys
import types
from collections.abc import Callable

import numpy as np

from base.arrays import IntArray
from data.graph_builder import ItemGraph


def dgl_sampler(
    graph: ItemGraph, num_walks: int, walk_length: int, restart: float, num_neighbors: int
) -> Callable[[IntArray], object] | None:
    """A function from film rows to DGL's neighbour graph; without DGL None, and a line that says why."""
    sys.modules.setdefault("dgl.graphbolt", types.ModuleType("dgl.graphbolt"))
    try:
        import dgl
        import torch
    except Exception as error:  # a broken installation fails in many ways
        print(f"DGL is left out: {type(error).__name__}: {str(error).splitlines()[0]}")
        return None
    torch.set_num_threads(1)
    movies = torch.from_numpy(np.repeat(np.arange(graph.num_movies, dtype=np.int32), graph.movie_degree))
    users = torch.from_numpy(graph.movie_users)
    hetero = dgl.heterograph(
        {("movie", "rated_by", "user"): (movies, users), ("user", "rated", "movie"): (users, movies)},
        num_nodes_dict={"movie": graph.num_movies, "user": graph.num_users},
    )
    hetero.create_formats_()
    sampler = dgl.sampling.PinSAGESampler(
        hetero, "movie", "user", walk_length, restart, num_walks, num_neighbors
    )
    return lambda seeds: sampler(torch.from_numpy(seeds.astype(np.int32)))
