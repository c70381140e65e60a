"""Work folders as ``--mode prepare`` leaves them, made from inputs in memory.

Use it as ``from tests.blocks.works import prepared``.
"""

from pathlib import Path

import numpy as np

from blocks.runner import opened
from blocks.stage import Stage
from model.nodes import Nodes
from model.views import Views
from tests.blocks.here import Here

FILMS_PER_BLOCK = 7  # of 20 films, so the last block is shorter


def copied(work_dir, block, source, version=1):
    """The arrays of a block that lies ready in a file; ``version`` is there to be part of the key."""
    return dict(np.load(Path(source) / f"{block}.npz"))


def prepared(
    folder: Path,
    nodes: Nodes,
    views: Views | None,
    movie_ids: np.ndarray | None = None,
    films_per_block: int = FILMS_PER_BLOCK,
    version: int = 1,
) -> Path:
    """Stages ``features``, ``neighbors`` and ``catalogue`` of a work folder.

    Args:
        folder: of the work.
        nodes: features and neighbours of all films.
        views: of the films; None if the model has none.
        movie_ids: int64 ``[num_movies]``; the rows by default.
        films_per_block: films of a block.
        version: becomes part of the keys.
    """
    features = {"features": nodes.features} | {
        f"view_{name}": part for name, part in (views._asdict() if views else {}).items()
    }
    neighbors = {"neighbors": nodes.neighbors.int(), "weights": nodes.weights}
    num_movies = len(nodes.features)
    ids = np.arange(num_movies) if movie_ids is None else movie_ids
    stages = []
    for name, arrays in (("features", features), ("neighbors", neighbors), ("catalogue", {"movie_ids": ids})):
        size = num_movies if name == "catalogue" else films_per_block
        source = folder / "source" / name
        source.mkdir(parents=True, exist_ok=True)
        starts = range(0, num_movies, size)
        for block, start in enumerate(starts):
            part = {key: np.asarray(array)[start : start + size] for key, array in arrays.items()}
            np.savez(source / f"{block}.npz", **part)
        settings = {"source": str(source), "version": version}
        stages.append(Stage(name, copied, len(starts), settings=settings))
    with opened(folder, Here()) as runner:
        runner.run(stages)
    return folder


def with_embeddings(folder: Path, candidates: np.ndarray, queries: np.ndarray, per_block: int) -> Path:
    """A whole stage ``embeddings`` of these vectors."""
    source = folder / "source" / "embeddings"
    source.mkdir(parents=True)
    starts = range(0, len(queries), per_block)
    for block, start in enumerate(starts):
        part = slice(start, start + per_block)
        np.savez(source / f"{block}.npz", candidates=candidates[part], queries=queries[part])
    with opened(folder, Here()) as runner:
        runner.run([Stage("embeddings", copied, len(starts), settings={"source": str(source)})])
    return folder
