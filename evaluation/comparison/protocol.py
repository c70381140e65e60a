"""One protocol: the answers of PinSage and the baselines to the same questions, with intervals."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from base.arrays import FloatArray, IntArray
from data.item_words import FILMS, ItemWords
from data.splits import Queries, SplitName
from evaluation.comparison.bootstrap import Estimate, estimate_means
from evaluation.ranking import Evaluation, question_values
from evaluation.statistics import deviation_metrics, mean_metrics
from report.names import PINSAGE


@dataclass(frozen=True)
class Contestant:
    """One method's answers to the test questions of one protocol.

    Attributes:
        runs: one per seed; a single one for a method without randomness.
        validation_mrr: the validation MRR of each run (PinSage) or of the chosen settings (a baseline).
        seconds: training, choice of settings and evaluation together.
        settings: hyper-parameters that validation chose; empty for PinSage, which has those of the command.
    """

    runs: tuple[Evaluation, ...]
    validation_mrr: tuple[float, ...]
    seconds: float
    settings: Mapping[str, Any] = field(default_factory=dict)

    def metrics(self) -> dict[str, float]:
        """Each metric's mean over the runs."""
        return mean_metrics([run.metrics for run in self.runs])

    def spread(self) -> dict[str, float]:
        """Each metric's standard deviation over the runs (n - 1); empty for a single run."""
        deviations = deviation_metrics([run.metrics for run in self.runs])
        return {name: value for name, value in deviations.items() if value is not None}

    def question_values(self, questions: Queries) -> dict[str, FloatArray]:
        """Metric to float64 ``[num_questions]``: what each question contributes, averaged over the runs."""
        runs = [question_values(run.ranks, questions.protocol) for run in self.runs]
        return {name: np.mean([run[name] for run in runs], axis=0) for name in runs[0]}


@dataclass(frozen=True)
class ProtocolComparison:
    """What all methods answered to the questions of one protocol.

    Attributes:
        split: name of the split.
        questions: the test questions that were asked.
        available: how many the split has; more than were asked if they were sampled.
        ratings: int ``[num_movies]``, training ratings of each film.
        ours: PinSage.
        baselines: the fitted baselines, by name.
        skipped: name to reason of the baselines that were not fitted.
        means: method to metric to its mean and the interval over users.
        differences: baseline to metric to PinSage minus the baseline, paired by question.
        words: what the items are called.
    """

    split: SplitName
    questions: Queries
    available: int
    ratings: IntArray
    ours: Contestant
    baselines: dict[str, Contestant]
    skipped: dict[str, str]
    means: dict[str, dict[str, Estimate]]
    differences: dict[str, dict[str, Estimate]]
    words: ItemWords = FILMS

    @property
    def methods(self) -> dict[str, Contestant]:
        """The baselines in their order, then PinSage."""
        return {**self.baselines, PINSAGE: self.ours}

    @property
    def best_baseline(self) -> str:
        """The baseline with the greatest validation MRR; test figures play no part in it."""
        return max(self.baselines, key=lambda name: self.baselines[name].validation_mrr[0])


def compare(
    split: SplitName,
    questions: Queries,
    available: int,
    ratings: IntArray,
    ours: Contestant,
    baselines: dict[str, Contestant],
    skipped: dict[str, str],
    seed: int,
    words: ItemWords = FILMS,
) -> ProtocolComparison:
    """Put intervals on every method's means and on PinSage's difference to every baseline.

    Args:
        split: name of the split.
        questions: the test questions that were asked.
        available: how many the split has.
        ratings: int ``[num_movies]``, training ratings of each film.
        ours: PinSage's answers.
        baselines: the baselines' answers, by name.
        skipped: reasons of the baselines without answers, by name.
        seed: decides the resamples of users.
        words: what the items are called.
    """
    own = ours.question_values(questions)
    values = {(PINSAGE, metric): column for metric, column in own.items()}
    differences: dict[tuple[str, str], FloatArray] = {}
    for name, baseline in baselines.items():
        for metric, column in baseline.question_values(questions).items():
            values[name, metric] = column
            differences[name, metric] = own[metric] - column
    return ProtocolComparison(
        split, questions, available, ratings, ours, baselines, skipped,
        means=_by_method(values, questions.users, seed),
        differences=_by_method(differences, questions.users, seed),
        words=words,
    )  # fmt: skip


def _by_method(
    values: dict[tuple[str, str], FloatArray], users: IntArray, seed: int
) -> dict[str, dict[str, Estimate]]:
    """Estimates of (method, metric) as method to metric to estimate."""
    nested: dict[str, dict[str, Estimate]] = {}
    for (name, metric), estimate in estimate_means(values, users, seed).items():
        nested.setdefault(name, {})[metric] = estimate
    return nested
