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

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from base.errors import UserError
from recommend.conditions.tokens import (
    is_name,
    is_quoted,
    place_of,
    shown_token,
    text_of,
    tokens_of,
    value_of,
)
from recommend.conditions.tree import (
    IN,
    IS,
    KNOWN,
    MAX_LEVELS,
    MAX_LISTED,
    ORDERS,
    TOO_DEEP,
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
END = ""  # the token after the last one

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
        problem = f"a text may have at most {MAX_BYTES:,} bytes; give a long list as a tree, or as a file"
        fitting = text[:MAX_BYTES].encode("utf-8", "surrogatepass")[:MAX_BYTES]
        raise wrong(f", character {len(fitting.decode('utf-8', 'ignore')) + 1}", problem)
    parser = _Parser(text, read_list)
    condition = parser.alternatives(0)
    if parser.next != END:
        raise parser.expected("and, or, or the end")
    _check_levels(condition)
    return condition


@dataclass(frozen=True, slots=True)
class _InText(Place):
    """A comparison in a text: the numbers of the tokens that are its column and its values."""

    text: str
    column: int
    values: Sequence[int]

    def of_column(self) -> str:
        return place_of(self.text, self.column)

    def of_value(self, number: int) -> str:
        return place_of(self.text, self.values[number])


@dataclass(frozen=True, slots=True)
class _InFile(_InText):
    """A comparison with a list in a file, whose values stand on lines of these numbers."""

    name: str
    in_file = True

    def of_value(self, number: int) -> str:
        return f" @{self.name}, line {self.values[number]}"


class _Parser:
    """Reads tokens from left to right; ``at`` is the number of the first that was not used yet."""

    def __init__(self, text: str, read_list: ReadList | None):
        self.text = text
        self.read_list = read_list
        self.tokens = [*tokens_of(text), END]
        self.at = 0

    @property
    def next(self) -> str:
        """The token that was not used yet."""
        return self.tokens[self.at]

    @property
    def keyword(self) -> str:
        """The same, small letters."""
        return self.tokens[self.at].lower()

    def take(self) -> str:
        """Use the next token."""
        self.at += 1
        return self.tokens[self.at - 1]

    def place(self, number: int) -> str:
        """The place of a token, for an error."""
        return place_of(self.text, number)

    def expected(self, what: str) -> UserError:
        """The error of the next token."""
        return wrong(self.place(self.at), f"expected {what}, got {shown_token(self.next)}")

    def alternatives(self, level: int) -> Condition:
        """Conditions between ``or``; ``level`` is the number of brackets and ``not`` around them."""
        parts = [self.together(level)]
        while self.keyword == "or":
            self.take()
            parts.append(self.together(level))
        return parts[0] if len(parts) == 1 else AnyOf(tuple(parts))

    def together(self, level: int) -> Condition:
        """Conditions between ``and``."""
        parts = [self.one(level)]
        while self.keyword == "and":
            self.take()
            parts.append(self.one(level))
        return parts[0] if len(parts) == 1 else AllOf(tuple(parts))

    def one(self, level: int) -> Condition:
        """A condition with ``not`` before it, in brackets, or a comparison."""
        negated = self.keyword == "not"
        if not negated and self.next != "(":
            return self.comparison()
        if level == MAX_LEVELS:
            raise wrong(self.place(self.at), TOO_DEEP)
        self.take()
        if negated:
            return Not(self.one(level + 1))
        inside = self.alternatives(level + 1)
        if self.next != ")":
            raise self.expected("and, or, or )")
        self.take()
        return inside

    def comparison(self) -> Condition:
        """A column and what follows it."""
        if not is_name(self.next):
            raise self.expected("a column")
        start = self.at
        column = text_of(self.take())
        if self.next in ORDERS:
            order = self.take()
            (value,) = self.values([self.at])
            self.take()
            return Comparison(column, order, value, self.place_from(start))
        if self.keyword == IS:
            self.take()
            if self.keyword not in (KNOWN, UNKNOWN):
                raise self.expected("known or unknown")
            return Comparison(column, IS, self.take().lower(), self.place_from(start))
        negated = self.keyword == "not"
        if negated:
            self.take()
        if self.keyword != IN:
            raise self.expected(IN if negated else "a comparison (=, !=, <, <=, >, >=, in, is)")
        self.take()
        found = self.listed(column, start)
        return Not(found) if negated else found

    def listed(self, column: str, start: int) -> Comparison:
        """The comparison of a column with a list, in brackets or a file."""
        if self.next.startswith("@"):
            return self.listed_in_file(column, start)
        if self.next != "(":
            raise self.expected("( or @file")
        self.take()
        if self.next == ")":
            self.take()
            return Comparison(column, IN, (), self.place_from(start))
        first = self.at
        commas = self.tokens[first + 1 :: 2]  # up to the first token that is no comma
        count = next(i for i, mark in enumerate([*commas, END], start=1) if mark != ",")
        numbers = range(first, min(first + 2 * count, len(self.tokens)), 2)
        values = self.values(numbers)
        self.at = first + 2 * count - 1
        if self.next != ")":
            raise self.expected(", or )")
        self.take()
        return Comparison(column, IN, values, _InText(self.text, start, numbers))

    def values(self, numbers: Sequence[int]) -> tuple[Value, ...]:
        """The numbers and texts that tokens are."""
        tokens = [self.tokens[number] for number in numbers]
        values = []
        for number, token in zip(numbers, tokens, strict=True):
            if not is_name(token):
                self.at = number
                if token.startswith("@"):
                    raise wrong(
                        self.place(number), "@file may only follow in; a text that begins so needs quotes"
                    )
                raise self.expected("a value (in quotes if it is a word of conditions or has signs)")
            value = value_of(token)
            if value is None:
                raise wrong(self.place(number), f"the number {shown_token(token)} is too large")
            values.append(value)
        return tuple(values)

    def place_from(self, start: int) -> Place:
        """The place of a comparison of three tokens: column, sign and value."""
        return _InText(self.text, start, range(start + 2, start + 3))

    def listed_in_file(self, column: str, start: int) -> Comparison:
        """The comparison of a column with the values in a file that is named after ``@``."""
        mark = self.at
        name = self.take()[1:]
        if not name and is_quoted(self.next):
            name = text_of(self.take())
        if self.read_list is None:
            problem = "@file is read on the command line only; give the values in brackets, or as a tree"
            raise wrong(self.place(mark), problem)
        if not name:
            raise wrong(self.place(mark), "expected the name of a file after @")
        values, lines = self.read_list(name)
        if len(values) > MAX_LISTED:
            raise wrong(f" @{name}", f"a list may have at most {MAX_LISTED:,} values, got {len(values):,}")
        return Comparison(column, IN, tuple(values), _InFile(self.text, start, lines, name))


def _check_levels(condition: Condition, level: int = 0) -> None:
    """Refuse a tree that is deeper than its brackets say, as the outermost ``and`` has none."""
    if isinstance(condition, Comparison):
        return
    if level == MAX_LEVELS:
        raise wrong(comparisons_of(condition)[0].place.of_column(), TOO_DEEP)
    for part in parts_of(condition):
        _check_levels(part, level + 1)
