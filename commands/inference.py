"""``--mode inference``: which films go with this one?"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from base.compute import set_up_compute
from base.errors import UserError
from commands.cli import adopt
from commands.common import check_who_asks
from commands.explain import Explainer
from commands.id_files import read_id_lines
from commands.new_film import with_new_film
from commands.person import films_for, history_from_text, user_from_data
from config import Config, DataConfig, InferenceConfig
from data.dataset import find_data
from model.checkpoint import BEST, load_checkpoint
from recommend.added_films import with_added_films
from recommend.answers import Answer, film_question, history_question, make_answer
from recommend.formats import print_answers
from recommend.recommender import Recommender
from search.choose import check_search


def recommend(config: Config, typed: dict[str, Any]) -> None:
    """Print the films nearest to the one asked about, to each of ``--movie_ids``, or for a person.

    Needs ``best.pt`` alone, and the data for ``--user_id``.

    Raises:
        UserError: no checkpoint, no such film, an ambiguous title, or flags that contradict the checkpoint.
    """
    check_who_asks(typed)
    check_search(config.search)
    set_up_compute(config.run)
    folder = Path(config.run.checkpoint_dir)
    checkpoint = load_checkpoint(folder / BEST)
    config = adopt(config, checkpoint.settings, typed)
    request = config.inference
    if request.user_id is not None or ("data_dir" in typed and Path(config.data.data_dir).is_dir()):
        _check_data(config.data, checkpoint.dataset)
    if request.new_movie is None:
        checkpoint = with_added_films(checkpoint, folder)
    else:
        checkpoint = with_new_film(request, checkpoint, folder)
    num_guests = int(request.new_movie is not None and not request.add)
    recommender = Recommender(checkpoint, config.search, config.run.seed, folder, num_guests)
    explainer = Explainer(checkpoint) if request.explain else None
    if request.history is not None or request.user_id is not None:
        answers: Iterable[Answer] = [_answer_for_person(recommender, config, explainer)]
    else:
        rows = _rows_of(recommender, request)
        answers = similar_films(recommender, rows, request.num_recommendations, explainer)
    print_answers(answers, request.format)


def _check_data(data: DataConfig, dataset: dict[str, str]) -> None:
    if find_data(Path(data.data_dir), data.schema).fingerprint() != dataset["data"]:
        raise UserError(
            f"--data_dir {data.data_dir} is not what the checkpoint was trained on ({dataset['name']}); "
            "drop the flag, or train on this folder"
        )


def _rows_of(recommender: Recommender, wanted: InferenceConfig) -> list[int]:
    """Rows of the films asked about.

    Raises:
        UserError: a film is not known, or the file of ids cannot be read.
    """
    if wanted.new_movie is not None:
        return [len(recommender.movies) - 1]
    if wanted.movie_ids is not None:
        return _rows_of_file(recommender, wanted.movie_ids)
    if wanted.title is not None:
        return [recommender.row_of_title(wanted.title)]
    try:
        return [recommender.row_of_id(wanted.movie_id)]
    except UserError as error:
        raise UserError(f"{error}, try --title") from None


def _rows_of_file(recommender: Recommender, name: str) -> list[int]:
    rows = []
    for line, text in read_id_lines(name):
        try:
            rows.append(recommender.row_of_id(text))
        except UserError as error:
            raise UserError(f"--movie_ids {name}, line {line}: {error}") from None
    return rows


def _answer_for_person(recommender: Recommender, config: Config, explainer: Explainer | None) -> Answer:
    request = config.inference
    if request.history is not None:
        history = history_from_text(recommender, request.history)
        question = history_question(recommender.movies, history)
    else:
        question, history = user_from_data(config, recommender.dataset, request.user_id or "")
    return films_for(recommender, question, history, request.num_recommendations, explainer)


def similar_films(
    recommender: Recommender, rows: Sequence[int], k: int, explainer: Explainer | None = None
) -> Iterator[Answer]:
    """The ``k`` films nearest to each of ``rows``, or all there are, one answer a row."""
    movies = recommender.movies
    for row, found in zip(rows, recommender.similar_to_each(rows, k), strict=True):
        question = film_question(movies, row)
        if row >= len(recommender.index):
            question = replace(question, id=None)  # a guest: nobody can ask for it later
        answer = make_answer(question, movies, [f.row for f in found], [f.score for f in found], k)
        yield explainer.add_to(answer, row, [f.row for f in found]) if explainer else answer
