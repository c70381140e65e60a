"""Random walks without learning: the films that short walks from the query visit (Pixie, WWW 2018)."""

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import scipy.sparse as sp

from base.arrays import FloatArray, IntArray
from base.sparse_products import product_with_dense, rows_product
from data.dataset import Interactions, Movies
from data.graph_builder import build_graph
from evaluation.baselines.base import Settings
from evaluation.baselines.latest import LatestBlocks

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
        graph = build_graph(train, num_users, num_movies)
        edges = graph.movie_user_matrix()
        strength, activity = (
            np.where(sums > 0, sums, 1) for sums in (graph.movie_strength, graph.user_strength)
        )
        to_user = sp.csr_matrix(sp.diags(1 / strength) @ edges, dtype=np.float32)
        to_movie = sp.csr_matrix(sp.diags(1 / activity) @ edges.T.tocsr(), dtype=np.float32)
        degree = np.maximum(graph.movie_degree, 1).astype(np.float64)
        visits = LatestBlocks(Visits(to_user, to_movie).of)
        return VisitScorer(visits, degree, self.popularity_exponent)

    def refit(self, fitted: "VisitScorer") -> "VisitScorer":
        """The same visits with this exponent; see ``Refittable``."""
        return replace(fitted, popularity_exponent=self.popularity_exponent)


class Visits:
    """Expected visits by sparse products.

    Args:
        to_user: float32 ``[num_movies, num_users]``, rows sum to one.
        to_movie: float32 ``[num_users, num_movies]``, rows sum to one.
    """

    def __init__(self, to_user: sp.csr_matrix, to_movie: sp.csr_matrix):
        self.to_user, self.to_movie = to_user, to_movie
        self.from_movie, self.from_user = to_user.T.tocsr(), to_movie.T.tocsr()

    def of(self, queries: IntArray) -> FloatArray:
        """Visits from the films ``queries`` ``[n]``, float32 ``[n, num_movies]``."""
        one_hop = rows_product(self.to_user, queries, self.to_movie)
        # One hop reaches most of the catalogue, so the second is cheaper as sparse times dense.
        users = product_with_dense(self.from_movie, one_hop.T)  # [num_users, n]
        two_hops = product_with_dense(self.from_user, users).T
        return one_hop + np.float32(1 - RESTART_PROBABILITY) * two_hops


@dataclass(frozen=True)
class VisitScorer:
    """Visits, discounted for popular films.

    Attributes:
        visits: from query films to expected visits of the walks.
        degree: float64 ``[num_movies]``, ratings, at least 1.
        popularity_exponent: visits are divided by the degree to this power.
    """

    visits: LatestBlocks
    degree: FloatArray
    popularity_exponent: float

    def score(self, queries: IntArray) -> FloatArray:
        """Discounted visits from the films ``queries`` ``[n]``, float32 ``[n, num_movies]``."""
        return self.visits(queries) * (self.degree**-self.popularity_exponent).astype(np.float32)
