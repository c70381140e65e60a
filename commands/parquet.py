"""Films and their embeddings as one Parquet file, for data frames and databases."""

from pathlib import Path
from typing import Any

import numpy as np

from base.arrays import FloatArray
from data.dataset import Movies


def write_parquet(path: Path, movies: Movies, embeddings: FloatArray, queries: FloatArray | None) -> None:
    """Write a row for each film, in the order of the catalogue.

    The columns are ``movieId``, ``title``, ``year`` (null when unknown), ``genres`` (a list), ``embedding``
    and, where films as queries differ, ``query``: lists of float32 of one fixed length.

    Args:
        path: the file.
        movies: the catalogue.
        embeddings: float32 ``[num_movies, dim]``, films as candidates.
        queries: float32 ``[num_movies, dim]``, films as queries; None where they are the same.
    """
    import pyarrow
    from pyarrow import parquet

    known = np.isfinite(movies.years)
    columns = {
        "movieId": pyarrow.array(movies.ids if movies.text_ids is None else movies.text_ids),
        "title": pyarrow.array(movies.titles, pyarrow.string()),
        "year": pyarrow.array(np.where(known, movies.years, 0).astype(np.int32), mask=~known),
        "genres": pyarrow.array([list(g) for g in movies.genres], pyarrow.list_(pyarrow.string())),
        "embedding": _vectors(embeddings),
    }
    if queries is not None:
        columns["query"] = _vectors(queries)
    parquet.write_table(pyarrow.table(columns), path)


def _vectors(values: FloatArray) -> Any:
    import pyarrow

    flat = np.ascontiguousarray(values, dtype=np.float32).ravel()
    return pyarrow.FixedSizeListArray.from_arrays(flat, values.shape[1])
