"""Columns of texts that a condition can name."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np

from base.arrays import BoolArray, IntArray
from data.reading.number_kinds import FINITE
from data.reading.source_files import shown
from recommend.conditions.columns import HOLDS, ORDERED, Column, NumberColumn, refuse_kind
from recommend.conditions.tree import IN, Comparison, wrong

COMMON = 50  # values of a column that are offered to choose from


class TextColumn(Column):
    """Texts, compared letter by letter. If all are numbers, numbers are compared with them as such.

    Args:
        values: one per film, empty where there is none.
        name_films: whether they are ids or titles: never numbers, and none is common.
    """

    kind = "text"

    def __init__(self, values: Sequence[str], name_films: bool = False):
        self.texts = sorted(set(values) - {""})
        self.name_films = name_films
        self.code_of = {text: code for code, text in enumerate(self.texts)}
        get = self.code_of.get
        self.codes = np.fromiter((get(value, -1) for value in values), np.int32, count=len(values))
        self.known = self.codes >= 0

    @cached_property
    def as_numbers(self) -> NumberColumn | None:
        """The values as numbers; None if one of them is none, or if there are none."""
        if self.name_films:
            return None
        try:
            numbers = [FINITE.parse(text) for text in self.texts]
        except ValueError:
            return None
        return NumberColumn(np.array([*numbers, np.nan])[self.codes]) if numbers else None

    def _operand(self, comparison: Comparison) -> Any:
        column, values = shown(comparison.column), comparison.values
        ordered = comparison.op in ORDERED
        if self.as_numbers is not None:
            if ordered:
                refuse_kind(str, comparison, f"{column} has numbers, so it must be compared with one")
            return [v for v in values if isinstance(v, str)], [v for v in values if not isinstance(v, str)]
        for kind in (float, int) if ordered else (float,):
            refuse_kind(kind, comparison, f"{column} is text, so a number must be in quotes")
        return list(map(str, values)), []

    def _holding(self, op: str, operand: Any) -> BoolArray:
        texts, numbers = operand
        if op == IN:
            wanted = np.zeros(len(self.texts) + 1, dtype=bool)  # the last is of films without a value
            wanted[[self.code_of[text] for text in texts if text in self.code_of]] = True
            found = wanted[self.codes]
            return found | self.as_numbers._holding(IN, np.array(numbers)) if numbers else found  # type: ignore[union-attr]
        if numbers:
            return self.as_numbers._holding(op, numbers[0])  # type: ignore[union-attr]
        if op in ("=", "!="):
            return HOLDS[op](self.codes, self.code_of.get(texts[0], -2))
        # Codes are in the order of the texts: a text is below or equal if its code is below this one.
        side = "left" if op in ("<", ">=") else "right"
        below = self.codes < _place(self.texts, texts[0], side)
        return below if op in ("<", "<=") else ~below

    def _range(self) -> dict[str, Any]:
        ends = {} if self.as_numbers is None else self.as_numbers._range()
        return ends | ({"values": _common(self.texts, self.codes[self.known])} if not self.name_films else {})


class SetColumn(Column):
    """Several texts per film, such as genres. A film without any has no known value.

    Args:
        values: one tuple per film.
    """

    kind = "set"

    def __init__(self, values: Sequence[tuple[str, ...]]):
        self.texts = sorted({text for own in values for text in own})
        self.code_of = {text: code for code, text in enumerate(self.texts)}
        lengths = np.fromiter(map(len, values), np.int64, count=len(values))
        self.known = lengths > 0
        rows = np.repeat(np.arange(len(values)), lengths)
        codes = np.fromiter((self.code_of[text] for own in values for text in own), np.int32, count=len(rows))
        order = np.argsort(codes, kind="stable")
        self.rows = np.split(rows[order], np.searchsorted(codes[order], np.arange(1, len(self.texts))))
        self.codes = codes

    def _operand(self, comparison: Comparison) -> Any:
        if comparison.op in ORDERED:
            raise wrong(
                comparison.place.of_column(),
                f"{shown(comparison.column)} are sets, which =, !=, in and is compare, not {comparison.op}",
            )
        refuse_kind(float, comparison, f"{shown(comparison.column)} are text, so a number must be in quotes")
        return list(map(str, comparison.values))

    def _holding(self, op: str, operand: Any) -> BoolArray:
        found = np.zeros(len(self.known), dtype=bool)
        for text in operand:
            if text in self.code_of:
                found[self.rows[self.code_of[text]]] = True
        return ~found if op == "!=" else found

    def _range(self) -> dict[str, Any]:
        return {"values": _common(self.texts, self.codes)}


def _place(texts: list[str], text: str, side: str) -> int:
    """How many texts are below ``text``; with the side ``right`` it counts itself."""
    return bisect_left(texts, text) if side == "left" else bisect_right(texts, text)


def _common(texts: list[str], codes: IntArray) -> list[dict[str, Any]]:
    """The most common texts and how many films have each."""
    counts = np.bincount(codes, minlength=len(texts))
    return [
        {"value": texts[code], "films": int(counts[code])}
        for code in np.argsort(-counts, kind="stable")[:COMMON].tolist()
    ]
