"""The validation questions of a training, and how its epochs are judged by them."""

import numpy as np

from base.agreement import agreeing
from base.arrays import FloatArray, IntArray
from base.distributed import gather_objects, rank, world_size
from config import TrainingConfig
from data.splits import Queries, Split, held_out_queries
from evaluation.ranking import (
    BLOCK_SIZE,
    EmbeddingScorer,
    Scorer,
    rank_targets,
    ranking_metrics,
    sample_questions,
)
from model.fit import Validate
from model.heads import Embeddings

SHOWN = ("mrr", "hit_rate@10", "hit_rate@100")  # figures of the training history and on the screen


def validation_questions(split: Split, settings: TrainingConfig, seed: int) -> Queries | None:
    """The questions that choose the best epoch; None for the split ``none``, which holds nothing out.

    Raises:
        UserError: the validation part makes no question.
    """
    if split.name == "none":
        return None
    return sample_questions(held_out_queries(split, "validation"), settings.eval_queries, seed)


def judge_by(questions: Queries | None) -> Validate | None:
    """What ``fit`` asks after every epoch; None where there are no questions."""
    if questions is None:
        return None

    def validate(embeddings: Embeddings) -> dict[str, float]:
        ranks = ranks_together(EmbeddingScorer.of(embeddings), questions)
        metrics = ranking_metrics(ranks, questions.protocol)
        error = np.std(1 / ranks) / np.sqrt(len(ranks))
        return {name: metrics[name] for name in SHOWN} | {"mrr_error": float(error)}

    return validate


def ranks_together(scorer: Scorer, questions: Queries) -> FloatArray:
    """The ranks of ``rank_targets``, in every process; each process answers its share of the questions.

    Args:
        scorer: the method, the same in every process.
        questions: the same in every process.

    Raises:
        WorldError: a score is NaN.
    """
    shares = question_shares(questions, world_size())
    with agreeing():
        mine = rank_targets(scorer, questions.select(shares[rank()]))
    ranks = np.empty(len(questions))
    for share, part in zip(shares, gather_objects(mine), strict=True):
        ranks[share] = part
    return ranks


def question_shares(questions: Queries, num_shares: int) -> list[IntArray]:
    """Positions of the questions of each share: whole blocks of films that one process scores at once.

    Scores depend in their last bit on the films that are scored at once. These stay together, so the ranks do
    not depend on the number of shares.
    """
    _, which = np.unique(questions.queries, return_inverse=True)
    blocks = which // BLOCK_SIZE
    share = blocks * num_shares // (blocks.max() + 1)
    return [np.flatnonzero(share == number) for number in range(num_shares)]
