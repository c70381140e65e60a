"""The vectors of the search benchmark: clustered unit vectors, or the embeddings of a checkpoint."""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from base.arrays import FloatArray
from model.checkpoint import BEST, load_checkpoint

NOISE = 0.5  # per coordinate, around standard-normal centres
SPREAD = 1.0  # standard deviation of the logarithm of a cluster's size


class Task(NamedTuple):
    """Vectors and queries.

    Attributes:
        name: its name in the table.
        vectors: float32 ``[n, d]``.
        queries: float32 ``[q, d]``.
        partitions: number of partitions of the inverted files.
    """

    name: str
    vectors: FloatArray
    queries: FloatArray
    partitions: int


def clustered(num_vectors: int, num_clusters: int, num_queries: int, dim: int = 128, seed: int = 0) -> Task:
    """Unit vectors in clusters of log-normal sizes, and queries from the same clusters."""
    rng = np.random.default_rng(seed)
    sizes = rng.lognormal(sigma=SPREAD, size=num_clusters)
    centres = rng.standard_normal((num_clusters, dim), dtype=np.float32)

    def draw(count: int) -> FloatArray:
        vectors = rng.standard_normal((count, dim), dtype=np.float32)
        vectors *= np.float32(NOISE)
        vectors += centres[rng.choice(num_clusters, count, p=sizes / sizes.sum())]
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        return vectors

    partitions = 1000 if num_vectors < 200_000 else 4000
    name = f"{num_vectors:,} x {dim} unit vectors in {num_clusters:,} clusters"
    return Task(name, draw(num_vectors), draw(num_queries), partitions)


def trained(checkpoint_dir: Path, num_queries: int, seed: int = 0) -> Task | None:
    """The films of ``best.pt``, some of them as queries; None if there is no checkpoint."""
    if not (checkpoint_dir / BEST).exists():
        return None
    checkpoint = load_checkpoint(checkpoint_dir / BEST)
    vectors = checkpoint.embeddings.numpy()
    size = min(num_queries, len(vectors))
    rows = np.sort(np.random.default_rng(seed).choice(len(vectors), size, replace=False))
    name = f"trained {checkpoint.dataset['name']}, {len(vectors):,} x {vectors.shape[1]}"
    return Task(name, vectors, checkpoint.query_embeddings.numpy()[rows], 100)
