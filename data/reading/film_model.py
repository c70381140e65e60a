"""What keys and values the JSON of a film may have; ``data.reading.film_file`` makes a film of them."""

from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints

from base.json_ids import id_from_json
from data.content.facts import MAX_WIDTH
from data.reading.json_models import JsonObject, satisfies
from data.reading.number_kinds import AMOUNT, FINITE, FLOAT32_MAX, ID, INT64
from data.title_year import split_year

MAX_TEXT_LENGTH = 500  # characters of a genre, a tag or a title without its year
MAX_LONG_TEXT = 100_000  # characters of the text that features are made of
MIN_YEAR, MAX_YEAR = 1800, 2200


def split_title(title: str) -> tuple[str, int | None]:
    """A title without its year, and the year; the whole title and None if no film can be of that year."""
    name, year = split_year(title)
    return (name, year) if year is not None and MIN_YEAR <= year <= MAX_YEAR else (title, None)


def _is_short(text: str) -> bool:
    return len(text) <= MAX_TEXT_LENGTH


_TEXT = f"1 to {MAX_TEXT_LENGTH} printable characters on one line"
_stripped = StringConstraints(strip_whitespace=True, min_length=1)
_printable = satisfies(str.isprintable)

Title = Annotated[
    str,
    _stripped,
    _printable,
    satisfies(lambda title: _is_short(split_title(title)[0])),
    Field(description=_TEXT),
]
Genre = Annotated[
    str,
    _stripped,
    _printable,
    satisfies(_is_short),
    satisfies(lambda genre: "|" not in genre),  # it stands between genres in MovieLens's own files
    Field(description=f"one genre: {_TEXT}, without |"),
]
Tag = Annotated[
    str,
    _stripped,
    _printable,
    AfterValidator(str.lower),  # before the next rule, as some texts get longer by it
    satisfies(_is_short),
    Field(description=_TEXT),
]
Year = Annotated[
    int, Field(ge=MIN_YEAR, le=MAX_YEAR, description=f"a whole number from {MIN_YEAR} to {MAX_YEAR}")
]
Id = Annotated[int, BeforeValidator(id_from_json), Field(ge=0, le=INT64.max, description=ID.rule)]
Stars = Annotated[float, Field(ge=0, le=FLOAT32_MAX, allow_inf_nan=False, description=AMOUNT.rule)]
Number = Annotated[float, Field(allow_inf_nan=False, description=FINITE.rule)]
Vector = Annotated[
    list[Number],
    Field(
        min_length=1, max_length=MAX_WIDTH, fail_fast=True, description=f"a list of 1 to {MAX_WIDTH} numbers"
    ),
]
Text = Annotated[
    str, Field(max_length=MAX_LONG_TEXT, description=f"a text of at most {MAX_LONG_TEXT} characters")
]
Category = Annotated[str, _stripped, satisfies(_is_short), Field(description=_TEXT)]


class RatingModel(JsonObject):
    """One rating of the film."""

    userId: Id
    rating: Stars


class FilmModel(JsonObject):
    """A film; every key but ``title`` may be missing."""

    title: Title
    year: Year | None = None
    genres: Annotated[list[Genre], Field(fail_fast=True, description="a list of genres")] = []
    tags: Annotated[list[Tag], Field(fail_fast=True, description="a list of tags")] = []
    ratings: Annotated[list[RatingModel], Field(fail_fast=True, description="a list of ratings")] = []
    movieId: Id | None = None
    vectors: Annotated[
        dict[str, Vector], Field(description="an object with a list of numbers per block of vectors")
    ] = {}
    text: Text | None = None
    numbers: Annotated[dict[str, Number], Field(description="an object with a number per column")] = {}
    categories: Annotated[dict[str, Category], Field(description="an object with a text per column")] = {}
    keep: Annotated[dict[str, Category], Field(description="an object with a text per column")] = {}
