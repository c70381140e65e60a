"""``inference.py --new_movie``: a film that the model has never seen, to ask with and perhaps to keep."""

import logging
from collections import Counter
from dataclasses import replace
from pathlib import Path

from base.errors import UserError
from config import InferenceConfig
from data.reading.film_file import FilmFile, read_film
from model.checkpoint import Checkpoint
from model.new_films.from_checkpoint import append_films, known_raters
from recommend.added_films import ADDED, add_film, free_id, with_added_films

logger = logging.getLogger("pinsage")

MOST_NAMED = 5  # unknown users, genres or tags named in a note


def with_new_film(request: InferenceConfig, checkpoint: Checkpoint, folder: Path) -> Checkpoint:
    """The checkpoint with the film of ``--new_movie`` as its last one; ``--add`` keeps it in ``folder``.

    Args:
        request: names the file.
        checkpoint: ``best.pt``, without added films.
        folder: where ``best.pt`` lies.

    Raises:
        UserError: the file describes no film, ``--add`` would give one twice, or there are ratings by users
            whose ids in the data are text.
        OSError: the film could not be kept.
    """
    film = read_film(Path(request.new_movie or ""))
    if film.ratings and checkpoint.user_text_ids is not None:
        raise UserError(
            f"{request.new_movie}: ratings name users by whole numbers, but the ids of "
            f"{checkpoint.dataset['name']} are text; leave the ratings out"
        )
    _say_what_is_used(checkpoint, film)
    if request.add:
        film, again = add_film(folder, checkpoint, film)
        every = with_added_films(checkpoint, folder)
        logger.info(
            "%s %s under the id %s in %s",
            *("replaced" if again else "added", film.title),
            *(every.movies.public_id(len(every.movies) - 1), folder / ADDED),
        )
        return every
    logger.info("%s is not kept; with --add it is, and other films can lead to it", film.title)
    others = with_added_films(checkpoint, folder)
    return append_films(others, [replace(film, movie_id=free_id(others.movies.ids.tolist()))])


def _say_what_is_used(checkpoint: Checkpoint, film: FilmFile) -> None:
    """Log what the model makes nothing of, and how many ratings place the film."""
    basis = checkpoint.basis
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
    least = checkpoint.settings["min_rating"]
    if low := sum(stars < least for _, stars in film.ratings):
        logger.warning("%d of %d ratings are below %g stars, as none was in training", low, len(users), least)
    if strangers := set(users) - set(checkpoint.user_ids.tolist()):
        logger.warning(
            "ratings by %d users that the model does not know are ignored: user %s",
            *(len(strangers), _named(sorted(strangers))),
        )
    if users and not basis.user_basis.shape[1]:
        logger.warning("the model has no spectral basis (--spectral_dim 0), so ratings say nothing to it")
    else:
        used = int(known_raters(checkpoint, [film]).sum())
        logger.info("%s is placed by its features and %d of %d ratings", film.title, used, len(users))


def _named(values: list) -> str:
    more = f" and {len(values) - MOST_NAMED} more" if len(values) > MOST_NAMED else ""
    return ", ".join(map(str, values[:MOST_NAMED])) + more
