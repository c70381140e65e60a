"""Films rated by the same users: item-kNN with cosine and with BM25 weights.

Similarities are computed per query and never stored, so memory is that of the ratings. All neighbours
count; a cut-off would only turn small scores into ties.
"""

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import scipy.sparse as sp

from base.arrays import FloatArray, IntArray
from base.sparse_products import product_with_dense, rows_product
from data.dataset import Interactions, Movies
from evaluation.baselines.base import Settings, rated_by, row_sums
from evaluation.baselines.latest import LatestBlocks

USERS_TOGETHER = 256  # of ``score_users``: 166 MB at 162,000 users


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
        by_user = rated.T.tocsr()
        co_ratings = LatestBlocks(lambda queries: rows_product(rated, queries, by_user))
        return CosineScorer(co_ratings, np.sqrt(row_sums(rated)), self.shrinkage)

    def refit(self, fitted: "CosineScorer") -> "CosineScorer":
        """The same ratings with this shrinkage; see ``Refittable``."""
        return replace(fitted, shrinkage=self.shrinkage)


@dataclass(frozen=True)
class CosineScorer:
    """Cosine of film rows.

    Attributes:
        co_ratings: from query films to the numbers of users who rated both.
        lengths: float64 ``[num_movies]``, the norms of the rows.
        shrinkage: see ``ItemKNNCosine``.
    """

    co_ratings: LatestBlocks
    lengths: FloatArray
    shrinkage: float

    def score(self, queries: IntArray) -> FloatArray:
        """Similarities of the films ``queries`` ``[n]`` to all, float32 ``[n, num_movies]``."""
        # Co-ratings are counted first and divided once, so that equal similarities get equal scores.
        counts = self.co_ratings(queries)
        similar = np.zeros_like(counts)
        for row, together, query in zip(similar, counts, queries, strict=True):
            lengths = self.lengths[query] * self.lengths + self.shrinkage
            # A film without ratings has length zero, and nothing in common with any other.
            np.divide(together, lengths, out=row, where=lengths > 0, casting="same_kind")
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
        return self._weigh(rated, rated.T.tocsr())

    def refit(self, fitted: "ProductScorer") -> "ProductScorer":
        """The same ratings with these weights; see ``Refittable``."""
        return self._weigh(fitted.weighted, fitted.weighted_by_user)

    def _weigh(self, by_film: sp.csr_matrix, by_user: sp.csr_matrix) -> "ProductScorer":
        """The scorer of ratings in both directions; their values do not matter."""
        raters, films = np.diff(by_film.indptr), np.diff(by_user.indptr)
        length = 1 - self.b + self.b * raters / raters.mean()
        saturation = (self.k1 + 1) / (self.k1 * length + 1)  # [num_movies]
        rarity = np.log(len(raters)) - np.log1p(films)  # [num_users]
        return ProductScorer(
            _with_values(by_film, np.repeat(saturation, raters) * rarity[by_film.indices]),
            _with_values(by_user, saturation[by_user.indices] * np.repeat(rarity, films)),
        )


@dataclass(frozen=True)
class ProductScorer:
    """Inner products of sparse film rows ``[num_movies, num_users]`` with those of all films."""

    weighted: sp.csr_matrix
    weighted_by_user: sp.csr_matrix

    def score(self, queries: IntArray) -> FloatArray:
        """Similarities of the films ``queries`` ``[n]`` to all, float32 ``[n, num_movies]``."""
        return rows_product(self.weighted, queries, self.weighted_by_user)

    def score_users(self, counts: sp.csr_matrix) -> FloatArray:
        """Sums of the scores of films, ``counts`` float32 ``[n, num_movies]`` times each; of the same shape.

        The order of the products is changed: first the films of a user, then all films. So the cost does not
        grow with the number of films that anybody asks for.
        """
        scores = np.empty(counts.shape, dtype=np.float32)
        for start in range(0, len(scores), USERS_TOGETHER):
            block = np.arange(start, min(start + USERS_TOGETHER, len(scores)))
            tastes = rows_product(counts, block, self.weighted)  # [b, num_users of the training]
            scores[block] = product_with_dense(self.weighted, tastes.T).T
        return scores


def _with_values(matrix: sp.csr_matrix, values: FloatArray) -> sp.csr_matrix:
    return sp.csr_matrix((values.astype(np.float32), matrix.indices, matrix.indptr), shape=matrix.shape)
