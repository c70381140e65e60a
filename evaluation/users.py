"""The user protocol: of the films that someone liked later, how many are in the first twenty?"""

from typing import Protocol

import numpy as np

from base.arrays import FloatArray, IntArray
from base.errors import WorldError
from data.histories import History, UserQuestions

DEPTH = 20
MOST_SCORES = 2**25  # scores held at once, users times films: 128 MB


class HistoryScorer(Protocol):
    """Anything that says how well every film suits a person."""

    def score_histories(self, histories: list[History]) -> FloatArray:
        """Scores of all films for each of ``n`` histories, float32 ``[n, num_movies]``, higher is better."""
        ...


def most_users(num_movies: int, wanted: int) -> int:
    """How many users can be asked at once: ``wanted``, or as many as memory has room for."""
    return max(1, min(wanted, MOST_SCORES // num_movies))


def evaluate_users(scorer: HistoryScorer, questions: UserQuestions) -> dict[str, float]:
    """Recall, NDCG and hit rate at 20, means over the users.

    Films of a history are no candidates; ties count half, as in ``rank_targets``. Recall divides by the
    number of targets, NDCG by what the best order of the targets would get.

    Args:
        scorer: the method.
        questions: as many as ``most_users`` allows.

    Raises:
        WorldError: a score is not a number.
    """
    return user_metrics(scorer.score_histories(questions.histories), questions)


def user_metrics(scores: FloatArray, questions: UserQuestions) -> dict[str, float]:
    """The figures of ``evaluate_users`` from scores of all films, float ``[len(questions), num_movies]``."""
    scores = np.array(scores, dtype=np.float32)  # a copy, to mask in
    if np.isnan(scores).any():
        raise WorldError("scores must be numbers, got nan; if the model diverged, train with a smaller --lr")
    values = [
        user_values(target_ranks(row, history.rows, targets))
        for row, history, targets in zip(scores, questions.histories, questions.targets, strict=True)
    ]
    return {name: float(np.mean([value[name] for value in values])) for name in values[0]}


def target_ranks(scores: FloatArray, seen: IntArray, targets: IntArray) -> FloatArray:
    """Rank of each target among all films but those ``seen``; float64 ``[len(targets)]``, from 1.

    Args:
        scores: float ``[num_movies]``; those of seen films are overwritten.
        seen: film rows that are no candidates.
        targets: film rows, none of them seen.
    """
    scores[seen] = np.nan  # neither above nor equal to anything
    ours = scores[targets][:, None]
    higher = np.count_nonzero(scores > ours, axis=1)
    equal_others = np.count_nonzero(scores == ours, axis=1) - 1
    return 1 + higher + equal_others / 2


def user_values(ranks: FloatArray) -> dict[str, float]:
    """What one user contributes to each metric; arguments are the ranks of the user's targets."""
    found = ranks[ranks <= DEPTH]
    ideal = 1 / np.log2(1 + np.arange(1, min(DEPTH, len(ranks)) + 1))
    return {
        f"recall@{DEPTH}": len(found) / len(ranks),
        f"ndcg@{DEPTH}": float((1 / np.log2(1 + found)).sum() / ideal.sum()),
        f"hit_rate@{DEPTH}": float(len(found) > 0),
    }
