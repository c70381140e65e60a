"""Full-catalogue ranking metrics, computed in blocks of questions.

A question asks where a held-out film ranks among every film of the catalogue that is not masked;
nothing is sampled from the candidates (sampled metrics order methods differently: Krichene and
Rendle, KDD 2020). Ties count half, so a method that scores everything alike gains nothing by it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np

from base.arrays import FloatArray, IntArray
from base.errors import WorldError
from base.top_columns import top_columns
from data.splits import Queries
from model.heads import Embeddings

BLOCK_SIZE = 256  # questions a block: about 64 MB of scores at 62,000 films
HIT_RATE_CUTOFFS = (10, 100, 500)
COVERAGE_DEPTH = 10  # length of the list that coverage and recommendation counts look at
NEXT_ITEM_DEPTH = 20  # cut-off of recall and NDCG in the next-item protocol
NO_QUESTIONS = "metrics need at least one question, got 0; check the split that made them"
SCALED_MRR_UNIT = 100  # the paper's scaling of the rank in its MRR (section 4.1)


class Scorer(Protocol):
    """Anything that says how well every film goes with a query film."""

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
    """What a method achieves on a set of questions.

    Attributes:
        metrics: name to value, the names of ``output/metrics.json``.
        ranks: float64 ``[num_questions]``, rank of each target in the questions' order, so that
            intervals over users and breakdowns by target can be computed without scoring again.
        recommended: int64 ``[num_movies]``, in how many questions' top 10 each film stands.
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
        block_size: questions scored at once; bounds memory. Scores by matrix product can differ in
            their last bit between sizes, and with them what is a tie.

    Returns:
        float64 ``[len(questions)]``.

    Raises:
        WorldError: a score is not a number.
    """
    ranks = np.empty(len(questions))
    for rows, scores in _candidate_scores(scorer, questions, block_size):
        ranks[rows] = _block_ranks(scores, questions.targets[rows])
    return ranks


def evaluate(scorer: Scorer, questions: Queries, block_size: int = BLOCK_SIZE) -> Evaluation:
    """All metrics of one method on one set of questions; arguments and errors as in ``rank_targets``.

    Raises:
        ValueError: there are no questions.
        WorldError: a score is not a number.
    """
    ranks = np.empty(len(questions))
    recommended: IntArray | None = None
    for rows, scores in _candidate_scores(scorer, questions, block_size):
        ranks[rows] = _block_ranks(scores, questions.targets[rows])
        found = top_columns(scores, COVERAGE_DEPTH)
        top = np.bincount(found[found >= 0], minlength=scores.shape[1])
        recommended = top if recommended is None else recommended + top
    if recommended is None:
        raise ValueError(NO_QUESTIONS)
    return Evaluation(ranking_metrics(ranks, questions.protocol, recommended), ranks, recommended)


def ranking_metrics(
    ranks: FloatArray, protocol: Literal["next_item", "pairs"], recommended: IntArray | None = None
) -> dict[str, float]:
    """Metrics of questions with one target each. A half rank is a hit at k if it is at most k.

    Args:
        ranks: float ``[num_questions]``, from 1.
        protocol: ``next_item`` adds ``ndcg@20`` and ``recall@20``; ``pairs`` adds the paper's
            ``scaled_mrr``, the mean of ``1 / ceil(rank / 100)``.
        recommended: int ``[num_movies]``, how often each film was in a top 10; adds
            ``coverage@10``, the share of the catalogue that was there at least once.

    Raises:
        ValueError: there are no ranks.
    """
    if len(ranks) == 0:
        raise ValueError(NO_QUESTIONS)
    metrics = {name: float(np.mean(values)) for name, values in question_values(ranks, protocol).items()}
    if recommended is not None:
        metrics[f"coverage@{COVERAGE_DEPTH}"] = float(np.mean(recommended > 0))
    return metrics


def question_values(ranks: FloatArray, protocol: Literal["next_item", "pairs"]) -> dict[str, FloatArray]:
    """What each question contributes to each metric; a metric is the mean of them.

    Args:
        ranks: float ``[num_questions]``, from 1.
        protocol: decides the metrics, as in ``ranking_metrics``.

    Returns:
        Metric to float64 ``[num_questions]``.
    """
    values: dict[str, FloatArray] = {
        f"hit_rate@{k}": (ranks <= k).astype(np.float64) for k in HIT_RATE_CUTOFFS
    }
    values["mrr"] = 1 / ranks
    if protocol == "pairs":
        values["scaled_mrr"] = 1 / np.ceil(ranks / SCALED_MRR_UNIT)
    else:
        # One target: the ideal DCG is 1, and recall is the hit rate.
        hits = (ranks <= NEXT_ITEM_DEPTH).astype(np.float64)
        values[f"ndcg@{NEXT_ITEM_DEPTH}"] = hits / np.log2(1 + ranks)
        values[f"recall@{NEXT_ITEM_DEPTH}"] = hits
    return values


def sample_questions(questions: Queries, limit: int, seed: int) -> Queries:
    """At most ``limit`` questions, drawn without replacement, in their order; a function of the seed."""
    if len(questions) <= limit:
        return questions
    chosen = np.random.default_rng(seed).choice(len(questions), limit, replace=False)
    return questions.select(np.sort(chosen))


def _candidate_scores(
    scorer: Scorer, questions: Queries, block_size: int
) -> Iterator[tuple[IntArray, FloatArray]]:
    """Blocks of (question positions ``[b]``, float32 scores ``[b, num_movies]`` with nan where masked).

    nan is neither above nor equal to anything, so masked films fall out of every comparison.
    """
    # Questions about the same film stand together: each block scores its distinct films once.
    order = np.argsort(questions.queries, kind="stable")
    for start in range(0, len(order), block_size):
        rows = order[start : start + block_size]
        block = questions.select(rows)
        films, which = np.unique(block.queries, return_inverse=True)
        film_scores = np.asarray(scorer.score(films), dtype=np.float32)
        _check_numbers(film_scores, films)
        scores = film_scores[which]
        question = np.arange(len(rows))
        target_scores = scores[question, block.targets]
        scores[np.repeat(question, np.diff(block.mask_ptr)), block.mask_movies] = np.nan
        scores[question, block.targets] = target_scores
        yield rows, scores


def _check_numbers(scores: FloatArray, films: IntArray) -> None:
    broken = np.isnan(scores).any(axis=1)
    if broken.any():
        raise WorldError(
            f"scores must be numbers: film row {films[broken.argmax()]} as a query has nan scores "
            f"({broken.sum()} of {len(films)} queries do); if the model diverged, "
            "train again with a smaller --lr"
        )


def _block_ranks(scores: FloatArray, targets: IntArray) -> FloatArray:
    target_scores = np.take_along_axis(scores, targets[:, None].astype(np.int64), axis=1)  # [b, 1]
    higher = np.count_nonzero(scores > target_scores, axis=1)
    equal_others = np.count_nonzero(scores == target_scores, axis=1) - 1
    return 1 + higher + equal_others / 2
