"""``--mode export``: embeddings and films as files that other programs read."""

import csv
import logging
from pathlib import Path
from typing import Any

import numpy as np
import torch

from config import Config
from utils.checkpoint import BEST, load_checkpoint
from utils.cli import adopt

logger = logging.getLogger("pinsage")


def export(config: Config, typed: dict[str, Any]) -> None:
    """Write ``embeddings/embeddings.npy`` (float32, unit rows) and ``embeddings/movies.csv`` (same rows).

    Where a film as a query differs from the film as a candidate, ``embeddings/queries.npy`` has the
    former, same rows, unit length.

    Raises:
        UserError: no checkpoint, or flags that contradict it.
    """
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
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["row", "movieId", "title", "genres"])
        for row in range(len(movies)):
            genres = "|".join(movies.genres[row]) or "(no genres listed)"
            writer.writerow([row, movies.ids[row], movies.titles[row], genres])
    written = [
        f"{folder / 'embeddings.npy'} {tuple(checkpoint.embeddings.shape)}",
        str(folder / "movies.csv"),
    ]
    print("written: " + ", ".join(written + [str(queries)] * queries.exists()))
