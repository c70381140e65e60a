"""The Numba kernel behind ``data/walks/sampler.py``: walks in lock-step, a counting select of the top T.

Memory decides the speed: at 25 million ratings every read of a neighbour list misses the caches. All
walks of a seed therefore take a hop together, and a hop is a few short loops with one memory access
each. Reads within a loop do not depend on each other, and no branch depends on what was read, so the
processor keeps dozens of them in flight. Unsigned indices avoid Numba's check for negative ones.

A graph with edge weights has an alias table per node (``data/walks/alias_tables.py``), so a weighted draw is
one read as well, of a wider record. Numba compiles each kind of graph by itself: without weights, the
machine code is that of a graph that knows none.

Nothing here checks its arguments: ``data/walks/sampler.py`` does, and ``ItemGraph``.
"""

from typing import NamedTuple

import numba
import numpy as np
from numba.extending import overload

GOLDEN = np.uint64(0x9E3779B97F4A7C15)  # increment of the SplitMix64 sequence (Steele et al., 2014)
HALF = np.uint64(32)


class Adjacency(NamedTuple):
    """The arrays of an ``ItemGraph`` without weights, as uint32; pointers as uint64 if they are int64."""

    movie_ptr: np.ndarray
    movie_users: np.ndarray
    user_ptr: np.ndarray
    user_movies: np.ndarray


class WeightedAdjacency(NamedTuple):
    """An ``ItemGraph`` with weights: pointers as in ``Adjacency``, and alias tables of ``alias_tables``."""

    movie_ptr: np.ndarray
    movie_table: np.ndarray
    user_ptr: np.ndarray
    user_table: np.ndarray


class Scratch(NamedTuple):
    """Buffers that one thread writes on, seed after seed.

    Attributes:
        words: uint64, random words of a hop.
        nodes: uint32 ``[num_walks]``, where each live walk stands.
        edges: of the type of the pointers ``[num_walks]``, which edge it takes next.
        chances: uint32 ``[num_walks]``, with weights: decides between that edge and its alias.
        visits: int32 ``[num_movies]``, visits of each film; zero between seeds.
        visited: uint32, the visited films in the order of their first visit.
        counts: int32, their visits.
        by_count: int32, the number of films with that many visits.
        ranked: int32 ``[T + 1]``, places in ``visited`` by falling count; the last takes what is not kept.
    """

    words: np.ndarray
    nodes: np.ndarray
    edges: np.ndarray
    chances: np.ndarray
    visits: np.ndarray
    visited: np.ndarray
    counts: np.ndarray
    by_count: np.ndarray
    ranked: np.ndarray


@numba.njit(inline="always", cache=True)
def mix(z: np.uint64) -> np.uint64:
    """SplitMix64's finaliser: neighbouring counters give unrelated 64-bit words."""
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


@numba.njit(inline="always", cache=True)
def _pick(ptr: np.ndarray, node: np.uint32, word: np.uint64) -> np.uint64:
    """An edge of ``node``, chosen by the upper half of a word: multiply and shift, no division."""
    start = np.uint64(ptr[node])
    degree = np.uint64(ptr[node + np.uint32(1)]) - start
    return start + (((word >> HALF) * degree) >> HALF)


@numba.njit(inline="always", cache=True)
def _fill_words(words: np.ndarray, stream: np.uint64, count: int) -> None:
    for i in range(count):
        words[i] = mix(stream + np.uint64(i + 1) * GOLDEN)


@numba.njit(inline="always", cache=True)
def _keep_survivors(words: np.ndarray, nodes: np.ndarray, alive: int, restart: np.uint64) -> tuple[int, int]:
    """End walks with the restart probability; returns how many survive and how many words were read.

    A walk reads one word as its coin, and a survivor the next one for its hop. Survivors and their
    words move to the front.
    """
    survivors = read = 0
    for walk in range(alive):
        survives = int((words[read] >> HALF) >= restart)
        words[survivors] = words[read + 1]
        nodes[survivors] = nodes[walk]
        survivors += survives
        read += 1 + survives
    return survivors, read


