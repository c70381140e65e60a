"""The two losses over (query, positive) pairs with shared and hard negatives.

Scores are inner products of unit vectors. Every pair is held against the batch's shared random
negatives and its own hard ones (paper, section 3.3); a shared negative that happens to be the
pair's query or positive does not count.

A batch of thousands of pairs has far fewer distinct queries, so scores against the shared negatives
are computed once a distinct query. That changes the cost, not the loss: the tests compare it with
a loop over pairs. Rows are picked by ``index_select``: its gradient adds up in a fixed order on CPU,
that of indexing with brackets does not.
"""

from abc import ABC, abstractmethod
from typing import Any

import torch
from torch import Tensor

from config import TrainingConfig
from model.batch import PairBatch
from model.heads import Embeddings


class Loss(ABC):
    """A loss of a batch: to add one, subclass this and enter it in ``LOSSES`` and in ``config.LOSSES``.

    Args:
        settings: of the training; a loss reads what it needs.

    Shapes:
        - ``__call__``: unit rows ``[F, d]`` twice (candidates and queries) -> a scalar
    """

    def __init__(self, settings: TrainingConfig):
        self.settings = settings

    @abstractmethod
    def __call__(self, z: Embeddings, batch: PairBatch) -> Tensor:
        """The mean loss over the batch's pairs, differentiable in ``z``."""


class SoftmaxLoss(Loss):
    """Sampled softmax with the settings' temperature and precision: see ``softmax_loss``."""

    def __call__(self, z: Embeddings, batch: PairBatch) -> Tensor:
        """See ``softmax_loss``."""
        return softmax_loss(z, batch, self.settings.temperature, getattr(torch, self.settings.precision))


class MaxMarginLoss(Loss):
    """The paper's loss with the settings' margin: see ``max_margin_loss``."""

    def __call__(self, z: Embeddings, batch: PairBatch) -> Tensor:
        """See ``max_margin_loss``."""
        return max_margin_loss(z, batch, self.settings.margin)


LOSSES: dict[str, type[Loss]] = {"softmax": SoftmaxLoss, "max_margin": MaxMarginLoss}


def max_margin_loss(z: Embeddings, batch: PairBatch, margin: float) -> Tensor:
    """The paper's J: mean over negatives of max(0, z_q . z_n - z_q . z_i + margin) (equation 1).

    Args:
        z: unit rows ``[F, d]`` for the batch's distinct films.
        batch: pairs and negatives.
        margin: the paper's Delta, which it does not give.
    """
    shared = _hide(_distinct_queries(z, batch) @ _negatives(z, batch).T, batch.own_column)  # [Q, R]
    shared = _hide(shared.index_select(0, batch.query_of_pair), batch.positive_column)  # [B, R]
    negatives = torch.cat([shared, _hard_scores(z, batch)], dim=1)  # [B, R + H]
    hinge = (negatives - _positive_scores(z, batch).unsqueeze(1) + margin).clamp(min=0)
    return (hinge.sum(dim=1) / torch.isfinite(negatives).sum(dim=1).clamp(min=1)).mean()


def softmax_loss(
    z: Embeddings, batch: PairBatch, temperature: float, precision: torch.dtype = torch.float32
) -> Tensor:
    """Cross-entropy of the positive against its negatives (sampled softmax).

    Where negatives were drawn with unequal chances, one of chance c counts 1 / c times, so that the sum
    estimates that over the whole catalogue without bias.

    Args:
        z: unit rows ``[F, d]`` for the batch's distinct films.
        batch: pairs and negatives.
        temperature: scores are divided by it.
        precision: of the products with the shared negatives; everything else stays as ``z`` is.
    """
    positive = _positive_scores(z, batch) / temperature
    scaled = _distinct_queries(z, batch) / temperature
    negatives = _negatives(z, batch)
    log_probability = batch.log_probability
    total = _SharedLogSumExp.apply(scaled, negatives, batch.own_column, precision, log_probability)  # [Q]
    total = total.index_select(0, batch.query_of_pair)  # [B]
    if log_probability is not None:
        total = _with_positive_once(total, positive, log_probability, batch.positive_column)
    # Where the positive is among the shared negatives, the sum holds its term already, once.
    total = torch.where(batch.positive_column >= 0, total, torch.logaddexp(total, positive))
    if batch.hard.size(1):
        total = torch.logaddexp(total, torch.logsumexp(_hard_scores(z, batch) / temperature, dim=1))
    return (total - positive).mean()


