"""Films for a person, from the films that the person has seen.

Every film of a history asks for itself, and a candidate's score is a soft maximum over their answers:
whoever likes westerns and cartoons is shown some of each, not what lies halfway between, as an averaged
vector would (PinnerSage, Pal et al., KDD 2020, keeps interests apart for the same reason). The film that
contributes most to a score is the reason for it.
"""

from typing import NamedTuple

import numpy as np

from data.dataset import FloatArray, IntArray
from utils.search.base import VectorIndex

SHARPNESS = 0.1  # temperature of the soft maximum, that of the training
HALF_LIFE = 5.0  # a film counts half as much as one watched this many films later
CANDIDATES = 50  # films that each film of the history proposes, at least
MOST_ASKED = 100  # films of a history that are asked, those with most weight


class History(NamedTuple):
    """Films that someone has seen, oldest first.

    Attributes:
        rows: int64 ``[n]`` film rows, distinct.
        ratings: float32 ``[n]``, nan where there is none.
    """

    rows: IntArray
    ratings: FloatArray


class Suggestion(NamedTuple):
    """A film for a person.

    Attributes:
        row: the film.
        score: soft maximum of the cosines between it and the films of the history.
        because: row of the film of the history that speaks for it most.
        rating: the person's rating of that film, None where there is none.
    """

    row: int
    score: float
    because: int
    rating: float | None


def history_weights(history: History) -> FloatArray:
    """How much each film of a history counts, float64 ``[n]``, summing to 1: recent films most."""
    age = np.arange(len(history.rows))[::-1]
    weights = 0.5 ** (age / HALF_LIFE)
    return weights / weights.sum()


def suggest(
    index: VectorIndex, embeddings: FloatArray, queries: FloatArray, history: History, k: int
) -> list[Suggestion]:
    """The ``k`` best films for a history, best first, none that it holds; fewer where there are no others.

    Args:
        index: over the film rows; proposes candidates.
        embeddings: float32 ``[num_movies, d]``, films as candidates.
        queries: float32 ``[num_movies, d]``, films as queries.
        history: what the person has seen; at least one film.
        k: films wanted.
    """
    weights = history_weights(history)
    asked = np.sort(np.argsort(-weights, kind="stable")[:MOST_ASKED])
    asking = queries[history.rows[asked]]  # [m, d]
    found = index.search(asking, max(k, CANDIDATES), exclude=[history.rows] * len(asked)).ids
    candidates = np.unique(found)
    if not len(candidates):
        return []
    cosines = asking.astype(np.float64) @ embeddings[candidates].T  # [m, c]
    votes = weights[asked, None] * np.exp(cosines / SHARPNESS)
    scores = SHARPNESS * np.log(votes.sum(axis=0) / weights[asked].sum())
    best = np.argsort(-scores, kind="stable")[:k]
    reasons = asked[votes[:, best].argmax(axis=0)]
    return [
        Suggestion(int(candidates[c]), float(scores[c]), int(history.rows[h]), _stars(history.ratings[h]))
        for c, h in zip(best, reasons, strict=True)
    ]


def _stars(rating: float) -> float | None:
    return None if np.isnan(rating) else float(rating)
