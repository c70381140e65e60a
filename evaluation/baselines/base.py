"""What every baseline has: hyper-parameters, a grid of four settings, and a fit on training interactions."""

from dataclasses import replace
from typing import Any, ClassVar, Protocol, runtime_checkable

import numpy as np
import scipy.sparse as sp

from base.arrays import FloatArray
from base.errors import WorldError
from data.dataset import Interactions, Movies
from data.graph_builder import build_graph
from evaluation.ranking import Scorer

Settings = dict[str, Any]


class BaselineTooLarge(WorldError):
    """The catalogue is too large for the method's memory; the message says why."""


class Baseline(Protocol):
    """A simple recommender that PinSage is compared with.

    Implementations are frozen dataclasses whose fields are the hyper-parameters; ``registry`` says how to
    add one.

    Attributes:
        name: its name in tables, pictures and ``metrics.json``.
        GRID: the four settings that validation chooses from, the defaults first. Every baseline has four,
            so that all are tuned equally hard.
    """

    name: ClassVar[str]
    GRID: ClassVar[tuple[Settings, ...]]

    def __init__(self, **settings: Any) -> None: ...

    def fit(self, train: Interactions, movies: Movies, num_users: int, num_movies: int, seed: int) -> Scorer:
        """Learn from training interactions; validation and test interactions are not seen.

        Args:
            train: training interactions, sorted as ``Interactions`` promises.
            movies: the catalogue.
            num_users: number of user rows.
            num_movies: number of film rows.
            seed: decides every random choice.

        Raises:
            BaselineTooLarge: the catalogue is too large for the method.
        """
        ...


@runtime_checkable
class Refittable(Protocol):
    """A baseline whose fits with different settings share most of the work."""

    def refit(self, fitted: Any) -> Scorer:
        """The result of ``fit``, made from its result on the same interactions with other settings."""
        ...


@runtime_checkable
class UserScorer(Protocol):
    """A scorer with a better way for users than to score each of their films and add up the scores."""

    def score_users(self, counts: sp.csr_matrix) -> FloatArray:
        """Scores of all films for users whose films count ``counts``, float32 ``[n, num_movies]`` both."""
        ...


def rated_by(train: Interactions, num_users: int, num_movies: int) -> sp.csr_matrix:
    """Which film was rated by which user: float32 0/1 ``[num_movies, num_users]``.

    Low ratings count too, and weights do not matter.
    """
    return build_graph(replace(train, weights=None), num_users, num_movies).movie_user_matrix()


def row_sums(matrix: sp.csr_matrix) -> np.ndarray:
    """Sums of the rows as a flat float64 array."""
    return np.asarray(matrix.sum(axis=1, dtype=np.float64)).ravel()
