"""Synthetic data in memory, for the benchmarks that need no folder."""

import tempfile
from pathlib import Path

from data.dataset import MovieLens, load_movielens
from data.sources.synthetic import generate

SCALES = ("small", "100k", "1m", "10m", "25m")


def synthetic_movielens(scale: str) -> MovieLens:
    """A synthetic release of this scale, seed 0."""
    with tempfile.TemporaryDirectory() as folder:
        generate(scale, seed=0, out_dir=Path(folder))
        return load_movielens(folder, cache=False)
