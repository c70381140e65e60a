"""New movies: films that the model has not seen in training, as somebody describes them."""

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from base.errors import UserError
from data.rating_scale import in_words
from data.reading.film_file import FilmFile, parse_film
from model.checkpoint import Checkpoint
from model.new_films.content import check_content
from model.new_films.from_checkpoint import append_films, known_raters
from recommend.added_films import free_id

logger = logging.getLogger("pinsage")

MAX_NAMED = 5  # unknown users, genres or tags named in a note

NewMovie = Mapping[str, Any]


def checked_movies(model: Checkpoint, movies: NewMovie | Sequence[NewMovie]) -> list[FilmFile]:
    """New movies whose every field is checked. Notes in the log say what the model cannot use.

    Args:
        model: the trained model.
        movies: one or several, as ``Recommender.embed`` takes them.

    Raises:
        UserError: a movie is not described like this, or has ratings although the users of the data have
            texts as ids.
    """
    several = [movies] if isinstance(movies, Mapping) else list(movies)
    films = []
    for place, movie in enumerate(several, start=1):
        name = "the new movie" if len(several) == 1 else f"new movie {place}"
        film = parse_film(_like_json(movie), name)
        check_movie(model, film, name)
        films.append(film)
    return films


def _like_json(movie: Any) -> Any:
    """The same value with lists for tuples and arrays, as ``json`` would have read it."""
    if isinstance(movie, Mapping):
        return {key: _like_json(value) for key, value in movie.items()}
    if isinstance(movie, np.ndarray | np.generic):
        return movie.tolist()
    return [_like_json(one) for one in movie] if isinstance(movie, tuple) else movie


def append_guests(model: Checkpoint, films: Sequence[FilmFile]) -> Checkpoint:
    """The model with ``films`` behind its own, under the next free ids."""
    last = free_id([int(model.movies.ids.max()) + len(films) - 1])
    ids = range(last - len(films) + 1, last + 1)
    return append_films(model, [replace(film, movie_id=i) for film, i in zip(films, ids, strict=True)])


def check_movie(model: Checkpoint, film: FilmFile, name: str) -> None:
    """Refuse ratings that the model cannot know, and log what else it cannot use of a new movie.

    Args:
        model: the trained model.
        film: the new movie.
        name: of its file, for the message.

    Raises:
        UserError: it has ratings, and the users of the data have texts as ids; or a rating is above the
            best one.
    """
    if film.ratings and model.user_text_ids is not None:
        raise UserError(
            f"{name}: ratings name users by whole numbers, but the ids of {model.dataset['name']} are text; "
            "leave the ratings out"
        )
    highest = model.rating_range[1]
    if above := next((rating for _, rating in film.ratings if rating > highest), None):
        raise UserError(
            f"{name}: a rating is {above:g}, above the best rating of {model.dataset['name']}, {highest:g}; "
            "give ratings on its scale"
        )
    basis = model.basis
    features = {part.name for part in (basis.content.parts if basis.content else ()) if hasattr(part, "name")}
    kept = [one for one in model.item_columns if one not in features]
    check_content(basis.content, kept, film, name)
    if unknown := [genre for genre in film.genres if genre not in basis.genre_names]:
        known = ", ".join(basis.genre_names)
        logger.warning(
            "the model does not know the genre %s and ignores it; it knows %s", _named(unknown), known
        )
    if unknown := sorted(set(film.tags) - set(basis.tag_names)):
        logger.warning("the model does not know the tag %s and ignores it", _named(unknown))
    users = [user for user, _ in film.ratings]
    if repeated := [user for user, times in Counter(users).items() if times > 1]:
        logger.warning("several ratings by one user count once: user %s", _named(repeated))
    min_rating = model.settings["min_rating"]
    if low := sum(rating < min_rating for _, rating in film.ratings):
        logger.warning(
            "%d of %d ratings are below %s and are ignored, as in training",
            *(low, len(users), in_words(min_rating, model.best_rating)),
        )
    if strangers := set(users) - set(model.user_ids.tolist()):
        logger.warning(
            "ratings by %d users that the model does not know are ignored: user %s",
            *(len(strangers), _named(sorted(strangers))),
        )
    if users and not basis.user_basis.shape[1]:
        logger.warning("the model has no spectral basis (`spectral_dim` 0), so it cannot use ratings")
    else:
        used = int(known_raters(model, [film]).sum())
        logger.info("%s is placed by its features and %d of %d ratings", film.title, used, len(users))


def _named(values: list) -> str:
    more = f" and {len(values) - MAX_NAMED} more" if len(values) > MAX_NAMED else ""
    return ", ".join(map(str, values[:MAX_NAMED])) + more
