"""Random and hard negatives, and the curriculum between them (paper, section 3.3).

The paper's random negatives are uniform. In a large catalogue nearly all of those are films that hardly
anybody has seen, and teach little; so ours are drawn by popularity too, and the softmax divides a
negative's term by its chance of being drawn: an unbiased estimate of the sum over all films.

Hard negatives of a query are films that its personalised PageRank puts in a middle band: related
to the query, but not as closely as a positive. The paper samples ranks 2000-5000 of its catalogue.
Ours are the same ranks at the size of MovieLens-25M (62,423 films) and in proportion below it.
"""

import logging
import time

import torch
from torch import Tensor

from data.graph_builder import ItemGraph
from data.walks.sampler import RandomWalkSampler

logger = logging.getLogger("pinsage")

PAPER_BAND = (2000, 5000)  # personalised-PageRank ranks, section 3.3
BAND_CATALOGUE = 62_423  # films of MovieLens-25M, where the paper's ranks are taken as they are
POOL_SIZE = 128  # hard candidates kept a film, drawn from its band
WALKS_PER_RANK = 4  # walks started for each rank of the band: its far end needs visits to be told apart
PAGERANK_LENGTH = 8  # hops; with restart 1/2 a walk gets longer once in 256 times
BLOCK_SIZE = 1024  # films whose ranking is held in memory at once


def hard_band(num_movies: int) -> tuple[int, int]:
    """Personalised-PageRank ranks [first, last) from which hard negatives come.

    The paper's 2000-5000 up to a catalogue of 62,423 films; in proportion for smaller ones.
    """
    share = min(1.0, num_movies / BAND_CATALOGUE)
    first = max(1, round(PAPER_BAND[0] * share))
    return first, max(first + 1, round(PAPER_BAND[1] * share))


def inclusion_chances(weights: Tensor, count: int) -> Tensor:
    """Chances float64 ``[n]`` that sum to ``count``, in proportion to ``weights`` but for those cut to one.

    Args:
        weights: float64 ``[n]``, positive.
        count: below ``n``.
    """
    certain = torch.zeros(len(weights), dtype=torch.bool)
    while True:
        left = count - int(certain.sum())
        chances = torch.where(certain, 1.0, left * weights / weights[~certain].sum())
        if not (over := chances > 1).any():
            return chances
        certain |= over


def num_hard_negatives(epoch: int, most: int = 6) -> int:
    """The curriculum: none in the first epoch (0), one more each epoch, ``most`` at the end."""
    return min(epoch, most)