def _with_positive_once(
    total: Tensor, positive: Tensor, log_probability: Tensor, positive_column: Tensor
) -> Tensor:
    """Take from ``total`` ``[B]`` what the positive's term is above its own where it is a negative too.

    There it was divided by its chance c, so 1 / c - 1 times the term is too much.
    """
    surplus = (-log_probability).expm1().log()  # [R]
    part = torch.where(positive_column >= 0, positive + surplus[positive_column] - total, -torch.inf).exp()
    return total + torch.log1p(-part.clamp(max=1 - 1e-6))  # rounding must not leave less than nothing


class _SharedLogSumExp(torch.autograd.Function):
    """log sum over n of exp(queries . negatives[n]) / chance[n], the query itself left out.

    The score matrix is most of a step's memory traffic. Autograd would read and write it ten times;
    here it is written by the product, turned into exponentials in place, and read by two products.
    """

    @staticmethod
    def forward(
        ctx: Any,
        queries: Tensor,
        negatives: Tensor,
        own_column: Tensor,
        precision: torch.dtype,
        log_probability: Tensor | None,
    ) -> Tensor:
        """Sum ``[Q]`` of ``[Q, d]``, ``[R, d]``, int64 ``[Q]``; minus infinity where nothing is left."""
        low_queries, low_negatives = queries.to(precision), negatives.to(precision)
        scores = _hide(low_queries @ low_negatives.T, own_column)  # [Q, R]
        if log_probability is not None:
            scores -= log_probability
        # A finite stand-in for the greatest of none.
        most = scores.amax(dim=1, keepdim=True).clamp(min=torch.finfo(scores.dtype).min)
        terms = scores.sub_(most).exp_()
        total = terms.sum(dim=1, dtype=queries.dtype)
        ctx.save_for_backward(low_queries, low_negatives, terms, total)
        return most.squeeze(1).to(queries.dtype) + total.log()

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, None, None, None]:
        """The softmax is terms / total; the division goes to the small side of each product."""
        queries, negatives, terms, total = ctx.saved_tensors
        scale = gradients[0] / total.clamp(min=torch.finfo(total.dtype).tiny)  # [Q]
        to_queries = (terms @ negatives).to(total.dtype) * scale.unsqueeze(1)
        scaled = (queries.to(total.dtype) * scale.unsqueeze(1)).to(queries.dtype)
        return to_queries, (terms.T @ scaled).to(total.dtype), None, None, None


def _hide(scores: Tensor, column: Tensor) -> Tensor:
    """Minus infinity in one column of each row, in place; in none where ``column`` is -1."""
    row = (column >= 0).nonzero().view(-1)
    scores[row, column[row]] = -torch.inf
    return scores


def _distinct_queries(z: Embeddings, batch: PairBatch) -> Tensor:
    return z.queries.index_select(0, batch.distinct_query)  # [Q, d]


def _negatives(z: Embeddings, batch: PairBatch) -> Tensor:
    return z.candidates.index_select(0, batch.negative)  # [R, d]


def _positive_scores(z: Embeddings, batch: PairBatch) -> Tensor:
    queries = z.queries.index_select(0, batch.query)
    return (queries * z.candidates.index_select(0, batch.positive)).sum(dim=1)  # [B]


def _hard_scores(z: Embeddings, batch: PairBatch) -> Tensor:
    queries = z.queries.index_select(0, batch.query)
    hard = z.candidates.index_select(0, batch.hard.view(-1)).view(*batch.hard.shape, queries.size(1))
    return torch.einsum("bd,bhd->bh", queries, hard)
