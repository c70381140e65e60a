"""The fits of the baselines on one split; what takes long and can be shared is computed once."""

from data.dataset import Movies
from data.splits import Queries, Split, held_out_queries
from evaluation.baselines.base import Baseline, Refittable, Settings
from evaluation.baselines.item_factors import ImplicitALS
from evaluation.ranking import Scorer, sample_questions


class Fits:
    """Fits baselines on the training part of a split.

    Successive settings of one baseline share what does not depend on them (``Refittable``). A factorisation
    takes long and is small, so each is made once and kept: both protocols of an evaluation use it.

    Args:
        split: the split; validation and test are not used.
        movies: the catalogue.
        seed: decides the baselines' random choices.
    """

    def __init__(self, split: Split, movies: Movies, seed: int):
        self.split, self.movies, self.seed = split, movies, seed
        self._questions: dict[int, Queries] = {}
        self._factors: dict[Baseline, Scorer] = {}
        self._latest: tuple[type[Baseline], Scorer] | None = None

    def questions(self, max_questions: int) -> Queries:
        """At most so many validation questions, drawn by the seed.

        Raises:
            UserError: the split has no validation questions.
        """
        if max_questions not in self._questions:
            asked = held_out_queries(self.split, "validation")
            self._questions[max_questions] = sample_questions(asked, max_questions, self.seed)
        return self._questions[max_questions]

    def fit(self, baseline: type[Baseline], settings: Settings) -> Scorer:
        """The fit of ``baseline`` with ``settings``; see ``Baseline.fit``."""
        wanted = baseline(**settings)
        if wanted in self._factors:
            return self._factors[wanted]
        if isinstance(wanted, Refittable) and self._latest is not None and self._latest[0] is baseline:
            return wanted.refit(self._latest[1])
        self._latest = None  # frees its memory before the next fit
        split = self.split
        fitted = wanted.fit(split.train, self.movies, split.num_users, split.num_movies, self.seed)
        if isinstance(wanted, Refittable):
            self._latest = baseline, fitted
        elif baseline is ImplicitALS:
            self._factors[wanted] = fitted
        return fitted
