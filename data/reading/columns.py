"""Data after parsing and before any setting is applied: named columns, as the cache keeps them.

Also what readers need to make them out of tens of millions of values: ids to rows, duplicates, order in time.
"""

from dataclasses import dataclass, field

import numpy as np

from data.inspection.findings import newest_first

PLACES = 1 << 20  # written at a time
STARS = 5.0  # the best rating in everything that follows, whatever scale the data have


@dataclass
class Columns:
    """Named columns; ``data.reading.movielens.read_release`` lists them.

    Attributes:
        arrays: numbers, read-only once ``freeze`` was called.
        texts: lists of text.
    """

    arrays: dict[str, np.ndarray] = field(default_factory=dict)
    texts: dict[str, list[str]] = field(default_factory=dict)

    def freeze(self) -> None:
        """Make the arrays read-only, so that a first reading behaves as one from the cache."""
        for array in self.arrays.values():
            array.flags.writeable = False

    def note(self, count: int, noun: str, rest: str) -> None:
        """Report something that was counted, in the texts ``notes``; ``noun`` is in the singular."""
        if count:
            self.texts["notes"].append(f"{count} {noun}{'' if count == 1 else 's'} {rest}")

    def add_interactions(
        self, users: np.ndarray, movies: np.ndarray, ratings: np.ndarray, timestamps: np.ndarray
    ) -> int:
        """Add the interactions in the order that ``data.dataset.Interactions`` promises.

        Args:
            users: int32 ``[n]``, rows.
            movies: int32 ``[n]``, rows.
            ratings: float32 ``[n]``.
            timestamps: int64 ``[n]``.

        Returns:
            The number of interactions left out because the same user had the same film before.
        """
        if (newest := newest_first(timestamps)) is not None:
            self.texts.setdefault("findings", []).append(newest.as_text())
        num = len(users)
        order = time_order(users, timestamps, first_of_pair(users, movies))
        # A name is given away before the next array is made: two copies of all columns are too many.
        self.arrays["users"] = users = users[order]
        self.arrays["movies"] = movies = movies[order]
        self.arrays["ratings"] = ratings = ratings[order]
        self.arrays["timestamps"] = timestamps = timestamps[order]
        return num - len(order)


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
    """One array of all blocks. The list is emptied, since two copies of 25 million values are too many."""
    array = np.concatenate(blocks)
    blocks.clear()
    return array


def pairs_of(rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """One number for each (row, column), int64 ``[n]``."""
    pairs = rows.astype(np.int64)
    pairs *= int(columns.max(initial=0)) + 1
    pairs += columns
    return pairs


def first_of_pair(rows: np.ndarray, columns: np.ndarray) -> np.ndarray | None:
    """Positions of the first entry of every (row, column), ascending; None if no pair occurs twice."""
    pairs = pairs_of(rows, columns)
    order = stable_order(pairs)
    pairs = pairs[order]
    again = pairs[1:] == pairs[:-1]
    del pairs
    if not again.any():
        return None
    first = order[np.concatenate([[True], ~again])]
    first.sort()
    return first


def time_order(users: np.ndarray, timestamps: np.ndarray, rows: np.ndarray | None) -> np.ndarray:
    """Positions by user, then time, then position, of ``rows`` or of all: what a stable lexsort gives."""
    if rows is not None:
        users, timestamps = users[rows], timestamps[rows]
    order = stable_order(timestamps)
    users = users[order]
    order = order[stable_order(users)]
    return order if rows is None else rows[order]


def stable_order(values: np.ndarray) -> np.ndarray:
    """The positions that sort whole numbers, equal ones in their order: int64 ``[n]``.

    NumPy sorts numbers several times as fast as it finds the positions that sort them. So values and
    positions are sorted together, as the upper and lower bits of one number. Values that leave no room for
    the positions, such as microseconds of years, are sorted by their lower bits first, then by the others.
    """
    if len(values) == 0:
        return np.empty(0, dtype=np.int64)
    place_bits = len(values).bit_length()
    value_bits = 63 - place_bits
    lowest = int(values.min())
    if (int(values.max()) - lowest) >> value_bits:
        above = values.astype(np.int64).view(np.uint64)
        above -= np.uint64(lowest % 2**64)  # exact, also where the difference has 64 bits
        order = stable_order((above & np.uint64((1 << value_bits) - 1)).view(np.int64))
        above >>= np.uint64(value_bits)
        return order[stable_order(above.view(np.int64)[order])]
    keys = values.astype(np.int64)
    keys -= lowest
    keys <<= place_bits
    for start in range(0, len(keys), PLACES):  # all places at once are one more array
        keys[start : start + PLACES] |= np.arange(start, min(start + PLACES, len(keys)))
    keys.sort()
    keys &= (1 << place_bits) - 1
    return keys