@numba.njit(inline="always", cache=True)
def _hop_evenly(graph: Adjacency, words: np.ndarray, scratch: Scratch, alive: int) -> None:
    nodes, edges = scratch.nodes, scratch.edges
    for i in range(alive):
        edges[i] = _pick(graph.movie_ptr, nodes[i], words[i])
    for i in range(alive):
        nodes[i] = graph.movie_users[edges[i]]
    for i in range(alive):
        edges[i] = _pick(graph.user_ptr, nodes[i], words[i] << HALF)
    for i in range(alive):
        nodes[i] = graph.user_movies[edges[i]]


@numba.njit(inline="always", cache=True)
def _step_by_weight(
    ptr: np.ndarray, table: np.ndarray, words: np.ndarray, shift: np.uint64, scratch: Scratch, alive: int
) -> None:
    """All live walks take an edge by half of their words.

    The product of 32 random bits and the degree has the edge in its upper half, as in ``_pick``. Its lower
    half is random as well, and decides between the edge and its alias.
    """
    nodes, edges, chances = scratch.nodes, scratch.edges, scratch.chances
    for i in range(alive):
        start = np.uint64(ptr[nodes[i]])
        degree = np.uint64(ptr[nodes[i] + np.uint32(1)]) - start
        product = ((words[i] << shift) >> HALF) * degree
        edges[i] = start + (product >> HALF)
        chances[i] = np.uint32(product)
    for i in range(alive):
        edge = edges[i]
        own, alias = table[edge, 1], table[edge, 2]
        nodes[i] = own if chances[i] < table[edge, 0] else alias


@numba.njit(inline="always", cache=True)
def _hop_by_weight(graph: WeightedAdjacency, words: np.ndarray, scratch: Scratch, alive: int) -> None:
    _step_by_weight(graph.movie_ptr, graph.movie_table, words, np.uint64(0), scratch, alive)
    _step_by_weight(graph.user_ptr, graph.user_table, words, HALF, scratch, alive)


def _hop(
    graph: Adjacency | WeightedAdjacency, words: np.ndarray, scratch: Scratch, alive: int
) -> None:  # pragma: no cover
    """Film -> user -> film for all live walks; the two halves of a word choose the two edges."""
    raise NotImplementedError  # compiled code only: the type of the graph chooses


@overload(_hop, inline="always")
def _hop_of(graph, words, scratch, alive):  # type: ignore[no-untyped-def]
    if graph.instance_class is WeightedAdjacency:
        return lambda graph, words, scratch, alive: _hop_by_weight(graph, words, scratch, alive)
    return lambda graph, words, scratch, alive: _hop_evenly(graph, words, scratch, alive)


@numba.njit(nogil=True, cache=True)
def _walk(
    movie: int,
    stream: np.uint64,
    graph: Adjacency | WeightedAdjacency,
    num_walks: int,
    walk_length: int,
    restart: np.uint64,
    scratch: Scratch,
) -> int:
    """Walk from one film: fills ``visits`` and ``visited``, returns how many films were visited."""
    words, nodes, visits, visited = scratch.words, scratch.nodes, scratch.visits, scratch.visited
    alive = num_walks
    for walk in range(alive):
        nodes[walk] = movie
    found = 0
    for hop in range(walk_length):
        read = alive
        _fill_words(words, stream, alive if hop == 0 else 2 * alive)
        if hop > 0:
            alive, read = _keep_survivors(words, nodes, alive, restart)
        stream += np.uint64(read) * GOLDEN
        _hop(graph, words, scratch, alive)
        for i in range(alive):
            count = visits[nodes[i]]
            visited[found] = nodes[i]
            found += int(count == 0)
            visits[nodes[i]] = count + 1
    return found


