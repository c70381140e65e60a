"""Item factors of a matrix factorisation for implicit feedback, by the ``implicit`` package."""

from dataclasses import dataclass, field
from typing import Any, ClassVar

import scipy.sparse as sp

from base.arrays import FloatArray, unit_rows
from data.dataset import Interactions, Movies
from evaluation.baselines.als_solver import solve_rows
from evaluation.baselines.base import Settings, rated_by
from evaluation.ranking import EmbeddingScorer

ITERATIONS = 15


@dataclass(frozen=True)
class ImplicitALS:
    """Cosine of iALS item factors (Hu, Koren and Volinsky, ICDM 2008).

    Attributes:
        factors: length of a factor.
        regularization: weight of the factors' squared norms.
        alpha: how much more a rating weighs than its absence.
    """

    factors: int = 32
    regularization: float = 0.01
    alpha: float = 10.0

    name: ClassVar[str] = "iALS item factors"
    GRID: ClassVar[tuple[Settings, ...]] = (
        {"factors": 32, "regularization": 0.01, "alpha": 10.0},
        {"factors": 32, "regularization": 10.0, "alpha": 10.0},
        {"factors": 32, "regularization": 100.0, "alpha": 40.0},
        {"factors": 64, "regularization": 100.0, "alpha": 40.0},
    )

    def fit(
        self, train: Interactions, movies: Movies, num_users: int, num_movies: int, seed: int
    ) -> "FactorScorer":
        """Factorise; the result depends on the seed, not on the number of threads. See ``Baseline.fit``."""
        from threadpoolctl import threadpool_limits

        ratings = rated_by(train, num_users, num_movies)
        # Rows are solved one by one, so threads over rows change no bit; threads inside BLAS would.
        with threadpool_limits(1, "blas"):
            model = _model_class()(
                factors=self.factors,
                regularization=self.regularization,
                alpha=self.alpha,
                iterations=ITERATIONS,
                random_state=seed,
            )
            model.fit(ratings.T.tocsr(), show_progress=False)
        return FactorScorer(unit_rows(model.item_factors), model=model)


def _model_class() -> type:
    """The model of ``implicit`` with the faster ``solve_rows`` for its iterations."""
    from implicit.cpu.als import AlternatingLeastSquares

    class FasterALS(AlternatingLeastSquares):
        @property
        def solver(self) -> Any:
            """What ``fit`` calls twice per iteration."""
            return lambda confidence, factors, fixed, regularization, num_threads: solve_rows(
                confidence, factors, fixed, regularization
            )

    return FasterALS


@dataclass(frozen=True)
class FactorScorer(EmbeddingScorer):
    """Cosines of item factors, and the fitted model, which can find the factors of new users.

    Attributes:
        model: the fitted model of ``implicit``.
    """

    model: Any = field(default=None, repr=False, kw_only=True)

    def score_users(self, seen: sp.csr_matrix) -> FloatArray:
        """Scores of all films for users with the films ``seen`` ``[n, num_movies]``, of the same shape."""
        from threadpoolctl import threadpool_limits

        with threadpool_limits(1, "blas"):
            factors = self.model.recalculate_user(range(seen.shape[0]), seen)
            return factors @ self.model.item_factors.T
