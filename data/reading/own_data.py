"""Data of any field, read as ``schema.json`` says: text ids, any columns, perhaps no ratings or times.

What comes out are the columns that ``data/reading/readers.py`` makes of a MovieLens release, with items for films.
Ids become rows, and the texts that they were are kept beside them.
"""

import hashlib
import json
from array import array
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from base.errors import UserError
from data.reading.cache import DIGEST_BYTES, content_fingerprint
from data.reading.columns import Columns
from data.reading.delimited import table_rows
from data.reading.indexing import first_of_pair, time_order
from data.reading.number_rules import AMOUNT, SECONDS
from data.reading.schema import STARS, InteractionTable, ItemTable, Schema
from data.reading.source_files import bad_line, exists, shown, shown_path
from data.reading.text_tables import year_of_title

MAX_GENRES = 1000  # each is a feature of every item
MAX_YEAR = 9999


@dataclass(frozen=True)
class OwnData:
    """A folder and the schema that says how to read it.

    Attributes:
        folder: where the files lie.
        schema: what is in them.
    """

    folder: Path
    schema: Schema

    @property
    def files(self) -> list[Path]:
        """Everything that is read of it.

        Raises:
            UserError: a file is missing.
        """
        tables = {"items": self.schema.items, "interactions": self.schema.interactions}
        files = [(name, self.folder / table.file) for name, table in tables.items() if table is not None]
        for name, path in files:
            if not exists(path):
                raise UserError(f'{shown_path(path)} is missing; the schema names it as "file" of "{name}"')
        return [path for _, path in files]

    def fingerprint(self) -> str:
        """Hex digest of the files' content and of how the schema reads them."""
        parts = [self.schema.as_plain(), content_fingerprint(self.files)]
        return hashlib.blake2b(json.dumps(parts).encode(), digest_size=DIGEST_BYTES).hexdigest()

    def read(self) -> Columns:
        """Read and index everything.

        Returns:
            Columns as of ``read_release``, and the texts ``movie_text_ids`` and ``user_text_ids``, one a row;
            without ratings also ``unrated``, which is empty.

        Raises:
            UserError: a file or a line cannot be read, or no interaction is of an item in the catalogue.
        """
        columns = Columns({}, {"notes": []})
        items = self.schema.items
        if items is None:
            row_of: dict[str, int] = {}
            _read_interactions(self.folder, self.schema.interactions, row_of, True, columns)
            columns.texts |= {"titles": list(row_of), "genres": [""] * len(row_of)}
            columns.arrays["years"] = np.full(len(row_of), np.nan, dtype=np.float32)
        else:
            row_of = _read_items(self.folder / items.file, items, columns)
            _read_interactions(self.folder, self.schema.interactions, row_of, False, columns)
        columns.texts["movie_text_ids"] = list(row_of)
        if self.schema.interactions.rating is None:
            columns.texts["unrated"] = []
        columns.arrays["movie_ids"] = np.arange(len(row_of), dtype=np.int64)
        columns.freeze()
        return columns


def _read_items(path: Path, table: ItemTable, columns: Columns) -> dict[str, int]:
    """Add titles, genres and years, in file order.

    Returns:
        Id to row.

    Raises:
        UserError: no item, an empty id or one twice, a year that is none, or too many genres.
    """
    wanted = {"id": table.id, "title": table.title, "genres": table.genres, "year": table.year}
    row_of: dict[str, int] = {}
    titles, genres, years = [], [], array("f")
    names: set[str] = set()
    for line, (item, title, genre_text, year) in table_rows(path, "items", table, wanted):
        if item in row_of:
            raise bad_line(
                path, line, f"{table.id} {shown(item)} stands there twice", "give each item one line"
            )
        row_of[_named(path, line, table.id, item)] = len(row_of)
        titles.append(title or item)
        own = [genre.strip().replace("|", "/") for genre in genre_text.split(table.genre_separator)]
        own = [genre for genre in own if genre]
        genres.append("|".join(own))
        names.update(own)
        years.append(year_of_title(title) if table.year is None else _year(path, line, table.year, year))
    if not row_of:
        raise _empty(path)
    if len(names) > MAX_GENRES:
        raise UserError(
            f"{shown_path(path)}: {len(names)} different genres in column {table.genres}, at most "
            f'{MAX_GENRES} are allowed; name a coarser column, check "genre_separator", or leave "genres" out'
        )
    columns.texts |= {"titles": titles, "genres": genres}
    columns.arrays["years"] = np.array(years, dtype=np.float32)
    return row_of


