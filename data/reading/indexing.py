"""Ids to rows, duplicates, and the order in time, for columns of tens of millions."""

import numpy as np


class RowFinder:
    """Finds the rows of ids.

    Args:
        ids: int64 ``[n]``, distinct, in any order; an id's position is its row.
    """

    def __init__(self, ids: np.ndarray) -> None:
        self._order = np.argsort(ids, kind="stable").astype(np.int32)
        self._ordered = ids[self._order]

    def __call__(self, ids: np.ndarray) -> np.ndarray:
        """Int32 ``[len(ids)]``, the row of each id, -1 for unknown ones."""
        position = np.searchsorted(self._ordered, ids)
        np.minimum(position, len(self._ordered) - 1, out=position)
        return np.where(self._ordered[position] == ids, self._order[position], np.int32(-1))


def joined(blocks: list[np.ndarray]) -> np.ndarray:
    """One array of all blocks, which are given up: a second copy of 25 million values is one too many."""
    array = np.concatenate(blocks)
    blocks.clear()
    return array


def first_of_pair(rows: np.ndarray, columns: np.ndarray, num_columns: int) -> np.ndarray | None:
    """Positions of the first entry for every (row, column), ascending; None when there are no others."""
    pair = rows.astype(np.int64) * num_columns + columns
    ordered = np.sort(pair)
    if (ordered[1:] != ordered[:-1]).all():
        return None
    del ordered
    return np.sort(np.unique(pair, return_index=True)[1])


def time_order(users: np.ndarray, timestamps: np.ndarray, rows: np.ndarray | None) -> np.ndarray:
    """Positions by user, then time, then position, of ``rows`` or all; lexsort is stable."""
    if rows is None:
        return np.lexsort((timestamps, users))
    return rows[np.lexsort((timestamps[rows], users[rows]))]
