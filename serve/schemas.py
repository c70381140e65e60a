"""The JSON that goes in and out, for validation and for the OpenAPI page."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

MOST_RESULTS = 100
MOST_TYPED = 200  # characters of a title search
MOST_SEEN = 500  # films of a history

Method = Literal["exact", "lsh", "ivf"]


class Film(BaseModel):
    """A film of the catalogue."""

    movieId: int | str
    title: str
    year: int | None
    genres: list[str]


class RecommendedFilm(Film):
    """A film that is recommended: 1 is the best rank, the score orders the films."""

    rank: int
    score: float
    reason: str | None


class Query(BaseModel):
    """Who or what asked."""

    kind: str
    id: int | str | None
    title: str


class Answer(BaseModel):
    """The recommended films, best first."""

    query: Query
    recommendations: list[RecommendedFilm]


class SimilarFilms(Answer):
    """The films that go with a film, and the search method that found them."""

    method: Method


class Side(BaseModel):
    """What one search method finds: median time of a search, and the share of exact's films it has."""

    method: Method
    microseconds: float
    recall: float
    recommendations: list[RecommendedFilm]


class Comparison(BaseModel):
    """One question to every search method."""

    query: Film
    methods: list[Side]


class Info(BaseModel):
    """What is served."""

    dataset: str
    films: int
    dimension: int
    split: str
    methods: list[Method]
    method: Method


class PlacedFilm(Film):
    """A film on the map; ``genre`` is its position in the map's genres, past the end for none."""

    x: float
    y: float
    genre: int


class FilmMap(BaseModel):
    """The most-rated films on a plane, near each other where their embeddings are."""

    width: int
    height: int
    genres: list[str]
    films: list[PlacedFilm]


class Seen(BaseModel):
    """A film that somebody has seen, and their rating of it if they gave one."""

    model_config = ConfigDict(extra="forbid")
    movieId: int | str
    rating: float | None = Field(None, ge=0, le=100, allow_inf_nan=False)


class Taste(BaseModel):
    """A person's films, oldest first, each once."""

    model_config = ConfigDict(extra="forbid")
    history: list[Seen] = Field(min_length=1, max_length=MOST_SEEN)
    k: int = Field(10, ge=1, le=MOST_RESULTS)


class Problem(BaseModel):
    """What is wrong, in one line."""

    error: str
