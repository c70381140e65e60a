"""The losses over (query, positive) pairs with shared and hard negatives.

Scores are inner products of unit vectors. The negatives of a pair are the random negatives that the whole
batch shares, and the pair's own hard negatives (paper, section 3.3). A shared negative that is the query or
the positive of the pair is masked.

A batch has thousands of pairs but far fewer distinct queries, so the scores of the shared negatives are
computed once per distinct query. This saves time and does not change the loss; the tests compare it with a
loop over pairs. Rows are selected by ``index_select``: on the CPU, its gradient is summed in a fixed order,
unlike the gradient of indexing with brackets.
"""

from abc import ABC, abstractmethod
from typing import Any

import torch
from torch import Tensor

from config import TrainingConfig
from model.batch import PairBatch
from model.heads import Embeddings


class Loss(ABC):
    """The loss of a batch. To add a loss, write a subclass and add it to ``LOSSES`` and ``config.LOSSES``.

    Args:
        settings: settings of the training; each loss reads those that it needs.

    Shapes:
        - ``__call__``: candidates ``[F, d]`` and queries ``[Q, d]`` with rows of unit length -> scalar
    """

    def __init__(self, settings: TrainingConfig):
        self.settings = settings

    @abstractmethod
    def __call__(self, z: Embeddings, batch: PairBatch) -> Tensor:
        """The mean loss over the pairs of the batch, differentiable in ``z``."""


class SoftmaxLoss(Loss):
    """Sampled softmax with ``temperature`` and ``precision`` of the settings; see ``softmax_loss``."""

    def __call__(self, z: Embeddings, batch: PairBatch) -> Tensor:
        """See ``softmax_loss``."""
        return softmax_loss(z, batch, self.settings.temperature, getattr(torch, self.settings.precision))


class MaxMarginLoss(Loss):
    """The loss of the paper with ``margin`` of the settings; see ``max_margin_loss``."""

    def __call__(self, z: Embeddings, batch: PairBatch) -> Tensor:
        """See ``max_margin_loss``."""
        return max_margin_loss(z, batch, self.settings.margin)


LOSSES: dict[str, type[Loss]] = {"softmax": SoftmaxLoss, "max_margin": MaxMarginLoss}


def max_margin_loss(z: Embeddings, batch: PairBatch, margin: float) -> Tensor:
    """The loss J of the paper: mean over negatives of max(0, z_q . z_n - z_q . z_i + margin) (equation 1).

    Args:
        z: candidates ``[F, d]`` of the films of the batch, queries ``[Q, d]``; rows of unit length.
        batch: pairs and negatives.
        margin: Delta in the paper, which does not state its value.

    Returns:
        A scalar.
    """
    shared = _hide(z.queries @ _negatives(z, batch).T, batch.own_column)  # [Q, R]
    shared = _hide(shared.index_select(0, batch.query), batch.positive_column)  # [B, R]
    negatives = torch.cat([shared, _hard_scores(z, batch)], dim=1)  # [B, R + H]
    hinge = (negatives - _positive_scores(z, batch).unsqueeze(1) + margin).clamp(min=0)
    return (hinge.sum(dim=1) / torch.isfinite(negatives).sum(dim=1).clamp(min=1)).mean()


def softmax_loss(
    z: Embeddings, batch: PairBatch, temperature: float, precision: torch.dtype = torch.float32
) -> Tensor:
    """Cross-entropy of the positive among itself and its negatives (sampled softmax).

    If random negatives have unequal inclusion probabilities, the term of a negative with probability p is
    multiplied by 1 / p. Then the sum is an unbiased estimate of the sum over all films.

    Args:
        z: candidates ``[F, d]`` of the films of the batch, queries ``[Q, d]``; rows of unit length.
        batch: pairs and negatives.
        temperature: scores are divided by it.
        precision: number format of the products with the shared negatives; all else has that of ``z``.

    Returns:
        A scalar.
    """
    positive = _positive_scores(z, batch) / temperature
    scaled = z.queries / temperature
    negatives = _negatives(z, batch)
    log_probability = batch.log_probability
    total = _SharedLogSumExp.apply(scaled, negatives, batch.own_column, precision, log_probability)  # [Q]
    total = total.index_select(0, batch.query)  # [B]
    if log_probability is not None:
        total = _with_positive_once(total, positive, log_probability, batch.positive_column)
    # If the positive is among the shared negatives, the sum already contains its term once.
    total = torch.where(batch.positive_column >= 0, total, torch.logaddexp(total, positive))
    if batch.hard.size(1):
        total = torch.logaddexp(total, torch.logsumexp(_hard_scores(z, batch) / temperature, dim=1))
    return (total - positive).mean()


