"""One interface for every index, and what they share: validation, exclusion, adding, removing, files.

An index knows vectors and the ids given with them, nothing of films' titles or of models. ``search``
returns ids exactly as they were given, best first, each at most once, never a placeholder.
"""

from abc import ABC, abstractmethod
from math import isfinite
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np
import numpy.typing as npt

from base.arrays import FloatArray, IntArray
from search.files import IndexContent, fingerprint, read_index, write_index


class SearchResult(NamedTuple):
    """Scores (float32) and ids (int64), best first: ``[k]`` for one query, ``[n, k]`` for many."""

    scores: FloatArray
    ids: IntArray


class VectorIndex(ABC):
    """What ``ExactIndex``, ``LSHIndex`` and ``WeakANDIndex`` have in common.

    A subclass learns what all vectors share (``_train``), describes each vector on its own
    (``_encode``), and makes its lists of the descriptions (``_arrange``). So vectors can come and go
    without training again, and a file needs to hold only what was learnt and the descriptions.

    Shapes:
        - ``build``, ``add``: embeddings ``[n, d]`` float32, ids ``[n]`` int64, distinct
        - ``search``: queries ``[d]`` -> ``[k]``; queries ``[n, d]`` -> ``[n, k]``

    Attributes:
        embeddings: float32 ``[n, d]``, in an order that is the index's own.
        ids: int64 ``[n]``, the ids of those rows.
        query: the query parameters, or None where there are none; may be replaced at any time.
    """

    kind: ClassVar[str]

    def __init__(self) -> None:
        self.embeddings: FloatArray = np.zeros((0, 0), dtype=np.float32)
        self.ids: IntArray = np.zeros(0, dtype=np.int64)
        self.query: Any = None
        self._trained: dict[str, npt.NDArray[Any]] = {}
        self._rows: dict[str, npt.NDArray[Any]] = {}  # descriptions, aligned with the embeddings
        self._refresh()

    def build(self, embeddings: npt.ArrayLike, ids: npt.ArrayLike) -> Self:
        """Index ``embeddings`` under ``ids``, replacing what was there.

        The array is kept where it fits as it is, so it must not be changed afterwards.

        Raises:
            ValueError: shapes that do not fit, values that are no numbers, repeated ids.
        """
        vectors, names = _checked_vectors(embeddings, ids)
        self._trained = self._train(vectors) if len(vectors) else {}
        self._rows = self._encode(vectors) if len(vectors) else {}
        self.embeddings, self.ids = vectors, names
        self._refresh()
        return self

    def _refresh(self) -> None:
        """Bring everything derived up to date after vectors came or went."""
        self._arrange()
        self._sorted_ids = np.sort(self.ids)

    def __len__(self) -> int:
        return len(self.ids)

    def search(
        self, queries: npt.ArrayLike, k: int, exclude: IntArray | list[IntArray] | None = None
    ) -> SearchResult:
        """The ``k`` best ids for each query, excluded ones left out.

        Args:
            queries: float ``[d]`` or ``[n, d]``. To a query of zeros every score is 0, and any ids will do.
            k: results wanted; where fewer are left there are fewer columns, as many as every query has.
            exclude: ids that may not appear: an array for one query, a list of arrays for many.

        Raises:
            ValueError: k below 1, a wrong dimension, values that are no numbers.
        """
        vectors = np.ascontiguousarray(queries, dtype=np.float32)
        single = vectors.ndim == 1
        if single:
            vectors = vectors[None]
        if k < 1:
            raise ValueError(f"k must be at least 1, got {k}")
        if len(self.ids) and (vectors.ndim != 2 or vectors.shape[1] != self.embeddings.shape[1]):
            raise ValueError(f"expected queries of dimension {self.embeddings.shape[1]}, got {vectors.shape}")
        # A finite sum of squares has finite terms, and costs a third of looking at each of them.
        if not isfinite(np.vdot(vectors, vectors)) and not np.isfinite(vectors).all():
            raise ValueError("queries hold nan or infinite values")
        if exclude is None:
            scores, rows = self._best(vectors, min(k, len(self.ids)))
            result = SearchResult(scores, self.ids[rows])
        else:
            lists = [np.asarray(exclude)] if single else list(exclude)
            result = self._search_without(vectors, k, lists)
        return SearchResult(result.scores[0], result.ids[0]) if single else result

    def _search_without(self, vectors: FloatArray, k: int, exclude: list[IntArray]) -> SearchResult:
        """Ask for as many more as the longest list excludes, then keep the first k that are allowed."""
        if len(exclude) != len(vectors):
            raise ValueError(
                f"exclude must have a list of ids for each query, got {len(exclude)} for {len(vectors)}"
            )
        present = [self._present(ids) for ids in exclude]
        most = max((len(ids) for ids in present), default=0)
        k = min(k, len(self.ids) - most)
        scores, rows = self._best(vectors, k + most if k > 0 else 0)
        found = self.ids[rows]
        keep = np.array([~np.isin(ids, out) for ids, out in zip(found, present, strict=True)], dtype=bool)
        keep = keep.reshape(found.shape)
        keep &= np.cumsum(keep, axis=1) <= k
        shape = (len(vectors), max(0, k))
        return SearchResult(scores[keep].reshape(shape), found[keep].reshape(shape))

    def _present(self, ids: IntArray) -> IntArray:
        """Those of ``ids`` that are in the index, once each."""
        wanted = np.unique(np.asarray(ids, dtype=np.int64))
        places = np.searchsorted(self._sorted_ids, wanted)
        known = places < len(self._sorted_ids)
        known[known] = self._sorted_ids[places[known]] == wanted[known]
        return wanted[known]

    def _best(self, vectors: FloatArray, k: int) -> tuple[FloatArray, IntArray]:
        if k == 0 or not len(vectors):
            shape = (len(vectors), k)
            return np.zeros(shape, dtype=np.float32), np.zeros(shape, dtype=np.int64)
        return self._search(vectors, k)

    def add(self, embeddings: npt.ArrayLike, ids: npt.ArrayLike) -> None:
        """Index more vectors; an id that is already there is an error and changes nothing.

        Raises:
            ValueError: as ``build``, or another dimension than that of the vectors already there.
        """
        if not len(self):
            self.build(embeddings, ids)
            return
        vectors, names = _checked_vectors(embeddings, ids)
        if vectors.shape[1] != self.embeddings.shape[1]:
            raise ValueError(
                f"expected embeddings of dimension {self.embeddings.shape[1]}, got {vectors.shape}"
            )
        together = np.concatenate([self.ids, names])
        _check_distinct(together)
        described = self._encode(vectors)
        self._rows = {name: np.concatenate([rows, described[name]]) for name, rows in self._rows.items()}
        self.embeddings, self.ids = np.concatenate([self.embeddings, vectors]), together
        self._refresh()

    def remove(self, ids: npt.ArrayLike) -> int:
        """Take ids out; those that are absent are ignored. Returns how many were removed."""
        stays = ~np.isin(self.ids, np.asarray(ids, dtype=np.int64))
        self.embeddings, self.ids = self.embeddings[stays], self.ids[stays]
        self._rows = {name: rows[stays] for name, rows in self._rows.items()}
        self._refresh()
        return int((~stays).sum())

    def save(self, path: str | Path) -> None:
        """Write the index to ``path``, whole or not at all: arrays and plain values only."""
        arrays = {"embeddings": self.embeddings, "ids": self.ids}
        arrays |= {f"trained.{name}": array for name, array in self._trained.items()}
        arrays |= {f"row.{name}": array for name, array in self._rows.items()}
        content = IndexContent(
            self.kind, self.settings(), self._query_values(), fingerprint(self.embeddings, self.ids), arrays
        )
        write_index(content, Path(path))

    @classmethod
    def load(cls, path: str | Path, expected: str | None = None) -> Self:
        """Read an index that ``save`` wrote.

        Args:
            path: the file.
            expected: ``fingerprint(embeddings, ids)`` of the vectors that it should hold, if known.

        Raises:
            FileNotFoundError: there is no such file.
            ValueError: the file is torn, foreign, of another kind or version, or holds other vectors.
        """
        content = read_index(Path(path), cls.kind, expected)
        index = cls(**content.settings)
        index.embeddings, index.ids = content.arrays["embeddings"], content.arrays["ids"]
        index._trained = _named(content.arrays, "trained.")
        index._rows = _named(content.arrays, "row.")
        index._set_query_values(content.query)
        index._refresh()
        return index

    def settings(self) -> dict[str, int]:
        """The build parameters, as ``__init__`` takes them."""
        return {}

    def _query_values(self) -> dict[str, Any]:
        return {} if self.query is None else dict(vars(self.query))

    def _set_query_values(self, values: dict[str, Any]) -> None:
        if self.query is not None:
            self.query = type(self.query)(**values)

    def operating_points(self) -> list[Any]:
        """Query parameters from the cheapest to the most thorough; none where there is nothing to choose."""
        return []

    @abstractmethod
    def _train(self, vectors: FloatArray) -> dict[str, npt.NDArray[Any]]:
        """What all vectors ``[n, d]``, n at least 1, share: arrays for ``_trained``."""

    @abstractmethod
    def _encode(self, vectors: FloatArray) -> dict[str, npt.NDArray[Any]]:
        """Arrays that describe ``vectors`` ``[n, d]``, each with n rows."""

    @abstractmethod
    def _arrange(self) -> None:
        """Make the lists of the descriptions; may bring the rows into another order."""

    @abstractmethod
    def _search(self, vectors: FloatArray, k: int) -> tuple[FloatArray, IntArray]:
        """Scores and rows ``[n, k]``, best first, distinct, for 1 <= k <= len(self) and n >= 1."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}({len(self)} x {self.embeddings.shape[1]})"


def _named(arrays: dict[str, npt.NDArray[Any]], prefix: str) -> dict[str, npt.NDArray[Any]]:
    return {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}


def _checked_vectors(embeddings: npt.ArrayLike, ids: npt.ArrayLike) -> tuple[FloatArray, IntArray]:
    vectors = np.ascontiguousarray(embeddings, dtype=np.float32)
    names = np.ascontiguousarray(ids, dtype=np.int64)
    if vectors.ndim != 2 or names.shape != vectors.shape[:1]:
        raise ValueError(f"expected embeddings [n, d] and ids [n], got {vectors.shape} and {names.shape}")
    if not np.isfinite(vectors).all():
        raise ValueError("embeddings hold nan or infinite values; the model that made them diverged")
    _check_distinct(names)
    return vectors, names


def _check_distinct(ids: IntArray) -> None:
    repeats = len(ids) - len(np.unique(ids))
    if repeats:
        raise ValueError(f"ids must be distinct, got {repeats} repeats")
