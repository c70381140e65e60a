"""Releases that are not CSV become ratings.csv, movies.csv and tags.csv, rows in the release's order."""

import csv
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from data.sources.archives import BadArchive

NO_GENRES = "(no genres listed)"
RATING_COLUMNS = ("userId", "movieId", "rating", "timestamp")
MOVIE_COLUMNS = ("movieId", "title", "genres")
TAG_COLUMNS = ("userId", "movieId", "tag", "timestamp")

# The flag columns of u.item, in order (u.genre lists them).
U_ITEM_GENRES = (
    "unknown", "Action", "Adventure", "Animation", "Children's", "Comedy", "Crime", "Documentary", "Drama",
    "Fantasy", "Film-Noir", "Horror", "Musical", "Mystery", "Romance", "Sci-Fi", "Thriller", "War", "Western",
)  # fmt: skip

Row = tuple[str, ...]


def write_csv(path: Path, columns: Row, rows: Iterable[Row]) -> int:
    """Write a CSV file as MovieLens does: quotes only where needed, one newline a row.

    Returns:
        The number of rows below the header.
    """
    count = 0
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        for row in rows:
            writer.writerow(row)
            count += 1
    return count


def stars(text: str) -> str:
    """A rating in the form of the newer releases: ``3`` becomes ``3.0``, ``3.5`` stays.

    Raises:
        ValueError: not a number.
    """
    return f"{float(text):.1f}"


def _parsed(path: Path, encoding: str, parse: Callable[[str], Row]) -> Iterator[Row]:
    """Each line of a file through ``parse``, which raises ValueError for a line it cannot read."""
    # newline="\n": a lone carriage return inside a title or tag does not end a line.
    with path.open(encoding=encoding, newline="\n") as file:
        number = 0
        try:
            for number, line in enumerate(file, start=1):  # noqa: B007 (used after a failure)
                text = line.rstrip("\r\n")
                try:
                    yield parse(text)
                except ValueError as error:
                    raise BadArchive(f"{path.name}, line {number}: cannot read {text[:80]!r}") from error
        except UnicodeDecodeError as error:
            raise BadArchive(f"{path.name}, after line {number}: not {encoding} text") from error


def _rating(separator: str) -> Callable[[str], Row]:
    def parse(line: str) -> Row:
        user, movie, rating, timestamp = line.split(separator)
        return user, movie, stars(rating), timestamp

    return parse


def _u_item(line: str) -> Row:
    movie, title, _date, _video_date, _url, *flags = line.split("|")
    genres = [name for name, flag in zip(U_ITEM_GENRES, flags, strict=True) if flag == "1"]
    return movie, title, "|".join(genres) or NO_GENRES


def _movie(line: str) -> Row:
    movie, rest = line.split("::", 1)
    title, genres = rest.rsplit("::", 1)
    return movie, title, genres or NO_GENRES


def _tag(line: str) -> Row:
    user, movie, rest = line.split("::", 2)
    tag, timestamp = rest.rsplit("::", 1)  # a tag may itself contain two colons
    return user, movie, tag, timestamp


def _text_encoding(path: Path) -> str:
    """ml-10m is UTF-8; ml-1m is Latin-1, which as UTF-8 does not decode."""
    try:
        path.read_text(encoding="utf-8")
        return "utf-8"
    except UnicodeDecodeError:
        return "latin-1"


def convert_release(folder: Path) -> None:
    """Turn an unpacked release into the CSV files every release ends as, in place.

    CSV releases stay as they are: 25 million rows are not parsed to be written again. The originals
    of the other formats are removed.

    Args:
        folder: holds ``u.data`` and ``u.item``, or ``ratings.dat`` and ``movies.dat`` (and perhaps
            ``tags.dat``), or the CSV files.

    Raises:
        BadArchive: a line does not have the release's form; the text names file, line and value.
    """
    if (folder / "u.data").exists():
        jobs = [
            ("u.data", "ratings.csv", RATING_COLUMNS, "latin-1", _rating("\t")),
            ("u.item", "movies.csv", MOVIE_COLUMNS, "latin-1", _u_item),
        ]
    elif (folder / "ratings.dat").exists():
        encoding = _text_encoding(folder / "movies.dat")
        jobs = [
            ("ratings.dat", "ratings.csv", RATING_COLUMNS, "latin-1", _rating("::")),
            ("movies.dat", "movies.csv", MOVIE_COLUMNS, encoding, _movie),
            ("tags.dat", "tags.csv", TAG_COLUMNS, "utf-8", _tag),
        ]
    else:
        jobs = []
    for source, target, columns, encoding, parse in jobs:
        if (folder / source).exists():
            write_csv(folder / target, columns, _parsed(folder / source, encoding, parse))
            (folder / source).unlink()
