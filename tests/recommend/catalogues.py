"""Catalogues for the tests of stores: with any texts, and with vectors that have near neighbours."""

from collections.abc import Sequence

import numpy as np

from base.arrays import unit_rows
from data.dataset import Movies
from recommend.stores.catalogue import Catalogue

HOSTILE = [
    "", " ", "\0", "a\0b", "\\", "\\.", "\\N", "NULL", "\\n", "\n", "\r\n", "\t", "'", "''; DROP TABLE x; --",
    '"', '\\"', "{}", '{"a"}', "$$", "七人の侍", "e\u0301", "\u202e", "\u2028", "\ufeff", "😀", "x" * 5000,
]  # fmt: skip


def catalogue_of(texts: Sequence[str], text_ids: bool = False, dim: int = 3, two: bool = True) -> Catalogue:
    """Items whose titles, genres, ids and own values are these texts."""
    count = len(texts)
    rng = np.random.default_rng(count)
    candidates, queries = (unit_rows(rng.normal(size=(count, dim)).astype(np.float32)) for _ in range(2))
    movies = Movies(
        2**53 - 1 + np.arange(count),
        list(texts),
        [tuple(texts[:row]) for row in range(count)],
        np.where(np.arange(count) % 2, np.nan, 1900 + np.arange(count)).astype(np.float32),
        [f"{row}{text}" for row, text in enumerate(texts)] if text_ids else None,
    )
    columns = {
        'own "column"': [text or None for text in texts],
        "price.in €": [None if row % 3 else row + 0.5 for row in range(count)],
        "unknown": [None] * count,
    }
    return Catalogue("hostile", movies, candidates, queries if two else None, columns)


def crowded(count: int = 2000, dim: int = 40) -> Catalogue:
    """Vectors in clusters, as those of a trained model are; queries lie near their candidates."""
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(50, dim))
    candidates = unit_rows(centres[rng.integers(50, size=count)] + 0.7 * rng.normal(size=(count, dim)))
    queries = unit_rows(candidates + 0.1 * rng.normal(size=(count, dim)))
    movies = Movies(np.arange(count), ["x"] * count, [()] * count, np.full(count, np.nan, np.float32))
    return Catalogue("crowded", movies, candidates.astype(np.float32), queries.astype(np.float32), {})