class NegativeSampler:
    """Shared random negatives and the hard negatives of each query.

    Args:
        graph: training graph; at least three films.
        num_random: random negatives shared by a batch; the whole catalogue where that is smaller.
        most_hard: end of the curriculum; the paper's is 6.
        seed: of every draw, and of the walks behind the ranking.
        popular_share: how far popularity decides which films the random ones are, below 1; 0 is the paper's.

    Attributes:
        log_chance: float32 ``[num_movies]``, logarithm of each film's chance of being among the random
            negatives of a batch; None where all films have the same.
    """

    def __init__(
        self,
        graph: ItemGraph,
        num_random: int = 500,
        most_hard: int = 6,
        seed: int = 0,
        popular_share: float = 0.0,
    ):
        self.graph = graph
        self.num_random = min(num_random, graph.num_movies)
        self.most_hard = most_hard
        self.seed = seed
        self.generator = torch.Generator().manual_seed(seed)
        self.log_chance: Tensor | None = None
        if popular_share > 0 and self.num_random < graph.num_movies:
            self._chances = inclusion_chances(_popularity(graph, popular_share), self.num_random)
            self.log_chance = self._chances.log().float()
        self._pool: Tensor | None = None

    def sample_batch_negatives(
        self,
        query_indices: Tensor,
        device: torch.device | str,
        epoch: int,
        positive_indices: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Negatives of one batch.

        Args:
            query_indices: int64 ``[B]`` film rows.
            device: where the result goes.
            epoch: 0-based.
            positive_indices: int64 ``[B]``; hard negatives avoid them too.

        Returns:
            int64 ``[R]`` random film rows without repeats, shared by the batch (they may hold a query
            or a positive: the loss masks those), and int64 ``[B, min(epoch, 6)]`` hard ones, none of
            them the row's query or positive.
        """
        return (
            self._random_negatives().to(device),
            self._hard_negatives(query_indices.cpu(), epoch, positive_indices).to(device),
        )

    def _random_negatives(self) -> Tensor:
        num_movies = self.graph.num_movies
        if self.num_random == num_movies:
            return torch.arange(num_movies)
        order = torch.randperm(num_movies, generator=self.generator)
        if self.log_chance is None:
            return order[: self.num_random]
        # Systematic sampling: one film wherever the chances, added up along the order, pass an integer.
        start = torch.rand((), generator=self.generator, dtype=torch.float64)
        passed = (self._chances[order].cumsum(0) + start).floor()
        return order[passed.diff(prepend=torch.zeros(1, dtype=torch.float64)) > 0]

    def _hard_negatives(self, queries: Tensor, epoch: int, positives: Tensor | None) -> Tensor:
        num_hard = num_hard_negatives(epoch, self.most_hard)
        if num_hard == 0:
            return torch.empty((len(queries), 0), dtype=torch.int64)
        forbidden = queries if positives is None else torch.stack([queries, positives.cpu()])
        forbidden = forbidden.view(-1, len(queries), 1)  # [1 or 2, B, 1]
        pool = self.hard_pool()[queries].long()  # [B, POOL_SIZE]
        column = torch.randint(pool.shape[1], (len(queries), num_hard), generator=self.generator)
        hard = pool.gather(1, column)
        # A pool can consist of the positive alone, so a redraw comes from the whole catalogue.
        while (clash := (hard == forbidden).any(dim=0)).any():
            hard[clash] = self._anywhere(int(clash.sum()))
        return hard

    def _anywhere(self, count: int) -> Tensor:
        return torch.randint(self.graph.num_movies, (count,), generator=self.generator)

    def hard_pool(self) -> Tensor:
        """Hard candidates of every film, int32 ``[num_movies, POOL_SIZE]``, ranked on first use.

        Personalised PageRank is estimated by the walks that find neighbours, only more and longer
        ones. Where too few films are reached to fill the band, the rest is drawn from the catalogue.
        """
        if self._pool is None:
            started = time.perf_counter()
            first, last = hard_band(self.graph.num_movies)
            walks = RandomWalkSampler(self.graph, WALKS_PER_RANK * last, PAGERANK_LENGTH, seed=self.seed)
            generator = torch.Generator().manual_seed(self.seed)
            blocks = torch.arange(self.graph.num_movies).split(BLOCK_SIZE)
            self._pool = torch.cat([_draw_pool(walks, block, first, last, generator) for block in blocks])
            seconds = time.perf_counter() - started
            logger.info("hard negatives: %s films ranked in %.0f s", f"{len(self._pool):,}", seconds)
        return self._pool


def _popularity(graph: ItemGraph, share: float) -> Tensor:
    """A film's part of the ratings mixed with its part of the catalogue, float64 ``[num_movies]``."""
    degree = torch.from_numpy(graph.movie_degree).double()
    return share * degree / degree.sum() + (1 - share) / len(degree)


def _draw_pool(
    walks: RandomWalkSampler, films: Tensor, first: int, last: int, generator: torch.Generator
) -> Tensor:
    """``POOL_SIZE`` draws from each film's band, int32 ``[n, POOL_SIZE]``; never the film itself."""
    num_movies = walks.graph.num_movies
    ranked, visits = walks.batch_sample_neighbors(films, last)  # [n, last], best first
    reached = (visits > 0).sum(dim=1, keepdim=True)  # [n, 1]
    column = torch.randint(first, last, (len(films), POOL_SIZE), generator=generator)
    # Another film than this one: a step of 1 to num_movies - 1 around the catalogue.
    step = torch.randint(1, num_movies, (len(films), POOL_SIZE), generator=generator)
    elsewhere = (films.unsqueeze(1) + step) % num_movies
    return torch.where(column < reached, ranked.gather(1, column), elsewhere).int()
