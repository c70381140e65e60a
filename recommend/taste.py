"""Films for a person, from the films that the person has seen.

Every film of a history ranks the films nearest to it, and the rankings are fused (reciprocal rank fusion:
Cormack, Clarke and Buettcher, SIGIR 2009): a candidate's score grows with each ranking that has it, and the
more the higher it stands there. The rankings of recent and well-rated films count most.

Films of a history are never averaged into one vector, so a person who likes westerns and cartoons gets some
of each, and nothing halfway between. PinnerSage (Pal et al., KDD 2020) keeps interests apart by clustering a
history and asking with the medoids. Asking with every film needs no clusters, and was better on validation.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import scipy.sparse as sp

from base.arrays import FloatArray, IntArray
from data.histories import History
from model.checkpoint import Checkpoint
from search import ExactIndex
from search.base import VectorIndex
from search.subset import Subset

# Chosen on the validation part of the user protocol on ml-100k. Values near these make little difference.
NEAREST = 200  # films that each film of a history ranks
RECENCY_POWER = 0.85  # the latest film counts 1, the one before it .55, then .39
LONG_HISTORY = 20  # with fewer films, recency counts less: a few favourites are typed in no order of time
RATING_POWER = 2.0  # 5 stars count 25 times as much as 1 star
MIN_RATING_SHARE = 0.1  # any rating counts at least this share of the highest, so that no film counts 0
MAX_ASKED = 500  # films of a history that are asked: those that count most

BLOCK = 1024  # films asked at once

ChangeQueries = Callable[[FloatArray], FloatArray]


class Suggestion(NamedTuple):
    """A film for a person.

    Attributes:
        row: the film.
        score: from 0 to 1, where 1 is a film that is nearest to every film of the history.
        because: row of the film of the history that adds most to its score.
        rating: the person's rating of that film in stars, None without one.
    """

    row: int
    score: float
    because: int
    rating: float | None


def history_weights(history: History) -> FloatArray:
    """How much each film of a history counts: float64 ``[n]``, summing to 1; recent and well-rated ones most.

    Order counts little in a short history. A film without a rating counts as if it had the average of the
    others. Only ratios of ratings matter, so they may have any scale.
    """
    age = np.arange(len(history.rows), 0, -1, dtype=np.float64)  # 1 for the latest
    weights = age ** (-RECENCY_POWER * min(1.0, len(age) / LONG_HISTORY))
    known = ~np.isnan(history.ratings)
    if known.any() and np.nanmax(history.ratings) > 0:
        ratings = np.where(known, history.ratings, history.ratings[known].mean(dtype=np.float64))
        weights *= np.maximum(ratings / ratings.max(), MIN_RATING_SHARE) ** RATING_POWER
    return weights / weights.sum()


def suggest(
    index: VectorIndex,
    queries: FloatArray,
    history: History,
    k: int,
    rank_offset: float,
    change: ChangeQueries | None = None,
    allowed: Subset | None = None,
) -> list[Suggestion]:
    """The ``k`` best films for a history, best first, without its own; fewer if there are no others.

    Args:
        index: over film rows. It ranks the films nearest to each film of the history.
        queries: float32 ``[num_movies, d]``, films as queries.
        history: what the person has seen.
        k: films wanted.
        rank_offset: see ``PersonSettings``.
        change: what is done with the queries before the search; None is nothing.
        allowed: films that may be recommended, as ``index.subset`` gives them; None for all. The others are
            in no ranking.
    """
    asked, weights = strongest(history)
    ranked = len(index) if allowed is None else len(allowed)  # films of all rankings together
    own = history.rows < len(index) if allowed is None else np.isin(history.rows, index.ids[allowed.rows])
    possible = ranked - len(np.unique(history.rows[own]))
    if not possible:
        return []
    depth = NEAREST
    while True:
        found = nearest_films(index, queries, history.rows[asked], depth, change, allowed)
        candidates, place = np.unique(found, return_inverse=True)
        if depth >= ranked or np.setdiff1d(candidates, history.rows).size >= min(k, possible):
            break
        depth *= 4  # the nearest ones have been seen: look further
    votes = (weights[:, None] * rank_shares(found.shape[1], rank_offset)).ravel()  # [m * depth]
    place = place.ravel()
    scores = np.bincount(place, votes, minlength=len(candidates))
    scores[np.isin(candidates, history.rows)] = 0
    best = np.argsort(-scores, kind="stable")[:k]
    best = best[scores[best] > 0]
    # Sorted by candidate, highest vote first, so the first entry of each candidate is its reason.
    order = np.lexsort((-votes, place))
    reasons = order[np.searchsorted(place[order], best)] // found.shape[1]
    return [
        Suggestion(int(candidates[c]), float(scores[c]), int(history.rows[h]), _stars(history.ratings[h]))
        for c, h in zip(best, asked[reasons], strict=True)
    ]


def nearest_films(
    index: VectorIndex,
    queries: FloatArray,
    rows: IntArray,
    depth: int,
    change: ChangeQueries | None = None,
    allowed: Subset | None = None,
) -> IntArray:
    """The films nearest to each of ``rows``, best first and without itself, int64 ``[n, at most depth]``.

    There may be any number of rows: the index gets a block at a time.
    """

    def of_block(block: IntArray) -> IntArray:
        asked = queries[block] if change is None else change(queries[block])
        return index.search(asked, depth, list(block[:, None]), allowed).ids

    blocks = [rows[start : start + BLOCK] for start in range(0, max(len(rows), 1), BLOCK)]
    return np.concatenate([of_block(block) for block in blocks])


def rank_shares(depth: int, rank_offset: float) -> FloatArray:
    """How much the ranks 1 to ``depth`` count: float64 ``[depth]``, 1 for the first."""
    return (1 + rank_offset) / (np.arange(1, depth + 1) + rank_offset)


class TasteScorer:
    """The recommendations of ``suggest`` as scores of all films for many people at once, for evaluation.

    Args:
        index: over film rows.
        queries: float32 ``[num_movies, d]``, films as queries.
        rank_offset: see ``PersonSettings``.
    """

    def __init__(self, index: VectorIndex, queries: FloatArray, rank_offset: float):
        self.index = index
        self.queries = queries
        self.rank_offset = rank_offset

    @classmethod
    def of(cls, checkpoint: Checkpoint) -> "TasteScorer":
        """The recommendations of a model, by exact search."""
        vectors = checkpoint.embeddings.numpy()
        index = ExactIndex().build(vectors, np.arange(len(vectors)))
        return cls(index, checkpoint.person_queries, checkpoint.person.rank_offset)

    def score_histories(self, histories: list[History]) -> FloatArray:
        """Scores of all films for each history, its own films included: float32 ``[n, num_movies]``."""
        weights = weight_matrix(histories, len(self.queries))
        asked = np.unique(weights.indices)
        return (weights[:, asked] @ self.shares(asked)).astype(np.float32).toarray()

    def shares(self, rows: IntArray) -> sp.csr_matrix:
        """How much each film counts in the rankings of ``rows``: float64 ``[len(rows), num_movies]``."""
        nearest = nearest_films(self.index, self.queries, rows, NEAREST)
        depth = nearest.shape[1]
        shares = np.tile(rank_shares(depth, self.rank_offset), len(rows))
        ends = np.arange(len(rows) + 1) * depth
        return sp.csr_matrix((shares, nearest.ravel(), ends), shape=(len(rows), len(self.queries)))


def weight_matrix(histories: list[History], num_movies: int) -> sp.csr_matrix:
    """``history_weights`` of the films that are asked: float64 ``[n, num_movies]``."""
    chosen = [strongest(history) for history in histories]
    ends = np.cumsum([0, *(len(asked) for asked, _ in chosen)])
    films = [history.rows[asked] for history, (asked, _) in zip(histories, chosen, strict=True)]
    weights = np.concatenate([weights for _, weights in chosen])
    return sp.csr_matrix((weights, np.concatenate(films), ends), shape=(len(histories), num_movies))


def strongest(history: History) -> tuple[IntArray, FloatArray]:
    """Positions in the history of the films to ask, rising, and their weights, summing to 1."""
    weights = history_weights(history)
    asked = np.sort(np.argsort(-weights, kind="stable")[:MAX_ASKED])
    return asked, weights[asked] / weights[asked].sum()


def _stars(rating: float) -> float | None:
    return None if np.isnan(rating) else float(rating)