def _with_positive_once(
    total: Tensor, positive: Tensor, log_probability: Tensor, positive_column: Tensor
) -> Tensor:
    """Let the term of a positive that is also a negative count once in ``total`` ``[B]``, a log-sum.

    As a negative with inclusion probability p it counts 1 / p times, so 1 / p - 1 terms are subtracted.
    """
    surplus = (-log_probability).expm1().log()  # [R]
    part = torch.where(positive_column >= 0, positive + surplus[positive_column] - total, -torch.inf).exp()
    return total + torch.log1p(-part.clamp(max=1 - 1e-6))  # rounding errors must not make the sum negative


class _SharedLogSumExp(torch.autograd.Function):
    """log sum over n of exp(queries . negatives[n]) / probability[n], without the query itself.

    Most of the memory traffic of a training step is the score matrix. Autograd would read and write it ten
    times. Here a product writes it, exponentials replace it in place, and two products read it.
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
        """Compute the log-sums.

        Args:
            ctx: stores what ``backward`` needs.
            queries: ``[Q, d]``, divided by the temperature.
            negatives: ``[R, d]``.
            own_column: int64 ``[Q]``, the column of the query itself; -1 if there is none.
            precision: number format of the products.
            log_probability: ``[R]``; None if all probabilities are equal.

        Returns:
            ``[Q]``; minus infinity for a query without negatives.
        """
        low_queries, low_negatives = queries.to(precision), negatives.to(precision)
        scores = _hide(low_queries @ low_negatives.T, own_column)  # [Q, R]
        if log_probability is not None:
            scores -= log_probability
        # The maximum is minus infinity for a query without negatives; the difference needs a finite number.
        max_score = scores.amax(dim=1, keepdim=True).clamp(min=torch.finfo(scores.dtype).min)
        terms = scores.sub_(max_score).exp_()
        total = terms.sum(dim=1, dtype=queries.dtype)
        ctx.save_for_backward(low_queries, low_negatives, terms, total)
        return max_score.squeeze(1).to(queries.dtype) + total.log()

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, None, None, None]:
        """The softmax is terms / total; the division is applied to the smaller factor of each product."""
        queries, negatives, terms, total = ctx.saved_tensors
        scale = gradients[0] / total.clamp(min=torch.finfo(total.dtype).tiny)  # [Q]
        to_queries = (terms @ negatives).to(total.dtype) * scale.unsqueeze(1)
        scaled = (queries.to(total.dtype) * scale.unsqueeze(1)).to(queries.dtype)
        return to_queries, (terms.T @ scaled).to(total.dtype), None, None, None


def _hide(scores: Tensor, column: Tensor) -> Tensor:
    """Set one column of each row to minus infinity, in place; none if ``column`` is -1 for the row."""
    # Other rows add 0 to their first column: to select rows, the CPU would wait for a GPU to count them.
    column = column.unsqueeze(1)
    hidden = torch.where(column >= 0, -torch.inf, 0.0).to(scores.dtype)
    return scores.scatter_add_(1, column.clamp(min=0), hidden)


def _negatives(z: Embeddings, batch: PairBatch) -> Tensor:
    return z.candidates.index_select(0, batch.negative)  # [R, d]


def _positive_scores(z: Embeddings, batch: PairBatch) -> Tensor:
    queries = z.queries.index_select(0, batch.query)
    return (queries * z.candidates.index_select(0, batch.positive)).sum(dim=1)  # [B]


def _hard_scores(z: Embeddings, batch: PairBatch) -> Tensor:
    queries = z.queries.index_select(0, batch.query)
    hard = z.candidates.index_select(0, batch.hard.view(-1)).view(*batch.hard.shape, queries.size(1))
    return torch.einsum("bd,bhd->bh", queries, hard)
