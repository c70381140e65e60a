"""The words of a condition's text, as they were typed: marks, words, and texts in quotes.

A text in quotes keeps them here, so that ``'in'`` is another token than ``in``. Places are found again only
for errors, so that a list of thirty thousand values takes milliseconds.
"""

import re
from itertools import islice
from math import isfinite

from data.reading.source_files import shown
from recommend.conditions.tree import BARE, KEYWORDS, Value, wrong

QUOTES, MARKS = "'\"", "(),=<>!"
NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")  # of JSON, so 007 is text
MAX_WHOLE = 40  # digits; more are no number of a column and slow to read

# Possessive: an open quote is looked at once, whatever quotes follow. It takes the rest of the text.
_QUOTED = r"'(?:[^']++|'')*+'|\"(?:[^\"]++|\"\")*+\""
_TOKEN = re.compile(rf"[<>!]=|[{MARKS}]|{_QUOTED}|{BARE.pattern}|[{QUOTES}].*+", re.DOTALL)


def tokens_of(text: str) -> list[str]:
    """The tokens of a text.

    Raises:
        UserError: a quote is not closed.
    """
    tokens = _TOKEN.findall(text)
    if tokens and is_quoted(last := tokens[-1]) and not re.fullmatch(_QUOTED, last):
        problem = f"the quote {last[0]} is not closed; close it, and double a quote that is part of a text"
        raise wrong(place_of(text, len(tokens) - 1), problem)
    return tokens


def place_of(text: str, number: int) -> str:
    """The place of token ``number`` of a text, as an error names it; past the last one the end."""
    match = next(islice(_TOKEN.finditer(text), number, None), None)
    return f", character {(len(text) if match is None else match.start()) + 1}"


def is_quoted(token: str) -> bool:
    """Whether a token is a text in quotes."""
    return token[:1] in QUOTES and token != ""


def is_name(token: str) -> bool:
    """Whether a token can be a column or a value: neither a mark nor a keyword, ``@file`` or the end."""
    return token != "" and token[0] not in MARKS + "@" and token.lower() not in KEYWORDS


def text_of(token: str) -> str:
    """The text that a word or a text in quotes is."""
    return token[1:-1].replace(token[0] * 2, token[0]) if is_quoted(token) else token


def value_of(token: str) -> Value | None:
    """The number or text that a token is; None if it is a number that no float can be."""
    if not NUMBER.fullmatch(token):
        return text_of(token)
    if len(token) <= MAX_WHOLE and token.lstrip("-").isdecimal():
        return int(token)
    number = float(token)
    return number if isfinite(number) else None


def shown_token(token: str) -> str:
    """A token as an error shows it."""
    return shown(token) if token else "the end"
