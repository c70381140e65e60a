"""``--mode inference``: which films go with this one, or with this person?"""

import logging
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from base.compute import set_up_compute
from base.errors import UserError
from commands.cli import adopt
from commands.common import check_who_asks
from commands.explain import with_explanation
from commands.history_text import is_number_id, parse_history, title_key
from commands.id_lines import read_id_lines
from commands.where import typed_condition
from config import Config, InferenceConfig
from data.dataset import MovieLens, find_data
from data.histories import History
from data.reading.film_file import FilmFile, read_film
from data.title_year import split_year
from model.checkpoint import BEST, Checkpoint, load_checkpoint
from recommend.added_films import ADDED, add_film, with_added_films
from recommend.answers import Answer
from recommend.formats import print_answers
from recommend.history import named_history, refuse_other_data, training_data
from recommend.new_movies import check_movie
from recommend.recommender import Recommender

logger = logging.getLogger("pinsage")


def recommend(config: Config, typed: dict[str, Any]) -> None:
    """Print the films most similar to one film, or to each film of a file, or the best films for a person.

    Needs ``best.pt`` alone, and the data for ``--user_id``.

    Raises:
        UserError: there is no checkpoint or no such film, a title can mean several films, or flags contradict
            the checkpoint.
    """
    check_who_asks(typed)
    set_up_compute(config.run)
    folder = Path(config.run.checkpoint_dir)
    checkpoint = load_checkpoint(folder / BEST)
    config = adopt(config, checkpoint.settings, typed)
    request = config.inference
    movielens = _checked_data(config, checkpoint, typed)
    film, replaced = (None, False) if request.new_movie is None else _new_movie(request, checkpoint, folder)
    recommender = Recommender(with_added_films(checkpoint, folder), search=config.search, folder=folder)
    if film is not None and request.add:
        done, public_id = "replaced" if replaced else "added", recommender.movies.public_id(-1)
        logger.info("%s %s under the id %s in %s", done, film.title, public_id, folder / ADDED)
    elif film is not None:
        logger.info("%s is not kept; with --add it is, and can be recommended", film.title)
        recommender = recommender.with_guests([film])
    recommender = recommender.with_popularity(request.popularity).with_diversity(request.diversity)
    recommender = recommender.with_condition(typed_condition(request.where))
    answers = _answers(recommender, request, movielens)
    if request.explain:
        answers = (with_explanation(answer, recommender) for answer in answers)
    print_answers(answers, request.format)


def _checked_data(config: Config, checkpoint: Checkpoint, typed: dict[str, Any]) -> MovieLens | None:
    """The data for ``--user_id``. A ``--data_dir`` that is typed without need must be the right one, too.

    Raises:
        UserError: the folder cannot be read, or the model was trained on other data.
    """
    data = config.data
    if config.inference.user_id is not None:
        return training_data(checkpoint, data.data_dir, data.schema)
    if "data_dir" in typed and Path(data.data_dir).is_dir():
        fingerprint = find_data(Path(data.data_dir), data.schema).fingerprint()
        refuse_other_data(checkpoint, fingerprint, data.data_dir)
    return None


def _new_movie(request: InferenceConfig, checkpoint: Checkpoint, folder: Path) -> tuple[FilmFile, bool]:
    """The film of ``--new_movie``, kept in ``folder`` with ``--add``; and whether it replaced an earlier one.

    Raises:
        UserError: the file describes no film, or the film or its id is in the catalogue.
        OSError: the film could not be kept.
    """
    name = request.new_movie or ""
    film = read_film(Path(name))
    check_movie(checkpoint, film, name)
    return add_film(folder, checkpoint, film) if request.add else (film, False)


def _answers(
    recommender: Recommender, request: InferenceConfig, movielens: MovieLens | None
) -> Iterable[Answer]:
    """What the flags ask for.

    Raises:
        UserError: a film is not known, or the file of ids cannot be read.
    """
    k = request.num_recommendations
    if movielens is not None:
        return [recommender.for_user(request.user_id or "", k, data=movielens)]
    if request.history is not None:
        return [recommender.answer_history(_typed_history(recommender, request.history), k)]
    if request.new_movie is not None:
        return recommender.answer_rows([len(recommender.movies) - 1], k)
    if request.movie_ids is not None:
        return recommender.answer_rows(_rows_of_file(recommender, request.movie_ids), k)
    if request.title is not None:
        return [recommender.similar(title=request.title, k=k)]
    try:
        return [recommender.similar(id=request.movie_id, k=k)]
    except UserError as error:
        raise UserError(f"{error}, try --title") from None


def _typed_history(recommender: Recommender, text: str) -> History:
    """The history that ``--history`` describes.

    Raises:
        UserError: it cannot be read, a film is unknown, ambiguous or named twice, or a rating is out of
            range.
    """
    movies, model = recommender.movies, recommender.checkpoint
    known = set(movies.text_ids or ())
    titles = {title_key(name) for title in movies.titles for name in (title, split_year(title)[0])}
    is_id = known.__contains__ if known else is_number_id
    typed = parse_history(text, *model.rating_range, is_id=is_id, titles=titles)
    row_of = recommender.lookup.row_of_id if typed.are_ids else recommender.lookup.row_of_title
    try:
        return named_history(movies, typed.films, typed.ratings, row_of, model)
    except UserError as error:
        if typed.are_ids or ";" not in text:
            raise
        raise UserError(f"{error}; a title that contains a semicolon goes in quotes") from None


def _rows_of_file(recommender: Recommender, name: str) -> list[int]:
    """The rows of the films in a file of ids.

    Raises:
        UserError: it cannot be read, or holds what is not the id of a film; the message names the line.
    """
    rows = []
    lines = read_id_lines(name, f"--movie_ids {name}")
    if not lines:
        raise UserError(f"--movie_ids {name} contains no id; write one id per line")
    for line, text in lines:
        try:
            rows.append(recommender.lookup.row_of_id(text))
        except UserError as error:
            raise UserError(f"--movie_ids {name}, line {line}: {error}") from None
    return rows
