"""A part of an index: ids that may be found become rows once, for any number of searches."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from base.arrays import IntArray

# From one id per so many rows on, marking rows in an array of all is faster than sorting the ids.
MARKED_FROM = 32


@dataclass(frozen=True, eq=False)
class Subset:
    """The rows of one index that may be found, see ``VectorIndex.subset``.

    Attributes:
        rows: int64 ``[m]``, distinct, rising.
        num_rows: rows of the index.
        state: of the index; another one has other rows.
    """

    rows: IntArray
    num_rows: int
    state: object
    _kept: dict[str, Any] = field(default_factory=dict, repr=False)

    def __len__(self) -> int:
        return len(self.rows)

    def kept(self, name: str, make: Callable[[], Any]) -> Any:
        """What an index copies of the rows, to read it in order; made by the first search."""
        if name not in self._kept:
            self._kept[name] = make()
        return self._kept[name]

    def widened(self, amount: int) -> int:
        """So much of all rows has ``amount`` of these: the best k here are about the best k n / m of all."""
        return -(-amount * self.num_rows // len(self.rows))


Allowed = IntArray | list[int] | list[IntArray] | Subset | list[Subset]


class IdRows:
    """Where each id is.

    Args:
        ids: int64 ``[n]``, distinct.
    """

    def __init__(self, ids: IntArray) -> None:
        self._order: IntArray | None = None  # the ids rise already
        self._rising = ids
        if not (ids[1:] > ids[:-1]).all():
            self._order = np.argsort(ids)
            self._rising = ids[self._order]
        self._gapless = len(ids) > 0 and int(self._rising[-1]) - int(self._rising[0]) == len(ids) - 1

    def find(self, ids: IntArray) -> IntArray:
        """Rows of those ``ids`` that are there: int64 ``[m]``, distinct, rising."""
        count = len(self._rising)
        if not count or not len(ids):
            return np.zeros(0, dtype=np.int64)
        if self._gapless:
            first, last = self._rising[0], self._rising[-1]
            places = ids[(ids >= first) & (ids <= last)] - first
        else:
            places = np.searchsorted(self._rising, ids)
            places = places[self._rising.take(places, mode="clip") == ids]
        rows = places if self._order is None else self._order[places]
        if len(rows) * MARKED_FROM < count:
            return np.unique(rows)
        mask = np.zeros(count, dtype=bool)
        mask[rows] = True
        return np.flatnonzero(mask)
