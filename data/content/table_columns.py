"""Columns of numbers and of categories as features."""

from dataclasses import dataclass

import numpy as np

from base.arrays import BoolArray, FloatArray
from data.content.facts import Content
from data.content.text import TextBasis, fit_text

MAX_SPREADS = 5.0  # a number further from the mean counts as this far, so that one value decides nothing
SKEWED = 1.0  # skewness from which the logarithm is taken
MAX_INDICATORS = 300  # with more values, a column of categories is reduced
CATEGORY_DIM = 64


@dataclass(frozen=True)
class NumberBasis:
    """Parameters that standardise a column of numbers.

    Attributes:
        name: of the column.
        logarithm: whether log(1 + x) is standardised, as the numbers are skewed.
        mean: of the numbers, or of their logarithms.
        spread: their standard deviation.
    """

    name: str
    logarithm: bool
    mean: float
    spread: float
    num_features: int = 1

    def features(self, content: Content, num_movies: int) -> tuple[FloatArray, BoolArray]:
        """Standardised numbers float32 ``[num_movies, 1]``, and which films have one."""
        values = content.numbers.get(self.name, np.full(num_movies, np.nan))
        with np.errstate(invalid="ignore"):
            values = np.log1p(np.maximum(values, 0)) if self.logarithm else values
        known = np.isfinite(values)
        scaled = np.where(known, (values - self.mean) / self.spread, 0)
        return np.clip(scaled, -MAX_SPREADS, MAX_SPREADS).astype(np.float32)[:, None], known


def fit_numbers(name: str, values: FloatArray) -> NumberBasis:
    """Fit the scale of a column, float64 ``[n]`` with nan for no value."""
    from scipy.stats import skew  # takes a second to import, and few data have columns

    known = values[np.isfinite(values)]
    logarithm = len(known) > 2 and known.min() >= 0 and known.std() > 0 and skew(known) > SKEWED
    if logarithm:
        known = np.log1p(known)
    spread = float(known.std()) if len(known) else 0.0
    return NumberBasis(name, bool(logarithm), float(known.mean()) if len(known) else 0.0, spread or 1.0)


@dataclass(frozen=True)
class CategoryBasis:
    """The known values of a column of categories; each is a feature.

    Attributes:
        name: of the column.
        values: sorted.
    """

    name: str
    values: list[str]

    @property
    def num_features(self) -> int:
        """Number of features, without the mask."""
        return len(self.values)

    def features(self, content: Content, num_movies: int) -> tuple[FloatArray, BoolArray]:
        """Indicators float32 ``[num_movies, num_values]``, and which films have a known value."""
        column = {value: i for i, value in enumerate(self.values)}
        values = content.categories.get(self.name, [""] * num_movies)
        place = np.array([column.get(value, -1) for value in values], dtype=np.int64)
        indicators = np.zeros((num_movies, len(column)), dtype=np.float32)
        known = place >= 0
        indicators[known, place[known]] = 1
        return indicators, known


def fit_categories(name: str, values: list[str], seed: int) -> CategoryBasis | TextBasis:
    """Fit a column of categories.

    Args:
        name: of the column.
        values: one per item, empty where there is none.
        seed: seed of the randomised SVD. With more than ``MAX_INDICATORS`` different values they are text:
            equal values have equal features, and similar ones (``Home > Mugs``) similar features.
    """
    known = sorted(set(values) - {""})
    if len(known) <= MAX_INDICATORS:
        return CategoryBasis(name, known)
    return fit_text(name, values, seed, CATEGORY_DIM)
