"""What every baseline is: hyper-parameters, a grid of four, and a fit on training interactions."""

from typing import Any, ClassVar, Protocol, runtime_checkable

import numpy as np
import scipy.sparse as sp

from base.errors import WorldError
from data.dataset import Interactions, Movies
from evaluation.ranking import Scorer

Settings = dict[str, Any]


class BaselineTooLarge(WorldError):
    """This catalogue is beyond what the method can hold in memory; the text says why."""


class Baseline(Protocol):
    """A simple recommender that PinSage is compared with.

    Implementations are frozen dataclasses whose fields are the hyper-parameters.

    Attributes:
        name: what tables, plots and ``metrics.json`` call it.
        GRID: the four settings that validation chooses from, the defaults first. Every baseline
            has four, so that none is tuned harder than another.
    """

    name: ClassVar[str]
    GRID: ClassVar[tuple[Settings, ...]]

    def __init__(self, **settings: Any) -> None: ...

    def fit(self, train: Interactions, movies: Movies, num_users: int, num_movies: int, seed: int) -> Scorer:
        """Learn from training interactions, and from nothing else that users did.

        Args:
            train: training interactions, sorted as ``Interactions`` promises.
            movies: the catalogue.
            num_users: number of user rows.
            num_movies: number of film rows.
            seed: decides every random choice.

        Raises:
            BaselineTooLarge: the catalogue does not fit the method.
        """
        ...


@runtime_checkable
class Refittable(Protocol):
    """A baseline whose fits of different settings share most of the work."""

    def refit(self, fitted: Any) -> Scorer:
        """What ``fit`` would give, from what it gave on the same interactions with other settings."""
        ...


def movie_user_matrix(train: Interactions, num_users: int, num_movies: int) -> sp.csr_matrix:
    """Who rated what: float32 ones, ``[num_movies, num_users]``. A low rating is an interaction too."""
    ones = np.ones(len(train), dtype=np.float32)
    return sp.csr_matrix((ones, (train.movies, train.users)), shape=(num_movies, num_users))


def row_sums(matrix: sp.csr_matrix) -> np.ndarray:
    """Sums of the rows as a flat float64 array."""
    return np.asarray(matrix.sum(axis=1, dtype=np.float64)).ravel()
