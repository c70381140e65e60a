"""Films that a person added to a trained model: a JSON file beside it describes them.

They are embedded whenever the model is read, by its weights. ``best.pt`` itself stays as training left it. So
an evaluation measures what was trained, and a resumed or new training need not know of the added films.
"""

import json
import logging
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from base.errors import UserError
from base.files import locked, replacing
from data.dataset import Movies
from data.reading.film_file import FilmFile, parse_film
from data.reading.json_files import read_json
from data.reading.number_kinds import INT64
from data.reading.source_files import shown_path
from model.checkpoint import BEST, Checkpoint, load_checkpoint
from model.new_films.from_checkpoint import append_films
from recommend.titles import normalise

logger = logging.getLogger("pinsage")

ADDED = "added.json"
LOCK = ".added.lock"
FORMAT = "pinsage-added-films"
VERSION = 1


def load_model(folder: Path) -> Checkpoint:
    """``best.pt`` of ``folder`` with the added films behind its own.

    Raises:
        UserError: the checkpoint or ``added.json`` cannot be read.
    """
    return with_added_films(load_checkpoint(folder / BEST), folder)


def with_added_films(checkpoint: Checkpoint, folder: Path) -> Checkpoint:
    """The checkpoint with the films of ``added.json`` behind its own.

    An added film that a later training knows is left out, and a line in the log says so.

    Raises:
        UserError: ``added.json`` cannot be read.
    """
    added = read_added(folder)
    if not added:
        return checkpoint
    ids, titles = _known(checkpoint.movies)
    kept = []
    for film in added:
        if film.movie_id in ids or normalise(film.title) in titles:
            logger.warning(
                "the added film %s (id %d) is left out: %s has a film with this id or title; "
                "remove it from %s",
                *(film.title, film.movie_id, folder / BEST, folder / ADDED),
            )
        else:
            kept.append(film)
    return append_films(checkpoint, kept)


def read_added(folder: Path) -> list[FilmFile]:
    """The films in ``added.json``, each with its id; none if there is no such file.

    Raises:
        UserError: the file is damaged, of another program or version, or a value in it breaks its rule.
    """
    path = folder / ADDED
    where = shown_path(path)
    if not path.exists():
        return []
    content = read_json(path)
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise UserError(f"{where} is not a list of added films of this program; move it away")
    if content.get("version") != VERSION:
        raise UserError(
            f"{where} is of version {content.get('version')!r}, this program reads {VERSION}; move it away"
        )
    rows = content.get("films")
    if not isinstance(rows, list):
        raise UserError(f"{where} has no list of films; move it away")
    films = [parse_film(row, f"{where}, film {number}") for number, row in enumerate(rows, start=1)]
    seen: set[int] = set()
    for film in films:
        if film.movie_id is None or film.movie_id in seen:
            raise UserError(f"{where}: {film.title} needs a movieId that no other film has; correct it")
        seen.add(film.movie_id)
    return films


def add_film(folder: Path, checkpoint: Checkpoint, film: FilmFile) -> tuple[FilmFile, bool]:
    """Keep ``film`` beside the checkpoint. The file is replaced whole or not at all.

    A film of the same title that was added before is replaced. The new one takes its id if it has none.

    Args:
        folder: of the checkpoint.
        checkpoint: ``best.pt``, without added films.
        film: if it has an id, it gets this id, else the next free one.

    Returns:
        The film with its id, and whether it replaced an earlier one.

    Raises:
        UserError: the catalogue has the film or the id, or another command is adding a film.
        OSError: the file could not be written. The old one is unchanged.
    """
    with locked(folder, LOCK, "adding a film"):
        added = read_added(folder)
        film, earlier = _with_id(film, checkpoint.movies, added)
        films = [other for other in added if other is not earlier] + [film]
        _write(folder / ADDED, films)
    return film, earlier is not None


def free_id(taken: Iterable[int]) -> int:
    """The id after the highest one.

    Raises:
        UserError: the highest one is the highest possible.
    """
    highest = max(taken, default=0)
    if highest >= INT64.max:
        raise UserError(f"no id is left above {highest}; give the film a movieId of its own")
    return highest + 1


def _with_id(film: FilmFile, movies: Movies, added: Sequence[FilmFile]) -> tuple[FilmFile, FilmFile | None]:
    """The film under the id that it gets, and the added film that it replaces, if any."""
    ids, titles = _known(movies)
    name = normalise(film.title)
    if name in titles:
        raise UserError(
            f"{film.title} is in the catalogue already, as id {titles[name]}; "
            "change the title if another film is meant"
        )
    if film.movie_id in ids:
        title = movies.titles[movies.ids.tolist().index(film.movie_id)]
        raise UserError(
            f"movieId {film.movie_id} is {title}; give another one, or none for the next free one"
        )
    earlier = next((other for other in added if normalise(other.title) == name), None)
    taken = {other.movie_id: other for other in added if other is not earlier and other.movie_id is not None}
    if film.movie_id in taken:
        raise UserError(
            f"movieId {film.movie_id} is the added film {taken[film.movie_id].title}; give another one"
        )
    if film.movie_id is None:
        film = replace(film, movie_id=free_id([*ids, *taken]) if earlier is None else earlier.movie_id)
    return film, earlier


def _known(movies: Movies) -> tuple[set[int], dict[str, int]]:
    """The ids of the catalogue, and the id of each normalised title with its year."""
    return set(movies.ids.tolist()), {
        normalise(title): int(movie) for title, movie in zip(movies.titles, movies.ids, strict=True)
    }


def _write(path: Path, films: Sequence[FilmFile]) -> None:
    content = {"format": FORMAT, "version": VERSION, "films": [film.as_plain() for film in films]}
    text = json.dumps(content, ensure_ascii=False, indent=1) + "\n"
    with replacing(path) as file:
        file.write(text.encode())
