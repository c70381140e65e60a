"""Figures over several seeds: mean, standard deviation, and whether a difference exceeds seed noise."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Difference:
    """The difference of two methods over the same seeds.

    Attributes:
        mean: difference of the two means.
        noise: half the width of its 95 % interval over the seeds; None with one seed.
    """

    mean: float
    noise: float | None

    @property
    def verdict(self) -> str:
        """In words, whether the interval contains zero."""
        if self.noise is None:
            return "seed noise unknown"
        return "outside seed noise" if abs(self.mean) > self.noise else "within seed noise"


def mean_metrics(runs: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Each metric's mean over the runs; the metrics are those of the first run."""
    return {name: float(np.mean([run[name] for run in runs])) for name in runs[0]}


def deviation_metrics(runs: Sequence[Mapping[str, float]]) -> dict[str, float | None]:
    """Each metric's sample standard deviation over the runs; None for a single run."""
    if len(runs) < 2:
        return dict.fromkeys(runs[0])
    return {name: float(np.std([run[name] for run in runs], ddof=1)) for name in runs[0]}


def paired_difference(first: Sequence[float], second: Sequence[float]) -> Difference:
    """Student's interval for the mean of the differences, seed by seed.

    For methods that answer the same questions under one seed: what is hard for both then cancels out.

    Args:
        first: one method's figure for each seed.
        second: the other method's, for the same seeds in the same order.
    """
    from scipy.stats import t

    gaps = np.subtract(first, second)
    if len(gaps) < 2:
        return Difference(float(gaps.mean()), None)
    quantile = t.ppf((1 + CONFIDENCE) / 2, len(gaps) - 1)
    return Difference(float(gaps.mean()), float(quantile * gaps.std(ddof=1) / np.sqrt(len(gaps))))


def difference(first: Sequence[float], second: Sequence[float]) -> Difference:
    """Student's interval for the difference of two means, with pooled variances.

    It covers other seeds on the same questions; other questions would add more noise.

    Args:
        first: one method's figure for each seed.
        second: the other method's, for the same number of seeds.
    """
    from scipy.stats import t

    number = len(first)
    mean = float(np.mean(first) - np.mean(second))
    if number < 2:
        return Difference(mean, None)
    variance = (np.var(first, ddof=1) + np.var(second, ddof=1)) / number
    quantile = t.ppf((1 + CONFIDENCE) / 2, 2 * number - 2)
    return Difference(mean, float(quantile * np.sqrt(variance)))
