"""Random negatives, hard negatives and their curriculum (paper, section 3.3).

The paper draws random negatives uniformly. In a large catalogue nearly all of them are then films with very
few ratings, from which the model learns little. So a part of ours is drawn by popularity, and the softmax
loss divides the term of each negative by its inclusion probability: an unbiased estimate of the sum over all
films.

Hard negatives of a query are films in a middle band of the ranking by personalised PageRank: related to the
query, but less than a positive. The paper takes the ranks 2000 to 5000. We use the same ranks for catalogues
of the size of MovieLens-25M (62,423 films) or larger, and ranks reduced in proportion for smaller ones.
"""

import logging
import time

import torch
from torch import Tensor

from data.graph_builder import ItemGraph
from data.walks.sampler import RandomWalkSampler

logger = logging.getLogger("pinsage")

PAPER_BAND = (2000, 5000)  # personalised-PageRank ranks, section 3.3
BAND_CATALOGUE = 62_423  # number of films of MovieLens-25M; from here on the ranks are the paper's
POOL_SIZE = 128  # hard candidates per film, drawn from its band
WALKS_PER_RANK = 4  # walks per rank up to the end of the band: the last ranks need enough visits too
PAGERANK_LENGTH = 8  # maximum hops; with restart 1/2, one walk in 256 would be longer
BLOCK_SIZE = 1024  # films that are ranked at once, to limit memory


def hard_band(num_movies: int) -> tuple[int, int]:
    """The ranks [first, last) by personalised PageRank from which hard negatives are drawn.

    They are the paper's 2000 to 5000 for 62,423 films or more, and in proportion for smaller catalogues.
    """
    share = min(1.0, num_movies / BAND_CATALOGUE)
    first = max(1, round(PAPER_BAND[0] * share))
    return first, max(first + 1, round(PAPER_BAND[1] * share))


def inclusion_probabilities(weights: Tensor, count: int) -> Tensor:
    """Inclusion probabilities of a sample of ``count`` out of n, proportional to ``weights``.

    A probability that would be above 1 is set to 1, and the others share the rest.

    Args:
        weights: float64 ``[n]``, positive.
        count: size of the sample, less than n.

    Returns:
        float64 ``[n]``; the sum is ``count``.
    """
    certain = torch.zeros(len(weights), dtype=torch.bool)
    while True:
        left = count - int(certain.sum())
        probabilities = torch.where(certain, 1.0, left * weights / weights[~certain].sum())
        if not (over := probabilities > 1).any():
            return probabilities
        certain |= over


def num_hard_negatives(epoch: int, max_hard: int = 6) -> int:
    """The curriculum: 0 in the first epoch (epoch 0), then one more per epoch up to ``max_hard``."""
    return min(epoch, max_hard)


class NegativeSampler:
    """Random negatives that a batch shares, and hard negatives of each query.

    Args:
        graph: training graph with at least three films.
        num_random: random negatives per batch; all films if the catalogue is smaller.
        max_hard: maximum number of hard negatives per query; 6 in the paper.
        seed: seed of all draws, and of the walks that rank the films.
        popular_share: share of the random negatives that is drawn by popularity, less than 1; the rest is
            drawn uniformly. 0 in the paper.

    Attributes:
        log_probability: float32 ``[num_movies]``, logarithm of each film's probability to be among the random
            negatives of a batch; None if it is the same for all films.
    """

    def __init__(
        self,
        graph: ItemGraph,
        num_random: int = 500,
        max_hard: int = 6,
        seed: int = 0,
        popular_share: float = 0.0,
    ):
        self.graph = graph
        self.num_random = min(num_random, graph.num_movies)
        self.max_hard = max_hard
        self.seed = seed
        self.generator = torch.Generator().manual_seed(seed)
        self.log_probability: Tensor | None = None
        if popular_share > 0 and self.num_random < graph.num_movies:
            self._probabilities = inclusion_probabilities(_popularity(graph, popular_share), self.num_random)
            self.log_probability = self._probabilities.log().float()
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
            device: device of the result.
            epoch: epoch number from 0.
            positive_indices: int64 ``[B]`` film rows.

        Returns:
            Random negatives, int64 ``[R]`` distinct film rows. They may include a query or a positive,
            which the loss masks. Hard negatives, int64 ``[B, min(epoch, max_hard)]`` film rows; a row never
            includes its own query or its own positive.
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
        if self.log_probability is None:
            return order[: self.num_random]
        # Systematic sampling: take a film when the running sum of the probabilities passes an integer.
        start = torch.rand((), generator=self.generator, dtype=torch.float64)
        passed = (self._probabilities[order].cumsum(0) + start).floor()
        return order[passed.diff(prepend=torch.zeros(1, dtype=torch.float64)) > 0]

    def _hard_negatives(self, queries: Tensor, epoch: int, positives: Tensor | None) -> Tensor:
        num_hard = num_hard_negatives(epoch, self.max_hard)
        if num_hard == 0:
            return torch.empty((len(queries), 0), dtype=torch.int64)
        forbidden = queries if positives is None else torch.stack([queries, positives.cpu()])
        forbidden = forbidden.view(-1, len(queries), 1)  # [1 or 2, B, 1]
        pool = self.hard_pool()[queries].long()  # [B, POOL_SIZE]
        column = torch.randint(pool.shape[1], (len(queries), num_hard), generator=self.generator)
        hard = pool.gather(1, column)
        # A pool may contain nothing but the positive, so replacements are drawn from all films.
        while (clash := (hard == forbidden).any(dim=0)).any():
            hard[clash] = self._anywhere(int(clash.sum()))
        return hard

    def _anywhere(self, count: int) -> Tensor:
        return torch.randint(self.graph.num_movies, (count,), generator=self.generator)

    def hard_pool(self) -> Tensor:
        """The hard candidates of all films, int32 ``[num_movies, POOL_SIZE]``; computed on first use.

        Personalised PageRank is estimated by more and longer walks of the kind that finds neighbours. If
        the walks reach too few films to fill the band, the rest is drawn from all films.
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
    """Mixture of each film's share of the ratings and the uniform distribution, float64 ``[num_movies]``."""
    degree = torch.from_numpy(graph.movie_degree).double()
    return share * degree / degree.sum() + (1 - share) / len(degree)


def _draw_pool(
    walks: RandomWalkSampler, films: Tensor, first: int, last: int, generator: torch.Generator
) -> Tensor:
    """``POOL_SIZE`` draws from the band of each film, int32 ``[n, POOL_SIZE]``; never the film itself."""
    num_movies = walks.graph.num_movies
    ranked, visits = walks.batch_sample_neighbors(films, last)  # [n, last], best first
    reached = (visits > 0).sum(dim=1, keepdim=True)  # [n, 1]
    column = torch.randint(first, last, (len(films), POOL_SIZE), generator=generator)
    # A step of 1 to num_movies - 1, modulo num_movies, never ends at the film itself.
    step = torch.randint(1, num_movies, (len(films), POOL_SIZE), generator=generator)
    elsewhere = (films.unsqueeze(1) + step) % num_movies
    return torch.where(column < reached, ranked.gather(1, column), elsewhere).int()
