"""The JSON that goes in and out, for validation and for the OpenAPI page."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

MAX_RESULTS = 100
MAX_TYPED = 200  # characters of a title search
MAX_SEEN = 500  # films of a history

Method = Literal["exact", "lsh", "ivf"]


class Film(BaseModel):
    """A film of the catalogue. An id beyond 2^53 - 1 is a text, since few readers keep such a number.

    The title is as the data have it, ``shownTitle`` as people say it. Columns are those of the data's own.
    """

    movieId: int | str
    title: str
    shownTitle: str
    year: int | None
    genres: list[str]
    columns: dict[str, float | str]


class RankedFilm(Film):
    """A recommended film. Rank 1 is the best. Without diversity the score decides the order."""

    rank: int
    score: float
    reason: str | None
    details: list[str]


class Query(BaseModel):
    """The question: its kind is film or history, its title says which, as does ``shownTitle`` for people."""

    kind: str
    id: int | str | None
    title: str
    shownTitle: str


class Recommendations(BaseModel):
    """The recommended films, best first."""

    query: Query
    recommendations: list[RankedFilm]


class SimilarFilms(Recommendations):
    """The films that go with a film, and the search method that found them."""

    method: Method


class Side(BaseModel):
    """What one search method finds, the median time of a search, and its recall of exact search."""

    method: Method
    microseconds: float
    recall: float
    recommendations: list[RankedFilm]


class Comparison(BaseModel):
    """One question, answered by every search method."""

    query: Film
    methods: list[Side]


class ModelSide(BaseModel):
    """What one of two models recommends, and the fingerprint of its files."""

    name: str
    fingerprint: str
    recommendations: list[RankedFilm]


class TwoModels(BaseModel):
    """One question about a film or a person, answered by two models."""

    query: Film | Query
    models: list[ModelSide]


class Words(BaseModel):
    """What the items are called: one, and several."""

    item: str
    items: str


class State(BaseModel):
    """How the server is: alive, or ready to answer."""

    state: Literal["alive", "ready"]


class Info(BaseModel):
    """The model that is served, and the fingerprint of its files.

    Ratings are on the scale of its data; a page offers ``ratings``. ``popularity`` says whether the model can
    prefer well-known or surprising films, ``other`` what a second model is called, if there is one.
    """

    fingerprint: str
    dataset: str
    films: int
    words: Words
    dimension: int
    split: str
    methods: list[Method]
    method: Method
    popularity: bool
    other: str | None
    lowest_rating: float
    highest_rating: float
    ratings: list[float]


class Common(BaseModel):
    """A value of a column, and how many films have it."""

    value: str
    films: int


class Column(BaseModel):
    """A column that a condition can name. ``known`` is the number of films that have a value.

    A kind is number, text (one of several values) or set (any of several values). Numbers have ends, text and
    sets their most common values; ids and titles have neither.
    """

    name: str
    kind: Literal["number", "text", "set"]
    known: int
    lowest: float | None = None
    highest: float | None = None
    values: list[Common] | None = None


class PlacedFilm(Film):
    """A film on the map. Its genre is a place in the map's list of genres, or one past the end for none."""

    x: float
    y: float
    genre: int


class FilmMap(BaseModel):
    """The most-rated films on a plane. Films with similar embeddings lie close together."""

    width: int
    height: int
    genres: list[str]
    films: list[PlacedFilm]


class Seen(BaseModel):
    """A film that somebody has seen, with a rating if there is one, on the scale that /api/info gives.

    An id that is a number may also be a text.
    """

    model_config = ConfigDict(extra="forbid")
    movieId: int | str
    rating: float | None = Field(None, ge=0, allow_inf_nan=False)


class Taste(BaseModel):
    """The films that a person has seen, oldest first, each once."""

    model_config = ConfigDict(extra="forbid")
    history: list[Seen] = Field(min_length=1, max_length=MAX_SEEN)
    k: int = Field(10, ge=1, le=MAX_RESULTS)
    popularity: float = Field(0, ge=-1, le=1, allow_inf_nan=False)
    diversity: float = Field(0, ge=0, le=1, allow_inf_nan=False)
    where: Any = Field(None, description="a condition on the films: text, or a tree (docs/conditions.md)")


class Problem(BaseModel):
    """What is wrong, in one line."""

    error: str
