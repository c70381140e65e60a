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

from data.dataset import IntArray
from data.graph_builder import ItemGraph

GOLDEN = np.uint64(0x9E3779B97F4A7C15)  # increment of the SplitMix64 sequence (Steele et al., 2014)


@numba.njit(inline="always", cache=True)
def _mix(z: np.uint64) -> np.uint64:
    """SplitMix64's finaliser: neighbouring counters give unrelated 64-bit words."""
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


@numba.njit(inline="always", cache=True)
def _below(word: np.uint64, bound: np.int32) -> np.int64:
    """A number in [0, bound) from a word's upper half: multiply and shift, no division."""
    return np.int64(((word >> np.uint64(32)) * np.uint64(bound)) >> np.uint64(32))


@numba.njit(nogil=True, cache=True)
def _walk_one(
    movie: int,
    stream: np.uint64,
    graph: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray],
    walk_length: int,
    restart: np.uint64,
    positions: np.ndarray,
    visits: np.ndarray,
    visited: np.ndarray,
) -> int:
    """Walk from one film; count visits in place and list the films in order of first visit.

    All walks take hop 1, then the survivors hop 2, and so on, so that the reads of one hop are
    independent of each other and the memory system overlaps them.
    """
    movie_ptr, movie_users, user_ptr, user_movies = graph
    num_visited = 0
    alive = len(positions)
    positions[:] = movie
    counter = stream
    for hop in range(walk_length):
        survivors = 0
        for walk in range(alive):
            position = positions[walk]
            if hop > 0:
                counter += GOLDEN
                if (_mix(counter) >> np.uint64(32)) < restart:
                    continue
            counter += GOLDEN
            word = _mix(counter)
            start = movie_ptr[position]
            user = movie_users[start + _below(word, movie_ptr[position + 1] - start)]
            start = user_ptr[user]
            # The word's lower half is as random as its upper one and saves a second word.
            position = user_movies[start + _below(word << np.uint64(32), user_ptr[user + 1] - start)]
            if position != movie:
                if visits[position] == 0:
                    visited[num_visited] = position
                    num_visited += 1
                visits[position] += 1
            positions[survivors] = position
            survivors += 1
        alive = survivors
    return num_visited


@numba.njit(nogil=True, cache=True)
def _rank_by_visits(
    visits: np.ndarray, visited: np.ndarray, ranked: np.ndarray, by_count: np.ndarray, limit: int
) -> int:
    """Write the ``limit`` most visited films to ``ranked``, ties by first visit; reset ``visits``.

    A counting sort: counts are small numbers, so no comparison is needed. First-visit order makes
    ties random with respect to film ids, and nearer films come first, since hop 1 precedes hop 2.
    """
    most = 0
    for i in range(len(visited)):
        most = max(most, visits[visited[i]])
    by_count[: most + 2] = 0
    for i in range(len(visited)):
        by_count[visits[visited[i]]] += 1
    first = 0  # by_count[c] becomes the place of the first film with c visits, the most visited at 0
    for count in range(most, 0, -1):
        size = by_count[count]
        by_count[count] = first
        first += size
    for i in range(len(visited)):
        count = visits[visited[i]]
        if by_count[count] < limit:
            ranked[by_count[count]] = visited[i]
        by_count[count] += 1
    return min(limit, len(visited))


@numba.njit(parallel=True, nogil=True, cache=True)
def _sample_neighbors(
    seeds: np.ndarray,
    graph: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray],
    num_walks: int,
    walk_length: int,
    restart: np.uint64,
    key: np.uint64,
    neighbors: np.ndarray,
    weights: np.ndarray,
    num_blocks: int,
) -> None:
    """Fill ``neighbors`` and ``weights`` row by row; each seed has a random stream of its own."""
    num_movies = len(graph[0]) - 1
    num_neighbors = neighbors.shape[1]
    steps = num_walks * walk_length
    for block in numba.prange(num_blocks):
        positions = np.empty(num_walks, dtype=np.int32)
        visits = np.zeros(num_movies, dtype=np.int32)
        visited = np.empty(min(steps, num_movies), dtype=np.int32)
        ranked = np.empty(num_neighbors, dtype=np.int32)
        by_count = np.empty(steps + 2, dtype=np.int64)
        for row in range(block * len(seeds) // num_blocks, (block + 1) * len(seeds) // num_blocks):
            movie = seeds[row]
            neighbors[row, :] = movie
            weights[row, :] = 0.0
            if graph[0][movie] == graph[0][movie + 1]:
                continue
            stream = _mix(key ^ _mix(np.uint64(movie) + GOLDEN))
            found = _walk_one(movie, stream, graph, walk_length, restart, positions, visits, visited)
            kept = _rank_by_visits(visits, visited[:found], ranked, by_count, num_neighbors)
            total = 0
            for i in range(kept):
                total += visits[ranked[i]]
            for i in range(kept):
                neighbors[row, i] = ranked[i]
                weights[row, i] = visits[ranked[i]] / total
            for i in range(found):
                visits[visited[i]] = 0


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
        graph = self.graph
        _sample_neighbors(
            seeds,
            (graph.movie_ptr, graph.movie_users, graph.user_ptr, graph.user_movies),
            self.num_walks,
            self.walk_length,
            np.uint64(round(self.restart_probability * 2**32)),
            _stream_key(self.seed, self.refresh_number),
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


def _stream_key(seed: int, refresh_number: int) -> np.uint64:
    """One 64-bit key for a (seed, refresh number): the words of numpy's own seed hashing."""
    return np.random.SeedSequence([seed, refresh_number]).generate_state(1, np.uint64)[0]
