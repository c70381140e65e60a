"""The baseline that ignores the query: the films with the most ratings."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import ClassVar

import numpy as np
import scipy.sparse as sp

from base.arrays import FloatArray, IntArray
from data.dataset import Interactions, Movies
from evaluation.baselines.base import Settings, row_sums


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
        return self._count(AgedRatings(train, num_movies))

    def refit(self, fitted: "SameForAll") -> "SameForAll":
        """The same ratings with this half-life; see ``Refittable``."""
        return self._count(fitted.ratings)

    def _count(self, ratings: "AgedRatings") -> "SameForAll":
        weights = None if self.half_life is None else 0.5 ** (ratings.age / self.half_life)
        counts = np.bincount(ratings.train.movies, weights, minlength=ratings.num_movies)
        return SameForAll(counts.astype(np.float32), ratings)


class AgedRatings:
    """Training ratings and, once it is asked for, the share of all ratings that is newer than each."""

    def __init__(self, train: Interactions, num_movies: int):
        self.train, self.num_movies = train, num_movies

    @cached_property
    def age(self) -> FloatArray:
        """From 0 for the newest, float64 ``[n]``."""
        newest_first = np.argsort(-self.train.timestamps, kind="stable")
        age = np.empty(len(self.train))
        age[newest_first] = np.arange(len(self.train)) / len(self.train)
        return age


@dataclass(frozen=True)
class SameForAll:
    """One score per film, float32 ``[num_movies]``, whatever the query."""

    movie_scores: FloatArray
    ratings: AgedRatings = field(repr=False)

    def score(self, queries: IntArray) -> FloatArray:
        """The same row for each of ``queries`` ``[n]``: read-only float32 ``[n, num_movies]``."""
        return np.broadcast_to(self.movie_scores, (len(queries), len(self.movie_scores)))

    def score_users(self, counts: sp.csr_matrix) -> FloatArray:
        """Sums of the scores of a user's films; see ``UserScorer``."""
        return row_sums(counts).astype(np.float32)[:, None] * self.movie_scores
