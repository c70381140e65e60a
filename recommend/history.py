"""The history of a person: films that somebody names, or all that a user of the data has rated."""

import math
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from base.checks import shown_value
from base.errors import UserError
from data.dataset import MovieLens, Movies, find_data, load_movielens
from data.histories import History, history_of_user
from data.rating_scale import to_stars
from data.reading.number_kinds import ID
from data.reading.source_files import shown
from model.checkpoint import Checkpoint
from recommend.answers import Question


def named_history(
    movies: Movies,
    films: Sequence[Any],
    ratings: Iterable[Any],
    row_of: Callable[[Any], int],
    model: Checkpoint,
) -> History:
    """The history that a person names.

    Args:
        movies: the catalogue.
        films: ids or titles, oldest first.
        ratings: one per film, on the data's own scale; None or NaN without a rating.
        row_of: finds the row of a film.
        model: a trained model, which knows the scale of the ratings.

    Raises:
        UserError: no film, an unknown or ambiguous one, one named twice, or a rating out of range.
    """
    if not films:
        raise UserError("`history` must name at least one film")
    rows: list[int] = []
    stars: list[float] = []
    for film, rating in zip(films, ratings, strict=True):
        try:
            row = row_of(film)
        except UserError as error:
            raise UserError(f"`history`: {error}") from None
        if row in rows:
            raise UserError(
                f"`history` names {movies.shown_title(row)} (id {movies.public_id(row)}) twice; name it once"
            )
        rows.append(row)
        stars.append(to_stars(_checked_rating(rating, film, *model.rating_range), model.best_rating))
    return History(np.array(rows), np.array(stars, dtype=np.float32))


def _checked_rating(rating: Any, film: Any, lowest: float, highest: float) -> float:
    if rating is None or rating != rating:  # NaN is how tables write a missing value
        return math.nan
    try:
        value = float(rating)
    except (TypeError, ValueError):
        value = math.nan
    if isinstance(rating, str | bool) or not lowest <= value <= highest:
        raise UserError(
            f"`history`: a rating must be a number from {lowest:g} to {highest:g}, got {shown_value(rating)} "
            f"for {shown_value(film)}; write None if there is no rating"
        )
    return value


def user_history(model: Checkpoint, movielens: MovieLens, user_id: Any) -> tuple[Question, History]:
    """The question that a user of the data asks, and all that the user has rated.

    Args:
        model: a trained model. It knows no user's ratings.
        movielens: the data it was trained on.
        user_id: as the data have it.

    Raises:
        UserError: these are other data, or they have no such user.
    """
    refuse_other_data(model, movielens.fingerprint, movielens.name)
    row = _user_row(movielens, model.dataset["name"], str(user_id))
    history = counted(model, movielens, history_of_user(movielens.interactions, row))
    if not len(history.rows):
        raise UserError(
            f"user {user_id} has no rating of at least `min_rating` {model.settings['min_rating']:g}; "
            "choose another user"
        )
    texts = movielens.user_text_ids
    public_id = int(movielens.user_ids[row]) if texts is None else texts[row]
    words = model.movies.words
    did = "rated" if movielens.rated else "taken"
    title = f"user {public_id}, who has {did} {words.counted(len(history.rows))}"
    return Question("user", public_id, title, words=words), history


def counted(model: Checkpoint, movielens: MovieLens, rated: History) -> History:
    """What counts of all that a user has rated: ratings that are high enough; none may be.

    Args:
        model: a trained model, which knows how high they must be.
        movielens: the data it was trained on.
        rated: all films of the user.
    """
    counts = rated.ratings >= to_stars(model.settings["min_rating"], model.best_rating)
    history = History(rated.rows[counts], rated.ratings[counts])
    return history if movielens.rated else history._replace(ratings=np.full_like(history.ratings, np.nan))


def training_data(model: Checkpoint, folder: str | Path, schema: str | None = None) -> MovieLens:
    """The data of a folder, as the training read them.

    Raises:
        UserError: the folder cannot be read, or holds other data.
    """
    refuse_other_data(model, find_data(Path(folder), schema).fingerprint(), folder)
    return load_movielens(folder, model.settings["min_rating"], schema=schema, earlier=model.earlier)


def refuse_other_data(model: Checkpoint, fingerprint: str, name: str | Path) -> None:
    """Refuse data that a model was not trained on.

    Args:
        model: the trained model.
        fingerprint: of the data.
        name: of the data or their folder, for the message.

    Raises:
        UserError: the fingerprint is another one.
    """
    if fingerprint != model.dataset["data"]:
        raise UserError(
            f"`data_dir` {name} is not what the checkpoint was trained on ({model.dataset['name']}); "
            "leave it out, or train on this folder"
        )


def _user_row(movielens: MovieLens, data_name: str, user_id: str) -> int:
    texts = movielens.user_text_ids
    if texts is not None:
        known = {text: row for row, text in enumerate(texts)}.get(user_id)
        which = f"{len(texts):,} users with ids such as {texts[0]!r}"
    else:
        ids = movielens.user_ids
        try:
            number = int(ID.parse(user_id))
        except ValueError as rule:
            raise UserError(f"`user_id` must be {rule}, got {shown(user_id)}") from None
        place = int(np.searchsorted(ids, number))
        known = place if place < len(ids) and ids[place] == number else None
        which = f"{len(ids):,} users with ids from {ids.min()} to {ids.max()}"
    if known is None:
        asked = user_id if texts is None else shown(user_id)
        raise UserError(f"no user has the id {asked}; {data_name} has {which}")
    return known
