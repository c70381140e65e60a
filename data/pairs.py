"""Positive pairs: films that follow each other closely in one user's order (paper, section 3.3)."""

import numpy as np
import torch
from torch import Tensor

from data.dataset import Interactions


class TrainingPairs:
    """All (query, positive) pairs of the training interactions, addressed by number, never listed.

    A pair joins two films of one user that stand at most ``window`` places apart in time. At 25
    million ratings there are a hundred million pairs; only the per-user running totals are kept.

    Args:
        train: training interactions, sorted by user and time.
        num_users: user rows in the data.
        window: largest distance in a user's order; the paper's pairs have distance 1.
        both_ways: also take the later film as query and the earlier one as positive.
    """

    def __init__(self, train: Interactions, num_users: int, window: int, both_ways: bool):
        counts = np.bincount(train.users, minlength=num_users)
        self.movies = torch.from_numpy(train.movies.astype(np.int32))
        self.starts = torch.from_numpy(np.cumsum(counts) - counts)
        distances = np.arange(1, window + 1)[:, None]
        # Blocks in the order (distance, user): a user of n films has n - distance pairs in each.
        block_sizes = np.maximum(counts[None, :] - distances, 0).ravel()
        self.block_ends = torch.from_numpy(np.cumsum(block_sizes))
        self.block_starts = self.block_ends - torch.from_numpy(block_sizes)
        self.num_users = num_users
        self.num_forward = int(block_sizes.sum())
        self.both_ways = both_ways

    def __len__(self) -> int:
        return self.num_forward * (2 if self.both_ways else 1)

    def __getitem__(self, numbers: Tensor) -> tuple[Tensor, Tensor]:
        """The pairs with these numbers.

        Args:
            numbers: int64 ``[n]`` in ``[0, len(self))``.

        Returns:
            Film rows of queries and positives, int64 ``[n]`` each.
        """
        backward = numbers >= self.num_forward
        number = torch.where(backward, numbers - self.num_forward, numbers)
        block = torch.searchsorted(self.block_ends, number, right=True)
        earlier = self.starts[block % self.num_users] + number - self.block_starts[block]
        later = earlier + 1 + block // self.num_users
        queries = self.movies[torch.where(backward, later, earlier)]
        positives = self.movies[torch.where(backward, earlier, later)]
        return queries.long(), positives.long()

    def draw(self, limit: int, generator: torch.Generator) -> Tensor:
        """Numbers of an epoch's pairs in random order: all of them, or ``limit`` drawn at random.

        A draw below the total is with replacement: at such sizes repeats are rare, and it costs no
        memory for the pairs that were not drawn.
        """
        if len(self) <= limit:
            return torch.randperm(len(self), generator=generator)
        return torch.randint(len(self), (limit,), generator=generator)
