"""Small random graphs and inputs that many tests need."""

from dataclasses import replace

import numpy as np
import torch

from data.dataset import Events, Interactions, MovieLens, Movies
from data.graph_builder import ItemGraph, build_graph


def random_interactions(
    num_users: int = 30, num_movies: int = 20, density: float = 0.3, seed: int = 0
) -> Interactions:
    """Each (user, film) with probability ``density``, in a random order in time for every user."""
    rng = np.random.default_rng(seed)
    users, movies = np.nonzero(rng.random((num_users, num_movies)) < density)
    timestamps = rng.permutation(len(users))
    order = np.lexsort((timestamps, users))
    ratings = rng.integers(1, 11, len(users)) / 2
    return Interactions(
        users[order].astype(np.int32),
        movies[order].astype(np.int32),
        ratings[order].astype(np.float32),
        timestamps[order].astype(np.int64),
    )


def catalogue(num_movies: int) -> Movies:
    """Films with every quirk features must bear: no genre, no year."""
    genres = [(), ("Drama",), ("Action", "Comedy")]
    return Movies(
        np.arange(10, 10 + num_movies, dtype=np.int64),
        [f"Film {row} ({1950 + row})" for row in range(num_movies)],
        [genres[row % 3] for row in range(num_movies)],
        np.where(np.arange(num_movies) % 5 == 4, np.nan, 1950 + np.arange(num_movies)).astype(np.float32),
    )


def random_movielens(
    num_users: int = 30, num_movies: int = 20, density: float = 0.3, seed: int = 0
) -> MovieLens:
    """A data set around ``random_interactions``."""
    interactions = random_interactions(num_users, num_movies, density, seed)
    return MovieLens("random", catalogue(num_movies), np.arange(num_users), interactions, f"random-{seed}")


def random_graph(num_users: int = 30, num_movies: int = 20, density: float = 0.3, seed: int = 0) -> ItemGraph:
    """The graph of ``random_interactions``."""
    return build_graph(random_interactions(num_users, num_movies, density, seed), num_users, num_movies)


def weighted(interactions: Interactions, seed: int = 0) -> Interactions:
    """The same interactions with weights from .01 to 100, unequal on a logarithmic scale."""
    exponents = np.random.default_rng([seed, 1]).uniform(-2, 2, len(interactions))
    return replace(interactions, weights=(10**exponents).astype(np.float32))


def weighted_graph(
    num_users: int = 30, num_movies: int = 20, density: float = 0.3, seed: int = 0
) -> ItemGraph:
    """The graph of ``random_interactions`` with the weights of ``weighted``."""
    return build_graph(
        weighted(random_interactions(num_users, num_movies, density, seed), seed), num_users, num_movies
    )


def event_log(rows: list[tuple[int, int, int, float]], repeats: str = "count") -> tuple[Interactions, Events]:
    """Interactions and their events from rows of (user, film, time, amount) in the order of a file.

    An interaction has the time of its first row; with ``repeats`` last, that of its last row. Only with
    ``repeats`` count do other rows count.
    """
    ordered = sorted(rows, key=lambda row: (row[0], row[2]))
    own: dict[tuple[int, int], int] = {}
    for place, (user, film, _, _) in enumerate(ordered):
        if repeats == "last" or (user, film) not in own:
            own[user, film] = place
    kept = [place for place in range(len(ordered)) if repeats == "count" or place in own.values()]
    edges = sorted(own, key=lambda edge: own[edge])
    interactions = Interactions(
        np.array([user for user, _ in edges], dtype=np.int32),
        np.array([film for _, film in edges], dtype=np.int32),
        np.full(len(edges), 5, dtype=np.float32),
        np.array([ordered[own[edge]][2] for edge in edges], dtype=np.int64),
    )
    return interactions, Events(
        np.array([edges.index(ordered[place][:2]) for place in kept], dtype=np.int32),
        np.array([ordered[place][3] for place in kept], dtype=np.float32),
        np.array([kept.index(own[edge]) for edge in edges], dtype=np.int32),
    )


def repeated_rows(
    num_users: int = 30, num_movies: int = 20, density: float = 0.3, seed: int = 0
) -> list[tuple[int, int, int, float]]:
    """Rows for ``event_log``: those of ``random_interactions`` with amounts, and as many repeats of them."""
    once = random_interactions(num_users, num_movies, density, seed)
    rng = np.random.default_rng([seed, 2])
    again = rng.integers(0, len(once), len(once))
    times = np.concatenate([once.timestamps, once.timestamps[again] + rng.integers(0, len(once), len(once))])
    users, movies = (np.concatenate([rows, rows[again]]).tolist() for rows in (once.users, once.movies))
    amounts = rng.choice([0.5, 1.0, 2.0], len(users)).tolist()
    return list(zip(users, movies, times.tolist(), amounts, strict=True))


def logged_movielens(
    rows: list[tuple[int, int, int, float]], num_users: int = 30, num_movies: int = 20
) -> MovieLens:
    """A data set without ratings around ``event_log``."""
    interactions, events = event_log(rows)
    return MovieLens(
        "log", catalogue(num_movies), np.arange(num_users), interactions, "log", rated=False, events=events
    )


def random_table(num_movies: int, num_neighbors: int, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """A neighbour table with distinct neighbours, padding and one isolated film (row 0)."""
    generator = torch.Generator().manual_seed(seed)
    rows = [torch.randperm(num_movies - 1, generator=generator)[:num_neighbors] for _ in range(num_movies)]
    neighbors = torch.stack([row + (row >= film) for film, row in enumerate(rows)])
    weights = torch.rand(num_movies, num_neighbors, generator=generator).sort(dim=1, descending=True).values
    weights[1, num_neighbors // 2 :] = 0
    weights[0] = 0
    padding = weights == 0
    neighbors[padding] = torch.arange(num_movies).unsqueeze(1).expand_as(neighbors)[padding]
    return neighbors, weights / weights.sum(dim=1, keepdim=True).clamp(min=1e-12)
