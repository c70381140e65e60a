"""Releases that are not CSV become ratings.csv, movies.csv and tags.csv, rows in the release's order."""

import csv
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from data.reading.formats import (
    CSV,
    FORMATS,
    MOVIES_CSV,
    RATING_COLUMNS,
    RATINGS_CSV,
    TAGS_CSV,
    Fields,
    ReleaseFormat,
    TextFile,
)
from data.reading.source_files import shown
from data.sources.archives import BadArchive


def write_csv(path: Path, columns: Fields, rows: Iterable[Fields]) -> int:
    """Write a CSV file as MovieLens does: quotes only where needed, one newline per row.

    Returns:
        The number of rows below the header.
    """
    count = 0
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(_Lines(file.write), lineterminator="\r\n")
        writer.writerow(columns)
        for row in rows:
            writer.writerow(row)
            count += 1
    return count


class _Lines:
    """Ends rows in a newline. The csv module quotes a carriage return only where its rows end in one."""

    def __init__(self, write: Callable[[str], object]) -> None:
        self._write = write

    def write(self, row: str) -> None:
        self._write(row[:-2] + "\n")


def stars(text: str) -> str:
    """A rating in the form of the newer releases: ``3`` becomes ``3.0``, ``3.5`` stays.

    Raises:
        ValueError: not a number.
    """
    return f"{float(text):.1f}"


def convert_release(folder: Path) -> None:
    """Turn an unpacked release into the CSV files that every release ends as, in place.

    CSV releases stay as they are: 25 million rows are not parsed to be written again. The originals
    of the other forms are removed.

    Args:
        folder: has the files of one of ``data.reading.formats.FORMATS``.

    Raises:
        BadArchive: a line does not have the release's form; the text names file, line and value.
    """
    for form in FORMATS:
        if form is not CSV and (folder / form.ratings).exists():
            _convert(folder, form)


def _convert(folder: Path, form: ReleaseFormat) -> None:
    ratings = TextFile(form.ratings, RATING_COLUMNS, _rating_splitter(form.separator), encodings=("latin-1",))
    for source, target in ((ratings, RATINGS_CSV), (form.movies, MOVIES_CSV), (form.tags, TAGS_CSV)):
        if source is not None and source.split is not None and (folder / source.name).exists():
            rows = _rows(folder / source.name, source.split, source.encodings)
            write_csv(folder / target, source.columns, rows)
            (folder / source.name).unlink()


def _rating_splitter(separator: str) -> Callable[[str], Fields]:
    def split(line: str) -> Fields:
        user, movie, rating, timestamp = line.split(separator)
        return user, movie, stars(rating), timestamp

    return split


def _rows(path: Path, split: Callable[[str], Fields], encodings: tuple[str, ...]) -> Iterator[Fields]:
    """The rows of a file, one line at a time: the largest has ten million."""
    encoding = _encoding_of(path, encodings)
    # newline="\n": a carriage return alone inside a title or tag does not end a line.
    with path.open(encoding=encoding, newline="\n") as lines:
        number = 0
        try:
            for number, line in enumerate(lines, start=1):  # noqa: B007 (used after a failure)
                text = line.rstrip("\r\n")
                try:
                    yield split(text)
                except ValueError as error:
                    raise BadArchive(f"{path.name}, line {number}: cannot read {shown(text)}") from error
        except UnicodeDecodeError as error:
            raise BadArchive(f"{path.name}, after line {number}: not {encoding.upper()} text") from error


def _encoding_of(path: Path, encodings: tuple[str, ...]) -> str:
    """The first encoding that fits a file, or else the last."""
    for encoding in encodings[:-1]:
        try:
            path.read_text(encoding=encoding)
            return encoding
        except UnicodeDecodeError:
            continue
    return encodings[-1]