@numba.njit(nogil=True, cache=True)
def _rank_by_visits(movie: int, found: int, limit: int, scratch: Scratch) -> int:
    """Rank the ``limit`` most visited films other than ``movie``, ties by first visit; reset ``visits``.

    A counting sort: counts are small numbers, so no comparison is needed. With first-visit order, ties
    do not depend on film ids, and nearer films come first, since hop 1 precedes hop 2.
    """
    visits, visited, counts = scratch.visits, scratch.visited, scratch.counts
    by_count, ranked = scratch.by_count, scratch.ranked
    visits[movie] = 0  # a film is not its own neighbour: it ranks behind all others
    max_count = 0
    for i in range(found):
        counts[i] = visits[visited[i]]
        max_count = max(max_count, counts[i])
    for i in range(found):
        visits[visited[i]] = 0
    by_count[: max_count + 1] = 0
    for i in range(found):
        by_count[counts[i]] += 1
    first = 0  # by_count[c] becomes the place of the first film with c visits, the most visited at 0
    for count in range(max_count, -1, -1):
        size = by_count[count]
        by_count[count] = first
        first += size
    others = by_count[0]
    for i in range(found):
        place = by_count[counts[i]]
        by_count[counts[i]] = place + 1
        ranked[min(place, limit)] = i
    return min(limit, others)


@numba.njit(parallel=True, nogil=True, cache=True)
def sample_neighbors(
    seeds: np.ndarray,
    graph: Adjacency | WeightedAdjacency,
    num_walks: int,
    walk_length: int,
    restart: np.uint64,
    key: np.uint64,
    neighbors: np.ndarray,
    weights: np.ndarray,
    num_blocks: int,
) -> None:
    """Fill a neighbour table row by row; each seed has its own random stream.

    Args:
        seeds: int64 ``[n]``, film rows.
        graph: the training graph.
        num_walks: walks per seed.
        walk_length: maximum number of hops of a walk.
        restart: probability that a walk ends after a hop, in units of 2^-32.
        key: of the random streams.
        neighbors: int64 ``[n, T]``, written.
        weights: float32 ``[n, T]``, written.
        num_blocks: parts of the seeds that threads take in turn; does not change the result.
    """
    num_movies = len(graph.movie_ptr) - 1
    num_neighbors = neighbors.shape[1]
    steps = num_walks * walk_length
    max_found = min(steps, num_movies) + 1
    for block in numba.prange(num_blocks):
        scratch = Scratch(
            np.empty(2 * num_walks, dtype=np.uint64),
            np.empty(num_walks, dtype=np.uint32),
            np.empty(num_walks, dtype=graph.movie_ptr.dtype),
            np.empty(num_walks, dtype=np.uint32),
            np.zeros(num_movies, dtype=np.int32),
            np.empty(max_found, dtype=np.uint32),
            np.empty(max_found, dtype=np.int32),
            np.empty(steps + 1, dtype=np.int32),
            np.empty(num_neighbors + 1, dtype=np.int32),
        )
        for row in range(block * len(seeds) // num_blocks, (block + 1) * len(seeds) // num_blocks):
            movie = seeds[row]
            kept = 0
            if graph.movie_ptr[movie] < graph.movie_ptr[movie + 1]:
                stream = mix(key ^ mix(np.uint64(movie) + GOLDEN))
                found = _walk(movie, stream, graph, num_walks, walk_length, restart, scratch)
                kept = _rank_by_visits(movie, found, num_neighbors, scratch)
            total = 0
            for i in range(kept):
                total += scratch.counts[scratch.ranked[i]]
            for i in range(kept):
                neighbors[row, i] = scratch.visited[scratch.ranked[i]]
                weights[row, i] = scratch.counts[scratch.ranked[i]] / total
            for i in range(kept, num_neighbors):
                neighbors[row, i] = movie
                weights[row, i] = 0.0
