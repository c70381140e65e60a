"""The baseline that ignores the query: the films with the most ratings."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from base.arrays import FloatArray, IntArray
from data.dataset import Interactions, Movies
from evaluation.baselines.base import Settings


@dataclass(frozen=True)
class Popularity:
    """Films by their number of training ratings; old ratings can count less.

    Attributes:
        half_life: a rating counts half as much as one that is newer by this share of all ratings; None
            counts all alike. It is measured in ratings and not in days, to mean the same on every dataset.
    """

    half_life: float | None = None

    name: ClassVar[str] = "popularity"
    GRID: ClassVar[tuple[Settings, ...]] = (
        {"half_life": None}, {"half_life": 1.0}, {"half_life": 0.25}, {"half_life": 0.05},
    )  # fmt: skip

    def fit(
        self, train: Interactions, movies: Movies, num_users: int, num_movies: int, seed: int
    ) -> "SameForAll":
        """Count; see ``Baseline.fit``."""
        weights = None
        if self.half_life is not None:
            newest_first = np.argsort(-train.timestamps, kind="stable")
            age = np.empty(len(train))
            age[newest_first] = np.arange(len(train)) / len(train)
            weights = 0.5 ** (age / self.half_life)
        return SameForAll(np.bincount(train.movies, weights, minlength=num_movies).astype(np.float32))


@dataclass(frozen=True)
class SameForAll:
    """One score per film, float32 ``[num_movies]``, whatever the query."""

    movie_scores: FloatArray

    def score(self, queries: IntArray) -> FloatArray:
        """The same row for each of ``queries`` ``[n]``: read-only float32 ``[n, num_movies]``."""
        return np.broadcast_to(self.movie_scores, (len(queries), len(self.movie_scores)))
