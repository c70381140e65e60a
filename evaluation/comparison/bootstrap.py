"""Intervals by resampling users: how much a figure would vary with other users.

The questions of one user resemble each other, so users are resampled and not questions: a resample draws
as many users as there are, with replacement, each with all questions of that user (a cluster bootstrap:
Davison and Hinkley, Bootstrap Methods and their Application, 1997, section 3.8). The difference of two
methods is taken question by question before: what is hard for both then cancels out.
"""

from collections.abc import Hashable, Mapping
from typing import Any, NamedTuple, TypeVar

import numpy as np

from base.arrays import FloatArray, IntArray

RESAMPLES = 2_000
CONFIDENCE = 0.95
BLOCK_SIZE = 100  # resamples at once: 16 MB of counts at 20,000 users

Name = TypeVar("Name", bound=Hashable)


class Estimate(NamedTuple):
    """A mean over questions and the ends of its interval."""

    mean: float
    low: float
    high: float

    @property
    def sign(self) -> int:
        """1 if the whole interval is above zero, -1 if it is below, 0 if it contains zero."""
        return int(self.low > 0) - int(self.high < 0)

    def as_plain(self) -> dict[str, Any]:
        """Mean and interval, for JSON."""
        return {"mean": self.mean, "interval": [self.low, self.high]}


def estimate_means(
    values: Mapping[Name, FloatArray], users: IntArray, seed: int, resamples: int = RESAMPLES
) -> dict[Name, Estimate]:
    """Means over questions with percentile intervals over users, all from the same resamples.

    Args:
        values: name to float ``[num_questions]``, for instance hits, or differences of hits.
        users: int ``[num_questions]``, the user of each question.
        seed: decides the resamples.
        resamples: number of resamples.

    Returns:
        One estimate per name, in the given order.
    """
    present, user = np.unique(users, return_inverse=True)
    num_users = len(present)
    asked = np.bincount(user)  # [num_users]
    sums = np.stack([np.bincount(user, weights=column) for column in values.values()], axis=1)  # [users, k]
    generator = np.random.default_rng(seed)
    shares = np.full(num_users, 1 / num_users)
    means = np.empty((resamples, len(values)))
    for start in range(0, resamples, BLOCK_SIZE):
        size = min(BLOCK_SIZE, resamples - start)
        drawn = generator.multinomial(num_users, shares, size=size).astype(np.float64)  # [size, num_users]
        means[start : start + size] = (drawn @ sums) / (drawn @ asked)[:, None]
    outside = (1 - CONFIDENCE) / 2
    low, high = np.quantile(means, [outside, 1 - outside], axis=0)  # [k] each
    return {
        name: Estimate(float(np.mean(column)), float(low[i]), float(high[i]))
        for i, (name, column) in enumerate(values.items())
    }
