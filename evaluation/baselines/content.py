"""The baseline without users: films that look alike on paper."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from base.arrays import FloatArray
from data.dataset import Interactions, Movies
from evaluation.baselines.base import Settings
from evaluation.ranking import EmbeddingScorer


@dataclass(frozen=True)
class ContentOnly:
    """Cosine of genres and release year.

    Attributes:
        year_weight: length of one standard deviation of the year, where a genre has length one.
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
        described = np.column_stack(
            [genre_indicators(movies), self.year_weight * _standardised(movies.years)]
        )
        return EmbeddingScorer(unit_rows(described))


def genre_indicators(movies: Movies) -> FloatArray:
    """Which film has which genre, float32 ``[num_movies, num_genres]``, genres in alphabetical order."""
    column = {name: i for i, name in enumerate(sorted({g for genres in movies.genres for g in genres}))}
    indicators = np.zeros((len(movies), len(column)), dtype=np.float32)
    for row, genres in enumerate(movies.genres):
        indicators[row, [column[name] for name in genres]] = 1
    return indicators


def unit_rows(vectors: FloatArray) -> FloatArray:
    """The rows scaled to length one, float32; a row of zeros stays."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return (vectors / np.where(lengths > 0, lengths, 1)).astype(np.float32)


def _standardised(years: FloatArray) -> FloatArray:
    """Mean zero and deviation one over the known years; an unknown year is the mean."""
    known = ~np.isnan(years)
    if not known.any():
        return np.zeros(len(years))
    mean, deviation = years[known].mean(), years[known].std()
    return np.where(known, (years - mean) / (deviation if deviation > 0 else 1), 0)
