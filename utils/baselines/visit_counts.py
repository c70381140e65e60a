"""Random walks without learning: where short walks from the query end up (Pixie, WWW 2018)."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import scipy.sparse as sp

from data.dataset import FloatArray, IntArray, Interactions, Movies
from utils.baselines.base import Settings, movie_user_matrix, row_sums

RESTART_PROBABILITY = 0.5


@dataclass(frozen=True)
class RandomWalks:
    """Expected visits of walks film -> user -> film that end after each hop with probability .5.

    No walk is simulated: with P the film-to-film transition matrix, s the query and r the restart
    probability, the visits of up to two hops are exactly ``P(s) + (1 - r) P^2(s)``.

    Attributes:
        popularity_exponent: visits are divided by the number of ratings to this power; zero leaves
            the plain visit counts, which favour popular films.
    """

    popularity_exponent: float = 0.0

    name: ClassVar[str] = "random walks"
    GRID: ClassVar[tuple[Settings, ...]] = (
        {"popularity_exponent": 0.0}, {"popularity_exponent": 0.3},
        {"popularity_exponent": 0.4}, {"popularity_exponent": 0.5},
    )  # fmt: skip

    def fit(
        self, train: Interactions, movies: Movies, num_users: int, num_movies: int, seed: int
    ) -> "VisitScorer":
        """Normalise the graph's edges; see ``Baseline.fit``."""
        rated = movie_user_matrix(train, num_users, num_movies)
        degree = np.maximum(row_sums(rated), 1)
        to_user = sp.csr_matrix(sp.diags(1 / degree) @ rated, dtype=np.float32)
        activity = np.maximum(np.bincount(train.users, minlength=num_users), 1)
        to_movie = sp.csr_matrix(sp.diags(1 / activity) @ rated.T.tocsr(), dtype=np.float32)
        discount = (degree**-self.popularity_exponent).astype(np.float32)
        return VisitScorer(to_user, to_movie, discount)


@dataclass(frozen=True)
class VisitScorer:
    """Visit probabilities by sparse products.

    Attributes:
        to_user: float32 ``[num_movies, num_users]``, rows sum to one.
        to_movie: float32 ``[num_users, num_movies]``, rows sum to one.
        discount: float32 ``[num_movies]``, factor on each film's visits.
    """

    to_user: sp.csr_matrix
    to_movie: sp.csr_matrix
    discount: FloatArray

    def score(self, queries: IntArray) -> FloatArray:
        """Discounted visits from the films ``queries`` ``[n]``, float32 ``[n, num_movies]``."""
        one_hop = (self.to_user[queries] @ self.to_movie).toarray()
        # One hop reaches most of a catalogue: the second is cheaper as sparse times dense.
        two_hops = one_hop @ self.to_user @ self.to_movie
        return (one_hop + np.float32(1 - RESTART_PROBABILITY) * two_hops) * self.discount
