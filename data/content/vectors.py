"""Vectors of the user's own: each column standardised, then reduced by a principal component analysis.

The rows are read in blocks, so vectors that are mapped from disk need little memory.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy import linalg

from base.arrays import BoolArray, FloatArray, IntArray
from data.content.facts import Content, ItemVectors

FIT_ROWS = 100_000  # a sample of this size gives the same leading components within a percent
LENGTH = 3.0  # of the features of a part, so that a wide part is learnt as fast as a single column
BLOCK_VALUES = 1 << 24  # 64 MB of float32


@dataclass(frozen=True)
class VectorBasis:
    """Parameters that reduce a block of vectors: ``(x - mean) @ axes``.

    Attributes:
        name: of the block.
        mean: float32 ``[width]``.
        axes: float32 ``[width, rank]``, the principal axes of the standardised columns. Their common factor
            makes the reduced vectors as long as ``LENGTH`` on average.
    """

    name: str
    mean: FloatArray
    axes: FloatArray

    @property
    def num_features(self) -> int:
        """Number of features, without the mask."""
        return self.axes.shape[1]

    def features(self, content: Content, num_movies: int) -> tuple[FloatArray, BoolArray]:
        """Reduced vectors float32 ``[num_movies, rank]``, and bool ``[num_movies]``: which films have one."""
        reduced = np.zeros((num_movies, self.num_features), dtype=np.float32)
        known = np.zeros(num_movies, dtype=bool)
        block = next((block for block in content.vectors if block.name == self.name), None)
        if block is not None:
            for rows, values in _blocks(block.values, block.rows):
                reduced[block.movies[rows]] = (values - self.mean) @ self.axes
            known[block.movies] = True
        return reduced, known


def fit_vectors(block: ItemVectors, seed: int) -> VectorBasis:
    """Fit the reduction of a block to at most ``dim`` numbers.

    Args:
        block: the vectors. Of more than ``FIT_ROWS``, a random sample is used.
        seed: seed of the sample.
    """
    width = block.values.shape[1]
    rows = np.sort(block.rows)
    if len(rows) > FIT_ROWS:
        rows = np.sort(np.random.default_rng(seed).choice(rows, FIT_ROWS, replace=False))
    if len(rows) == 0:
        return VectorBasis(block.name, np.zeros(width, np.float32), np.zeros((width, 0), np.float32))
    mean = sum(values.sum(axis=0, dtype=np.float64) for _, values in _blocks(block.values, rows)) / len(rows)
    products = np.zeros((width, width))
    for _, values in _blocks(block.values, rows):
        centred = values - mean.astype(np.float32)
        products += centred.T @ centred
    covariance = products / len(rows)
    spread = np.sqrt(np.diag(covariance))
    scale = np.where(spread > 1e-6 * max(spread.max(), 1e-30), 1 / np.where(spread > 0, spread, 1), 0)
    correlation = covariance * scale[:, None] * scale
    rank = min(block.dim, width, max(1, len(rows) - 1))
    variances, axes = linalg.eigh(correlation, subset_by_index=(width - rank, width - 1))
    factor = LENGTH / np.sqrt(max(variances.sum(), 1e-30))
    axes = axes[:, ::-1] * scale[:, None] * factor
    return VectorBasis(block.name, mean.astype(np.float32), np.ascontiguousarray(axes, dtype=np.float32))


def _blocks(values: FloatArray, rows: IntArray) -> Iterator[tuple[slice, FloatArray]]:
    """The vectors at ``rows`` as float32, a block at a time, each with its place in ``rows``."""
    size = max(1, BLOCK_VALUES // values.shape[1])
    for start in range(0, len(rows), size):
        place = slice(start, min(start + size, len(rows)))
        yield place, np.asarray(values[rows[place]], dtype=np.float32)
