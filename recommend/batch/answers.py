"""The answers to many questions as arrays, and those of films."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from base.arrays import FloatArray, IntArray
from recommend.by_row import RowRecommender


class Answers(NamedTuple):
    """What comes back for some films, or for some users.

    Attributes:
        counts: int64 ``[n]``, how many films each gets, at most k.
        rows: int64 ``[n, k]``, the recommended films, best first; places beyond the count mean nothing.
        scores: float64 ``[n, k]``.
        because: int64 ``[n, k]``, row of the film of a user's history that adds most; ``[n, 0]`` for films.
    """

    counts: IntArray
    rows: IntArray
    scores: FloatArray
    because: IntArray

    @classmethod
    def empty(cls, num_questions: int, k: int, have_reasons: bool) -> "Answers":
        """Room for answers."""
        counts, rows = np.zeros(num_questions, dtype=np.int64), np.zeros((num_questions, k), dtype=np.int64)
        return cls(counts, rows, np.zeros(rows.shape), np.zeros((num_questions, k * have_reasons), np.int64))

    def put(self, number: int, found: Sequence[tuple[Any, ...]]) -> None:
        """Set the answer to a question: records that begin with row, score and, for users, because."""
        self.counts[number] = len(found)
        for column, values in zip(self[1:], zip(*found, strict=True), strict=False):
            column[number, : len(values)] = values


def answers_of_films(recommender: RowRecommender, rows: range, k: int) -> Answers:
    """The ``k`` films most similar to each of ``rows``: those that ``similar_rows`` gives."""
    answers = Answers.empty(len(rows), k, have_reasons=False)
    for number, found in enumerate(recommender.similar_rows(rows, k)):
        answers.put(number, found)
    return answers
