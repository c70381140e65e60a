"""EASE, the linear autoencoder with a closed form (Steck, WWW 2019)."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import scipy.linalg

from base.arrays import FloatArray, IntArray
from data.dataset import Interactions, Movies
from evaluation.baselines.base import BaselineTooLarge, Settings, rated_by

MOVIE_LIMIT = 15_000  # rated films: the inverse of so many takes 2 GB, and minutes on two cores
BLOCK_SIZE = 1024  # rows of the Gram matrix computed at once


@dataclass(frozen=True)
class EASE:
    """Film-to-film weights that best predict each of a user's films from the user's other films.

    ``P = (X^T X + regularization I)^-1``, and the weight of film j for query i is ``-P_ij / P_jj``
    (the paper's equation 8).

    Attributes:
        regularization: the paper's lambda.
    """

    regularization: float = 300.0

    name: ClassVar[str] = "EASE"
    GRID: ClassVar[tuple[Settings, ...]] = (
        {"regularization": 300.0}, {"regularization": 1000.0},
        {"regularization": 3000.0}, {"regularization": 10_000.0},
    )  # fmt: skip

    def fit(
        self, train: Interactions, movies: Movies, num_users: int, num_movies: int, seed: int
    ) -> "LinearScorer":
        """Invert the Gram matrix of the rated films; see ``Baseline.fit``.

        Raises:
            BaselineTooLarge: more than ``MOVIE_LIMIT`` films have a rating.
        """
        rated = np.unique(train.movies)
        if len(rated) > MOVIE_LIMIT:
            raise BaselineTooLarge(
                f"EASE inverts a matrix of rated films by rated films and stops at {MOVIE_LIMIT:,} of them, "
                f"this data has {len(rated):,}; compare with EASE on a smaller release"
            )
        ratings = rated_by(train, num_users, num_movies)[rated]
        by_user = ratings.T.tocsr()
        gram = np.empty((len(rated), len(rated)))
        for start in range(0, len(rated), BLOCK_SIZE):
            gram[start : start + BLOCK_SIZE] = (ratings[start : start + BLOCK_SIZE] @ by_user).toarray()
        gram[np.diag_indices_from(gram)] += self.regularization
        weights = scipy.linalg.inv(gram, overwrite_a=True, check_finite=False)
        weights /= -np.diag(weights).copy()
        np.fill_diagonal(weights, 0)
        return LinearScorer(weights.astype(np.float32), rated, num_movies)


@dataclass(frozen=True)
class LinearScorer:
    """Weights ``[num_rated, num_rated]`` between the film rows ``rated``; all other films score zero."""

    weights: FloatArray
    rated: IntArray
    num_movies: int

    def score(self, queries: IntArray) -> FloatArray:
        """Weights of all films for the films ``queries`` ``[n]``, float32 ``[n, num_movies]``."""
        scores = np.zeros((len(queries), self.num_movies), dtype=np.float32)
        place = np.minimum(np.searchsorted(self.rated, queries), len(self.rated) - 1)
        known = self.rated[place] == queries
        scores[np.ix_(known, self.rated)] = self.weights[place[known]]
        return scores
