"""The films of the source in one file, so that no process reads texts again."""

from collections.abc import Mapping
from pathlib import Path

from blocks.block_file import Array
from blocks.plain_values import as_json, from_json
from blocks.work_dir import WorkDir
from data.dataset import Movies
from data.reading.columns import Columns
from data.reading.formats import format_of
from data.reading.movielens import MovieLensFolder, add_movies


def catalogue(
    folder: Path, work_dir: WorkDir, block: int, ratings_name: str, fingerprint: str
) -> Mapping[str, Array]:
    """Read the films.

    Args:
        folder: of the source. It is no setting: data that were moved are still the same.
        work_dir: of the work.
        block: 0.
        ratings_name: tells the form of the release.
        fingerprint: of all files; it is only there to be part of the key.

    Returns:
        ``movie_ids`` int64 and ``years`` float32 ``[num_movies]``; ``texts``, a JSON text of titles and
        genres as bytes.
    """
    columns = Columns()
    add_movies(MovieLensFolder(folder, format_of(ratings_name), ()), columns)
    return {**columns.arrays, "texts": as_json([columns.texts["titles"], columns.texts["genres"]])}


def read_movies(work_dir: WorkDir) -> Movies:
    """The films of the stage ``catalogue``."""
    arrays = work_dir.block("catalogue")
    titles, genres = from_json(arrays["texts"])
    names = [tuple(name for name in text.split("|") if name) for text in genres]
    return Movies(arrays["movie_ids"], titles, names, arrays["years"])
