"""Values of own data, from the text in the file: ids, years, ratings, times, amounts and kinds.

Each reader belongs to one column of a file. It takes the number of a line and the text of the value, and
raises a ``UserError`` of one line if that is not such a value.
"""

import re
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import TypeVar

import numpy as np

from data.reading.columns import STARS
from data.reading.moments import MAX_TIME, microseconds_of
from data.reading.number_kinds import AMOUNT, FINITE, INT64, finite_number
from data.reading.schema import InteractionTable, Table
from data.reading.source_files import CORRECT, bad_line, shown
from data.reading.tables import quotes_advice

MAX_YEAR = 9999

_WHOLE = re.compile(r"[+-]?[0-9]{1,19}")
_DATE_OF_ANOTHER_ORDER = re.compile(r"[0-9]{1,2}([./-])[0-9]{1,2}\1[0-9]{2,4}\b.*")

Value = TypeVar("Value")
Reader = Callable[[int, str], Value]


def id_reader(path: Path, column: str) -> Reader[str]:
    """Reads ids, which are any text but the empty one."""

    def read(line: int, text: str) -> str:
        if not text:
            raise bad_line(path, line, f"{column} is empty")
        if "\n" in text or "\r" in text:
            raise bad_line(path, line, f"{column} has a line break, got {shown(text)}")
        return text

    return read


def year_reader(path: Path, column: str, table: Table) -> Reader[float]:
    """Reads years, also as ``2008.0``; nan where the value is empty or 0, which mean an unknown year."""

    def read(line: int, text: str) -> float:
        if not text:
            return float("nan")
        year = whole_number_in(text)
        if year is None or not -(10**9) <= year <= MAX_YEAR:
            problem = f"{column} must be a year up to {MAX_YEAR}, 0 or empty, got {shown(text)}"
            advice = (
                f"correct the line, or name the text in items.empty of {table.place} if it stands for no year"
            )
            raise bad_line(path, line, problem, _about_quotes("items", text, table) or advice)
        return float(year) if year else float("nan")

    return read


def whole_number_in(text: str) -> int | None:
    """The whole number that a text spells, also as ``2008.0`` or ``1.4e9``; None if it spells none."""
    if _WHOLE.fullmatch(text):
        number = int(text)
        return number if INT64.min <= number <= INT64.max else None
    try:
        if not FINITE.parse(text).is_integer():
            return None
        value = Decimal(text.strip(" \t"))
    except (ValueError, ArithmeticError):  # the latter for exponents of many digits
        return None
    whole = int(value)
    return whole if whole == value and INT64.min <= whole <= INT64.max else None


def rating_reader(path: Path, table: InteractionTable) -> Reader[float]:
    """Reads ratings and turns them into stars; gives the best one where there are no ratings."""
    column, best = table.rating, table.best_rating
    if column is None:
        return lambda line, text: STARS
    read_number = number_reader(path, column, table, AMOUNT.rule)

    def read(line: int, text: str) -> float:
        rating = read_number(line, text)
        if rating < 0:
            raise bad_line(
                path,
                line,
                f"{column} must be {AMOUNT.rule}, got {shown(text)}",
                "if it means a dislike, set interactions.kind in the schema to "
                f'{{"column": "{column}", "weights": {{"{text}": 0, "1": 1}}}}, with every value of the '
                "column, instead of interactions.rating",
            )
        if rating > best:
            raise bad_line(
                path,
                line,
                f"{column} is {shown(text)}, above the best rating, {best:g}",
                "set interactions.best_rating in the schema, or correct the line",
            )
        return rating * STARS / best

    return read


def number_reader(path: Path, column: str, table: InteractionTable, rule: str = FINITE.rule) -> Reader[float]:
    """Reads finite numbers with the decimal sign of the table; errors state ``rule``."""

    def read(line: int, text: str) -> float:
        try:
            return finite_number(text, table.decimal)
        except ValueError:
            problem = f"{column} must be {rule}, got {shown(text)}"
        raise bad_line(path, line, problem, _advice_on_numbers(text, table))

    return read


def weight_reader(path: Path, table: InteractionTable) -> Callable[[int, str, str], float]:
    """Reads what a row counts: log(1 + weight) times the weight of its kind; 0 if it does not count."""
    read_number = None if table.weight is None else number_reader(path, table.weight, table)
    kind = table.kind

    def read(line: int, weight: str, kind_text: str) -> float:
        amount = 1.0 if read_number is None else float(np.log1p(max(read_number(line, weight), 0)))
        if kind is None:
            return amount
        if kind_text not in kind.weights:
            raise bad_line(
                path,
                line,
                f"{kind.column} is {shown(kind_text)}, and interactions.kind.weights has no such kind",
                "add it there; with the weight 0 its rows are left out",
            )
        return amount * kind.weights[kind_text]

    return read


def time_reader(path: Path, table: InteractionTable) -> Reader[float | None]:
    """Reads times: an int for a whole number, a float for another one; None where the table has no times.

    Dates are whole microseconds since 1970.
    """
    column = table.timestamp
    if column is None:
        return lambda line, text: None

    def read_number(line: int, text: str) -> float:
        whole = whole_number_in(text)
        if whole is not None:
            return whole
        try:
            value = finite_number(text, table.decimal)
        except ValueError:
            value = float("inf")
        if abs(value) < MAX_TIME:
            return value
        problem = f"{column} must be a number, got {shown(text)}"
        if date_in(text) is not None:
            raise bad_line(path, line, problem, 'set interactions.timestamp_format in the schema to "iso"')
        raise bad_line(path, line, problem, _advice_on_times(text, table))

    def read_date(line: int, text: str) -> int:
        when = date_in(text)
        if when is not None:
            return when
        problem = f"{column} must be a date such as 2024-05-31 or 2024-05-31T18:30:00, got {shown(text)}"
        if whole_number_in(text) is not None:
            raise bad_line(path, line, problem, 'set interactions.timestamp_format in the schema to "number"')
        raise bad_line(path, line, problem, _advice_on_times(text, table))

    return read_number if table.timestamp_format == "number" else read_date


def date_in(text: str) -> int | None:
    """Microseconds since 1970 of a date in ISO 8601, in UTC where it has no zone; None for other text."""
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        return None
    return microseconds_of(when)


def _about_quotes(name: str, text: str, table: Table) -> str | None:
    """What to do if a value still has its quotes."""
    in_quotes = len(text) > 1 and text[0] == text[-1] == table.quote
    return quotes_advice(name, table) if in_quotes and not table.quotes else None


def _advice_on_numbers(text: str, table: InteractionTable) -> str:
    if "," in text and table.decimal == ".":
        return 'set interactions.decimal in the schema to ","'
    return _about_quotes("interactions", text, table) or CORRECT


def _advice_on_times(text: str, table: InteractionTable) -> str:
    if _DATE_OF_ANOTHER_ORDER.fullmatch(text):
        return (
            "write the dates of the column as 2024-05-31, or leave interactions.timestamp out of the schema "
            "if the rows of each user are in order of time"
        )
    return _advice_on_numbers(text, table)
