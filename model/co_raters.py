"""How many people rated both of two films, as a checkpoint holds it."""

from typing import Any, NamedTuple

import torch
from torch import Tensor


class CoRaters(NamedTuple):
    """For each film, people who rated it and another one, for the films that it recommends first.

    Attributes:
        films: int32 ``[num_movies, k]``, film rows; padding is the row of the film itself.
        counts: int32 ``[num_movies, k]``, people who have both in training; 0 for padding.
    """

    films: Tensor
    counts: Tensor

    def of(self, first: int, second: int) -> int:
        """People who rated both; 0 if there are none or the pair was not counted."""
        films, counts = self.films.numpy(), self.counts.numpy()
        for film, other in ((first, second), (second, first)):
            counted = films[film].tolist()  # of a hundred films, faster to look through than an array
            if other in counted:
                return int(counts[film, counted.index(other)])
        return 0

    def followed_by(self, num_new: int) -> "CoRaters":
        """With as many new films behind, of which nothing was counted."""
        known, k = self.films.shape
        own = torch.arange(known, known + num_new, dtype=torch.int32)[:, None].expand(-1, k)
        none = torch.zeros(num_new, k, dtype=torch.int32)
        return CoRaters(torch.cat([self.films, own]), torch.cat([self.counts, none]))

    def as_plain(self) -> dict[str, Any]:
        """The tensors by name, as a checkpoint stores them."""
        return self._asdict()
