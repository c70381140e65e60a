"""Where the films of a batch stand: each distinct film is embedded once, however many pairs it is in."""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class PairBatch:
    """B pairs, R negatives that they share, H hard negatives each, as rows of the batch's F distinct films.

    Attributes:
        films: int64 ``[F]``, the distinct films.
        query: int64 ``[B]``.
        positive: int64 ``[B]``.
        negative: int64 ``[R]``, no film twice.
        hard: int64 ``[B, H]``.
        distinct_query: int64 ``[Q]``, the rows that are a query.
        query_of_pair: int64 ``[B]``, each pair's place in ``distinct_query``.
        own_column: int64 ``[Q]``, the query's place in ``negative``, -1 where it is not there.
        positive_column: int64 ``[B]``, the positive's place in ``negative``, -1 where it is not there.
        log_probability: float32 ``[R]``, logarithm of the chance with which each of ``negative`` was drawn;
            None where all had the same.
    """

    films: Tensor
    query: Tensor
    positive: Tensor
    negative: Tensor
    hard: Tensor
    distinct_query: Tensor
    query_of_pair: Tensor
    own_column: Tensor
    positive_column: Tensor
    log_probability: Tensor | None


def make_batch(
    queries: Tensor, positives: Tensor, shared: Tensor, hard: Tensor, log_probability: Tensor | None = None
) -> PairBatch:
    """Number the distinct films of a batch.

    Args:
        queries: int64 ``[B]`` film rows.
        positives: int64 ``[B]``.
        shared: int64 ``[R]``, no film twice.
        hard: int64 ``[B, H]``.
        log_probability: float32 ``[num_movies]``, logarithm of each film's chance of being a shared one; None
            where all have the same.
    """
    films, place = torch.unique(torch.cat([queries, positives, shared, hard.view(-1)]), return_inverse=True)
    query, positive, negative, hard_place = place.split(
        [len(queries), len(positives), len(shared), hard.numel()]
    )
    if log_probability is not None:
        log_probability = log_probability.to(shared.device)[shared]
    column = torch.full((len(films),), -1, device=films.device)
    column[negative] = torch.arange(len(negative), device=films.device)
    distinct_query, query_of_pair = torch.unique(query, return_inverse=True)
    return PairBatch(
        films=films,
        query=query,
        positive=positive,
        negative=negative,
        hard=hard_place.view_as(hard),
        distinct_query=distinct_query,
        query_of_pair=query_of_pair,
        own_column=column[distinct_query],
        positive_column=column[positive],
        log_probability=log_probability,
    )
