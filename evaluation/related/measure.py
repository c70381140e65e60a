"""Figures of relatedness: how many siblings are in the first ten, how early the first one comes."""

from dataclasses import dataclass

import numpy as np

from base.arrays import FloatArray, IntArray
from base.top_columns import top_columns
from evaluation.comparison.bootstrap import Estimate, estimate_means
from evaluation.comparison.popularity import shown_popularity
from evaluation.ranking import BLOCK_SIZE, Scorer, check_numbers, half_tie_ranks
from evaluation.related.questions import RelatedQuestions

DEPTH = 10
FOUND = f"siblings@{DEPTH}"
SHOWN = f"mean_ratings@{DEPTH}"


@dataclass(frozen=True)
class RelatedEvaluation:
    """The figures of one method.

    Attributes:
        values: metric to float64 ``[num_groups]``, the mean over the questions of each group.
        shown: mean number of training ratings of the films in the first ten.
    """

    values: dict[str, FloatArray]
    shown: float

    def metrics(self) -> dict[str, float]:
        """Means over the groups, and what is shown."""
        return {name: float(values.mean()) for name, values in self.values.items()} | {SHOWN: self.shown}


def evaluate_related(scorer: Scorer, questions: RelatedQuestions, ratings: IntArray) -> RelatedEvaluation:
    """Ask a method all questions.

    A film with n siblings gets the number of them among the first ten, divided by min(10, n); and 1 / rank of
    the first one. Ties count half in the rank, as in ``rank_targets``. Where equal scores reach across the
    tenth place, a sibling counts by its chance to be among the ten.

    Args:
        scorer: the method.
        questions: what to ask it.
        ratings: int ``[num_movies]``, training ratings of each film.

    Raises:
        WorldError: a score is NaN.
    """
    found, first = np.empty(len(questions)), np.empty(len(questions))
    recommended = np.zeros(len(ratings), dtype=np.int64)
    for start in range(0, len(questions), BLOCK_SIZE):
        queries = questions.queries[start : start + BLOCK_SIZE]
        scores = np.array(scorer.score(queries), dtype=np.float32)
        check_numbers(scores, queries)
        scores[np.arange(len(queries)), queries] = np.nan
        shown = top_columns(scores, DEPTH)
        recommended += np.bincount(shown[shown >= 0], minlength=len(ratings))
        for question, row in enumerate(scores, start=start):
            siblings = questions.siblings[questions.ptr[question] : questions.ptr[question + 1]]
            found[question] = _chances(row, row[siblings]).sum() / min(DEPTH, len(siblings))
            first[question] = 1 / half_tie_ranks(row, row[siblings]).min()
    values = {FOUND: found, "mrr": first}
    return RelatedEvaluation(
        {name: _by_group(column, questions.groups) for name, column in values.items()},
        shown_popularity(recommended, ratings),
    )


def mean_evaluation(runs: list[RelatedEvaluation]) -> RelatedEvaluation:
    """The mean of several runs of one method, group by group."""
    values = {name: np.mean([run.values[name] for run in runs], axis=0) for name in runs[0].values}
    return RelatedEvaluation(values, float(np.mean([run.shown for run in runs])))


def differences(ours: RelatedEvaluation, theirs: RelatedEvaluation, seed: int) -> dict[str, Estimate]:
    """Metric to the difference of two methods, paired by group, with its interval over groups."""
    gaps = {name: ours.values[name] - theirs.values[name] for name in ours.values}
    return estimate_means(gaps, np.arange(len(gaps[FOUND])), seed)


def _chances(scores: FloatArray, target_scores: FloatArray) -> FloatArray:
    """The chance of each target to be among the first ten, if equal scores are put in random order."""
    own = target_scores[:, None]
    places_left = DEPTH - np.count_nonzero(scores > own, axis=1)
    return np.clip(places_left / np.count_nonzero(scores == own, axis=1), 0, 1)


def _by_group(values: FloatArray, groups: IntArray) -> FloatArray:
    return np.bincount(groups, values) / np.bincount(groups)
