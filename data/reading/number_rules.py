"""What counts as a number in the source files, and how errors state it."""

import re
from dataclasses import dataclass
from typing import Any

import numpy as np

MAX_NUMBER_LENGTH = 400
INT64 = np.iinfo(np.int64)
FLOAT32_MAX = float(np.finfo(np.float32).max)

_WHOLE = re.compile(r"[+-]?[0-9]+")
_DECIMAL = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?")


@dataclass(frozen=True)
class Kind:
    """A rule for numbers: their type, the smallest one, and how an error states it."""

    dtype: Any
    minimum: float
    rule: str

    def parse(self, text: str) -> float:
        """The number that ``text`` is, an int where the type is one.

        Raises:
            ValueError: the text breaks the rule.
        """
        text = text.strip(" \t")
        whole = self.dtype is np.int64
        if len(text) > MAX_NUMBER_LENGTH or not (_WHOLE if whole else _DECIMAL).fullmatch(text):
            raise ValueError(self.rule)
        value = int(text) if whole else float(text)
        if not self.minimum <= value <= (INT64.max if whole else FLOAT32_MAX):
            raise ValueError(self.rule)
        return value

    def holds_for(self, values: np.ndarray) -> bool:
        """Whether all of a parsed column keep the rule."""
        return bool((values >= self.minimum).all() and np.isfinite(values).all())


ID = Kind(np.int64, 0, f"a whole number from 0 to {INT64.max}")
SECONDS = Kind(np.int64, INT64.min, "a whole number of seconds")
AMOUNT = Kind(np.float32, 0, "a finite number of 0 or more")


@dataclass(frozen=True)
class Column:
    """A wanted column: its name in the header and the rule for its values."""

    name: str
    kind: Kind
