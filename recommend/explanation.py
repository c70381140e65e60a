"""Why: the neighbours that formed a film's embedding, and those that two films have in common.

A film's embedding is made of its own features and those of its neighbours, weighted by importance. With
several layers, the neighbours have neighbours in turn. The checkpoint keeps those of the last layer.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from base.arrays import FloatArray, IntArray
from base.json_ids import json_id
from data.dataset import Movies
from data.title_article import shown_title
from recommend.answers import Record
from recommend.formats import one_line
from report.text_table import TableColumn, TableSection, render_table

if TYPE_CHECKING:
    import pandas

REMEMBERED = 4096  # films: those that are recommended often need no second look
WEIGHT_DIGITS = 6  # as many as a float32 has


class Neighbor(NamedTuple):
    """A neighbour of a film, and its share of the film's neighbourhood, from 0 to 1."""

    row: int
    weight: float


class Tie(NamedTuple):
    """What the neighbourhoods of two films have in common.

    Attributes:
        overlap: from 0 to 1, the weight that both give to the same films.
        shared: those films, each with the lower of its two weights, the heaviest first.
        direct: weight of the second film in the first one's neighbourhood, 0 if it is not part of it.
    """

    overlap: float
    shared: list[Neighbor]
    direct: float


class NeighborTable:
    """The importance neighbours of all films.

    Args:
        neighbors: int ``[num_movies, T]``.
        weights: float32 ``[num_movies, T]``; 0 for padding.
    """

    def __init__(self, neighbors: IntArray, weights: FloatArray):
        self._neighbors = neighbors
        self._weights = weights
        self.of = lru_cache(REMEMBERED)(self._of)

    def _of(self, row: int) -> list[Neighbor]:
        """Neighbours of a film, most important first; empty for a film without ratings. Not to be changed."""
        weights = self._weights[row].astype(np.float64)
        there = weights > 0
        shares = weights[there] / weights.sum() if there.any() else weights[there]
        return list(map(Neighbor, self._neighbors[row][there].tolist(), shares.tolist()))

    def tie(self, first: int, second: int) -> Tie:
        """What two films have in common."""
        theirs = dict(self.of(second))
        ours = dict(self.of(first))
        shared = [Neighbor(row, min(w, theirs[row])) for row, w in ours.items() if row in theirs]
        shared.sort(key=lambda neighbor: -neighbor.weight)
        return Tie(sum(n.weight for n in shared), shared, ours.get(second, 0.0))


@dataclass(frozen=True)
class SharedNeighbor:
    """A film that is a neighbour of both films, with the lower of its two weights."""

    movie_id: int | str
    title: str
    weight: float

    def as_plain(self) -> dict[str, Any]:
        """The film under its public names, in types that JSON has."""
        return {
            "movieId": json_id(self.movie_id),
            "title": self.title,
            "weight": round(self.weight, WEIGHT_DIGITS),
        }


@dataclass(frozen=True, repr=False)
class Explanation(Record):
    """What ties one film to another.

    Attributes:
        movie_id: of the first film.
        title: of the first film.
        other_id: of the second film.
        other_title: of the second film.
        direct: weight of the second film in the first one's neighbourhood, from 0 to 1.
        overlap: weight that both neighbourhoods give to the same films, from 0 to 1.
        shared: those films, the heaviest first.
    """

    movie_id: int | str
    title: str
    other_id: int | str
    other_title: str
    direct: float
    overlap: float
    shared: tuple[SharedNeighbor, ...]

    def as_plain(self) -> dict[str, Any]:
        """The record under its public names, in types that JSON has."""
        return {
            "film": {"movieId": json_id(self.movie_id), "title": self.title},
            "other": {"movieId": json_id(self.other_id), "title": self.other_title},
            "direct": round(self.direct, WEIGHT_DIGITS),
            "overlap": round(self.overlap, WEIGHT_DIGITS),
            "shared": [film.as_plain() for film in self.shared],
        }

    def to_frame(self) -> "pandas.DataFrame":
        """One row per shared neighbour: ``movieId``, ``title`` and ``weight``."""
        import pandas

        rows = [film.as_plain() | {"movieId": film.movie_id} for film in self.shared]
        return pandas.DataFrame(rows, columns=["movieId", "title", "weight"])

    def __repr__(self) -> str:
        heading = (
            f"{_shown(self.title)} and {_shown(self.other_title)}: direct {self.direct:.3f}, "
            f"overlap {self.overlap:.3f}"
        )
        if not self.shared:
            return f"{heading}, no shared neighbours"
        rows = [[f"{film.weight:.3f}", str(film.movie_id), _shown(film.title)] for film in self.shared]
        columns = [TableColumn("weight"), TableColumn("id"), TableColumn("shared neighbour", numeric=False)]
        return f"{heading}\n\n{render_table(columns, [TableSection(rows)], closed=False)}"


def _shown(title: str) -> str:
    return one_line(shown_title(title))


def explain_pair(movies: Movies, table: NeighborTable, first: int, second: int) -> Explanation:
    """What ties film ``second`` to film ``first``, by rows."""
    tie = table.tie(first, second)
    return Explanation(
        movies.public_id(first),
        movies.titles[first],
        movies.public_id(second),
        movies.titles[second],
        tie.direct,
        tie.overlap,
        tuple(SharedNeighbor(movies.public_id(n.row), movies.titles[n.row], n.weight) for n in tie.shared),
    )