def _year(path: Path, line: int, column: str, text: str) -> float:
    """A year; nan where it is empty or 0, as catalogues write what they do not know."""
    digits = text.removeprefix("-")
    if not digits.strip("0"):
        return float("nan")
    if not (digits.isascii() and digits.isdigit() and int(digits[-10:]) <= MAX_YEAR and len(digits) <= 10):
        problem = f"{column} must be a year up to {MAX_YEAR}, 0 or empty, got {shown(text)}"
        raise bad_line(path, line, problem)
    return float(text)


def _read_interactions(
    folder: Path, table: InteractionTable, row_of: dict[str, int], grow: bool, columns: Columns
) -> None:
    """Add users and interactions, each item once a user, in the order ``Interactions`` promises.

    Args:
        folder: where the file lies.
        table: of the schema.
        row_of: item to row.
        grow: give unknown items a row, instead of dropping what is theirs.
        columns: what to add to.

    Raises:
        UserError: a line cannot be read, or nothing is left.
    """
    path = folder / table.file
    wanted = {"user": table.user, "item": table.item, "rating": table.rating, "timestamp": table.timestamp}
    user_row: dict[str, int] = {}
    users, movies, ratings, timestamps = array("i"), array("i"), array("f"), array("q")
    dropped = 0
    for line, (user, item, rating, time) in table_rows(path, "interactions", table, wanted):
        _named(path, line, table.user, user)
        row = row_of.get(_named(path, line, table.item, item))
        stars = _stars(path, line, table, rating)
        when = _time(path, line, table, time)
        if row is None and not grow:
            dropped += 1
            continue
        users.append(user_row.setdefault(user, len(user_row)))
        movies.append(row_of.setdefault(item, len(row_of)))
        ratings.append(stars)
        timestamps.append(len(timestamps) if when is None else when)
    if not users:
        if dropped:
            raise UserError(
                f"{shown_path(path)}: none of the items of its {dropped} rows is in the catalogue; "
                f'check "item" of "interactions" and "id" of "items" in the schema'
            )
        raise _empty(path)
    arrays = [np.array(values) for values in (users, movies, ratings, timestamps)]
    order = time_order(arrays[0], arrays[3], first_of_pair(arrays[0], arrays[1], len(row_of)))
    for name, values in zip(("users", "movies", "ratings", "timestamps"), arrays, strict=True):
        columns.arrays[name] = values[order]
    columns.arrays["user_ids"] = np.arange(len(user_row), dtype=np.int64)
    columns.texts["user_text_ids"] = list(user_row)
    columns.note(dropped, "interaction", "of unknown items dropped")
    columns.note(len(users) - len(order), "repeated interaction", "dropped, the first of each kept")


def _named(path: Path, line: int, column: str, text: str) -> str:
    if not text:
        raise bad_line(path, line, f"{column} is empty")
    return text


def _stars(path: Path, line: int, table: InteractionTable, text: str) -> float:
    """A rating on the scale that the rest of the program knows; the best one where there are none."""
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
            'set "best_rating" of "interactions" in the schema, or correct the line',
        )
    return rating * STARS / table.best_rating


def _time(path: Path, line: int, table: InteractionTable, text: str) -> int | None:
    """A time as a whole number; None where rows are in order of time already."""
    if table.timestamp is None:
        return None
    if table.timestamp_format == "number":
        try:
            return int(SECONDS.parse(text))
        except ValueError:
            problem = f"{table.timestamp} must be a whole number, got {shown(text)}"
            advice = 'for dates set "timestamp_format" of "interactions" in the schema to "iso"'
            raise bad_line(path, line, problem, advice) from None
    try:
        when = datetime.fromisoformat(text)
        return int((when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp())
    except (ValueError, OverflowError):
        problem = (
            f"{table.timestamp} must be a date such as 2024-05-31 or 2024-05-31T18:30:00, got {shown(text)}"
        )
        raise bad_line(path, line, problem) from None


def _empty(path: Path) -> UserError:
    return UserError(f"{shown_path(path)} is empty: no row of data in it; give the file of your data")
