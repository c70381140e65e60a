"""Values of own data, from the text in the file: ids, years, ratings and times.

Each reader belongs to one column of a file. It takes the number of a line and the text of the value, and
raises a ``UserError`` of one line if that is not such a value.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from data.reading.columns import STARS
from data.reading.number_columns import AMOUNT, SECONDS
from data.reading.schema import InteractionTable
from data.reading.source_files import bad_line, shown

MAX_YEAR = 9999

Value = TypeVar("Value")
Reader = Callable[[int, str], Value]


def id_reader(path: Path, column: str) -> Reader[str]:
    """Reads ids, which are any text but the empty one."""

    def read(line: int, text: str) -> str:
        if not text:
            raise bad_line(path, line, f"{column} is empty")
        return text

    return read


def year_reader(path: Path, column: str) -> Reader[float]:
    """Reads years; nan where the value is empty or 0, as catalogues write an unknown year."""

    def read(line: int, text: str) -> float:
        digits = text.removeprefix("-")
        if not digits.strip("0"):
            return float("nan")
        if not (digits.isascii() and digits.isdigit() and len(digits) <= 10 and int(digits) <= MAX_YEAR):
            problem = f"{column} must be a year up to {MAX_YEAR}, 0 or empty, got {shown(text)}"
            raise bad_line(path, line, problem)
        return float(text)

    return read


def rating_reader(path: Path, table: InteractionTable) -> Reader[float]:
    """Reads ratings and turns them into stars; gives the best one where there are no ratings."""
    column, best = table.rating, table.best_rating
    if column is None:
        return lambda line, text: STARS

    def read(line: int, text: str) -> float:
        try:
            rating = AMOUNT.parse(text)
        except ValueError as rule:
            raise bad_line(path, line, f"{column} must be {rule}, got {shown(text)}") from None
        if rating > best:
            raise bad_line(
                path,
                line,
                f"{column} is {shown(text)}, above the best rating, {best:g}",
                "set interactions.best_rating in the schema, or correct the line",
            )
        return rating * STARS / best

    return read


def time_reader(path: Path, table: InteractionTable) -> Reader[int | None]:
    """Reads times as whole numbers; gives None where the rows are in order of time already."""
    column = table.timestamp
    if column is None:
        return lambda line, text: None

    def read_number(line: int, text: str) -> int:
        try:
            return int(SECONDS.parse(text))
        except ValueError:
            problem = f"{column} must be a whole number, got {shown(text)}"
            advice = 'for dates set interactions.timestamp_format in the schema to "iso"'
            raise bad_line(path, line, problem, advice) from None

    def read_date(line: int, text: str) -> int:
        try:
            when = datetime.fromisoformat(text)
            return int((when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp())
        except (ValueError, OverflowError):
            problem = f"{column} must be a date such as 2024-05-31 or 2024-05-31T18:30:00, got {shown(text)}"
            raise bad_line(path, line, problem) from None

    return read_number if table.timestamp_format == "number" else read_date
