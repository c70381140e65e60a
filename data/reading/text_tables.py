"""Films, tags and tag names, row by row: small files whose text needs care."""

import csv
import io
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from data.reading.number_columns import header_positions, unreadable_csv
from data.reading.number_rules import ID
from data.reading.source_files import bad_line, empty, read_text, shown
from data.sources.convert import NO_GENRES, U_ITEM_GENRES

Fields = tuple[str, ...]

# At the end of a title; of a span of years, as series have them, the first counts.
_YEAR = re.compile(r"\(([0-9]{4})(?:\s?[-–—]\s?(?:[0-9]{4})?)?\)$")


@dataclass(frozen=True)
class FilmTable:
    """The catalogue in file order: int64 ids, titles, genres joined by ``|``, float32 years or nan."""

    ids: np.ndarray
    titles: list[str]
    genres: list[str]
    years: np.ndarray


def parse_id(path: Path, line: int, name: str, text: str) -> int:
    """An id out of a text table.

    Raises:
        UserError: it is none.
    """
    try:
        return int(ID.parse(text))
    except ValueError as rule:
        raise bad_line(path, line, f"{name} must be {rule}, got {shown(text)}") from None


def csv_rows(path: Path, names: Sequence[str]) -> Iterator[tuple[int, Fields]]:
    """The named columns of a CSV file, each row with the number of its first line.

    Raises:
        UserError: the file cannot be read, a column is missing, or a row is no CSV of its width.
    """
    # newline="\n": as everywhere here, a carriage return alone ends no line.
    reader = csv.reader(io.StringIO(read_text(path), newline="\n"), strict=True)
    line = 1
    try:
        header = next(reader)
        positions = header_positions(path, header, names)
        line = reader.line_num + 1
        for row in reader:
            if len(row) == len(header):
                yield line, tuple(row[position] for position in positions)
            elif "".join(row).strip():
                raise bad_line(
                    path,
                    line,
                    f"expected {len(header)} values, got {len(row)} in {shown(','.join(row))}",
                    "quote values that hold a comma, or remove the line",
                )
            line = reader.line_num + 1
    except csv.Error as error:
        raise unreadable_csv(path, line, error) from error


def split_rows(
    path: Path, split: Callable[[str], Fields], form: str, encodings: tuple[str, ...]
) -> Iterator[tuple[int, Fields]]:
    """The rows of a file that has no quoting and no header.

    Args:
        path: the file.
        split: takes a line apart, or raises ValueError.
        form: how a line should look, for the error.
        encodings: as ``read_text``.

    Raises:
        UserError: the file or a line of it cannot be read.
    """
    for line, content in enumerate(read_text(path, encodings).split("\n"), start=1):
        text = content.rstrip("\r")
        if text.strip():
            try:
                fields = split(text)
            except ValueError:
                raise bad_line(path, line, f"expected {form}, got {shown(text)}") from None
            yield line, fields


def movies_dat_fields(text: str) -> Fields:
    """``id::title::genres``; the title may itself hold two colons."""
    movie, rest = text.split("::", 1)
    title, genres = rest.rsplit("::", 1)
    return movie, title, genres


def tags_dat_fields(text: str) -> Fields:
    """``user::movie::tag::timestamp`` without the timestamp; the tag may itself hold two colons."""
    user, movie, rest = text.split("::", 2)
    return user, movie, rest.rsplit("::", 1)[0]


def u_item_fields(text: str) -> Fields:
    """``id|title|date|video date|address|`` and a flag for each of the 19 genres."""
    movie, title, _date, _video_date, _address, *flags = text.split("|")
    if not set(flags) <= {"0", "1"}:
        raise ValueError("a genre flag is neither 0 nor 1")
    genres = [name for name, flag in zip(U_ITEM_GENRES, flags, strict=True) if flag == "1"]
    return movie, title, "|".join(genres)


def film_table(path: Path, rows: Iterator[tuple[int, Fields]]) -> FilmTable:
    """The catalogue out of its rows.

    Args:
        path: the file they come from, for errors.
        rows: line number and (id, title, genres).

    Raises:
        UserError: no film, a malformed id, or two films of one id.
    """
    first_line: dict[int, int] = {}
    titles, genres = [], []
    for line, (id_text, title, genre_text) in rows:
        movie = parse_id(path, line, "movieId", id_text)
        if movie in first_line:
            raise bad_line(
                path,
                line,
                f"movieId {movie} is already on line {first_line[movie]}",
                "give each film one line",
            )
        first_line[movie] = line
        titles.append(title)
        genres.append("" if genre_text.strip() == NO_GENRES else genre_text.strip())
    if not titles:
        raise empty(path)
    years = np.array([year_of_title(title) for title in titles], dtype=np.float32)
    return FilmTable(np.array(list(first_line), dtype=np.int64), titles, genres, years)


def year_of_title(title: str) -> float:
    """The year in brackets at the end of a title; nan when there is none."""
    found = _YEAR.search(title.rstrip()[-16:])
    return float(found.group(1)) if found else float("nan")


def tag_names(path: Path) -> tuple[np.ndarray, list[str]]:
    """Ids and names of the genome's tags, in file order.

    Raises:
        UserError: the file cannot be read, holds no tag, or one id twice.
    """
    names: dict[int, str] = {}
    for line, (id_text, name) in csv_rows(path, ("tagId", "tag")):
        tag = parse_id(path, line, "tagId", id_text)
        if tag in names:
            raise bad_line(path, line, f"tagId {tag} stands there twice", "give each tag one line")
        names[tag] = name
    if not names:
        raise empty(path)
    return np.array(list(names), dtype=np.int64), list(names.values())


def tag_applications(
    path: Path, rows: Iterator[tuple[int, Fields]]
) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Who tagged which film how: int64 user ids, int64 film ids, lower-case text without outer spaces.

    Raises:
        UserError: a malformed id.
    """
    users, movies, texts = [], [], []
    for line, (user, movie, text) in rows:
        users.append(parse_id(path, line, "userId", user))
        movies.append(parse_id(path, line, "movieId", movie))
        texts.append(text.strip().lower())
    return np.array(users, dtype=np.int64), np.array(movies, dtype=np.int64), texts
