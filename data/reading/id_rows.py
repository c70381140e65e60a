"""Rows of text ids, found for a whole block of a table at a time."""

from typing import Any

import numpy as np


class IdRows:
    """Finds the rows of ids, and gives rows to new ones.

    A dictionary knows the rows. What it said is kept as an array of pyarrow too, so that the ids of a block,
    most of which were in earlier ones, are found without making texts of Python of them.

    Args:
        row_of: from ids to rows; new ids are added to it.
    """

    def __init__(self, row_of: dict[str, int]):
        self.row_of = row_of
        self._seen: Any = None
        self._rows = np.empty(0, dtype=np.int32)

    def find(self, ids: Any) -> np.ndarray:
        """The rows of some ids, int32 ``[n]``, -1 for unknown ones.

        Args:
            ids: an array of texts in pyarrow.
        """
        from pyarrow import compute

        rows = np.full(len(ids), -1, dtype=np.int32)
        if self._seen is not None:
            places = compute.index_in(ids, value_set=self._seen)
            found = places.is_valid().to_numpy(zero_copy_only=False)
            rows[found] = self._rows[places.drop_null().to_numpy()]
        new = np.flatnonzero(rows < 0)
        rows[new] = [self.row_of.get(text, -1) for text in ids.take(new).to_pylist()]
        self._remember(ids, rows, new[rows[new] >= 0])
        return rows

    def add(self, ids: Any, rows: np.ndarray, codes: np.ndarray) -> None:
        """Give the unknown ids that occur rows, in the order in which they occur first.

        Args:
            ids: an array of texts in pyarrow, which may have a text twice.
            rows: int32 ``[len(ids)]`` as ``find`` gave them; the new ones are written into it.
            codes: int ``[n]``, positions in ``ids``.
        """
        if (rows >= 0).all():
            return
        first = np.full(len(ids), len(codes))
        first[codes[::-1]] = np.arange(
            len(codes) - 1, -1, -1
        )  # of equal positions the last one written stays
        new = np.flatnonzero((rows < 0) & (first < len(codes)))
        new = new[np.argsort(first[new])]
        row_of = self.row_of
        rows[new] = [row_of.setdefault(text, len(row_of)) for text in ids.take(new).to_pylist()]
        self._remember(ids, rows, new)

    def _remember(self, ids: Any, rows: np.ndarray, places: np.ndarray) -> None:
        import pyarrow

        if len(places):
            texts = ids.take(places)
            self._seen = texts if self._seen is None else pyarrow.concat_arrays([self._seen, texts])
            self._rows = np.concatenate([self._rows, rows[places]])
