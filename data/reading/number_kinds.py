"""What counts as a number in a text: rules for ids, seconds and amounts, in any spelling that is exact."""

import re
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np

from data.reading.source_files import CORRECT, OTHER_DATA, bad_line, shown

MAX_NUMBER_LENGTH = 400
INT64 = np.iinfo(np.int64)
FLOAT32_MAX = float(np.finfo(np.float32).max)
MAX_WHOLE_DIGITS = 19  # of int64

_WHOLE = re.compile(r"[+-]?[0-9]+")
_DECIMAL = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?")


@dataclass(frozen=True)
class NumberKind:
    """A rule for numbers.

    Attributes:
        dtype: their type.
        minimum: the smallest one allowed.
        rule: how an error states the rule.
        advice: what to do if a whole column breaks it.
    """

    dtype: Any
    minimum: float
    rule: str
    advice: str = CORRECT

    def parse(self, text: str) -> float:
        """The number in ``text``; an int where the type is one, also of ``550.0`` and ``1.387e9``.

        Raises:
            ValueError: the text breaks the rule, which is the error's text.
        """
        text = text.strip(" \t")
        if len(text) > MAX_NUMBER_LENGTH or not _DECIMAL.fullmatch(text):
            raise ValueError(self.rule)
        whole = self.dtype is np.int64
        value = _whole_number(text) if whole else float(text)
        if value is None or not self.minimum <= value <= (INT64.max if whole else FLOAT32_MAX):
            raise ValueError(self.rule)
        return value

    def holds_for(self, values: np.ndarray) -> bool:
        """Whether every value of a parsed column keeps the rule."""
        return bool((values >= self.minimum).all() and np.isfinite(values).all())


def _whole_number(text: str) -> int | None:
    """The whole number that a decimal number is, exactly; None if it has a fraction or too many digits."""
    if _WHOLE.fullmatch(text):
        return int(text)
    number = Decimal(text)
    if not number:
        return 0
    # Before it is written out: 1e999999999 takes a gigabyte.
    if not 0 <= number.adjusted() < MAX_WHOLE_DIGITS:
        return None
    value, divisor = number.as_integer_ratio()
    return value if divisor == 1 else None


ID = NumberKind(
    np.int64,
    0,
    f"a whole number from 0 to {INT64.max}",
    f"for ids that are text, {OTHER_DATA}",
)
SECONDS = NumberKind(
    np.int64,
    INT64.min,
    "a whole number of seconds",
    f"for dates and fractions of a second, {OTHER_DATA}",
)
FINITE = NumberKind(np.float64, -FLOAT32_MAX, "a finite number")
AMOUNT = NumberKind(np.float32, 0, "a finite number of 0 or more")


def finite_number(text: str, decimal: str) -> float:
    """The number in ``text``, in which ``decimal`` stands before the fraction.

    Raises:
        ValueError: the text breaks the rule of ``FINITE``, which is the error's text.
    """
    return FINITE.parse(text if decimal == "." else text.replace(decimal, ".", 1))


def parse_id(path: Path, line: int, name: str, text: str) -> int:
    """An id out of a text file.

    Raises:
        UserError: the text is not an id.
    """
    try:
        return int(ID.parse(text))
    except ValueError as rule:
        advice = f"correct the line; {ID.advice}"
        raise bad_line(path, line, f"{name} must be {rule}, got {shown(text)}", advice) from None
