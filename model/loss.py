"""The two losses over (query, positive) pairs with shared and hard negatives.

Scores are inner products of unit vectors. Every pair is held against the batch's shared random
negatives and its own hard ones (paper, section 3.3); a shared negative that happens to be the
pair's query or positive does not count.

A batch of thousands of pairs has far fewer distinct queries, so scores against the shared negatives
are computed once a distinct query. That changes the cost, not the loss: the tests compare it with
a loop over pairs.
"""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class BatchScores:
    """Scores of one batch: B pairs, Q distinct queries, R shared and H hard negatives.

    Attributes:
        positive: ``[B]``.
        shared: ``[Q, R]``, minus infinity where the negative is the query itself.
        query_of_pair: int64 ``[B]``, each pair's row of ``shared``.
        positive_column: int64 ``[B]``, column of the pair's positive in ``shared``, -1 where it is not there.
        hard: ``[B, H]``.
    """

    positive: Tensor
    shared: Tensor
    query_of_pair: Tensor
    positive_column: Tensor
    hard: Tensor


def max_margin_loss(scores: BatchScores, margin: float) -> Tensor:
    """The paper's J: mean over negatives of max(0, z_q . z_n - z_q . z_i + margin) (equation 1).

    Args:
        scores: of the batch.
        margin: the paper's Delta, which it does not give.
    """
    # index_select, not brackets: its gradient adds up in a fixed order on CPU.
    shared = scores.shared.index_select(0, scores.query_of_pair)  # [B, R]
    column = torch.arange(shared.size(1), device=shared.device)
    shared = shared.masked_fill(column == scores.positive_column.unsqueeze(1), -torch.inf)
    negatives = torch.cat([shared, scores.hard], dim=1)  # [B, R + H]
    hinge = (negatives - scores.positive.unsqueeze(1) + margin).clamp(min=0)
    return (hinge.sum(dim=1) / torch.isfinite(negatives).sum(dim=1).clamp(min=1)).mean()


def softmax_loss(scores: BatchScores, temperature: float) -> Tensor:
    """Cross-entropy of the positive against its negatives (sampled softmax).

    Args:
        scores: of the batch.
        temperature: scores are divided by it.
    """
    positive = scores.positive / temperature
    total = torch.logsumexp(scores.shared / temperature, dim=1).index_select(0, scores.query_of_pair)  # [B]
    # Where the positive is among the shared negatives, the sum holds its term already, once.
    total = torch.where(scores.positive_column >= 0, total, torch.logaddexp(total, positive))
    if scores.hard.size(1):
        total = torch.logaddexp(total, torch.logsumexp(scores.hard / temperature, dim=1))
    return (total - positive).mean()
