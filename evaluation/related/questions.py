"""Questions about relatedness: which items belong to an item, whatever anybody rated next?

The other protocols ask what a user rated. These ask what a person would recognise: the other films of a
series, or pairs of items that the data's own file names.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from base.arrays import IntArray
from data.dataset import MovieLens
from data.series import Series, find_series

Kind = Literal["series", "pairs"]


@dataclass(frozen=True)
class RelatedQuestions:
    """Items as queries, each with the items that belong to it. Only the query is no candidate.

    Attributes:
        kind: ``series``: of the titles of a MovieLens catalogue. ``pairs``: of a file of the data's own.
        queries: int64 ``[n]`` film rows.
        ptr: int64 ``[n + 1]``; question i looks for ``siblings[ptr[i]:ptr[i + 1]]``, at least one.
        siblings: int64 film rows.
        groups: int64 ``[n]``, the group of each question, from 0. Figures are means over a group's
            questions, then over the groups.
    """

    kind: Kind
    queries: IntArray
    ptr: IntArray
    siblings: IntArray
    groups: IntArray

    def __len__(self) -> int:
        return len(self.queries)

    @property
    def num_groups(self) -> int:
        """Number of groups."""
        return int(self.groups[-1]) + 1


def related_questions(movielens: MovieLens) -> RelatedQuestions | None:
    """The questions that the data allow.

    Returns:
        Those of the file that the schema names; without one, those of the series in the titles of a MovieLens
        catalogue; None if there is neither.
    """
    if movielens.related is not None:
        return questions_of_pairs(*movielens.related.T)
    movies = movielens.movies
    if movies.text_ids is not None:
        return None
    series = find_series(movies.titles, movies.years, movies.genres)
    return questions_of_series(series) if series else None


def questions_of_series(series: Sequence[Series]) -> RelatedQuestions:
    """One question per film of a series; its siblings are the others.

    Args:
        series: at least one.
    """
    siblings = [np.delete(one.rows, place) for one in series for place in range(len(one.rows))]
    return RelatedQuestions(
        "series",
        np.concatenate([one.rows for one in series]),
        np.cumsum([0, *map(len, siblings)]),
        np.concatenate(siblings),
        np.repeat(np.arange(len(series)), [len(one.rows) for one in series]),
    )


def questions_of_pairs(items: IntArray, related: IntArray) -> RelatedQuestions | None:
    """One question per item that has related ones, each a group of its own.

    Args:
        items: int ``[n]`` film rows.
        related: int ``[n]`` film rows. An item that is related to itself does not count.

    Returns:
        None if no item has a related one.
    """
    pairs = np.unique(np.stack([items, related], axis=1)[items != related], axis=0)
    if len(pairs) == 0:
        return None
    queries, first = np.unique(pairs[:, 0], return_index=True)
    ptr = np.append(first, len(pairs))
    return RelatedQuestions("pairs", queries, ptr, pairs[:, 1], np.arange(len(queries)))
