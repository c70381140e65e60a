"""The words of a condition's text, one at a time."""

import re
from collections.abc import Iterator
from math import isfinite
from typing import NamedTuple

from data.reading.source_files import shown
from recommend.conditions.tree import BARE, KEYWORDS, ORDERS, Value, wrong

WORD, QUOTED, MARK, END = "word", "quoted", "mark", "end"
NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")  # of JSON, so 007 is text
MAX_WHOLE = 40  # digits; more are no number of a column and slow to read

# Possessive: an open quote is looked at once, whatever quotes follow.
_QUOTES = r"'(?:[^']++|'')*+'|\"(?:[^\"]++|\"\")*+\""
_TOKEN = re.compile(rf"\s*+(?:([(),]|[<>!]=|[<>=])|({_QUOTES})|({BARE.pattern})|(.)|$)", re.DOTALL)


class Token(NamedTuple):
    """A word of the text.

    Attributes:
        kind: ``word``, ``quoted`` (without its quotes), ``mark`` or ``end``.
        text: its characters.
        start: the place of the first one, from 0.
        end: the place after the last one.
    """

    kind: str
    text: str
    start: int
    end: int

    @property
    def keyword(self) -> str | None:
        """The word in lower case if it is one of ``KEYWORDS``."""
        word = self.text.lower() if self.kind == WORD else ""
        return word if word in KEYWORDS else None

    @property
    def is_order(self) -> bool:
        """Whether it is one of ``ORDERS``."""
        return self.kind == MARK and self.text in ORDERS

    def __str__(self) -> str:
        """The word as an error shows it."""
        return "the end" if self.kind == END else shown(self.text)


def tokens_of(text: str) -> Iterator[Token]:
    """The tokens of a text, the last of kind ``end``.

    Raises:
        UserError: a quote is not closed, or a sign has no meaning; at its turn.
    """
    at = 0
    while True:
        match = _TOKEN.match(text, at)
        assert match is not None  # the last two alternatives match anything
        at = match.end()
        kind = match.lastindex
        if kind is None:
            yield Token(END, "", at, at)
            return
        word, start = match[kind], match.start(kind)
        if kind == 4:
            if word == "!":
                raise wrong(place_of(start), "! must be followed by =; write not for the opposite")
            raise wrong(
                place_of(start),
                f"the quote {word} is not closed; close it, and double a quote that is part of a text",
            )
        if kind == 2:
            yield Token(QUOTED, word[1:-1].replace(word[0] * 2, word[0]), start, at)
        else:
            yield Token(MARK if kind == 1 else WORD, word, start, at)


def place_of(start: int) -> str:
    """The place of a character, from 0, as an error names it."""
    return f", character {start + 1}"


def value_of(token: Token) -> Value:
    """The number or text that a token is.

    Raises:
        UserError: it is a number that no float can be.
    """
    if token.kind == QUOTED or not NUMBER.fullmatch(token.text):
        return token.text
    if token.text.lstrip("-").isdecimal() and len(token.text) <= MAX_WHOLE:
        return int(token.text)
    number = float(token.text)
    if not isfinite(number):
        raise wrong(place_of(token.start), f"the number {shown(token.text)} is too large")
    return number
