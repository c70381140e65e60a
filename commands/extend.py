"""``train.py --extend``: continue the training of a saved model with newer data."""

import logging
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path

import numpy as np

from base.arrays import IntArray
from base.errors import UserError
from config import Config, TrainingConfig
from data.dataset import MovieLens
from data.feature_extractor import training_ratings
from data.splits import Split
from model.checkpoint import BEST, Checkpoint
from model.fit import Progress, Validate, validation_figures, validation_words
from model.heads import Embeddings
from model.inputs import ModelInputs
from model.new_films.newer_data import extended_inputs
from recommend.titles import normalise

logger = logging.getLogger("pinsage")

# How to train may change; what the model is and what is held out may not.
MAY_CHANGE_ON_EXTEND = frozenset(field.name for field in fields(TrainingConfig)) - {"preset"}
MIN_AGREEMENT = 0.6  # measured: .99 with real newer data, .41 with the same users under other ids
MAX_OTHER_TITLES = 0.2  # share of the films of the checkpoint; a newer release may correct some titles
MAX_NAMED = 3  # ids that a message names


def checkpoint_path(name: str) -> Path:
    """The file that ``--extend`` names; if it names a folder, ``best.pt`` in it."""
    path = Path(name)
    return path / BEST if path.is_dir() else path


def inputs_on_newer_data(
    stored: Checkpoint, config: Config, movielens: MovieLens, split: Split, path: Path
) -> ModelInputs:
    """Make the inputs of the saved model from the newer data; log how many films, users and ratings are new.

    Args:
        stored: the saved model.
        config: all settings.
        movielens: the newer data.
        split: split of the newer data.
        path: file of the saved model, for messages.

    Raises:
        UserError: the data are not a later version of the data of the saved model.
    """
    before = int(training_ratings(stored.basis, stored.features.numpy()).sum())
    _check_newer(stored, movielens, split, path, before)
    row_of = {user: row for row, user in enumerate(_ids(movielens.user_ids, movielens.user_text_ids))}
    users = [row_of[user] for user in _ids(stored.user_ids.numpy(), stored.user_text_ids)]
    extended = extended_inputs(stored.basis, np.array(users), movielens, split, config.model, config.run.seed)
    if extended.agreement is not None and extended.agreement < MIN_AGREEMENT:
        raise UserError(
            f"--data_dir {movielens.name}: its users rate other films than the users of {path} with the same "
            f"ids (median cosine {extended.agreement:.2f} in the spectral basis, 1 means equal), so the ids "
            "belong to other people; train a new model"
        )
    logger.info(
        "extending %s (%s, epoch %d): %s new films, %s new users, %s more training ratings",
        *(path, stored.dataset["name"], stored.trainer["epoch"]),
        f"{movielens.num_movies - len(stored.movies):,}",
        f"{movielens.num_users - len(users):,}",
        f"{len(split.train) - before:,}",
    )
    if extended.agreement is not None:
        logger.info(
            "%s users folded into the saved basis (their rows are computed from their films); for the users "
            "already in it, this gives the saved rows with a median cosine of %.3f",
            *(f"{extended.folded_users:,}", extended.agreement),
        )
    if unknown := {g for genres in movielens.movies.genres for g in genres} - set(stored.basis.genre_names):
        logger.info("genres that the saved model does not know are ignored: %s", ", ".join(sorted(unknown)))
    return extended.inputs


def record_start(embeddings: Embeddings, validate: Validate | None, progress: Progress) -> None:
    """Validate the saved weights on the newer data; fine-tuning must be better to replace them."""
    if validate is None:
        return
    figures = validation_figures(validate, embeddings)
    progress.best_mrr = figures["validation_mrr"]
    logger.info("before fine-tuning%s", validation_words(figures))


def _check_newer(
    stored: Checkpoint, movielens: MovieLens, split: Split, path: Path, ratings_before: int
) -> None:
    """Check that the data are a later version of the data of the checkpoint.

    Raises:
        UserError: they are the same, or they lack films or users, have other titles, or fewer ratings.
    """
    where = f"--data_dir {movielens.name}"
    if stored.dataset["data"] == movielens.fingerprint:
        raise UserError(
            f"{where} has the data that {path} was trained on, nothing in it is new; continue with --resume, "
            "or train a new model"
        )
    if movielens.best_rating != stored.best_rating:
        raise UserError(
            f"{where} has {movielens.best_rating:g} as its best rating, {path} {stored.best_rating:g}; "
            "give data on the same scale, or train a new model"
        )
    row_of = {movie: row for row, movie in enumerate(_ids(movielens.movies.ids, movielens.movies.text_ids))}
    movies = _ids(stored.movies.ids, stored.movies.text_ids)
    users = _ids(stored.user_ids.numpy(), stored.user_text_ids)
    newer_users = set(_ids(movielens.user_ids, movielens.user_text_ids))
    for noun, ours, theirs in (("film", movies, row_of), ("user", users, newer_users)):
        if missing := [known for known in ours if known not in theirs]:
            raise UserError(
                f"{where} lacks {len(missing):,} of the {len(ours):,} {noun}s of {path} ({noun} "
                f"{_named(missing)}), so it is not a newer version of the same data; train a new model on it"
            )
    other = [
        (title, newer)
        for movie, title in zip(movies, stored.movies.titles, strict=True)
        if normalise(title) != normalise(newer := movielens.movies.titles[row_of[movie]])
    ]
    if len(other) > MAX_OTHER_TITLES * len(stored.movies):
        raise UserError(
            f"{where} has other titles for {len(other):,} of the {len(stored.movies):,} ids of {path}, for "
            f"instance {other[0][1]!r} instead of {other[0][0]!r}, so it is another catalogue; train a new "
            "model on it"
        )
    if len(split.train) < ratings_before:
        raise UserError(
            f"{where} is older than {path}: it has {len(split.train):,} training ratings, the checkpoint "
            f"{ratings_before:,}; give newer data"
        )


def _ids(numbers: IntArray, texts: list[str] | None) -> Sequence[int | str]:
    """Ids as in the data: the texts if there are any, else the numbers."""
    return numbers.tolist() if texts is None else texts


def _named(ids: Sequence[int | str]) -> str:
    more = f" and {len(ids) - MAX_NAMED:,} more" if len(ids) > MAX_NAMED else ""
    return ", ".join(map(str, ids[:MAX_NAMED])) + more
