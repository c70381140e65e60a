"""What a reader counted: rows that were left out or taken differently from what the file says."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np

EXAMPLES = 3  # examples of each finding, for people


@dataclass(frozen=True)
class Finding:
    """Something that a reader counted.

    Attributes:
        name: what it is, a key of ``SENTENCES`` or a new name in lower case with underscores.
        count: how many there are.
        total: of how many, for instance the rows of the file; 0 if that is unknown.
        examples: at most three of them, as people write them: ids, values, lines.
    """

    name: str
    count: int
    total: int = 0
    examples: tuple[int | str, ...] = ()

    @property
    def share(self) -> float:
        """``count`` as a share of ``total``, 0 where that is unknown."""
        return self.count / self.total if self.total else 0.0

    def as_text(self) -> str:
        """One line of JSON, as the texts ``findings`` of ``data.reading.columns.Columns`` have it."""
        return json.dumps(asdict(self), ensure_ascii=False)


# Findings that leave rows of the interactions out: what happened to these rows.
DROPPED = {
    "unknown_items": "of items that are not in the catalogue: left out",
    "equal_rows": "equal to another row in every column: counted once",
    "repeats": "of a user and an item that have one already: left out",
    "zero_weight": "with a weight of 0: left out",
    "low_ratings": "with a rating below `min_rating`: left out",
}
TOTAL = "rows"  # the finding that counts all rows of the interactions
# What the others count.
SENTENCES = DROPPED | {
    "placeholders": "values that look like placeholders but are not in `empty`",
    "line_breaks": "titles with a line break",
    "quoted_ids": "ids of items with quotes around them",
    "counted_repeats": "rows of a user and an item that have one already: counted in its weight",
    "unused_times": "columns of the interactions that look like times and are not named in the schema",
    "newest_first": "neighbouring rows of the file with falling times",
}


def parse_findings(texts: Sequence[str]) -> tuple[Finding, ...]:
    """The findings of the texts ``findings``; findings that count nothing are left out."""
    parsed = [json.loads(text) for text in texts]
    return tuple(
        Finding(one["name"], one["count"], one.get("total", 0), tuple(one.get("examples", ())))
        for one in parsed
        if one["count"]
    )


def newest_first(timestamps: np.ndarray) -> Finding | None:
    """The finding that a file has its newest rows first; None if it does not.

    It matters where a user has several rows of the same time: they stay in the order of the file.

    Args:
        timestamps: int ``[n]``, in the order of the file.
    """
    falling = int(np.count_nonzero(timestamps[1:] < timestamps[:-1]))
    rising = int(np.count_nonzero(timestamps[1:] > timestamps[:-1]))
    # A sorted file has no rising pair at all; a file of one sorted block per user has one per user.
    if falling < MIN_FALLING or falling < FALLING_FACTOR * rising:
        return None
    return Finding("newest_first", falling, falling + rising)


MIN_FALLING = 10  # fewer pairs can fall by chance
FALLING_FACTOR = 3  # users of four rows, newest first, one after the other: three pairs fall, one may rise
