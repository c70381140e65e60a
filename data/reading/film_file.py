"""A film that nobody has trained on, as a person writes it down: a JSON object, checked to the last value.

::

    {"title": "Heat", "year": 1995, "genres": ["Action", "Crime"], "tags": ["heist"],
     "ratings": [{"userId": 7, "rating": 4.5}], "movieId": 100001}

Only the title is needed.
"""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from base.errors import UserError
from data.reading.json_files import read_json
from data.reading.number_rules import FLOAT32_MAX, INT64
from data.reading.source_files import shown, shown_path

LONGEST_TEXT = 500  # characters of a title, genre or tag
YEARS = (1800, 2200)
KEYS = ("title", "year", "genres", "tags", "ratings", "movieId")
RATING_KEYS = ("userId", "rating")

_YEAR_AT_END = re.compile(r"\(([0-9]{4})\)$")


@dataclass(frozen=True)
class FilmFile:
    """One film and who rated it.

    Attributes:
        title: as MovieLens writes titles, the year in brackets behind it where it is known.
        year: release year, or None.
        genres: genre names.
        tags: lower case.
        ratings: user id and stars, in the order given.
        movie_id: the id wanted, or None.
    """

    title: str
    year: int | None = None
    genres: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    ratings: tuple[tuple[int, float], ...] = ()
    movie_id: int | None = None

    def as_plain(self) -> dict[str, Any]:
        """The JSON object that ``parse_film`` makes this film of."""
        return {
            "movieId": self.movie_id,
            "title": self.title,
            "year": self.year,
            "genres": list(self.genres),
            "tags": list(self.tags),
            "ratings": [{"userId": user, "rating": stars} for user, stars in self.ratings],
        }


def read_film(path: Path) -> FilmFile:
    """Read the film that a JSON file describes.

    Raises:
        UserError: the file cannot be read or says what no film can have; one line with the place, the
            value and the rule.
    """
    return parse_film(read_json(path), shown_path(path))


def parse_film(value: Any, where: str) -> FilmFile:
    """Check a JSON value and take the film out of it.

    Args:
        value: what ``json`` read.
        where: the file, for errors.

    Raises:
        UserError: a key that is unknown or missing, or a value that breaks its rule.
    """
    fields = _object(value, where, "a film", KEYS)
    if "title" not in fields:
        raise _wrong(where, '"title" is missing', 'add it, for instance "title": "Heat"')
    title = _text(fields["title"], where, "title")
    year = fields.get("year")
    if year is not None and not (_is_whole(year) and YEARS[0] <= year <= YEARS[1]):
        rule = f"year must be a whole number from {YEARS[0]} to {YEARS[1]}"
        raise _wrong(where, f"{rule}, got {_shown(year)}")
    in_title = _YEAR_AT_END.search(title)
    if in_title and year not in (None, int(in_title[1])):
        raise _wrong(where, f"year is {year}, but the title says {title!r}", "make them agree")
    if in_title:
        year = int(in_title[1])
    elif year is not None:
        title = f"{title} ({year})"
    movie_id = fields.get("movieId")
    if movie_id is not None:
        movie_id = _identity(movie_id, where, "movieId")
    return FilmFile(
        title=title,
        year=year,
        genres=_names(fields.get("genres", []), where, "genres"),
        tags=tuple(dict.fromkeys(tag.lower() for tag in _names(fields.get("tags", []), where, "tags"))),
        ratings=tuple(
            _rating(row, where, f"ratings[{number}]")
            for number, row in enumerate(_list(fields.get("ratings", []), where, "ratings"))
        ),
        movie_id=movie_id,
    )


def _rating(value: Any, where: str, name: str) -> tuple[int, float]:
    fields = _object(value, where, name, RATING_KEYS)
    for key in RATING_KEYS:
        if key not in fields:
            raise _wrong(where, f'{name} lacks "{key}"', f"give it as {_form(RATING_KEYS)}")
    stars = fields["rating"]
    number = isinstance(stars, int | float) and not isinstance(stars, bool)
    if not number or not 0 <= stars <= FLOAT32_MAX:  # also false for an infinite one
        rule = f"{name}.rating must be a finite number of 0 or more"
        raise _wrong(where, f"{rule}, got {_shown(stars)}")
    return _identity(fields["userId"], where, f"{name}.userId"), float(stars)


def _object(value: Any, where: str, name: str, keys: tuple[str, ...]) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _wrong(where, f"{name} must be an object {_form(keys)}, got {_shown(value)}")
    if unknown := [key for key in value if key not in keys]:
        raise _wrong(where, f"{name} has the unknown key {_shown(unknown[0])}", f"use {', '.join(keys)}")
    return value


def _list(value: Any, where: str, name: str) -> list[Any]:
    if not isinstance(value, list):
        raise _wrong(where, f"{name} must be a list, got {_shown(value)}", f'write "{name}": [...]')
    return value


def _names(value: Any, where: str, name: str) -> tuple[str, ...]:
    """Distinct texts, each one name: a bar would separate names in MovieLens's own files."""
    texts = [_text(text, where, f"{name}[{i}]") for i, text in enumerate(_list(value, where, name))]
    for i, text in enumerate(texts):
        if name == "genres" and "|" in text:
            raise _wrong(
                where, f"{name}[{i}] must be one genre, got {_shown(text)}", "give each its own place"
            )
    return tuple(dict.fromkeys(texts))


def _text(value: Any, where: str, name: str) -> str:
    if not isinstance(value, str) or not value.strip() or len(value) > LONGEST_TEXT:
        raise _wrong(where, f"{name} must be a text of 1 to {LONGEST_TEXT} characters, got {_shown(value)}")
    text = value.strip()
    if not text.isprintable():  # line breaks, control characters, halves of surrogate pairs
        raise _wrong(where, f"{name} must be printable text on one line, got {_shown(value)}")
    return text


def _identity(value: Any, where: str, name: str) -> int:
    if not _is_whole(value) or not 0 <= value <= INT64.max:
        raise _wrong(where, f"{name} must be a whole number from 0 to {INT64.max}, got {_shown(value)}")
    return value


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _wrong(where: str, problem: str, advice: str = "correct it") -> UserError:
    return UserError(f"{where}: {problem}; {advice}")


def _shown(value: Any) -> str:
    """A value as JSON writes it, on one line and shortened."""
    return shown(value) if isinstance(value, str) else shown(json.dumps(value)).strip("'")


def _form(keys: tuple[str, ...]) -> str:
    return "{" + ", ".join(f'"{key}": ...' for key in keys) + "}"
