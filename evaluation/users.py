"""The user protocol: of the films that a user liked later, how many are in the first twenty?"""

from typing import Protocol

import numpy as np

from base.arrays import FloatArray, IntArray
from base.candidate_counts import candidate_counts
from base.errors import WorldError
from data.histories import History, UserQuestions
from evaluation.ranking import half_tie
from evaluation.variety import COVERAGE_DEPTH, FilmFacts, variety_metrics

DEPTH = 20
MAX_SCORES = 2**25  # scores held at once, users times films: 128 MB


class HistoryScorer(Protocol):
    """A method that scores every film for a history."""

    def score_histories(self, histories: list[History]) -> FloatArray:
        """Scores of all films for each of ``n`` histories, float32 ``[n, num_movies]``, higher is better."""
        ...


def max_users(num_movies: int, wanted: int) -> int:
    """Number of users that can be asked at once: ``wanted``, or fewer where memory is the limit."""
    return max(1, min(wanted, MAX_SCORES // num_movies))


def sample_users(questions: UserQuestions, num_movies: int, wanted: int, seed: int) -> UserQuestions:
    """The questions of as many users as can be asked at once, at most ``wanted``."""
    return questions.sample(max_users(num_movies, wanted), seed)


def evaluate_users(
    scorer: HistoryScorer, questions: UserQuestions, facts: FilmFacts | None = None
) -> dict[str, float]:
    """Recall, NDCG and hit rate at 20, means over the users.

    Films of the history are not candidates; ties count half, as in ``rank_targets``. Recall divides by the
    number of targets, NDCG by the gain of the best possible order.

    Args:
        scorer: the method.
        questions: at most as many as ``max_users`` allows.
        facts: about films, for the figures of ``evaluation.variety``; None leaves them out.

    Raises:
        WorldError: a score is NaN.
    """
    scores = scorer.score_histories(questions.histories)
    metrics = user_metrics(scores, questions)
    if facts is not None:
        metrics |= variety_metrics(first_films(scores, questions, COVERAGE_DEPTH), facts)
    return metrics


def user_metrics(scores: FloatArray, questions: UserQuestions) -> dict[str, float]:
    """The figures of ``evaluate_users`` from scores of all films, float ``[len(questions), num_movies]``."""
    values = values_by_user(scores, questions)
    return {name: float(np.mean([value[name] for value in values])) for name in values[0]}


def values_by_user(scores: FloatArray, questions: UserQuestions) -> list[dict[str, float]]:
    """What each user contributes to each metric; arguments and errors as in ``user_metrics``."""
    scores = np.asarray(scores, dtype=np.float32)
    if np.isnan(scores).any():
        raise WorldError("scores contain NaN; if the training diverged, train again with a smaller `lr`")
    seen = [history.rows for history in questions.histories]
    return [user_values(ranks) for ranks in target_ranks(scores, seen, questions.targets)]


def target_ranks(scores: FloatArray, seen: list[IntArray], targets: list[IntArray]) -> list[FloatArray]:
    """Rank of each target among all films except those ``seen``, one float64 array per user, from 1.

    Args:
        scores: float32 ``[n, num_movies]`` without NaN, one row per user.
        seen: film rows that are not candidates, one array per user.
        targets: film rows, none of them seen, one array per user.
    """
    mask_ptr, masked = _joined(seen)
    target_ptr, rows = _joined(targets)
    users = np.arange(len(scores))
    higher, equal, _ = candidate_counts(scores, users, mask_ptr, masked, target_ptr, rows)
    return np.split(half_tie(higher, equal), target_ptr[1:-1])


def first_films(scores: FloatArray, questions: UserQuestions, depth: int) -> IntArray:
    """The films that each user sees first, none of them of the history.

    Args:
        scores: float32 ``[n, num_movies]`` without NaN, one row per user.
        questions: of the same users.
        depth: how many films are wanted.

    Returns:
        int64 ``[n, min(depth, num_movies)]``, best first, -1 behind a list that has fewer.
    """
    mask_ptr, masked = _joined([history.rows for history in questions.histories])
    no_target, rows = np.zeros(len(scores) + 1, dtype=np.int64), np.zeros(0, dtype=np.int64)
    return candidate_counts(scores, np.arange(len(scores)), mask_ptr, masked, no_target, rows, depth)[2]


def _joined(lists: list[IntArray]) -> tuple[IntArray, IntArray]:
    """Lists one after the other, and where each begins: int64 ``[n + 1]`` and the values."""
    return np.cumsum([0, *map(len, lists)]), np.concatenate(lists)


def user_values(ranks: FloatArray) -> dict[str, float]:
    """What one user contributes to each metric, from the ranks of the user's targets.

    To add a metric of this protocol, add a line here and its name in ``report.names.METRIC_NAMES``.
    """
    found = ranks[ranks <= DEPTH]
    ideal = 1 / np.log2(1 + np.arange(1, min(DEPTH, len(ranks)) + 1))
    return {
        f"recall@{DEPTH}": len(found) / len(ranks),
        f"ndcg@{DEPTH}": float((1 / np.log2(1 + found)).sum() / ideal.sum()),
        f"hit_rate@{DEPTH}": float(len(found) > 0),
    }
