"""From ids to rows: a condition is looked up once, and then holds for any number of searches."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from base.arrays import IntArray

EVERY = np.zeros(0, dtype=np.int64)  # for kernels: no rows are named, so all count
EVERY_ROW = np.zeros(0, dtype=bool)
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

    @cached_property
    def mask(self) -> npt.NDArray[np.bool_]:
        """Bool ``[num_rows]``, true for ``rows``."""
        mask = np.zeros(self.num_rows, dtype=bool)
        mask[self.rows] = True
        return mask

    def kept(self, name: str, make: Callable[[], Any]) -> Any:
        """What an index derives from the rows; made when it is first needed."""
        if name not in self._kept:
            self._kept[name] = make()
        return self._kept[name]

    def widened(self, amount: int) -> int:
        """So much of all rows has ``amount`` of these: the best k here are about the best k n / m of all."""
        return -(-amount * self.num_rows // len(self.rows))


class IdRows:
    """Where each id is.

    Args:
        ids: int64 ``[n]``, distinct.
    """

    def __init__(self, ids: IntArray) -> None:
        self._order: IntArray | None = None  # the ids rise already
        self._rising = ids
        if len(ids) > 1 and not (ids[1:] > ids[:-1]).all():
            self._order = np.argsort(ids)
            self._rising = ids[self._order]
        span = int(ids[-1]) - int(ids[0]) + 1 if len(ids) else 0
        self._without_gaps = self._order is None and span == len(ids)

    def find(self, ids: IntArray) -> IntArray:
        """Rows of those ``ids`` that are there: int64 ``[m]``, distinct, rising."""
        count = len(self._rising)
        if not count or not len(ids):
            return EVERY
        if self._without_gaps:
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


def is_for_all(allowed: Any) -> bool:
    """Whether ``allowed`` is one condition for all queries, and not a list or matrix with one for each."""
    return isinstance(allowed, Subset) or not (isinstance(allowed, (list, tuple)) or np.ndim(allowed) > 1)
