"""Ranks of held-out films in the whole catalogue, computed in blocks of questions.

A question asks for the rank of a held-out film among all films of the catalogue that are not masked.
Candidates are never sampled: sampled metrics order methods differently (Krichene and Rendle, KDD 2020).
Ties count half, so a method gains nothing by giving all films the same score.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from base.arrays import FloatArray, IntArray
from base.candidate_counts import candidate_counts
from base.errors import WorldError
from data.splits import Queries
from evaluation.metrics import (
    HIT_RATE_CUTOFFS,
    NEXT_ITEM_DEPTH,
    SCALED_MRR_UNIT,
    ProtocolName,
    question_values,
)
from evaluation.variety import COVERAGE_DEPTH, FilmFacts, variety_metrics
from model.heads import Embeddings

__all__ = [
    "BLOCK_SIZE",
    "HIT_RATE_CUTOFFS",
    "NEXT_ITEM_DEPTH",
    "NO_QUESTIONS",
    "SCALED_MRR_UNIT",
    "EmbeddingScorer",
    "Evaluation",
    "Scorer",
    "check_numbers",
    "evaluate",
    "half_tie_ranks",
    "question_values",
    "rank_targets",
    "ranking_metrics",
    "sample_questions",
]

BLOCK_SIZE = 256  # films scored at once: about 64 MB of scores at 62,000 films
NO_QUESTIONS = "metrics need at least one question, got 0; check the split that made them"


class Scorer(Protocol):
    """A method that scores every film for a query film."""

    def score(self, queries: IntArray) -> FloatArray:
        """Scores of all films for the film rows ``queries`` ``[n]``, higher is better.

        Returns:
            float32 ``[n, num_movies]``.
        """
        ...


@dataclass(frozen=True)
class EmbeddingScorer:
    """Inner products of embeddings.

    Attributes:
        embeddings: float32 ``[num_movies, dim]``, films as candidates.
        query_embeddings: float32 ``[num_movies, dim]``, films as queries; as candidates by default.
    """

    embeddings: FloatArray
    query_embeddings: FloatArray | None = None

    @classmethod
    def of(cls, embeddings: Embeddings) -> "EmbeddingScorer":
        """The scorer of a model's embeddings."""
        return cls(embeddings.candidates.numpy(), embeddings.queries.numpy())

    def score(self, queries: IntArray) -> FloatArray:
        """Inner products of the films ``queries`` ``[n]`` with all films, float32 ``[n, num_movies]``."""
        source = self.embeddings if self.query_embeddings is None else self.query_embeddings
        return np.asarray(source, np.float32)[queries] @ np.asarray(self.embeddings, np.float32).T


@dataclass(frozen=True)
class Evaluation:
    """The figures of one method on a set of questions.

    Attributes:
        metrics: key to value, with the keys of ``output/metrics.json``.
        ranks: float64 ``[num_questions]``, rank of each target in the order of the questions: enough for
            intervals over users and for figures by target, without scoring again.
        recommended: int64 ``[num_movies]``, number of questions whose top 10 contains the film.
    """

    metrics: dict[str, float]
    ranks: FloatArray
    recommended: IntArray


def rank_targets(scorer: Scorer, questions: Queries, block_size: int = BLOCK_SIZE) -> FloatArray:
    """The rank of every question's target among all films that are not masked.

    Rank = 1 + candidates with a higher score + half of the other candidates with an equal one.
    The target is always a candidate, even where the mask names it.

    Args:
        scorer: the method.
        questions: what to ask it.
        block_size: query films scored at once; bounds memory. Scores by matrix product can differ in their
            last bit between block sizes, so scores that tie with one size may not tie with another.

    Returns:
        float64 ``[len(questions)]``.

    Raises:
        WorldError: a score is NaN.
    """
    return ask(scorer, questions, block_size)[0]


def evaluate(
    scorer: Scorer, questions: Queries, block_size: int = BLOCK_SIZE, facts: FilmFacts | None = None
) -> Evaluation:
    """All metrics of one method on one set of questions; arguments and errors as in ``rank_targets``.

    Args:
        scorer: the method.
        questions: what to ask it.
        block_size: query films scored at once.
        facts: about films, for the figures of ``evaluation.variety``; None leaves them out.

    Raises:
        ValueError: there are no questions.
        WorldError: a score is NaN.
    """
    if len(questions) == 0:
        raise ValueError(NO_QUESTIONS)
    ranks, lists, num_movies = ask(scorer, questions, block_size, COVERAGE_DEPTH)
    recommended = np.bincount(lists[lists >= 0], minlength=num_movies)
    metrics = ranking_metrics(ranks, questions.protocol, recommended)
    if facts is not None:
        metrics |= variety_metrics(lists, facts)
    return Evaluation(metrics, ranks, recommended)


