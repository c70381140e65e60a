"""Columns of films that a condition can name: their values, and which of them a comparison holds for.

What a comparison says of a film is 1 (it holds), -1 (it does not) or 0 (unknown), as in SQL.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from operator import indexOf
from typing import Any

import numpy as np
import numpy.typing as npt

from base.arrays import BoolArray, FloatArray, IntArray
from base.checks import MAX_INT64, shown_value
from base.errors import UserError
from data.reading.number_kinds import FINITE, ID
from data.reading.source_files import shown
from recommend.conditions.tree import IN, IS, KNOWN, Comparison, wrong

Truth = npt.NDArray[np.int8]  # [num_movies]

HOLDS: dict[str, Any] = {
    "=": np.equal,
    "!=": np.not_equal,
    "<": np.less,
    "<=": np.less_equal,
    ">": np.greater,
    ">=": np.greater_equal,
}
MAX_DIGITS = 19  # of an id
MANY = 10_000  # texts that are worth the import of PyArrow
_ID_RULE = f"an id must be {ID.rule}"
ORDERED = ("<", "<=", ">", ">=")


class Column(ABC):
    """The values of all films.

    Attributes:
        kind: ``number``, ``text`` or ``set``, as ``/api/columns`` calls it.
        known: bool ``[num_movies]``, which films have a value.
    """

    kind: str
    known: BoolArray

    def operand(self, comparison: Comparison) -> Any:
        """What ``truth`` compares the values with.

        Raises:
            UserError: it is of another kind than the column.
        """
        return comparison.value == KNOWN if comparison.op == IS else self._operand(comparison)

    @abstractmethod
    def _operand(self, comparison: Comparison) -> Any:
        """The values of a comparison as ``_holding`` takes them."""

    @abstractmethod
    def _holding(self, op: str, operand: Any) -> BoolArray:
        """Which films a comparison holds for, bool ``[num_movies]``; those without a value do not matter.

        Args:
            op: one of ``ORDERS`` or ``in``.
            operand: of ``_operand``.
        """

    def truth(self, op: str, operand: Any) -> Truth:
        """What a comparison says of each film."""
        if op == IS:
            return _signed(self.known == operand)
        return _signed(self._holding(op, operand)) * self.known

    def summary(self) -> dict[str, Any]:
        """What a page needs to offer the column: its kind, how many films have a value, and which."""
        return {"kind": self.kind, "known": int(self.known.sum())} | self._range()

    def _range(self) -> dict[str, Any]:
        """The ends of numbers, the most common texts; nothing if there are none."""
        return {}


class NumberColumn(Column):
    """Numbers.

    Args:
        values: float ``[num_movies]``, nan where there is none.
    """

    kind = "number"

    def __init__(self, values: FloatArray):
        self.values = values.astype(np.float64)
        self.known = ~np.isnan(self.values)

    def _operand(self, comparison: Comparison) -> Any:
        rule = f"{shown(comparison.column)} must be compared with numbers"
        if comparison.place.in_file:
            numbers = np.array(_numbers_of_lines(comparison, rule), dtype=np.float64)
        else:
            refuse_kind(str, comparison, rule)
            numbers = np.array(comparison.values, dtype=np.float64)
        return numbers if comparison.op == IN else numbers[0]

    def _holding(self, op: str, operand: Any) -> BoolArray:
        return _are_among(self.values, operand) if op == IN else HOLDS[op](self.values, operand)

    def _range(self) -> dict[str, Any]:
        known = self.values[self.known]
        return {"lowest": float(known.min()), "highest": float(known.max())} if len(known) else {}


class IdColumn(Column):
    """Ids that are whole numbers.

    Args:
        ids: int64 ``[num_movies]``.
    """

    kind = "number"

    def __init__(self, ids: IntArray):
        self.ids = ids
        self.known = np.ones(len(ids), dtype=bool)

    def _operand(self, comparison: Comparison) -> Any:
        refuse_kind(float, comparison, _ID_RULE)  # 3.0 may have been another id
        values = _whole_numbers(comparison)
        try:
            ids = np.array(values, dtype=np.int64)
        except OverflowError:
            high = max(values)
            other = indexOf(values, high if high > MAX_INT64 else min(values))
            raise refusal(comparison, other, _ID_RULE) from None
        return ids if comparison.op == IN else ids[0]

    def _holding(self, op: str, operand: Any) -> BoolArray:
        return _are_among(self.ids, operand) if op == IN else HOLDS[op](self.ids, operand)


def _are_among(values: FloatArray | IntArray, listed: FloatArray | IntArray) -> BoolArray:
    """Which values are in a list; ``numpy.isin`` takes a second for a million listed numbers."""
    if not len(listed):
        return np.zeros(len(values), dtype=bool)
    rising = np.sort(listed)
    return rising[np.searchsorted(rising[:-1], values)] == values


def _signed(holds: BoolArray) -> Truth:
    """1 where it holds, else -1."""
    return (2 * holds.view(np.int8) - 1).astype(np.int8)


def refuse_kind(kind: type, comparison: Comparison, problem: str) -> None:
    """Refuse values of a Python type; the message names the first. A million take 20 ms."""
    try:
        number = indexOf(map(type, comparison.values), kind)
    except ValueError:
        return
    raise refusal(comparison, number, problem)


def refusal(comparison: Comparison, number: int, problem: str) -> UserError:
    """The error of a value of a comparison."""
    value = shown_value(comparison.values[number])
    return wrong(comparison.place.of_value(number), f"{problem}, got {value}")


def _numbers_of_lines(comparison: Comparison, rule: str) -> list[float]:
    """The numbers that the lines of a file are."""
    numbers = []
    for line, text in enumerate(comparison.values):
        try:
            numbers.append(FINITE.parse(str(text)))
        except ValueError:
            raise refusal(comparison, line, rule) from None
    return numbers


def _whole_numbers(comparison: Comparison) -> Sequence[int] | IntArray:
    """The ids of a comparison, of which some may be written as text."""
    kinds = set(map(type, comparison.values))
    if str not in kinds:
        return comparison.values  # type: ignore[return-value]
    if kinds == {str} and len(comparison.values) >= MANY:
        found = _of_many_texts(comparison)
        if found is not None:
            return found
    texts: Sequence[Any] = comparison.values
    if kinds != {str}:
        texts = [value if isinstance(value, str) else "0" for value in texts]
    are_digits = list(map(str.isdecimal, texts))
    if False in are_digits:
        raise refusal(comparison, are_digits.index(False), _ID_RULE)
    lengths = list(map(len, texts))
    if max(lengths) > MAX_DIGITS:
        raise refusal(comparison, lengths.index(max(lengths)), _ID_RULE)
    return list(map(int, comparison.values))


def _of_many_texts(comparison: Comparison) -> IntArray | None:
    """The ids that texts are, three times as fast as Python makes them; None if they need a closer look.

    Raises:
        UserError: one of them has something else than digits.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    try:
        texts = pa.array(comparison.values, pa.string())
        other = pc.index(pc.utf8_is_decimal(texts), False).as_py()
        if other >= 0:
            raise refusal(comparison, other, _ID_RULE)
        if pc.max(pc.utf8_length(texts)).as_py() > MAX_DIGITS:
            return None
        return pc.cast(texts, pa.int64()).to_numpy()
    except (pa.ArrowInvalid, UnicodeError):  # too large, digits of another script, half a character
        return None
