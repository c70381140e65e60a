"""Nearest embeddings by inner product: one interface for every index.

An index knows vectors and the ids given with them, nothing of films. ``search`` returns ids exactly
as they were given, best first, each at most once, never a placeholder.
"""

import os
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from data.dataset import FloatArray, IntArray


class SearchResult(NamedTuple):
    """Scores (float32) and ids (int64), best first: ``[k]`` for one query, ``[n, k]`` for many."""

    scores: FloatArray
    ids: IntArray


class ExactIndex:
    """Every inner product computed, by FAISS's flat index.

    Shapes:
        - ``build``, ``add``: embeddings ``[n, d]`` float32, ids ``[n]`` int64, distinct
        - ``search``: queries ``[d]`` -> ``[k]``; queries ``[n, d]`` -> ``[n, k]``
    """

    def __init__(self) -> None:
        self.embeddings: FloatArray = np.zeros((0, 0), dtype=np.float32)
        self.ids: IntArray = np.zeros(0, dtype=np.int64)

    def build(self, embeddings: npt.ArrayLike, ids: npt.ArrayLike) -> "ExactIndex":
        """Index ``embeddings`` under ``ids``, replacing what was there.

        Raises:
            ValueError: shapes that do not fit, values that are no numbers, repeated ids.
        """
        vectors = np.ascontiguousarray(embeddings, dtype=np.float32)
        names = np.ascontiguousarray(ids, dtype=np.int64)
        if vectors.ndim != 2 or names.shape != vectors.shape[:1]:
            raise ValueError(f"expected embeddings [n, d] and ids [n], got {vectors.shape} and {names.shape}")
        if not np.isfinite(vectors).all():
            raise ValueError("embeddings hold nan or infinite values; the model that made them diverged")
        if len(np.unique(names)) < len(names):
            raise ValueError(f"ids must be distinct, got {len(names) - len(np.unique(names))} repeats")
        self.embeddings, self.ids = vectors, names
        self._make_index()
        return self

    def _make_index(self) -> None:
        import faiss

        self._index = faiss.IndexFlatIP(max(1, self.embeddings.shape[1]))
        if len(self.ids):
            self._index.add(self.embeddings)
        self._row_of = {int(name): row for row, name in enumerate(self.ids)}

    def __len__(self) -> int:
        return len(self.ids)

    def search(
        self, queries: npt.ArrayLike, k: int, exclude: IntArray | list[IntArray] | None = None
    ) -> SearchResult:
        """The ``k`` best ids for each query, excluded ones left out.

        Args:
            queries: float ``[d]`` or ``[n, d]``.
            k: results wanted; where fewer are left there are fewer columns, as many as every query has.
            exclude: ids that may not appear: an array for one query, a list of arrays for many.

        Raises:
            ValueError: k below 1, a wrong dimension, values that are no numbers.
        """
        vectors = np.asarray(queries, dtype=np.float32)
        single = vectors.ndim == 1
        vectors = np.atleast_2d(vectors)
        if k < 1:
            raise ValueError(f"k must be at least 1, got {k}")
        if len(self) and (vectors.ndim != 2 or vectors.shape[1] != self.embeddings.shape[1]):
            raise ValueError(f"expected queries of dimension {self.embeddings.shape[1]}, got {vectors.shape}")
        if not np.isfinite(vectors).all():
            raise ValueError("queries hold nan or infinite values")
        if exclude is None:
            excluded: list[IntArray] = [np.zeros(0, dtype=np.int64)] * len(vectors)
        else:
            excluded = [np.asarray(exclude)] if single else list(exclude)
        if len(excluded) != len(vectors):
            raise ValueError(
                f"expected one exclude array a query, got {len(excluded)} for {len(vectors)} queries"
            )
        scores, ids = self._search(vectors, k, [self._rows(names) for names in excluded])
        return SearchResult(scores[0], ids[0]) if single else SearchResult(scores, ids)

    def _rows(self, names: IntArray) -> IntArray:
        """Rows of those of ``names`` that are in the index."""
        found = {self._row_of[int(name)] for name in np.ravel(names) if int(name) in self._row_of}
        return np.fromiter(found, dtype=np.int64, count=len(found))

    def _search(self, vectors: FloatArray, k: int, excluded: list[IntArray]) -> SearchResult:
        most_excluded = max((len(rows) for rows in excluded), default=0)
        k = min(k, len(self) - most_excluded)
        if k <= 0:
            empty = (len(vectors), 0)
            return SearchResult(np.zeros(empty, dtype=np.float32), np.zeros(empty, dtype=np.int64))
        # Over-fetch by what may be excluded, then keep the first k that are not.
        scores, rows = self._index.search(np.ascontiguousarray(vectors), k + most_excluded)
        keep = np.stack([~np.isin(found, out) for found, out in zip(rows, excluded, strict=True)])
        keep &= np.cumsum(keep, axis=1) <= k
        return SearchResult(scores[keep].reshape(-1, k), self.ids[rows[keep].reshape(-1, k)])

    def add(self, embeddings: npt.ArrayLike, ids: npt.ArrayLike) -> None:
        """Index more vectors; an id that is already there is an error.

        Raises:
            ValueError: as ``build``.
        """
        vectors = np.asarray(embeddings, dtype=np.float32)
        together = np.concatenate([self.embeddings, vectors]) if len(self) else vectors
        self.build(together, np.concatenate([self.ids, np.asarray(ids, dtype=np.int64)]))

    def remove(self, ids: npt.ArrayLike) -> int:
        """Take ids out; those that are absent are ignored. Returns how many were removed."""
        stays = ~np.isin(self.ids, np.asarray(ids, dtype=np.int64))
        self.embeddings, self.ids = self.embeddings[stays], self.ids[stays]
        self._make_index()
        return int((~stays).sum())

    def save(self, path: str | Path) -> None:
        """Write the index to ``path`` (arrays only), whole or not at all."""
        temporary = Path(f"{path}.{os.getpid()}.tmp")
        try:
            with temporary.open("wb") as file:
                np.savez(file, kind="exact", version=1, embeddings=self.embeddings, ids=self.ids)
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)

    @classmethod
    def load(cls, path: str | Path) -> "ExactIndex":
        """Read an index that ``save`` wrote.

        Raises:
            ValueError: the file is torn or something else.
        """
        try:
            with np.load(path, allow_pickle=False) as arrays:
                kind, version = str(arrays["kind"]), int(arrays["version"])
                embeddings, ids = arrays["embeddings"], arrays["ids"]
        except FileNotFoundError:
            raise
        except Exception as error:
            raise ValueError(f"{path} is not an index or is torn ({error}); build it again") from error
        if (kind, version) != ("exact", 1):
            raise ValueError(f"{path} holds a {kind} index of version {version}, not exact 1; build it again")
        return cls().build(embeddings, ids)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({len(self)} x {self.embeddings.shape[1]})"
