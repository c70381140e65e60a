"""``--mode export``: embeddings and films as files that other programs read."""

from pathlib import Path
from typing import Any

import numpy as np
import torch

from base.arrays import FloatArray
from base.files import replacing
from commands.cli import adopt
from config import Config
from data.dataset import Movies
from data.reading.formats import NO_GENRES
from recommend.added_films import load_model
from recommend.formats import csv_line
from search.choose import index_path, open_index


def export(config: Config, typed: dict[str, Any]) -> None:
    """Write ``embeddings/embeddings.npy`` (float32, unit rows) and ``embeddings/movies.csv`` (same rows).

    If a film as a query differs from the film as a candidate, ``embeddings/queries.npy`` has the vectors of
    queries (same rows, unit length). ``embeddings/embeddings.parquet`` holds all of it in one file. With
    ``--search_method`` or ``--vectors`` typed, the index is written as ``embeddings/index-<method>.npz``;
    its ids are rows.

    Raises:
        UserError: there is no checkpoint, flags contradict it, or search parameters do not fit.
        OSError: a file could not be written.
    """
    checkpoint = load_model(Path(config.run.checkpoint_dir))
    adopt(config, checkpoint.settings, typed)
    folder = Path(config.run.output_dir) / "embeddings"
    folder.mkdir(parents=True, exist_ok=True)
    embeddings = checkpoint.embeddings.numpy()
    same = torch.equal(checkpoint.query_embeddings, checkpoint.embeddings)
    queries = None if same else checkpoint.query_embeddings.numpy()
    _write_vectors(folder / "embeddings.npy", embeddings)
    if queries is None:
        (folder / "queries.npy").unlink(missing_ok=True)  # of an earlier export
    else:
        _write_vectors(folder / "queries.npy", queries)
    _write_movies(folder / "movies.csv", checkpoint.movies)
    write_parquet(folder / "embeddings.parquet", checkpoint.movies, embeddings, queries)
    written = ["movies.csv", "embeddings.parquet"] + ["queries.npy"] * (queries is not None)
    print(
        f"written: {folder / 'embeddings.npy'} {embeddings.shape}, "
        + ", ".join(str(folder / name) for name in written)
    )
    if typed.keys() & {"search_method", "vectors"}:
        path = index_path(folder, config.search.search_method)
        index = open_index(config.search, embeddings, checkpoint.query_embeddings.numpy(), config.run.seed)
        index.save(path)
        print(f"written: {path} {index!r}")


def _write_vectors(path: Path, vectors: FloatArray) -> None:
    """Write the bytes that ``np.save`` writes, which does not say why a file could not be written."""
    vectors = np.ascontiguousarray(vectors)
    header = np.lib.format.header_data_from_array_1_0(vectors)
    with replacing(path) as file:
        np.lib.format.write_array_header_1_0(file, header)
        file.write(vectors.data)


def _write_movies(path: Path, movies: Movies) -> None:
    with replacing(path) as file:
        file.write(csv_line(["row", "movieId", "title", "genres"]).encode())
        for row in range(len(movies)):
            genres = "|".join(movies.genres[row]) or NO_GENRES
            file.write(csv_line([row, movies.public_id(row), movies.titles[row], genres]).encode())


def write_parquet(path: Path, movies: Movies, embeddings: FloatArray, queries: FloatArray | None) -> None:
    """Write films and embeddings as one Parquet file, one row per film, in the order of the catalogue.

    The columns are ``movieId``, ``title``, ``year`` (null if unknown), ``genres`` (a list), ``embedding``
    and, if films as queries differ, ``query``. The last two are lists of float32 of one fixed length.

    Args:
        path: the file.
        movies: the catalogue.
        embeddings: float32 ``[num_movies, dim]``, films as candidates.
        queries: float32 ``[num_movies, dim]``, films as queries; None if they are the same.

    Raises:
        OSError: the file could not be written.
    """
    import pyarrow
    from pyarrow import parquet

    known = np.isfinite(movies.years)
    columns = {
        "movieId": pyarrow.array(movies.ids if movies.text_ids is None else movies.text_ids),
        "title": pyarrow.array(movies.titles, pyarrow.string()),
        "year": pyarrow.array(np.where(known, movies.years, 0).astype(np.int32), mask=~known),
        "genres": pyarrow.array([list(g) for g in movies.genres], pyarrow.list_(pyarrow.string())),
        "embedding": _fixed_lists(embeddings),
    }
    if queries is not None:
        columns["query"] = _fixed_lists(queries)
    with replacing(path) as file:
        parquet.write_table(pyarrow.table(columns), file)


def _fixed_lists(vectors: FloatArray) -> Any:
    """An Arrow array with one list of float32 per row."""
    import pyarrow

    flat = np.ascontiguousarray(vectors, dtype=np.float32).ravel()
    return pyarrow.FixedSizeListArray.from_arrays(flat, vectors.shape[1])
