"""The baseline without users: films with the same genres and a similar year."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from base.arrays import FloatArray, unit_rows
from data.dataset import Interactions, Movies
from data.feature_extractor import genre_indicators
from evaluation.baselines.base import Settings
from evaluation.ranking import EmbeddingScorer


@dataclass(frozen=True)
class ContentOnly:
    """Cosine of genres and release year.

    Attributes:
        year_weight: length of one standard deviation of the year; a genre has length one.
    """

    year_weight: float = 0.3

    name: ClassVar[str] = "content only"
    GRID: ClassVar[tuple[Settings, ...]] = (
        {"year_weight": 0.3}, {"year_weight": 0.1}, {"year_weight": 1.0}, {"year_weight": 3.0},
    )  # fmt: skip

    def fit(
        self, train: Interactions, movies: Movies, num_users: int, num_movies: int, seed: int
    ) -> EmbeddingScorer:
        """Describe every film; nothing is learned from ``train``. See ``Baseline.fit``."""
        genre_names = sorted({genre for genres in movies.genres for genre in genres})
        described = np.column_stack(
            [genre_indicators(movies, genre_names), self.year_weight * _standardised(movies.years)]
        )
        return EmbeddingScorer(unit_rows(described).astype(np.float32))


def _standardised(years: FloatArray) -> FloatArray:
    """Mean zero and deviation one over the known years; an unknown year counts as the mean."""
    known = ~np.isnan(years)
    if not known.any():
        return np.zeros(len(years))
    mean, deviation = years[known].mean(), years[known].std()
    return np.where(known, (years - mean) / (deviation if deviation > 0 else 1), 0)
