"""Which films fulfil a condition, in three-valued logic, for all films at once.

What a condition says of a film is 1 (it holds), -1 (it does not) or 0 (unknown). So ``and`` is the minimum of
its parts, ``or`` their maximum, and ``not`` the negative (Kleene, 1938; SQL:1992, section 8.12).
"""

from collections.abc import Iterator
from typing import Any

import numpy as np

from base.arrays import IntArray
from recommend.conditions.columns import Column, Truth
from recommend.conditions.film_columns import FilmColumns
from recommend.conditions.parser import parse_text
from recommend.conditions.plain import parse_plain
from recommend.conditions.tree import AllOf, AnyOf, Comparison, Condition, Not, comparisons_of

Checked = tuple[Column, Any]  # a column and what it is compared with


def parse(condition: Any) -> Condition:
    """The tree of a condition in any form: text, the tree that ``json`` reads, or a tree already.

    Raises:
        UserError: it is no condition; one line with the place.
    """
    if isinstance(condition, Condition):
        return condition
    return parse_text(condition) if isinstance(condition, str) else parse_plain(condition)


def fulfilling(condition: Condition, columns: FilmColumns) -> IntArray:
    """The rows of the films that fulfil a condition, int64, ascending.

    Raises:
        UserError: it names a column that there is not, or compares one with values of another kind. Nothing
            was evaluated before.
    """
    comparisons = comparisons_of(condition)
    found = [columns.find(comparison) for comparison in comparisons]
    operands = [column.operand(each) for column, each in zip(found, comparisons, strict=True)]
    return np.flatnonzero(_truth(condition, zip(found, operands, strict=True)) > 0)


def _truth(condition: Condition, checked: Iterator[Checked]) -> Truth:
    """What a condition says of each film; it takes its comparisons off ``checked``."""
    if isinstance(condition, Comparison):
        column, operand = next(checked)
        return column.truth(condition.op, operand)
    if isinstance(condition, Not):
        return -_truth(condition.part, checked)
    join = {AllOf: np.minimum, AnyOf: np.maximum}[type(condition)]
    whole = _truth(condition.parts[0], checked)
    for part in condition.parts[1:]:
        join(whole, _truth(part, checked), out=whole)
    return whole
