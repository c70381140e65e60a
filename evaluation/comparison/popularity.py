"""Which films a method finds: questions grouped by how often their target was rated in training.

Films are sorted by their training ratings, the most rated first (equals in catalogue order), and cut
into ten parts of equal size. The head is the first tenth, the middle the next four, the tail the
last five. The tail is half of the catalogue and has few of the questions.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from base.arrays import FloatArray, IntArray

NUM_DECILES = 10
HEAD_MIDDLE_TAIL = {"head": range(0, 1), "middle": range(1, 5), "tail": range(5, 10)}
DECILES = {str(i + 1): range(i, i + 1) for i in range(NUM_DECILES)}


@dataclass(frozen=True)
class PopularityGroup:
    """Films of similar popularity, and the questions that look for them.

    Attributes:
        films: number of films.
        min_ratings: training ratings of the least rated of them; 0 if there are none.
        max_ratings: training ratings of the most rated of them; 0 if there are none.
        asked: bool ``[num_questions]``, which questions have one of them as target.
    """

    films: int
    min_ratings: int
    max_ratings: int
    asked: npt.NDArray[np.bool_]

    @property
    def queries(self) -> int:
        """Number of questions."""
        return int(np.count_nonzero(self.asked))

    def mean(self, values: FloatArray) -> float | None:
        """Mean of ``values`` ``[num_questions]`` over the group's questions; None if it has no questions."""
        return float(np.mean(values[self.asked])) if self.asked.any() else None


def deciles(ratings: IntArray) -> IntArray:
    """The tenth of the catalogue that each film belongs to, int ``[num_movies]``, 0 for the most rated.

    Args:
        ratings: int ``[num_movies]``, training ratings of each film.
    """
    tenth = np.empty(len(ratings), dtype=np.int64)
    tenth[np.argsort(-ratings, kind="stable")] = np.arange(len(ratings)) * NUM_DECILES // len(ratings)
    return tenth


def popularity_groups(
    ratings: IntArray, targets: IntArray, parts: dict[str, range]
) -> dict[str, PopularityGroup]:
    """Questions by the popularity of their target.

    Args:
        ratings: int ``[num_movies]``, training ratings of each film.
        targets: int ``[num_questions]`` film rows.
        parts: name to deciles from 0, ``HEAD_MIDDLE_TAIL`` or ``DECILES``.
    """
    tenth = deciles(ratings)
    groups = {}
    for name, part in parts.items():
        inside = np.isin(tenth, part)
        counts = ratings[inside] if inside.any() else np.zeros(1, dtype=np.int64)
        groups[name] = PopularityGroup(
            int(inside.sum()), int(counts.min()), int(counts.max()), inside[targets]
        )
    return groups


def shown_popularity(recommended: IntArray, ratings: IntArray) -> float:
    """Mean number of training ratings of the films in all top-10 lists.

    Args:
        recommended: int ``[num_movies]``, how many lists contain each film; ``Evaluation.recommended``.
        ratings: int ``[num_movies]``, training ratings of each film.
    """
    return float(recommended @ ratings / recommended.sum())
