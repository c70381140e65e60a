"""The JSON API.

An answer takes about a millisecond, or up to 40 with `diversity` and 100 films. So answers are made in the
event loop, one after the other. Threads would compete for the same cores, and the scratch memory of an index
must not be shared by threads.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Query, Response

from base.checks import shown_value
from base.errors import UserError
from serve.choices import Choices
from serve.films import Films
from serve.schemas import (
    MAX_RESULTS,
    MAX_TYPED,
    Column,
    Comparison,
    Film,
    FilmMap,
    Info,
    Method,
    Problem,
    Recommendations,
    SimilarFilms,
    Taste,
    TwoModels,
)

K = Annotated[int, Query(ge=1, le=MAX_RESULTS, description="films wanted")]
Popularity = Annotated[
    float, Query(ge=-1, le=1, allow_inf_nan=False, description="from surprising (-1) to well-known films (1)")
]
Diversity = Annotated[
    float,
    Query(
        ge=0, le=1, allow_inf_nan=False, description="from the best films (0) to films unlike each other (1)"
    ),
]
Where = Annotated[
    str | None, Query(description="a condition on the films, such as year >= 1990 and genre = Comedy")
]
UNKNOWN: dict[int | str, dict[str, Any]] = {404: {"model": Problem, "description": "there is no such film"}}


def make_api(films: Films) -> APIRouter:
    """The routes under ``/api``, answering from ``films``."""
    api = APIRouter(prefix="/api", responses={422: {"model": Problem, "description": "a wrong value"}})

    def row_of(movie_id: int | str) -> int:
        try:
            return films.row(movie_id)
        except UserError:
            raise HTTPException(
                404, f"no {films.movies.words.item} has the id {str(movie_id)[:40]!r}"
            ) from None

    def check_popularity(popularity: float) -> None:
        if popularity and films.checkpoint.blend is None:
            raise HTTPException(422, "popularity: the model was trained without views, so it must be 0")

    def history_of(taste: Taste) -> tuple[list[int], list[float | None]]:
        """Rows and ratings of the films that a person has seen."""
        check_popularity(taste.popularity)
        lowest, highest = films.checkpoint.rating_range
        for place, seen in enumerate(taste.history):
            if seen.rating is not None and not lowest <= seen.rating <= highest:
                rule = f"a rating must be a number from {lowest:g} to {highest:g}"
                raise HTTPException(422, f"history.{place}.rating: {rule}, got {shown_value(seen.rating)}")
        rows = [row_of(seen.movieId) for seen in taste.history]
        if len(set(rows)) < len(rows):
            raise HTTPException(422, "history: each film must be there only once")
        return rows, [seen.rating for seen in taste.history]

    @contextmanager
    def checked_choices() -> Iterator[None]:
        """Turn what is wrong with a condition, or a second model that does not fit, into an answer."""
        try:
            yield
        except UserError as error:
            raise HTTPException(422, str(error).replace("`where`", "where", 1)) from None

    @api.get("/info", response_model=Info)
    async def info() -> Any:
        """The model that is served."""
        return films.info()

    @api.get("/search", response_model=list[Film])
    async def search(
        q: Annotated[str, Query(max_length=MAX_TYPED, description="a title or part of one, typos allowed")],
        limit: Annotated[int, Query(ge=1, le=MAX_RESULTS)] = 8,
    ) -> Any:
        """Films by title, best match first."""
        return films.search(q, limit)

    @api.get("/columns", response_model=list[Column], response_model_exclude_none=True)
    async def columns() -> Any:
        """The columns that a condition can name, with their kinds and most common values."""
        return films.columns

    @api.get("/map", response_model=FilmMap)
    async def film_map() -> Any:
        """A map of the most-rated films. It is made once, in the first seconds after the start."""
        return Response(await asyncio.wrap_future(films.map), media_type="application/json")

    @api.get("/movies/{movie_id:path}/recommendations", response_model=SimilarFilms, responses=UNKNOWN)
    async def similar(
        movie_id: str,
        k: K = 10,
        method: Method | None = None,
        popularity: Popularity = 0,
        diversity: Diversity = 0,
        where: Where = None,
    ) -> Any:
        """Films that go with a film, best first."""
        check_popularity(popularity)
        row = row_of(movie_id)
        with checked_choices():
            return films.similar(row, k, method or films.method, Choices(popularity, diversity, where))

    @api.get("/movies/{movie_id:path}/methods", response_model=Comparison, responses=UNKNOWN)
    async def compare(movie_id: str, k: K = 10) -> Any:
        """Films that go with a film, by every search method, with times and recall."""
        return films.compare(row_of(movie_id), k)

    @api.get("/movies/{movie_id:path}/models", response_model=TwoModels, responses=UNKNOWN)
    async def compare_models(
        movie_id: str, k: K = 10, popularity: Popularity = 0, diversity: Diversity = 0, where: Where = None
    ) -> Any:
        """Films that go with a film, by this model and by a second one, if the server has one."""
        check_popularity(popularity)
        row = row_of(movie_id)
        with checked_choices():
            return films.compare_models(row, k, Choices(popularity, diversity, where))

    @api.get("/movies/{movie_id:path}", response_model=Film, responses=UNKNOWN)
    async def film(movie_id: str) -> Any:
        """A film by its id."""
        return films.film(row_of(movie_id))

    @api.post("/recommendations", response_model=Recommendations, responses=UNKNOWN)
    async def for_history(taste: Taste) -> Any:
        """Films for a person. The reason of each is one of the films that the person has seen."""
        rows, ratings = history_of(taste)
        choices = Choices(taste.popularity, taste.diversity, taste.where)
        with checked_choices():
            return films.for_history(rows, ratings, taste.k, choices)

    @api.post("/recommendations/models", response_model=TwoModels, responses=UNKNOWN)
    async def compare_models_for_history(taste: Taste) -> Any:
        """Films for a person, by this model and by a second one, if the server has one."""
        rows, ratings = history_of(taste)
        choices = Choices(taste.popularity, taste.diversity, taste.where)
        with checked_choices():
            return films.compare_models_for_history(rows, ratings, taste.k, choices)

    return api
