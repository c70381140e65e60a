"""Which films a method finds: questions grouped by how often their target was rated in training.

Films are put in order of their training ratings, most first (equals in catalogue order), and cut
into ten parts of equal size. The head is the first tenth, the middle the next four, the tail the
remaining five: half of the catalogue, and few of the questions.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from base.arrays import FloatArray, IntArray

NUM_DECILES = 10
HEAD_MIDDLE_TAIL = {"head": range(0, 1), "middle": range(1, 5), "tail": range(5, 10)}
DECILES = {str(i + 1): range(i, i + 1) for i in range(NUM_DECILES)}


@dataclass(frozen=True)
class Group:
    """Films of similar popularity, and the questions that look for them.

    Attributes:
        films: number of films.
        fewest: training ratings of the least rated of them; 0 if there are none.
        most: training ratings of the most rated of them; 0 if there are none.
        asked: bool ``[num_questions]``, which questions have one of them as target.
    """

    films: int
    fewest: int
    most: int
    asked: npt.NDArray[np.bool_]

    @property
    def queries(self) -> int:
        """Number of questions."""
        return int(np.count_nonzero(self.asked))

    def mean(self, values: FloatArray) -> float | None:
        """Mean of ``values`` ``[num_questions]`` over the group's questions; None where nobody asked."""
        return float(np.mean(values[self.asked])) if self.asked.any() else None


def deciles(ratings: IntArray) -> IntArray:
    """The tenth of the catalogue that each film is in, int ``[num_movies]``, 0 for the most rated.

    Args:
        ratings: int ``[num_movies]``, training ratings of each film.
    """
    tenth = np.empty(len(ratings), dtype=np.int64)
    tenth[np.argsort(-ratings, kind="stable")] = np.arange(len(ratings)) * NUM_DECILES // len(ratings)
    return tenth


def popularity_groups(ratings: IntArray, targets: IntArray, parts: dict[str, range]) -> dict[str, Group]:
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
        groups[name] = Group(int(inside.sum()), int(counts.min()), int(counts.max()), inside[targets])
    return groups


def shown_popularity(recommended: IntArray, ratings: IntArray) -> float:
    """Mean training ratings of the films in all top-10 lists.

    Args:
        recommended: int ``[num_movies]``, how many lists each film is in; ``Evaluation.recommended``.
        ratings: int ``[num_movies]``, training ratings of each film.
    """
    return float(recommended @ ratings / recommended.sum())
