"""Data of any field, read as ``schema.json`` says: text ids, any columns, perhaps no ratings or times.

The result has the same columns as ``data.reading.movielens`` makes of a release, with items for films. Ids
become rows, and the ids as text are kept beside them.
"""

import hashlib
import json
from array import array
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from base.errors import UserError
from data.reading.cache import DIGEST_BYTES, content_fingerprint
from data.reading.columns import STARS, Columns
from data.reading.own_values import id_reader, rating_reader, time_reader, year_reader
from data.reading.schema import InteractionTable, ItemTable, Schema, Table
from data.reading.source_files import bad_line, empty, exists, shown, shown_path
from data.reading.text_tables import CsvAdvice, CsvDialect, Rows, csv_rows
from data.title_year import year_of_title

MAX_GENRES = 1000  # each is a feature of every item
GIVE_DATA = "give the file of your data"


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
        """Every file that is read.

        Raises:
            UserError: a file is missing.
        """
        tables = {"items": self.schema.items, "interactions": self.schema.interactions}
        files = [(name, self.folder / table.file) for name, table in tables.items() if table is not None]
        for name, path in files:
            if not exists(path):
                raise UserError(f"{shown_path(path)} is missing; {name}.file in the schema must name a file")
        return [path for _, path in files]

    def fingerprint(self) -> str:
        """Hex digest of the files' content and of how the schema reads them."""
        parts = [self.schema.as_plain(), content_fingerprint(self.files)]
        return hashlib.blake2b(json.dumps(parts).encode(), digest_size=DIGEST_BYTES).hexdigest()

    def read(self) -> Columns:
        """Read and index every file.

        Returns:
            Columns as of ``read_release``, and the texts ``movie_text_ids`` and ``user_text_ids``, one per
            row. Without ratings also the texts ``unrated``, which are empty.

        Raises:
            UserError: a file or a line cannot be read, or no interaction is of an item in the catalogue.
        """
        columns = Columns({}, {"notes": []})
        items, interactions = self.schema.items, self.schema.interactions
        if items is None:
            row_of: dict[str, int] = {}
            _add_interactions(self.folder / interactions.file, interactions, row_of, True, columns)
            columns.texts |= {"titles": list(row_of), "genres": [""] * len(row_of)}
            columns.arrays["years"] = np.full(len(row_of), np.nan, dtype=np.float32)
        else:
            row_of = _add_items(self.folder / items.file, items, columns)
            _add_interactions(self.folder / interactions.file, interactions, row_of, False, columns)
        columns.texts["movie_text_ids"] = list(row_of)
        if interactions.best_rating != STARS:
            columns.texts["best_rating"] = [repr(float(interactions.best_rating))]
        if interactions.rating is None:
            columns.texts["unrated"] = []
        columns.arrays["movie_ids"] = np.arange(len(row_of), dtype=np.int64)
        columns.freeze()
        return columns


def _rows(path: Path, name: str, table: Table, wanted: dict[str, str | None]) -> Rows:
    """The wanted columns of a table, each row with the number of its first line.

    Args:
        path: the file.
        name: of the table in the schema.
        table: how the file is written.
        wanted: from the key in the schema to the column; a column of None gives empty values.

    Raises:
        UserError: as ``csv_rows``.
    """
    key_of = {column: key for key, column in wanted.items() if column is not None}
    # A byte order mark, which spreadsheets write, is not part of the first column's name.
    encoding = "utf-8-sig" if table.encoding.lower() in ("utf-8", "utf8") else table.encoding
    dialect = CsvDialect(table.separator, table.quotes, encoding, header=table.header)
    advice = CsvAdvice(
        column=lambda column: (
            f"{name}.{key_of[column]} in the schema must name a column that the header has once; "
            f"check {name}.separator too"
        ),
        quotes=f"correct it, or set {name}.quotes in the schema to false",
        text=f"set {name}.encoding in the schema",
        empty=GIVE_DATA,
    )
    return csv_rows(path, list(wanted.values()), dialect, advice)


def _add_items(path: Path, table: ItemTable, columns: Columns) -> dict[str, int]:
    """Add titles, genres and years, in the order of the file.

    Returns:
        From ids to rows.

    Raises:
        UserError: there is no item, an id is empty or occurs twice, a year is not a year, or there are too
            many genres.
    """
    wanted = {"id": table.id, "title": table.title, "genres": table.genres, "year": table.year}
    row_of: dict[str, int] = {}
    titles, genres, years = [], [], array("f")
    names: set[str] = set()
    read_id = id_reader(path, table.id)
    read_year = year_reader(path, table.year) if table.year is not None else None
    for line, row in _rows(path, "items", table, wanted):
        item, title, genre_text, year = map(str.strip, row)
        if item in row_of:
            raise bad_line(path, line, f"{table.id} {shown(item)} occurs twice", "give each item one line")
        row_of[read_id(line, item)] = len(row_of)
        titles.append(title or item)
        own = [genre.strip().replace("|", "/") for genre in genre_text.split(table.genre_separator)]
        own = [genre for genre in own if genre]
        genres.append("|".join(own))
        names.update(own)
        years.append(read_year(line, year) if read_year else year_of_title(title))
    if not row_of:
        raise empty(path, GIVE_DATA)
    if len(names) > MAX_GENRES:
        raise UserError(
            f"{shown_path(path)}: {len(names)} different genres in column {table.genres}, at most "
            f"{MAX_GENRES} are allowed; name a coarser column, check items.genre_separator in the schema, or "
            "leave items.genres out"
        )
    columns.texts |= {"titles": titles, "genres": genres}
    columns.arrays["years"] = np.array(years, dtype=np.float32)
    return row_of


def _add_interactions(
    path: Path, table: InteractionTable, row_of: dict[str, int], grow: bool, columns: Columns
) -> None:
    """Add users and interactions, each item once per user.

    Args:
        path: the file.
        table: of the schema.
        row_of: from items to rows.
        grow: give unknown items a row, instead of dropping their interactions.
        columns: what to add to.

    Raises:
        UserError: a line cannot be read, or nothing is left.
    """
    wanted = {"user": table.user, "item": table.item, "rating": table.rating, "timestamp": table.timestamp}
    user_row: dict[str, int] = {}
    users, movies, ratings, timestamps = array("i"), array("i"), array("f"), array("q")
    dropped = 0
    read_user, read_item = id_reader(path, table.user), id_reader(path, table.item)
    read_rating, read_time = rating_reader(path, table), time_reader(path, table)
    for line, values in _rows(path, "interactions", table, wanted):
        user, item, rating, time = map(str.strip, values)
        read_user(line, user)
        row = row_of.get(read_item(line, item))
        stars, when = read_rating(line, rating), read_time(line, time)
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
                "check interactions.item and items.id in the schema"
            )
        raise empty(path, GIVE_DATA)
    repeated = columns.add_interactions(
        *(np.array(values) for values in (users, movies, ratings, timestamps))
    )
    columns.arrays["user_ids"] = np.arange(len(user_row), dtype=np.int64)
    columns.texts["user_text_ids"] = list(user_row)
    columns.note(dropped, "interaction", "of unknown items dropped")
    columns.note(repeated, "repeated interaction", "dropped, the first of each kept")
