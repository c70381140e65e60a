"""Values of own data, from the text in the file: ids, years, ratings and times.

Each function takes the file, the line and the column for its error, which is a ``UserError`` of one line.
"""

from datetime import UTC, datetime
from pathlib import Path

from data.reading.number_columns import AMOUNT, SECONDS
from data.reading.schema import STARS, InteractionTable
from data.reading.source_files import bad_line, shown

MAX_YEAR = 9999


def named(path: Path, line: int, column: str, text: str) -> str:
    """An id, which is any text but the empty one."""
    if not text:
        raise bad_line(path, line, f"{column} is empty")
    return text


def year_of(path: Path, line: int, column: str, text: str) -> float:
    """A year; nan where the value is empty or 0, as catalogues write an unknown year."""
    digits = text.removeprefix("-")
    if not digits.strip("0"):
        return float("nan")
    if not (digits.isascii() and digits.isdigit() and int(digits[-10:]) <= MAX_YEAR and len(digits) <= 10):
        problem = f"{column} must be a year up to {MAX_YEAR}, 0 or empty, got {shown(text)}"
        raise bad_line(path, line, problem)
    return float(text)


def stars_of(path: Path, line: int, table: InteractionTable, text: str) -> float:
    """A rating in stars, as the rest of the program has it; the best one where there are no ratings."""
    if table.rating is None:
        return STARS
    try:
        rating = AMOUNT.parse(text)
    except ValueError as rule:
        raise bad_line(path, line, f"{table.rating} must be {rule}, got {shown(text)}") from None
    if rating > table.best_rating:
        raise bad_line(
            path,
            line,
            f"{table.rating} is {shown(text)}, above the best rating, {table.best_rating:g}",
            "set interactions.best_rating in the schema, or correct the line",
        )
    return rating * STARS / table.best_rating


def time_of(path: Path, line: int, table: InteractionTable, text: str) -> int | None:
    """A time as a whole number; None where the rows are in order of time already."""
    if table.timestamp is None:
        return None
    if table.timestamp_format == "number":
        try:
            return int(SECONDS.parse(text))
        except ValueError:
            problem = f"{table.timestamp} must be a whole number, got {shown(text)}"
            advice = 'for dates set interactions.timestamp_format in the schema to "iso"'
            raise bad_line(path, line, problem, advice) from None
    try:
        when = datetime.fromisoformat(text)
        return int((when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp())
    except (ValueError, OverflowError):
        problem = (
            f"{table.timestamp} must be a date such as 2024-05-31 or 2024-05-31T18:30:00, got {shown(text)}"
        )
        raise bad_line(path, line, problem) from None
