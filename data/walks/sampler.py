"""Importance neighbourhoods by short random walks with restart (paper, section 3.2; walks as in Pixie).

A walk starts at its seed film and hops film -> user -> film. Every film it lands on gets a visit. After
each hop the walk ends with the restart probability. A film's neighbours are the T films with the
most visits over all its walks, without the film itself. Their weights are the visit counts divided by
their sum. The paper gives neither the number of walks nor their length: both are settings here.

The expected visits of a seed are known exactly. With P the film-to-film transition matrix and r the
restart probability, they are proportional to the seed's row of P + (1 - r) P^2 + (1 - r)^2 P^3 + ...
up to the walk length. The tests compare the sampler with that. If the graph has edge weights, both halves of
a hop take an edge with a probability in proportion to its weight.
"""

from typing import TYPE_CHECKING

import numba
import numpy as np

from base.arrays import FloatArray, IntArray
from base.checks import MAX_INT64, number, row_numbers, whole_number
from config import ModelConfig
from data.graph_builder import ItemGraph
from data.walks.alias_tables import alias_table
from data.walks.kernel import Adjacency, WeightedAdjacency, sample_neighbors

if TYPE_CHECKING:
    from torch import Tensor

# What a thread writes on grows with these: at their limits it takes half a gigabyte.
MAX_WALKS = 10_000_000
MAX_WALK_LENGTH = 10_000
MAX_STEPS = 100_000_000  # of all walks of a film together
MAX_NEIGHBORS = 1_000_000


class RandomWalkSampler:
    """Top-T neighbours by random-walk visits, for any films of the graph.

    The random stream of a film depends on (seed, refresh number, film) alone: never on the batch
    it is sampled in, on earlier calls, or on the number of threads.

    Args:
        graph: training graph.
        num_walks: walks per film.
        walk_length: maximum number of film-to-film hops of a walk.
        restart_probability: probability that a walk ends after a hop.
        seed: the run's seed.

    Raises:
        ValueError: an argument of the wrong type or out of range.
    """

    def __init__(
        self,
        graph: ItemGraph,
        num_walks: int = 200,
        walk_length: int = 2,
        restart_probability: float = 0.5,
        seed: int = 0,
    ):
        if not isinstance(graph, ItemGraph):
            raise ValueError(f"graph must be an ItemGraph, got {type(graph).__name__}")
        self.graph = graph
        self._adjacency = _adjacency(graph)
        self.num_walks = whole_number("num_walks", num_walks, 1, MAX_WALKS)
        self.walk_length = whole_number("walk_length", walk_length, 1, MAX_WALK_LENGTH)
        whole_number("num_walks times walk_length", self.num_walks * self.walk_length, 1, MAX_STEPS)
        self.restart_probability = number("restart_probability", restart_probability, 0, 1)
        self.seed = whole_number("seed", seed, 0, MAX_INT64)
        self._restart = np.uint64(round(self.restart_probability * 2**32))
        self.refresh(0)

    def refresh(self, number: int) -> None:
        """Use another family of random streams from now on, for instance one per epoch.

        Args:
            number: of the family; 0 at first.

        Raises:
            ValueError: ``number`` is not an integer from 0 on.
        """
        self.refresh_number = whole_number("number", number, 0, MAX_INT64)
        self._key = stream_key(self.seed, self.refresh_number)

    def batch_sample_neighbors(
        self, nodes: "Tensor | IntArray", num_neighbors: int = 50
    ) -> tuple["Tensor", "Tensor"]:
        """``sample_arrays`` as tensors."""
        import torch

        neighbors, weights = self.sample_arrays(nodes, num_neighbors)
        return torch.from_numpy(neighbors), torch.from_numpy(weights)

    def sample_arrays(
        self, nodes: "Tensor | IntArray", num_neighbors: int = 50
    ) -> tuple[IntArray, FloatArray]:
        """Sample the importance neighbourhood of each film in ``nodes``.

        Args:
            nodes: film rows ``[n]``.
            num_neighbors: T.

        Returns:
            ``neighbors`` int64 ``[n, T]`` and ``weights`` float32 ``[n, T]``. Each row is sorted by falling
            weight and sums to 1. Where fewer than T films were visited, the row ends with the film itself
            at weight 0; the row of an isolated film is nothing else.

        Raises:
            ValueError: ``nodes`` or ``num_neighbors`` of the wrong type or out of range.
        """
        seeds = row_numbers("nodes", nodes, self.graph.num_movies)
        num_neighbors = whole_number("num_neighbors", num_neighbors, 1, MAX_NEIGHBORS)
        neighbors = np.empty((len(seeds), num_neighbors), dtype=np.int64)
        weights = np.empty((len(seeds), num_neighbors), dtype=np.float32)
        sample_neighbors(
            seeds,
            self._adjacency,
            self.num_walks,
            self.walk_length,
            self._restart,
            self._key,
            neighbors,
            weights,
            max(1, min(len(seeds) // 64, 8 * numba.get_num_threads())),
        )
        return neighbors, weights

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}({self.graph.num_movies} films, num_walks={self.num_walks}, "
            f"walk_length={self.walk_length}, restart_probability={self.restart_probability})"
        )


def walk_sampler(graph: ItemGraph, settings: ModelConfig, seed: int) -> RandomWalkSampler:
    """The sampler for these settings."""
    return RandomWalkSampler(
        graph, settings.num_walks, settings.walk_length, settings.restart_probability, seed
    )


def _adjacency(graph: ItemGraph) -> Adjacency | WeightedAdjacency:
    """The graph as the kernel reads it; with weights, with alias tables."""
    unsigned = np.dtype(f"u{graph.movie_ptr.itemsize}")
    movie_ptr, user_ptr = graph.movie_ptr.view(unsigned), graph.user_ptr.view(unsigned)
    if graph.movie_weights is None or graph.user_weights is None:
        return Adjacency(
            movie_ptr, graph.movie_users.view(np.uint32), user_ptr, graph.user_movies.view(np.uint32)
        )
    return WeightedAdjacency(
        movie_ptr,
        alias_table(graph.movie_ptr, graph.movie_users, graph.movie_weights),
        user_ptr,
        alias_table(graph.user_ptr, graph.user_movies, graph.user_weights),
    )


def stream_key(seed: int, refresh_number: int) -> np.uint64:
    """A 64-bit key for (seed, refresh number), by NumPy's seed hashing."""
    return np.random.SeedSequence([seed, refresh_number]).generate_state(1, np.uint64)[0]
