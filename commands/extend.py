"""``train.py --extend``: go on from a saved model with newer data, its films and users among them."""

import logging
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path

import numpy as np
import torch

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

# All of how to train, nothing of what the model is or what is held out.
MAY_CHANGE_ON_EXTEND = frozenset(field.name for field in fields(TrainingConfig)) - {"preset"}
LEAST_AGREEMENT = 0.6  # real newer data gave .99, the same users under other ids .41
MOST_OTHER_TITLES = 0.2  # of the checkpoint's films; releases correct a title now and then
MOST_NAMED = 3


def checkpoint_path(name: str) -> Path:
    """The file that ``--extend`` names, ``best.pt`` where it names a folder."""
    path = Path(name)
    return path / BEST if path.is_dir() else path


def inputs_on_newer_data(
    stored: Checkpoint, config: Config, movielens: MovieLens, split: Split, path: Path, device: torch.device
) -> ModelInputs:
    """What the saved model reads of the newer data; says how much of them is new.

    Raises:
        UserError: the data are not newer ones of the same films and users.
    """
    before = int(training_ratings(stored.basis, stored.features.numpy()).sum())
    _check_newer(stored, movielens, split, path, before)
    row_of = {user: row for row, user in enumerate(_ids(movielens.user_ids, movielens.user_text_ids))}
    users = [row_of[user] for user in _ids(stored.user_ids.numpy(), stored.user_text_ids)]
    extended = extended_inputs(
        stored.basis, np.array(users), movielens, split, config.model, config.run.seed, device
    )
    if extended.agreement is not None and extended.agreement < LEAST_AGREEMENT:
        raise UserError(
            f"--data_dir {movielens.name}: its users rate unlike those of {path} with the same ids (a median "
            f"cosine of {extended.agreement:.2f} in the spectral basis, where 1 is alike), so the ids name "
            "other people; train anew"
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
            "%s users folded into the saved basis; of those in it, folding in gives the rows back with a "
            "median cosine of %.3f",
            *(f"{extended.folded_users:,}", extended.agreement),
        )
    if unknown := {g for genres in movielens.movies.genres for g in genres} - set(stored.basis.genre_names):
        logger.info(
            "genres that the saved model does not know count for nothing: %s", ", ".join(sorted(unknown))
        )
    return extended.inputs


def record_start(embeddings: Embeddings, validate: Validate | None, progress: Progress) -> None:
    """Measure the saved weights on the newer data: fine-tuning has to be better than that."""
    if validate is None:
        return
    figures = validation_figures(validate, embeddings)
    progress.best_mrr = figures["validation_mrr"]
    logger.info("before fine-tuning%s", validation_words(figures))


def _check_newer(
    stored: Checkpoint, movielens: MovieLens, split: Split, path: Path, ratings_before: int
) -> None:
    """Refuse data that cannot be what the checkpoint was trained on, some time later."""
    where = f"--data_dir {movielens.name}"
    if stored.dataset["data"] == movielens.fingerprint:
        raise UserError(
            f"{where} is what {path} was trained on, nothing in it is new; continue with --resume, or train "
            "anew"
        )
    row_of = {movie: row for row, movie in enumerate(_ids(movielens.movies.ids, movielens.movies.text_ids))}
    movies = _ids(stored.movies.ids, stored.movies.text_ids)
    users = _ids(stored.user_ids.numpy(), stored.user_text_ids)
    newer_users = set(_ids(movielens.user_ids, movielens.user_text_ids))
    for noun, ours, theirs in (("film", movies, row_of), ("user", users, newer_users)):
        if missing := [known for known in ours if known not in theirs]:
            raise UserError(
                f"{where} lacks {len(missing):,} of the {len(ours):,} {noun}s of {path} ({noun} "
                f"{_named(missing)}), so it is no newer release of the same data; train anew on it"
            )
    other = [
        (title, newer)
        for movie, title in zip(movies, stored.movies.titles, strict=True)
        if normalise(title) != normalise(newer := movielens.movies.titles[row_of[movie]])
    ]
    if len(other) > MOST_OTHER_TITLES * len(stored.movies):
        raise UserError(
            f"{where} has other titles under {len(other):,} of the {len(stored.movies):,} ids of {path}, for "
            f"instance {other[0][1]!r} for {other[0][0]!r}, so it is another catalogue; train anew on it"
        )
    if len(split.train) < ratings_before:
        raise UserError(
            f"{where} is older than {path}: {len(split.train):,} training ratings, {ratings_before:,} then; "
            "give newer data"
        )


def _ids(numbers: IntArray, texts: list[str] | None) -> Sequence[int | str]:
    """Ids as their data have them."""
    return numbers.tolist() if texts is None else texts


def _named(ids: Sequence[int | str]) -> str:
    more = f" and {len(ids) - MOST_NAMED:,} more" if len(ids) > MOST_NAMED else ""
    return ", ".join(map(str, ids[:MOST_NAMED])) + more
