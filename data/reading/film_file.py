"""A film that the model has not seen, as a person describes it in a JSON file.

::

    {"title": "Heat", "year": 1995, "genres": ["Action", "Crime"], "tags": ["heist"],
     "ratings": [{"userId": 7, "rating": 4.5}], "movieId": 100001,
     "vectors": {"image": [0.5, -1.25]}, "text": "A thief.", "numbers": {"price": 9.5},
     "categories": {"brand": "Acme"}, "keep": {"stock": "4"}}

Only the title is needed. Ids may also stand as texts, ``"100001"``. The last five keys are what
the schema of the data calls vectors, text, numbers, categories and keep.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from base.errors import UserError
from base.json_ids import json_id
from data.reading.json_files import read_json
from data.reading.source_files import shown, shown_path


@dataclass(frozen=True)
class FilmFile:
    """One film and who rated it.

    Attributes:
        title: as MovieLens writes titles, with the year in brackets at the end where it is known.
        year: release year, or None.
        genres: genre names.
        tags: lower case.
        ratings: user id and rating on the scale of the data, in the order given.
        movie_id: the id wanted, or None.
        vectors: name of a block -> its numbers.
        text: of the text columns, without the title.
        numbers: name of a column -> number.
        categories: name of a column -> value.
        keep: name of a column that is only for conditions -> value.
    """

    title: str
    year: int | None = None
    genres: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    ratings: tuple[tuple[int, float], ...] = ()
    movie_id: int | None = None
    vectors: dict[str, list[float]] = field(default_factory=dict)
    text: str = ""
    numbers: dict[str, float] = field(default_factory=dict)
    categories: dict[str, str] = field(default_factory=dict)
    keep: dict[str, str] = field(default_factory=dict)

    def as_plain(self) -> dict[str, Any]:
        """The JSON object from which ``parse_film`` makes this film."""
        content = {
            "vectors": self.vectors,
            "text": self.text,
            "numbers": self.numbers,
            "categories": self.categories,
            "keep": self.keep,
        }
        return {
            "movieId": None if self.movie_id is None else json_id(self.movie_id),
            "title": self.title,
            "year": self.year,
            "genres": list(self.genres),
            "tags": list(self.tags),
            "ratings": [{"userId": json_id(user), "rating": rating} for user, rating in self.ratings],
        } | {key: value for key, value in content.items() if value}


def read_film(path: Path) -> FilmFile:
    """Read the film that a JSON file describes.

    Raises:
        UserError: the file cannot be read, or it says what no film can have; one line with the place, the
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
    from data.reading.film_model import FilmModel, split_title  # pydantic takes a while to load
    from data.reading.json_models import checked

    film = checked(FilmModel, value, where)
    title, year = film.title, split_title(film.title)[1]
    if year is None and film.year is not None:
        title, year = f"{title} ({film.year})", film.year
    if film.year not in (None, year):
        raise UserError(f"{where}: year is {film.year}, but the title says {shown(title)}; make them agree")
    return FilmFile(
        title=title,
        year=year,
        genres=tuple(dict.fromkeys(film.genres)),
        tags=tuple(dict.fromkeys(film.tags)),
        ratings=tuple((row.userId, row.rating) for row in film.ratings),
        movie_id=film.movieId,
        vectors=film.vectors,
        text=film.text or "",
        numbers=film.numbers,
        categories=film.categories,
        keep=film.keep,
    )
