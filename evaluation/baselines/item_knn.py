"""Films rated by the same users: item-kNN with cosine and with BM25 weights.

Similarities are computed per query and never stored, so memory is that of the ratings. All neighbours
count; a cut-off would only turn small scores into ties.
"""

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import scipy.sparse as sp

from base.arrays import FloatArray, IntArray
from base.sparse_products import rows_product
from data.dataset import Interactions, Movies
from evaluation.baselines.base import Settings, rated_by, row_sums


@dataclass(frozen=True)
class ItemKNNCosine:
    """Co-ratings over the geometric mean of both films' ratings (Sarwar et al., WWW 2001).

    Attributes:
        shrinkage: added to the denominator; lowers the scores of films with few ratings.
    """

    shrinkage: float = 0.0

    name: ClassVar[str] = "item-kNN cosine"
    GRID: ClassVar[tuple[Settings, ...]] = (
        {"shrinkage": 0.0}, {"shrinkage": 5.0}, {"shrinkage": 20.0}, {"shrinkage": 80.0},
    )  # fmt: skip

    def fit(
        self, train: Interactions, movies: Movies, num_users: int, num_movies: int, seed: int
    ) -> "CosineScorer":
        """Index the ratings; see ``Baseline.fit``."""
        rated = rated_by(train, num_users, num_movies)
        return CosineScorer(rated, rated.T.tocsr(), np.sqrt(row_sums(rated)), self.shrinkage)

    def refit(self, fitted: "CosineScorer") -> "CosineScorer":
        """The same ratings with this shrinkage; see ``Refittable``."""
        return replace(fitted, shrinkage=self.shrinkage)


@dataclass(frozen=True)
class CosineScorer:
    """Cosine of film rows; ``lengths`` float64 ``[num_movies]`` are the rows' norms."""

    rated: sp.csr_matrix
    rated_by_user: sp.csr_matrix
    lengths: FloatArray
    shrinkage: float

    def score(self, queries: IntArray) -> FloatArray:
        """Similarities of the films ``queries`` ``[n]`` to all, float32 ``[n, num_movies]``."""
        # Co-ratings are counted first and divided once, so that equal similarities get equal scores.
        similar = rows_product(self.rated, queries, self.rated_by_user)
        for row, query in zip(similar, queries, strict=True):
            together = row > 0  # a film without ratings has length zero
            row[together] /= self.lengths[query] * self.lengths[together] + self.shrinkage
        return similar


@dataclass(frozen=True)
class ItemKNNBM25:
    """Inner products of BM25-weighted films: films are the documents, their raters the words.

    The weight of a user is that of Robertson and Walker (SIGIR 1994) with term frequency one, times an
    inverse document frequency: ``log(num_movies / (1 + ratings of the user))``.

    Attributes:
        k1: how strongly the number of a film's ratings matters.
        b: share of that number that is normalised away; 1 is all of it.
    """

    k1: float = 1.2
    b: float = 0.75

    name: ClassVar[str] = "item-kNN BM25"
    GRID: ClassVar[tuple[Settings, ...]] = (
        {"k1": 1.2, "b": 0.75}, {"k1": 1.2, "b": 0.5}, {"k1": 1.2, "b": 0.25}, {"k1": 100.0, "b": 0.25},
    )  # fmt: skip

    def fit(
        self, train: Interactions, movies: Movies, num_users: int, num_movies: int, seed: int
    ) -> "ProductScorer":
        """Weight the ratings; see ``Baseline.fit``."""
        rated = rated_by(train, num_users, num_movies)
        raters = row_sums(rated)  # [num_movies]
        length = 1 - self.b + self.b * raters / raters.mean()
        saturation = (self.k1 + 1) / (self.k1 * length + 1)
        rarity = np.log(num_movies) - np.log1p(np.bincount(train.users, minlength=num_users))
        weighted = sp.csr_matrix(sp.diags(saturation) @ rated @ sp.diags(rarity), dtype=np.float32)
        return ProductScorer(weighted, weighted.T.tocsr())


@dataclass(frozen=True)
class ProductScorer:
    """Inner products of sparse film rows ``[num_movies, num_users]`` with those of all films."""

    weighted: sp.csr_matrix
    weighted_by_user: sp.csr_matrix

    def score(self, queries: IntArray) -> FloatArray:
        """Similarities of the films ``queries`` ``[n]`` to all, float32 ``[n, num_movies]``."""
        return rows_product(self.weighted, queries, self.weighted_by_user)
