"""From the text of a condition to its tree.

::

    condition  = all {"or" all}
    all        = one {"and" one}
    one        = "not" one | "(" condition ")" | comparison
    comparison = column ("=" | "!=" | "<" | "<=" | ">" | ">=") value
               | column ["not"] "in" ("(" [value {"," value}] ")" | "@" file)
               | column "is" ("known" | "unknown")

Columns and values are words, or stand in quotes of either kind.
"""

from collections.abc import Callable

from recommend.conditions.tokens import (
    END,
    MARK,
    QUOTED,
    WORD,
    Token,
    place_of,
    tokens_of,
    value_of,
)
from recommend.conditions.tree import (
    IN,
    IS,
    KNOWN,
    MAX_LEVELS,
    MAX_LISTED,
    UNKNOWN,
    AllOf,
    AnyOf,
    Comparison,
    Condition,
    Not,
    Place,
    Value,
    comparisons_of,
    parts_of,
    wrong,
)

MAX_BYTES = 64 * 1024  # of text, in UTF-8

# From the name of a file to the values in it, and the number of the line of each.
ReadList = Callable[[str], tuple[list[str], list[int]]]


def parse_text(text: str, read_list: ReadList | None = None) -> Condition:
    """The tree of a condition.

    Args:
        text: at most ``MAX_BYTES``, with at most ``MAX_LEVELS`` levels.
        read_list: reads the file of ``@file``; None refuses it.

    Raises:
        UserError: it is no condition; one line with the place, the number of a character from 1.
    """
    if len(text) > MAX_BYTES or len(text.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        raise wrong(
            place_of(MAX_BYTES), f"a text may have at most {MAX_BYTES:,} bytes; give a list as a tree or file"
        )
    parser = _Parser(text, read_list)
    condition = parser.alternatives(0)
    if parser.next.kind != END:
        raise parser.expected("and, or, or the end")
    _check_levels(condition)
    return condition


class _Parser:
    """Reads tokens from left to right; ``next`` is the one that was not used yet."""

    def __init__(self, text: str, read_list: ReadList | None):
        self.tokens = tokens_of(text)
        self.read_list = read_list
        self.listed = 0
        self.next = next(self.tokens)

    def take(self) -> Token:
        """Use the next token."""
        token = self.next
        if token.kind != END:
            self.next = next(self.tokens)
        return token

    def expected(self, what: str) -> Exception:
        """The error of the next token."""
        return wrong(place_of(self.next.start), f"expected {what}, got {self.next}")

    def is_mark(self, mark: str) -> bool:
        """Whether the next token is this mark."""
        return self.next.kind == MARK and self.next.text == mark

    def alternatives(self, level: int) -> Condition:
        """Conditions between ``or``; ``level`` is the number of brackets and ``not`` around them."""
        parts = [self.together(level)]
        while self.next.keyword == "or":
            self.take()
            parts.append(self.together(level))
        return parts[0] if len(parts) == 1 else AnyOf(tuple(parts))

    def together(self, level: int) -> Condition:
        """Conditions between ``and``."""
        parts = [self.one(level)]
        while self.next.keyword == "and":
            self.take()
            parts.append(self.one(level))
        return parts[0] if len(parts) == 1 else AllOf(tuple(parts))

    def one(self, level: int) -> Condition:
        """A condition with ``not`` before it, in brackets, or a comparison."""
        negated, bracket = self.next.keyword == "not", self.is_mark("(")
        if not negated and not bracket:
            return self.comparison()
        if level == MAX_LEVELS:
            raise wrong(place_of(self.next.start), _TOO_DEEP)
        self.take()
        if negated:
            return Not(self.one(level + 1))
        inside = self.alternatives(level + 1)
        if not self.is_mark(")"):
            raise self.expected("and, or, or )")
        self.take()
        return inside

    def comparison(self) -> Condition:
        """A column and what follows it."""
        name = self.next
        if name.kind not in (WORD, QUOTED) or name.keyword or (name.kind == WORD and name.text[0] == "@"):
            raise self.expected("a column")
        self.take()
        if self.next.is_order:
            order = self.take().text
            start = self.next.start
            value = self.value()
            return Comparison(
                name.text, order, value, Place(place_of(name.start), lambda number: place_of(start))
            )
        if self.next.keyword == IS:
            return self.knowledge(name)
        negated = self.next.keyword == "not"
        if negated:
            self.take()
        if self.next.keyword != IN:
            raise self.expected(IN if negated else "a comparison (=, !=, <, <=, >, >=, in, is)")
        self.take()
        values, value_place = self.values()
        found = Comparison(name.text, IN, values, Place(place_of(name.start), value_place))
        return Not(found) if negated else found

    def knowledge(self, name: Token) -> Condition:
        """``is known`` or ``is unknown``."""
        self.take()
        word, start = self.next.text.lower(), self.next.start
        if self.next.kind != WORD or word not in (KNOWN, UNKNOWN):
            raise self.expected("known or unknown")
        self.take()
        return Comparison(name.text, IS, word, Place(place_of(name.start), lambda number: place_of(start)))

    def values(self) -> tuple[tuple[Value, ...], Callable[[int], str]]:
        """The values of a list, and the place of each."""
        if self.next.kind == WORD and self.next.text[0] == "@":
            return self.values_of_file()
        if not self.is_mark("("):
            raise self.expected("( or @file")
        self.take()
        values: list[Value] = []
        starts: list[int] = []
        while not (self.is_mark(")") and not values):
            starts.append(self.next.start)
            values.append(self.value())
            if self.is_mark(")"):
                break
            if not self.is_mark(","):
                raise self.expected(", or )")
            self.take()
        self.take()
        return tuple(values), lambda number: place_of(starts[number])

    def value(self) -> Value:
        """A number or a text."""
        token = self.next
        if token.kind not in (WORD, QUOTED) or token.keyword:
            raise self.expected("a value (a text that is a word of conditions, or has signs, goes in quotes)")
        if token.kind == WORD and token.text[0] == "@":
            raise wrong(
                place_of(token.start), "@file may only follow in; put a text that begins so in quotes"
            )
        self.take()
        return value_of(token)

    def values_of_file(self) -> tuple[tuple[Value, ...], Callable[[int], str]]:
        """The values in a file that is named after ``@``."""
        mark = self.take()
        name = mark.text[1:]
        if not name and self.next.kind == QUOTED and self.next.start == mark.end:
            name = self.take().text
        if self.read_list is None:
            raise wrong(
                place_of(mark.start),
                "@file is read on the command line only; give the values in brackets, or as a tree",
            )
        if not name:
            raise wrong(place_of(mark.start), "expected the name of a file after @")
        values, lines = self.read_list(name)
        self.listed += len(values)
        if self.listed > MAX_LISTED:
            raise wrong(place_of(mark.start), f"lists may have at most {MAX_LISTED:,} values")
        return tuple(values), lambda number: f" @{name}, line {lines[number]}"


_TOO_DEEP = f"more than {MAX_LEVELS} levels of brackets, and, or and not; write it flatter"


def _check_levels(condition: Condition, level: int = 0) -> None:
    """Refuse a tree that is deeper than its brackets say, as the outermost ``and`` has none."""
    if isinstance(condition, Comparison):
        return
    if level == MAX_LEVELS:
        raise wrong(comparisons_of(condition)[0].place.column, _TOO_DEEP)
    for part in parts_of(condition):
        _check_levels(part, level + 1)
