"""Figures of a method from its scores, or its ranking, by the project's own ranks and metrics."""

from dataclasses import dataclass

import numpy as np

from base.arrays import FloatArray, IntArray
from base.errors import WorldError
from benchmarks.rivals.questions import FACTS, Questions
from evaluation.ranking import question_values
from evaluation.users import target_ranks, user_values

Figures = dict[str, float]


@dataclass(frozen=True)
class Outcome:
    """One training, judged on one task after its best epoch by validation.

    Attributes:
        validation: the figure of validation that chooses.
        epoch: the epoch that has it, from 1.
        way: how the model was asked, where it can be asked in several ways; empty otherwise.
        test: the figures of the test part; empty where the test was not asked.
    """

    validation: float
    epoch: int
    way: str
    test: Figures


def figures_of(scores: FloatArray, questions: Questions) -> Figures:
    """The task's metrics, means over the questions.

    Args:
        scores: float ``[len(questions), num_movies]``, higher is better.
        questions: of one task.

    Raises:
        WorldError: a score is NaN.
    """
    scores = np.asarray(scores, dtype=np.float32)
    if np.isnan(scores).any():
        raise WorldError("scores contain NaN: the training diverged; use a smaller learning rate")
    ranks = target_ranks(scores, questions.excluded, questions.targets)
    names = FACTS[questions.task].figures
    if questions.task == "people":
        values = [user_values(of_user) for of_user in ranks]
        return {name: float(np.mean([value[name] for value in values])) for name in names}
    by_question = question_values(np.concatenate(ranks), "next_item")
    return {name: float(by_question[name].mean()) for name in names}


def scores_of_ranking(ranked: IntArray, num_movies: int) -> FloatArray:
    """Scores that put films in a given order; films that are not in it tie behind all others.

    Args:
        ranked: int ``[n, k]`` film rows, best first, distinct within a row; -1 from where a row ends.
        num_movies: number of film rows.

    Returns:
        float32 ``[n, num_movies]``: ``num_movies`` for the first film of a row, one less for the next, and 0
        for films that are not ranked.

    Raises:
        WorldError: a row has a film twice, or one that is not in the catalogue.
    """
    if ranked.size and not -1 <= ranked.min() <= ranked.max() < num_movies:
        raise WorldError(
            f"ranked films must be from 0 to {num_movies - 1}, got {ranked.min()} to {ranked.max()}"
        )
    scores = np.zeros((len(ranked), num_movies), dtype=np.float32)
    row, place = np.nonzero(ranked >= 0)
    scores[row, ranked[row, place]] = num_movies - place
    if np.count_nonzero(scores) != len(row):
        raise WorldError("a film is ranked twice for the same history")
    return scores
