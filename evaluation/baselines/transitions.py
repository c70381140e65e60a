"""What users rate shortly before and after a film: transition counts, smoothed by popularity."""

from dataclasses import dataclass
from typing import ClassVar

import numba
import numpy as np

from base.arrays import FloatArray, IntArray
from data.dataset import Interactions, Movies
from evaluation.baselines.base import Settings


@dataclass(frozen=True)
class TransitionCounts:
    """How often a film is within ``window`` places of the query in a user's order, before or after it.

    Attributes:
        window: places to either side.
        smoothing: counts that are shared out among all films by popularity; they order the films that were
            never near the query.
    """

    window: int = 5
    smoothing: float = 5.0

    name: ClassVar[str] = "transition counts"
    GRID: ClassVar[tuple[Settings, ...]] = (
        {"window": 5, "smoothing": 5.0}, {"window": 10, "smoothing": 5.0},
        {"window": 20, "smoothing": 5.0}, {"window": 40, "smoothing": 5.0},
    )  # fmt: skip

    def fit(
        self, train: Interactions, movies: Movies, num_users: int, num_movies: int, seed: int
    ) -> "TransitionScorer":
        """Index the places of each film; see ``Baseline.fit``."""
        count = np.bincount(train.movies, minlength=num_movies)
        ends = np.concatenate([[0], np.cumsum(count)])
        prior = (self.smoothing * count / len(train)).astype(np.float32)
        positions = np.argsort(train.movies, kind="stable")
        return TransitionScorer(train.users, train.movies, positions, ends, self.window, prior)


@dataclass(frozen=True)
class TransitionScorer:
    """Counts neighbours in the users' lists per query, so that no film-by-film table is stored.

    Attributes:
        users: ``[n]`` user rows, each user's interactions together and in order.
        movies: ``[n]`` film rows of the same interactions.
        positions: ``[n]`` positions in these two arrays, grouped by film.
        position_ptr: ``[num_movies + 1]``, where the positions of each film begin.
        window: places to either side that count.
        prior: float32 ``[num_movies]``, added to every count.
    """

    users: IntArray
    movies: IntArray
    positions: IntArray
    position_ptr: IntArray
    window: int
    prior: FloatArray

    def score(self, queries: IntArray) -> FloatArray:
        """Smoothed counts around the films ``queries`` ``[n]``, float32 ``[n, num_movies]``."""
        scores = np.zeros((len(queries), len(self.prior)), dtype=np.float32)
        _count_near(self.users, self.movies, self.positions, self.position_ptr, self.window, queries, scores)
        scores += self.prior
        return scores


@numba.njit(parallel=True, cache=True)
def _count_near(users, movies, positions, position_ptr, window, queries, counts):  # type: ignore[no-untyped-def]
    for row in numba.prange(len(queries)):
        query, near = queries[row], counts[row]
        for place in range(position_ptr[query], position_ptr[query + 1]):
            here = positions[place]
            user = users[here]
            for other in range(max(0, here - window), min(len(users), here + window + 1)):
                if other != here and users[other] == user:
                    near[movies[other]] += 1
