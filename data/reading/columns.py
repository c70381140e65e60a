"""What a release is after parsing and before any choice of ours: named columns, as the cache keeps them."""

from dataclasses import dataclass, field

import numpy as np


@dataclass
class Columns:
    """Named columns; which there are, the reader says.

    Attributes:
        arrays: numbers, read-only.
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