def ranking_metrics(
    ranks: FloatArray, protocol: ProtocolName, recommended: IntArray | None = None
) -> dict[str, float]:
    """Metrics of questions with one target each: the means of ``question_values``, and coverage.

    Args:
        ranks: float ``[num_questions]``, from 1.
        protocol: decides the metrics, as in ``evaluation.metrics.METRICS``.
        recommended: int ``[num_movies]``, number of top 10s that contain each film; adds ``coverage@10``,
            the share of the catalogue that is in at least one of them.

    Raises:
        ValueError: there are no ranks.
    """
    if len(ranks) == 0:
        raise ValueError(NO_QUESTIONS)
    metrics = {key: float(np.mean(values)) for key, values in question_values(ranks, protocol).items()}
    if recommended is not None:
        metrics[f"coverage@{COVERAGE_DEPTH}"] = float(np.mean(recommended > 0))
    return metrics


def ask(
    scorer: Scorer, questions: Queries, block_size: int = BLOCK_SIZE, depth: int = 0
) -> tuple[FloatArray, IntArray, int]:
    """The rank of each target, and the films that a method puts first.

    Args:
        scorer: the method.
        questions: what to ask it, at least one question.
        block_size: query films scored at once.
        depth: how many films of each question are wanted.

    Returns:
        Ranks, float64 ``[n]``; rows of the first films, int32 ``[n, depth]``, best first, of equal scores
        the lower row, -1 where a question has too few candidates; and ``num_movies``.

    Raises:
        WorldError: a score is NaN.
    """
    ranks = np.empty(len(questions))
    lists = np.full((len(questions), depth), -1, dtype=np.int32)
    num_movies = 0
    # Questions about the same film are put together, so that each film is scored once.
    queries, which = np.unique(questions.queries, return_inverse=True)
    order = np.argsort(which, kind="stable")
    first = np.searchsorted(which[order], np.arange(len(queries) + 1))  # of each film, and the end
    for start in range(0, len(queries), block_size):
        films = queries[start : start + block_size]
        rows = order[first[start] : first[start + len(films)]]
        block = questions.select(rows)
        scores = np.asarray(scorer.score(films), dtype=np.float32)
        check_numbers(scores, films)
        num_movies = scores.shape[1]
        one_target = np.arange(len(rows) + 1)
        higher, equal, best = candidate_counts(
            scores, which[rows] - start, block.mask_ptr, block.mask_movies, one_target, block.targets, depth
        )
        ranks[rows] = half_tie(higher, equal)
        lists[rows, : best.shape[1]] = best
    return ranks, lists, num_movies


def half_tie_ranks(scores: FloatArray, target_scores: FloatArray) -> FloatArray:
    """Rank of each target: 1 + candidates with a higher score + half of the other ones with an equal score.

    Args:
        scores: float ``[num_movies]``, or ``[n, num_movies]`` with one row per target; the targets' own
            scores are among them. NaN is neither higher nor equal, so it takes a film out.
        target_scores: float ``[n]``.

    Returns:
        float64 ``[n]``, from 1.
    """
    own = target_scores[:, None]
    return half_tie(np.count_nonzero(scores > own, axis=1), np.count_nonzero(scores == own, axis=1))


def half_tie(higher: IntArray, equal: IntArray) -> FloatArray:
    """Ranks, float64 ``[n]``, from the numbers of candidates above each target and level with it.

    Args:
        higher: int ``[n]``.
        equal: int ``[n]``, the target among them.
    """
    return 1 + higher + (equal - 1) / 2


def sample_questions(questions: Queries, limit: int, seed: int) -> Queries:
    """At most ``limit`` questions, drawn without replacement and kept in order; a function of the seed."""
    if len(questions) <= limit:
        return questions
    chosen = np.random.default_rng(seed).choice(len(questions), limit, replace=False)
    return questions.select(np.sort(chosen))


def check_numbers(scores: FloatArray, films: IntArray) -> None:
    """Refuse scores that are not numbers.

    Args:
        scores: float ``[n, num_movies]``.
        films: int ``[n]``, the query of each row.

    Raises:
        WorldError: a score is NaN.
    """
    broken = np.isnan(scores).any(axis=1)
    if broken.any():
        raise WorldError(
            f"scores contain NaN for {broken.sum()} of {len(films)} queries, the first of them film row "
            f"{films[broken.argmax()]}; if the training diverged, train again with a smaller `lr`"
        )
