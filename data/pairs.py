"""Positive pairs: films that are close to each other in the history of a user (paper, section 3.3)."""

import numpy as np
import torch
from torch import Tensor

from data.dataset import Interactions


class TrainingPairs:
    """All (query, positive) pairs of the training interactions; each pair has a number.

    A pair is two films of one user whose positions in the user's history differ by ``window`` or less. 25
    million ratings give a hundred million pairs, so pairs are computed from their numbers and not stored.

    Args:
        train: training interactions, sorted by user and time.
        num_users: number of user rows.
        window: maximum distance in the history; 1 in the paper.
        both_ways: add each pair a second time, with the later film as the query.

    Shapes:
        - ``[numbers]``: int64 ``[n]`` from 0 to ``len(self) - 1`` -> film rows of queries and positives,
          int64 ``[n]`` each
    """

    def __init__(self, train: Interactions, num_users: int, window: int, both_ways: bool):
        counts = np.bincount(train.users, minlength=num_users)
        self.movies = torch.from_numpy(train.movies.astype(np.int32))
        self.starts = torch.from_numpy(np.cumsum(counts) - counts)
        distances = np.arange(1, window + 1)[:, None]
        # One block per (distance, user), in this order: a user with n films has n - distance pairs there.
        block_sizes = np.maximum(counts[None, :] - distances, 0).ravel()
        self.block_ends = torch.from_numpy(np.cumsum(block_sizes))
        self.block_starts = self.block_ends - torch.from_numpy(block_sizes)
        self.num_users = num_users
        self.num_forward = int(block_sizes.sum())
        self.both_ways = both_ways

    def __len__(self) -> int:
        return self.num_forward * (2 if self.both_ways else 1)

    def __getitem__(self, numbers: Tensor) -> tuple[Tensor, Tensor]:
        """The pairs with these numbers: film rows of queries and positives."""
        backward = numbers >= self.num_forward
        number = torch.where(backward, numbers - self.num_forward, numbers)
        block = torch.searchsorted(self.block_ends, number, right=True)
        earlier = self.starts[block % self.num_users] + number - self.block_starts[block]
        later = earlier + 1 + block // self.num_users
        queries = self.movies[torch.where(backward, later, earlier)]
        positives = self.movies[torch.where(backward, earlier, later)]
        return queries.long(), positives.long()

    def draw(self, limit: int, generator: torch.Generator) -> Tensor:
        """The numbers of the pairs of one epoch, in random order.

        If there are more than ``limit`` pairs, ``limit`` of them are drawn with replacement. Repetitions
        are rare then, and a draw without replacement would need memory for all pairs.

        Args:
            limit: maximum number of pairs.
            generator: source of randomness.

        Returns:
            int64 ``[min(limit, len(self))]``.
        """
        if len(self) <= limit:
            return torch.randperm(len(self), generator=generator)
        return torch.randint(len(self), (limit,), generator=generator)
