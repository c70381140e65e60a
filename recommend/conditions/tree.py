"""A condition as a tree: comparisons, joined by ``and``, ``or`` and ``not``.

``recommend/conditions/parser.py`` makes it of text, ``recommend/conditions/plain.py`` of JSON. Both keep the
limits that stand here. So whatever follows a tree down may call itself.
"""

import re
from dataclasses import dataclass, field
from typing import ClassVar

from base.errors import UserError

MAX_LEVELS = 32  # of and, or, not and brackets, one inside the other
TOO_DEEP = f"more than {MAX_LEVELS} levels of and, or, not and brackets; write it flatter"
MAX_LISTED = 1_000_000  # values in all lists of a tree
MAX_COMPARISONS = 10_000  # of a tree; 64 KiB of text have no more

IN, IS = "in", "is"
ORDERS = ("=", "!=", "<", "<=", ">", ">=")
OPS = (*ORDERS, IN, IS)
KNOWN, UNKNOWN = "known", "unknown"
KEYWORDS = frozenset({"and", "or", "not", IN, IS})

Value = int | float | str
BARE = re.compile(r"[^\s(),=<>!'\"]+")  # what needs no quotes


class Place:
    """Where a comparison stands, for errors; this one is nowhere.

    Comparisons keep few objects, as Python would look at all objects of the process again and again while it
    makes many.
    """

    __slots__ = ()
    in_file: ClassVar[bool] = False  # whether the values are lines of a file, all of them texts

    def of_column(self) -> str:
        """The place of the column."""
        return ""

    def of_value(self, number: int) -> str:
        """The place of value ``number``, from 0."""
        return ""


NOWHERE = Place()


@dataclass(frozen=True, slots=True)
class Comparison:
    """A column and what its values are compared with.

    Attributes:
        column: name, as typed.
        op: one of ``OPS``.
        value: a number or a text; for ``in`` a tuple of them; for ``is`` one of ``known`` and ``unknown``.
        place: where it stands.
    """

    column: str
    op: str
    value: Value | tuple[Value, ...]
    place: Place = field(default=NOWHERE, compare=False, repr=False)

    @property
    def values(self) -> tuple[Value, ...]:
        """The value, or all values of a list."""
        return self.value if isinstance(self.value, tuple) else (self.value,)

    def __str__(self) -> str:
        column = self.column
        if not BARE.fullmatch(column) or column.lower() in KEYWORDS or column.startswith("@"):
            column = _quoted(column)
        if self.op == IS:
            return f"{column} is {self.value}"
        values = [_quoted(value) if isinstance(value, str) else repr(value) for value in self.values]
        return f"{column} in ({', '.join(values)})" if self.op == IN else f"{column} {self.op} {values[0]}"


@dataclass(frozen=True, slots=True)
class Not:
    """What does not hold."""

    part: "Condition"

    def __str__(self) -> str:
        return f"not {_bracketed(self.part, AllOf, AnyOf)}"


@dataclass(frozen=True, slots=True)
class AllOf:
    """Two or more conditions that must all hold: ``and``."""

    parts: "tuple[Condition, ...]"

    def __str__(self) -> str:
        return " and ".join(_bracketed(part, AllOf, AnyOf) for part in self.parts)


@dataclass(frozen=True, slots=True)
class AnyOf:
    """Two or more conditions of which one must hold: ``or``."""

    parts: "tuple[Condition, ...]"

    def __str__(self) -> str:
        return " or ".join(_bracketed(part, AnyOf) for part in self.parts)


Condition = Comparison | Not | AllOf | AnyOf


def parts_of(condition: Condition) -> tuple[Condition, ...]:
    """The conditions directly inside a condition."""
    if isinstance(condition, Comparison):
        return ()
    return (condition.part,) if isinstance(condition, Not) else condition.parts


def comparisons_of(condition: Condition) -> list[Comparison]:
    """AllOf comparisons of a condition, from left to right."""
    if isinstance(condition, Comparison):
        return [condition]
    return [leaf for part in parts_of(condition) for leaf in comparisons_of(part)]


def wrong(place: str, problem: str) -> UserError:
    """The error of one line for what is wrong at a place; the setting is ``where`` everywhere."""
    return UserError(f"`where`{place}: {problem}")


def _bracketed(part: Condition, *kinds: type) -> str:
    return f"({part})" if isinstance(part, kinds) else str(part)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
