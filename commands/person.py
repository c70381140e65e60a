"""``--history`` and ``--user_id``: what a person has seen, and the films for that person."""

import numpy as np

from base.errors import UserError
from commands.explain import Explainer
from commands.history_text import is_number_id, parse_history
from config import Config
from data.dataset import MovieLens, load_movielens
from data.histories import History, history_of_user
from data.reading.number_columns import ID
from data.reading.source_files import shown
from recommend.answers import Answer, Question, answer_for_person
from recommend.recommender import Recommender


def history_from_text(recommender: Recommender, text: str) -> History:
    """The history that ``--history`` describes.

    Raises:
        UserError: it cannot be read, a film is unknown, ambiguous or named twice, or a rating is none.
    """
    movies = recommender.movies
    known = set(movies.text_ids or ())
    typed = parse_history(
        text, *recommender.rating_range, is_id=known.__contains__ if known else is_number_id
    )
    row_of = recommender.row_of_id if typed.are_ids else recommender.row_of_title
    rows: list[int] = []
    for film in typed.films:
        try:
            row = row_of(film)
        except UserError as error:
            raise UserError(f"--history: {error}") from None
        if row in rows:
            raise UserError(
                f"--history names {movies.titles[row]} (id {movies.public_id(row)}) twice; name it once"
            )
        rows.append(row)
    return History(np.array(rows), np.array(typed.ratings, dtype=np.float32))


def user_from_data(config: Config, data_name: str, user_id: str) -> tuple[Question, History]:
    """The question that a user of the data asks, and all that the user has rated.

    Args:
        config: names the folder, and the ratings that count.
        data_name: what the checkpoint calls its data, which the folder is known to hold.
        user_id: as the data have it.

    Raises:
        UserError: the folder cannot be read, or has no such user.
    """
    movielens = load_movielens(config.data.data_dir, config.data.min_rating, schema=config.data.schema)
    row = _user_row(movielens, data_name, user_id)
    history = history_of_user(movielens.interactions, row)
    if not movielens.rated:
        history = history._replace(ratings=np.full_like(history.ratings, np.nan))
    texts = movielens.user_text_ids
    public_id = int(movielens.user_ids[row]) if texts is None else texts[row]
    films = f"{len(history.rows):,} film{'' if len(history.rows) == 1 else 's'}"
    did = "rated" if movielens.rated else "taken"
    return Question("user", public_id, f"user {public_id}, who has {did} {films}"), history


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
            raise UserError(f"--user_id must be {rule}, got {shown(user_id)}") from None
        place = int(np.searchsorted(ids, number))
        known = place if place < len(ids) and ids[place] == number else None
        which = f"{len(ids):,} users with ids from {ids.min()} to {ids.max()}"
    if known is None:
        asked = user_id if texts is None else shown(user_id)
        raise UserError(f"no user has the id {asked}; {data_name} has {which}")
    return known


def films_for(
    recommender: Recommender, question: Question, history: History, k: int, explainer: Explainer | None
) -> Answer:
    """The ``k`` films for a history, or all there are, each with its reason."""
    found = recommender.for_history(history, k)
    answer = answer_for_person(question, recommender.movies, found, k)
    if explainer is None:
        return answer
    return explainer.add_to(answer, None, [s.row for s in found], [s.because for s in found])
