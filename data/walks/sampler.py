"""Importance neighbourhoods by short random walks with restart (paper, section 3.2; walks as in Pixie).

A walk starts at its seed film and hops film -> user -> film. Every film it lands on gets a visit; after
each hop the walk ends with the restart probability. A film's neighbours are the T films with the
most visits over all its walks, itself left out, and their weights are the visit counts divided by
their sum. The paper gives neither the number of walks nor their length: both are settings here.

The visits a seed expects are known exactly: with P the film-to-film transition matrix and r the
restart probability, they are proportional to the seed's row of P + (1 - r) P^2 + (1 - r)^2 P^3 + ...
up to the walk length. The tests hold the sampler to that.
"""

import numba
import numpy as np
import torch
from torch import Tensor

from base.arrays import IntArray
from data.graph_builder import ItemGraph
from data.walks.kernel import Adjacency, sample_neighbors


class RandomWalkSampler:
    """Top-T neighbours by random-walk visits, for any films of the graph.

    The random stream of a film depends on (seed, refresh number, film) alone: never on the batch
    it is sampled in, on the calls before, or on the number of threads.

    Args:
        graph: training graph.
        num_walks: walks a film starts.
        walk_length: most film-to-film hops of a walk.
        restart_probability: chance that a walk ends after each hop.
        seed: the run's seed.
    """

    def __init__(
        self,
        graph: ItemGraph,
        num_walks: int = 200,
        walk_length: int = 2,
        restart_probability: float = 0.5,
        seed: int = 0,
    ):
        self.graph = graph
        self._adjacency = Adjacency(
            graph.movie_ptr.view(np.uint32),
            graph.movie_users.view(np.uint32),
            graph.user_ptr.view(np.uint32),
            graph.user_movies.view(np.uint32),
        )
        self.num_walks = num_walks
        self.walk_length = walk_length
        self.restart_probability = restart_probability
        self.seed = seed
        self.refresh_number = 0

    def refresh(self, number: int) -> None:
        """Use the ``number``-th family of random streams from now on (for instance one an epoch)."""
        self.refresh_number = number

    def batch_sample_neighbors(
        self, nodes: Tensor | IntArray, num_neighbors: int = 50
    ) -> tuple[Tensor, Tensor]:
        """Sample the importance neighbourhood of each film in ``nodes``.

        Args:
            nodes: film rows ``[n]``.
            num_neighbors: T.

        Returns:
            ``neighbors`` int64 ``[n, T]`` and ``weights`` float32 ``[n, T]``: rows by falling weight that
            sum to 1. A film is never its own neighbour, except as padding with weight 0 where fewer
            than T films were visited; an isolated film's row is padding throughout.
        """
        seeds = np.asarray(nodes, dtype=np.int64)
        neighbors = np.empty((len(seeds), num_neighbors), dtype=np.int64)
        weights = np.empty((len(seeds), num_neighbors), dtype=np.float32)
        sample_neighbors(
            seeds,
            self._adjacency,
            self.num_walks,
            self.walk_length,
            np.uint64(round(self.restart_probability * 2**32)),
            stream_key(self.seed, self.refresh_number),
            neighbors,
            weights,
            max(1, min(len(seeds) // 64, 8 * numba.get_num_threads())),
        )
        return torch.from_numpy(neighbors), torch.from_numpy(weights)

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}({self.graph.num_movies} films, num_walks={self.num_walks}, "
            f"walk_length={self.walk_length}, restart_probability={self.restart_probability})"
        )


def stream_key(seed: int, refresh_number: int) -> np.uint64:
    """One 64-bit key for a (seed, refresh number): the words of numpy's own seed hashing."""
    return np.random.SeedSequence([seed, refresh_number]).generate_state(1, np.uint64)[0]
