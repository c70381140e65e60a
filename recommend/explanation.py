"""Why: the neighbours that formed a film's embedding, and those that tie one film to another.

A film's embedding is made of its own features and its neighbours' (of the last layer; with several layers
their own neighbours' behind them), weighted by importance. The checkpoint keeps that table.
"""

from typing import NamedTuple

import numpy as np

from base.arrays import FloatArray, IntArray
from data.dataset import Movies


class Neighbor(NamedTuple):
    """A neighbour of a film, and the share of the film's neighbourhood that it makes up, from 0 to 1."""

    row: int
    weight: float


class Tie(NamedTuple):
    """What two films' neighbourhoods have in common.

    Attributes:
        overlap: from 0 to 1, the weight that both give to the same films.
        shared: those films with the weight that both give at least, most first.
        direct: weight of the second film in the first one's neighbourhood, 0 where it is none of it.
    """

    overlap: float
    shared: list[Neighbor]
    direct: float


class NeighborTable:
    """The importance neighbours of all films.

    Args:
        neighbors: int ``[num_movies, T]``.
        weights: float ``[num_movies, T]``; 0 for padding.
    """

    def __init__(self, neighbors: IntArray, weights: FloatArray):
        self._neighbors = neighbors
        self._weights = weights

    def of(self, row: int) -> list[Neighbor]:
        """Neighbours of a film, most important first; none for a film that nobody rated."""
        weights = self._weights[row].astype(np.float64)
        total = weights.sum()
        return [
            Neighbor(int(n), float(w / total))
            for n, w in zip(self._neighbors[row], weights, strict=True)
            if w > 0
        ]

    def tie(self, first: int, second: int) -> Tie:
        """What ties two films."""
        theirs = dict(self.of(second))
        ours = dict(self.of(first))
        shared = [Neighbor(row, min(w, theirs[row])) for row, w in ours.items() if row in theirs]
        shared.sort(key=lambda neighbor: -neighbor.weight)
        return Tie(sum(n.weight for n in shared), shared, ours.get(second, 0.0))


def reasons_for(movies: Movies, table: NeighborTable, row: int, found: list[int]) -> list[str]:
    """A reason for each of ``found`` as an answer to film ``row``.

    A film's importance neighbours are what its random walks visit most; two films whose embeddings
    are close share many of them, or are each other's.

    Args:
        movies: the catalogue.
        table: its importance neighbours.
        row: the film that asks.
        found: rows of the films that answer.
    """
    place = {film: place for place, (film, _) in enumerate(table.of(row), start=1)}
    genres = set(movies.genres[row])
    reasons = []
    for film in found:
        shared = sum(neighbor.row in place for neighbor in table.of(film))
        both = [genre for genre in movies.genres[film] if genre in genres]
        if film in place:
            reasons.append(f"walk neighbour no. {place[film]}")
        elif shared:
            reasons.append(f"{shared} of {len(place)} walk neighbours in common")
        else:
            reasons.append(f"both {', '.join(both)}" if both else "near it by its features alone")
    return reasons
