"""Questions that no method can miss, since few films are left to choose from.

A user who has seen nearly the whole catalogue leaves a handful of candidates. Where there are at most k,
every method has a hit at k; where there is one, every metric is 1. In a small catalogue such questions decide
the figures, so tables and files say how many there are.
"""

import numpy as np

from base.arrays import IntArray
from data.histories import UserQuestions
from data.splits import Queries
from evaluation.metrics import METRICS, ProtocolName
from evaluation.users import DEPTH


def count_candidates(questions: Queries, num_movies: int) -> IntArray:
    """How many films each question chooses from, its target included: int64 ``[len(questions)]``."""
    lengths = np.diff(questions.mask_ptr)
    question = np.repeat(np.arange(len(questions)), lengths)
    masked = questions.mask_movies != questions.targets[question]  # a target is always a candidate
    return num_movies - np.bincount(question[masked], minlength=len(questions))


def few_candidates(questions: Queries, num_movies: int) -> dict[str, int]:
    """How many questions have at most k candidates, for 1 and each k of the protocol's metrics.

    Returns:
        k as text to the number of questions, if that is above 0.
    """
    return _at_most(count_candidates(questions, num_movies), _cutoffs(questions.protocol))


def few_candidates_of_users(questions: UserQuestions, num_movies: int) -> dict[str, int]:
    """How many users have at most k candidates, for 1 and the depth of the metrics; as ``few_candidates``."""
    counts = np.array([num_movies - len(history.rows) for history in questions.histories])
    return _at_most(counts, (1, DEPTH))


def _cutoffs(protocol: ProtocolName) -> tuple[int, ...]:
    keys = [metric.key for metric in METRICS if protocol in metric.protocols]
    return (1, *sorted({int(key.split("@")[1]) for key in keys if "@" in key}))


def _at_most(counts: IntArray, cutoffs: tuple[int, ...]) -> dict[str, int]:
    found = {str(most): int((counts <= most).sum()) for most in cutoffs}
    return {most: count for most, count in found.items() if count}
