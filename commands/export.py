"""``--mode export``: embeddings and films as files that other programs read."""

import logging
from pathlib import Path
from typing import Any

import numpy as np
import torch

from commands.cli import adopt
from commands.parquet import write_parquet
from config import Config
from data.dataset import Movies
from data.reading.formats import NO_GENRES
from recommend.added_films import load_model
from recommend.formats import csv_line
from search.choose import check_search, index_path, open_index

logger = logging.getLogger("pinsage")


def export(config: Config, typed: dict[str, Any]) -> None:
    """Write ``embeddings/embeddings.npy`` (float32, unit rows) and ``embeddings/movies.csv`` (same rows).

    Where a film as a query differs from the film as a candidate, ``embeddings/queries.npy`` has the
    former, same rows, unit length. ``embeddings/embeddings.parquet`` holds all of it in one file. With
    ``--search_method`` typed, the index goes beside them as ``index-<method>.npz``; its ids are rows.

    Raises:
        UserError: no checkpoint, flags that contradict it, or search parameters that do not fit.
    """
    check_search(config.search)
    checkpoint = load_model(Path(config.run.checkpoint_dir))
    adopt(config, checkpoint.settings, typed)
    folder = Path(config.run.output_dir) / "embeddings"
    folder.mkdir(parents=True, exist_ok=True)
    embeddings = checkpoint.embeddings.numpy()
    same = torch.equal(checkpoint.query_embeddings, checkpoint.embeddings)
    queries = None if same else checkpoint.query_embeddings.numpy()
    np.save(folder / "embeddings.npy", embeddings)
    if queries is None:
        (folder / "queries.npy").unlink(missing_ok=True)  # of an earlier export
    else:
        np.save(folder / "queries.npy", queries)
    _write_movies(folder / "movies.csv", checkpoint.movies)
    write_parquet(folder / "embeddings.parquet", checkpoint.movies, embeddings, queries)
    written = ["movies.csv", "embeddings.parquet"] + ["queries.npy"] * (queries is not None)
    print(
        f"written: {folder / 'embeddings.npy'} {embeddings.shape}, "
        + ", ".join(str(folder / name) for name in written)
    )
    if "search_method" in typed:
        path = index_path(folder, config.search.search_method)
        index = open_index(config.search, embeddings, checkpoint.query_embeddings.numpy(), config.run.seed)
        index.save(path)
        print(f"written: {path} {index!r}")


def _write_movies(path: Path, movies: Movies) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        file.write(csv_line(["row", "movieId", "title", "genres"]))
        for row in range(len(movies)):
            genres = "|".join(movies.genres[row]) or NO_GENRES
            file.write(csv_line([row, movies.public_id(row), movies.titles[row], genres]))
