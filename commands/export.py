"""``--mode export``: embeddings and films as files that other programs read."""

import logging
from pathlib import Path
from typing import Any

import numpy as np
import torch

from config import Config
from utils.answer_formats import csv_line
from utils.checkpoint import BEST, load_checkpoint
from utils.cli import adopt
from utils.search.choose import check_search, index_path, open_index

logger = logging.getLogger("pinsage")


def export(config: Config, typed: dict[str, Any]) -> None:
    """Write ``embeddings/embeddings.npy`` (float32, unit rows) and ``embeddings/movies.csv`` (same rows).

    Where a film as a query differs from the film as a candidate, ``embeddings/queries.npy`` has the
    former, same rows, unit length. With ``--search_method`` typed, the index goes beside them as
    ``index-<method>.npz``; its ids are rows.

    Raises:
        UserError: no checkpoint, flags that contradict it, or search parameters that do not fit.
    """
    check_search(config.search)
    checkpoint = load_checkpoint(Path(config.run.checkpoint_dir) / BEST)
    adopt(config, checkpoint.settings, typed)
    folder = Path(config.run.output_dir) / "embeddings"
    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / "embeddings.npy", checkpoint.embeddings.numpy())
    queries = folder / "queries.npy"
    if torch.equal(checkpoint.query_embeddings, checkpoint.embeddings):
        queries.unlink(missing_ok=True)  # of an earlier export
    else:
        np.save(queries, checkpoint.query_embeddings.numpy())
    movies = checkpoint.movies
    with (folder / "movies.csv").open("w", newline="", encoding="utf-8") as file:
        file.write(csv_line(["row", "movieId", "title", "genres"]))
        for row in range(len(movies)):
            genres = "|".join(movies.genres[row]) or "(no genres listed)"
            file.write(csv_line([row, movies.ids[row], movies.titles[row], genres]))
    written = [
        f"{folder / 'embeddings.npy'} {tuple(checkpoint.embeddings.shape)}",
        str(folder / "movies.csv"),
    ]
    print("written: " + ", ".join(written + [str(queries)] * queries.exists()))
    if "search_method" in typed:
        path = index_path(folder, config.search.search_method)
        index = open_index(
            config.search,
            checkpoint.embeddings.numpy(),
            checkpoint.query_embeddings.numpy(),
            config.run.seed,
        )
        index.save(path)
        print(f"written: {path} {index!r}")
