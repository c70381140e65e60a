"""Positive pairs: films that are close to each other in the history of a user (paper, section 3.3).

A pair is two films of one user whose positions in the user's history differ by ``window`` or less. Without
weights, pairs are equally likely. With weights, the chance of a pair is in proportion to the geometric mean
of the weights of its two interactions.
"""

import numpy as np
import torch
from torch import Tensor

from data.dataset import Interactions


class TrainingPairs:
    """All (query, positive) pairs of the training interactions; each pair has a number.

    25 million ratings give a hundred million pairs, so pairs are computed from their numbers and not stored.

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
        self.movies = torch.from_numpy(np.asarray(train.movies, np.int32))
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


class WeightedPairs:
    """The pairs of interactions with weights, drawn in proportion to the geometric mean of their weights.

    Arguments as in ``TrainingPairs``; ``train`` has weights. The number of a pair says where its query is in
    ``train`` and how far from it its positive.

    Shapes:
        - ``[numbers]``: int64 ``[n]``, as ``draw`` returns them -> film rows of queries and positives, int64
          ``[n]`` each
    """

    def __init__(self, train: Interactions, num_users: int, window: int, both_ways: bool):
        self.movies = torch.from_numpy(np.asarray(train.movies, np.int32))
        self.users = torch.from_numpy(np.asarray(train.users, np.int32))
        self.weights = torch.tensor(train.weights).sqrt()  # a product of two is a geometric mean
        self.window = window
        self.distances = [d for d in range(-window if both_ways else 1, window + 1) if d != 0]
        counts = np.bincount(train.users, minlength=num_users)
        forward = sum(int(np.maximum(counts - distance, 0).sum()) for distance in range(1, window + 1))
        self.num_pairs = forward * (2 if both_ways else 1)
        self.mass_until = self._query_masses(both_ways).cumsum(0)  # of all queries up to and with each

    def _query_masses(self, both_ways: bool) -> Tensor:
        """The products of each query's weight with those of its positives, added up, float64 ``[n]``."""
        partners = torch.zeros(len(self.weights), dtype=torch.float64)
        for distance in range(1, min(self.window, len(self.users) - 1) + 1):
            together = self.users[:-distance] == self.users[distance:]
            partners[:-distance] += self.weights[distance:] * together
            if both_ways:
                partners[distance:] += self.weights[:-distance] * together
        return partners.mul_(self.weights)

    def __len__(self) -> int:
        return self.num_pairs

    def __getitem__(self, numbers: Tensor) -> tuple[Tensor, Tensor]:
        """The pairs with these numbers: film rows of queries and positives."""
        query = numbers // (2 * self.window + 1)
        positive = query + numbers % (2 * self.window + 1) - self.window
        return self.movies[query].long(), self.movies[positive].long()

    def draw(self, limit: int, generator: torch.Generator) -> Tensor:
        """The numbers of the pairs of one epoch, drawn with replacement.

        First a query is drawn by its weight times the sum of those of its positives, then one of these by its
        weight.

        Args:
            limit: maximum number of pairs.
            generator: source of randomness.

        Returns:
            int64 ``[min(limit, len(self))]``.
        """
        chance = torch.rand((2, min(limit, len(self))), generator=generator, dtype=torch.float64)
        wanted = chance[0] * self.mass_until[-1]
        query = torch.searchsorted(self.mass_until, wanted, right=True)
        # Rounding may give all of the mass: then the last query that has a positive.
        query.clamp_(max=int(torch.searchsorted(self.mass_until, self.mass_until[-1])))
        total = torch.zeros_like(wanted)
        for distance in self.distances:
            total += self._partner_weights(query, distance)
        wanted = chance[1] * total
        passed, chosen = torch.zeros_like(wanted), torch.zeros_like(query)
        for distance in self.distances:
            weight = self._partner_weights(query, distance)
            # The last one that begins at or before what is wanted.
            chosen = torch.where((weight > 0) & (passed <= wanted), distance, chosen)
            passed += weight
        return query * (2 * self.window + 1) + chosen + self.window

    def _partner_weights(self, query: Tensor, distance: int) -> Tensor:
        """Weights of the interactions ``distance`` after the queries, float64 ``[n]``; 0 of other users."""
        wanted = query + distance
        place = wanted.clamp(0, len(self.users) - 1)
        partner = (place == wanted) & (self.users[place] == self.users[query])
        return self.weights[place].double() * partner


def training_pairs(
    train: Interactions, num_users: int, window: int, both_ways: bool
) -> TrainingPairs | WeightedPairs:
    """The pairs of training interactions, with or without weights; arguments as in ``TrainingPairs``."""
    kind = TrainingPairs if train.weights is None else WeightedPairs
    return kind(train, num_users, window, both_ways)
