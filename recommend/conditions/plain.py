"""From the tree of a condition in JSON to the tree.

::

    {"and": [condition, ...]}    {"or": [condition, ...]}    {"not": condition}
    {"column": "year", "op": ">=", "value": 1990}
    {"column": "id", "op": "in", "value": [1, 2, 3]}
    {"column": "price", "op": "is", "value": "unknown"}
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from operator import indexOf
from typing import Any

import numpy as np

from data.reading.source_files import shown
from recommend.conditions.tree import (
    IN,
    IS,
    KNOWN,
    MAX_COMPARISONS,
    MAX_LEVELS,
    MAX_LISTED,
    OPS,
    TOO_DEEP,
    UNKNOWN,
    AllOf,
    AnyOf,
    Comparison,
    Condition,
    Not,
    Place,
    Value,
    wrong,
)

KEYS = ("column", "op", "value")
FORMS = (
    'an object such as {"column": "year", "op": ">=", "value": 1990}, {"and": [...]}, {"or": [...]} or '
    '{"not": ...}'
)
TOGETHER = 1 << 16  # values of a list that are checked at once
MAX_DIGITS = 40  # of a whole number that a message shows
LIKE_VALUES = (str, int, float, np.generic)  # NumPy's scalars, and members of enumerations


def parse_plain(tree: Any) -> Condition:
    """The tree of a condition that ``json`` read.

    Args:
        tree: of at most ``MAX_LEVELS`` levels, ``MAX_COMPARISONS`` comparisons and ``MAX_LISTED`` values in
            lists. Tuples are lists, too.

    Raises:
        UserError: it is no condition; one line with the place, such as ``where.and[1].value``.
    """
    return _Reader().condition(tree, "", 0)


@dataclass(frozen=True, slots=True)
class _InTree(Place):
    """A comparison at a path of keys; whether its value is a list."""

    path: str
    is_list: bool

    def of_column(self) -> str:
        return f"{self.path}.column"

    def of_value(self, number: int) -> str:
        return f"{self.path}.value" + f"[{number}]" * self.is_list


class _Reader:
    """Reads a tree and counts what it has."""

    def __init__(self) -> None:
        self.comparisons = 0
        self.listed = 0

    def condition(self, tree: Any, place: str, level: int) -> Condition:
        """The condition at a place, inside so many levels of ``and``, ``or`` and ``not``."""
        if not isinstance(tree, Mapping):
            raise wrong(place, f"must be {FORMS}, got {_shown(tree)}")
        joint = next((key for key in ("and", "or", "not") if key in tree), None)
        if joint is None:
            return self.comparison(tree, place)
        if len(tree) > 1:
            other = next(key for key in tree if key != joint)
            raise wrong(place, f'"{joint}" must be the only key, got {_shown(other)} beside it')
        if level == MAX_LEVELS:
            raise wrong(place, TOO_DEEP)
        place, inside = f"{place}.{joint}", tree[joint]
        if joint == "not":
            return Not(self.condition(inside, place, level + 1))
        if not isinstance(inside, list | tuple) or not inside:
            raise wrong(place, f"must be a list of one or more conditions, got {_shown(inside)}")
        parts = tuple(self.condition(one, f"{place}[{i}]", level + 1) for i, one in enumerate(inside))
        if len(parts) == 1:
            return parts[0]
        return AllOf(parts) if joint == "and" else AnyOf(parts)

    def comparison(self, tree: Mapping[Any, Any], place: str) -> Comparison:
        """The comparison at a place."""
        self.comparisons += 1
        if self.comparisons > MAX_COMPARISONS:
            raise wrong(place, f"more than {MAX_COMPARISONS:,} comparisons; use in with a list of values")
        for key in tree:
            if key not in KEYS:
                raise wrong(place, f"unknown key {_shown(key)}; it must be {FORMS}")
        for key in KEYS:
            if key not in tree:
                raise wrong(place, f'"{key}" is missing; it must be {FORMS}')
        column, op, value = (tree[key] for key in KEYS)
        if not isinstance(column, str):
            raise wrong(f"{place}.column", f"must be the name of a column, got {_shown(column)}")
        if not isinstance(op, str) or op not in OPS:
            raise wrong(f"{place}.op", f"must be one of {', '.join(OPS)}, got {_shown(op)}")
        if op == IN:
            return Comparison(column, op, self.listed_values(value, f"{place}.value"), _InTree(place, True))
        if op == IS and not (isinstance(value, str) and value in (KNOWN, UNKNOWN)):
            raise wrong(f"{place}.value", f"must be known or unknown, got {_shown(value)}")
        return Comparison(column, op, _checked_value(value, f"{place}.value"), _InTree(place, False))

    def listed_values(self, values: Any, place: str) -> tuple[Value, ...]:
        """The values of a list, which may be an array."""
        values = values.tolist() if isinstance(values, np.ndarray) else values
        if not isinstance(values, list | tuple):
            raise wrong(place, f"must be a list of numbers and texts, got {_shown(values)}")
        self.listed += len(values)
        if self.listed > MAX_LISTED:
            raise wrong(place, f"lists may have at most {MAX_LISTED:,} values, got {self.listed:,}")
        return _checked_values(values, place)


def _checked_values(values: Sequence[Any], place: str) -> tuple[Value, ...]:
    """The values of a list at a place; a million take a few tens of milliseconds."""
    kinds = set(map(type, values))
    if other := kinds - {int, float, str}:
        foreign = [kind for kind in other if kind is bool or not issubclass(kind, LIKE_VALUES)]
        if foreign:
            number = min(indexOf(map(type, values), kind) for kind in foreign)
            _checked_value(values[number], f"{place}[{number}]")
        return tuple(_checked_value(value, f"{place}[{number}]") for number, value in enumerate(values))
    wrong_one = _first_not_finite(values, kinds)
    if wrong_one is not None:
        _checked_value(values[wrong_one], f"{place}[{wrong_one}]")
    return tuple(values)


def _first_not_finite(values: Sequence[Value], kinds: set[type]) -> int | None:
    """The place of the first number that cannot be a finite float, of values of these types; or None."""
    if kinds == {str}:
        return None
    for start in range(0, len(values), TOGETHER):
        part = values[start : start + TOGETHER]
        numbers = [value for value in part if type(value) is not str] if str in kinds else part
        if not _are_finite(numbers, float in kinds):
            return start + next(place for place, value in enumerate(part) if not _is_finite(value))
    return None


def _are_finite(numbers: Sequence[Any], fractions: bool) -> bool:
    """Whether each number can be a finite float; without fractions a look at the ends is faster."""
    if not fractions:
        return _is_finite(min(numbers, default=0)) and _is_finite(max(numbers, default=0))
    try:
        return bool(np.isfinite(np.array(numbers, dtype=np.float64)).all())
    except OverflowError:
        return False


def _is_finite(value: Value) -> bool:
    """Whether it is a text, or a number that can be a finite float."""
    try:
        return isinstance(value, str) or isfinite(value)
    except OverflowError:
        return False


def _checked_value(value: Any, place: str) -> Value:
    value = value.item() if isinstance(value, np.generic) else value
    if isinstance(value, str):
        return str.__str__(value)  # a member of an enumeration is its text
    if isinstance(value, bool) or not isinstance(value, int | float):
        null = '; for unknown values write "op": "is", "value": "unknown"' if value is None else ""
        raise wrong(place, f"must be a number or a text, got {_shown(value)}{null}")
    if not _is_finite(value):
        raise wrong(place, "must be a finite number that a float can be")
    return int(value) if isinstance(value, int) else float(value)


def _shown(value: Any) -> str:
    """A value in a few characters, however large it is."""
    if isinstance(value, str):
        return shown(value)
    if isinstance(value, Mapping):
        return f"an object with {len(value):,} keys"
    if isinstance(value, list | tuple):
        return f"a list of {len(value):,}"
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, float) or (isinstance(value, int) and abs(value) < 10**MAX_DIGITS):
        return repr(value)
    return "a large number" if isinstance(value, int) else f"a {type(value).__name__}"
