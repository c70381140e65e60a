"""Embeddings and items as ``.npy``, CSV and Parquet."""

from pathlib import Path
from typing import Any

import numpy as np

from base.arrays import FloatArray
from base.files import replacing
from data.dataset import Movies
from data.reading.formats import NO_GENRES
from recommend.formats import csv_line

QUERIES = "queries.npy"


def write_vectors(path: Path, vectors: FloatArray) -> None:
    """Write the bytes that ``np.save`` writes, which does not say why a file could not be written."""
    vectors = np.ascontiguousarray(vectors)
    header = np.lib.format.header_data_from_array_1_0(vectors)
    with replacing(path) as file:
        np.lib.format.write_array_header_1_0(file, header)
        file.write(vectors.data)


def write_queries(folder: Path, queries: FloatArray | None) -> None:
    """Write ``queries.npy``. If films as queries are the candidates, remove that of an earlier export."""
    if queries is None:
        (folder / QUERIES).unlink(missing_ok=True)
    else:
        write_vectors(folder / QUERIES, queries)


def write_movies(path: Path, movies: Movies) -> None:
    """Write ``row,movieId,title,genres`` as CSV."""
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
    columns = movie_columns(movies)
    columns = {"movieId": columns.pop("id")} | columns | {"embedding": fixed_lists(embeddings)}
    if queries is not None:
        columns["query"] = fixed_lists(queries)
    write_table(path, columns)


def write_table(path: Path, columns: dict[str, Any]) -> None:
    """Write Arrow arrays as one Parquet file.

    Raises:
        OSError: the file could not be written.
    """
    import pyarrow
    from pyarrow import parquet

    with replacing(path) as file:
        parquet.write_table(pyarrow.table(columns), file)


def movie_columns(movies: Movies) -> dict[str, Any]:
    """``id``, ``title``, ``year`` (null if unknown) and ``genres`` as Arrow arrays, one value per film."""
    import pyarrow

    known = np.isfinite(movies.years)
    return {
        "id": pyarrow.array(movies.ids if movies.text_ids is None else movies.text_ids),
        "title": pyarrow.array(movies.titles, pyarrow.string()),
        "year": pyarrow.array(np.where(known, movies.years, 0).astype(np.int32), mask=~known),
        "genres": pyarrow.array([list(g) for g in movies.genres], pyarrow.list_(pyarrow.string())),
    }


def fixed_lists(vectors: FloatArray) -> Any:
    """An Arrow array with one list of float32 per row."""
    import pyarrow

    flat = np.ascontiguousarray(vectors, dtype=np.float32).ravel()
    return pyarrow.FixedSizeListArray.from_arrays(flat, vectors.shape[1])
