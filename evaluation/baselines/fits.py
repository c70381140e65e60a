"""The fits of one split, with no work done twice that is worth remembering."""

from data.dataset import Movies
from data.splits import Split
from evaluation.baselines.base import Baseline, Refittable, Settings
from evaluation.baselines.item_factors import ImplicitALS
from evaluation.ranking import Scorer


class Fits:
    """Fits baselines on the training part of a split.

    Settings of a grid share what does not depend on them (``Refittable``), as long as they come one
    after another. A factorisation takes long and is small: each is made once and kept, so that both
    protocols of an evaluation choose among the same ones.

    Args:
        split: the split; validation and test are not looked at.
        movies: the catalogue.
        seed: decides the baselines' random choices.
    """

    def __init__(self, split: Split, movies: Movies, seed: int):
        self.split, self.movies, self.seed = split, movies, seed
        self._factors: dict[Baseline, Scorer] = {}
        self._latest: tuple[type[Baseline], Scorer] | None = None

    def fit(self, baseline: type[Baseline], settings: Settings) -> Scorer:
        """``baseline`` with ``settings``, fitted; see ``Baseline.fit``."""
        wanted = baseline(**settings)
        if wanted in self._factors:
            return self._factors[wanted]
        if isinstance(wanted, Refittable) and self._latest is not None and self._latest[0] is baseline:
            return wanted.refit(self._latest[1])
        self._latest = None  # frees its memory before the next takes its own
        split = self.split
        fitted = wanted.fit(split.train, self.movies, split.num_users, split.num_movies, self.seed)
        if isinstance(wanted, Refittable):
            self._latest = baseline, fitted
        elif baseline is ImplicitALS:
            self._factors[wanted] = fitted
        return fitted
