"""The layout of a batch of pairs: each distinct film is embedded once, even if it is in several pairs."""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class PairBatch:
    """B pairs, R random negatives that all pairs share, and H hard negatives per pair.

    ``films`` contains film rows; all other fields contain positions in ``films`` unless they say otherwise.

    Attributes:
        films: int64 ``[F]``, the rows of the distinct films, the Q distinct queries first.
        num_queries: Q.
        query: int64 ``[B]``, from 0 to Q - 1.
        positive: int64 ``[B]``.
        negative: int64 ``[R]``, distinct.
        hard: int64 ``[B, H]``.
        own_column: int64 ``[Q]``, the position of the query in ``negative``; -1 if it is not there.
        positive_column: int64 ``[B]``, the position of the positive in ``negative``; -1 if it is not there.
        log_probability: float32 ``[R]``, logarithm of the inclusion probability of each negative; None if it
            is the same for all.
    """

    films: Tensor
    num_queries: int
    query: Tensor
    positive: Tensor
    negative: Tensor
    hard: Tensor
    own_column: Tensor
    positive_column: Tensor
    log_probability: Tensor | None


def make_batch(
    queries: Tensor, positives: Tensor, shared: Tensor, hard: Tensor, log_probability: Tensor | None = None
) -> PairBatch:
    """Find the distinct films of a batch and the positions of all others among them.

    Args:
        queries: int64 ``[B]`` film rows.
        positives: int64 ``[B]`` film rows.
        shared: int64 ``[R]`` distinct film rows, the random negatives.
        hard: int64 ``[B, H]`` film rows, the hard negatives.
        log_probability: float32 ``[num_movies]``, logarithm of each film's probability to be among
            ``shared``; None if it is the same for all films.
    """
    wanted = torch.cat([queries, positives, shared, hard.view(-1)])
    # Marks in a list of all films: torch.unique would sort the batch.
    num_marks = int(wanted.max()) + 1
    is_asked = torch.zeros(num_marks, dtype=torch.bool, device=wanted.device)
    is_asked[queries] = True
    is_other = torch.zeros_like(is_asked)
    is_other[wanted] = True
    is_other &= ~is_asked
    asked = is_asked.nonzero().view(-1)
    films = torch.cat([asked, is_other.nonzero().view(-1)])
    position = torch.empty(num_marks, dtype=torch.int64, device=wanted.device)
    position[films] = torch.arange(len(films), device=wanted.device)
    parts = position[wanted].split([len(queries), len(positives), len(shared), hard.numel()])
    query, positive, negative, hard_place = parts
    if log_probability is not None:
        log_probability = log_probability.to(shared.device)[shared]
    column = torch.full((len(films),), -1, device=films.device)
    column[negative] = torch.arange(len(negative), device=films.device)
    return PairBatch(
        films=films,
        num_queries=len(asked),
        query=query,
        positive=positive,
        negative=negative,
        hard=hard_place.view_as(hard),
        own_column=column[: len(asked)],
        positive_column=column[positive],
        log_probability=log_probability,
    )
