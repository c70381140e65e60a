"""One interface for every index, and what they share: checks, exclusion, adding, removing, files.

An index knows vectors and the ids given with them. It does not know films or models. ``search`` returns
ids exactly as they were given, best first, each at most once, never a placeholder.
"""

from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np
import numpy.typing as npt

from base.arrays import FloatArray, IntArray
from base.checks import (
    MAX_INT64,
    MIN_INT64,
    check_distinct,
    real_numbers,
    shown_value,
    whole_number,
    whole_numbers,
)
from config import VECTOR_FORMS
from search.conditions import search_under, subsets
from search.files import IndexContent, fingerprint, read_index, write_index
from search.scan import Catalogue, best_by_scan
from search.subset import Allowed, IdRows, Subset
from search.vectors import Vectors


class SearchResult(NamedTuple):
    """Scores (float32) and ids (int64), best first: ``[k]`` for one query, ``[n, k]`` for many."""

    scores: FloatArray
    ids: IntArray


class Effort(NamedTuple):
    """What searches looked at, as shares of the catalogue: the mean over queries.

    Attributes:
        compared: by signature (LSH) or token score (Weak AND).
        scored: by the inner product with the stored vector.
    """

    compared: float
    scored: float


# Columns of what a search counts for each query: vectors compared, postings skipped, vectors scored.
COMPARED, SKIPPED, SCORED = range(3)
NOT_COUNTED = np.empty((0, 3), dtype=np.int64)


class VectorIndex(ABC):
    """What ``ExactIndex``, ``LSHIndex`` and ``WeakANDIndex`` have in common.

    A subclass learns what all vectors share (``_train``), describes each vector on its own
    (``_encode``), and makes its lists from the descriptions (``_arrange``). So vectors can be added and
    removed without training again. A file contains what was learnt, the descriptions and the lists. The
    arrays of an index that was loaded are mapped: the system reads from the disk what is asked for. Nobody
    writes into them. Adding and removing make new ones in memory, and the file changes only by ``save``.

    Args:
        vectors: how the vectors are stored, one of ``VECTOR_FORMS``: float32, float16 (half the memory) or
            int8 (a quarter, and float16 for the best few of a search, see ``search/vectors.py``).

    Shapes:
        - ``build``, ``add``: embeddings ``[n, d]`` float32, ids ``[n]`` int64, distinct
        - ``search``: queries ``[d]`` -> ``[k]``; queries ``[n, d]`` -> ``[n, k]``

    Attributes:
        vectors: their form.
        ids: int64 ``[n]``, the ids of the rows, in the index's own order.
        query: the query parameters, None if the index has none; may be replaced at any time.

    Raises:
        ValueError: ``vectors`` is not a form.
    """

    kind: ClassVar[str]

    def __init__(self, vectors: str = "float32") -> None:
        if vectors not in VECTOR_FORMS:
            raise ValueError(f"vectors must be one of {', '.join(VECTOR_FORMS)}, got {shown_value(vectors)}")
        self.vectors = vectors
        self.ids: IntArray = np.zeros(0, dtype=np.int64)
        self.query: Any = None
        self._stored = Vectors.encode(np.zeros((0, 0), dtype=np.float32), vectors)
        self._trained: dict[str, npt.NDArray[Any]] = {}
        self._rows: dict[str, npt.NDArray[Any]] = {}  # descriptions, aligned with the vectors
        self._lists: dict[str, npt.NDArray[Any]] = {}  # what ``_arrange`` made
        self._fingerprint: str | None = None  # of the vectors as they were given; None if it is not known
        self._refresh()

    @property
    def embeddings(self) -> FloatArray:
        """Float32 ``[n, d]``, the vectors as they are stored, in the index's own order.

        float32 is the array itself; the other forms are decoded into a new one.
        """
        return self._stored.decode()

    @property
    def dim(self) -> int:
        """The dimension of the vectors; 0 if there never were any."""
        return self._stored.dim

    @property
    def fingerprint(self) -> str:
        """Of the vectors and ids that the index was built from, or that ``add`` and ``remove`` left."""
        if self._fingerprint is None:
            self._fingerprint = fingerprint(self.embeddings, self.ids)
        return self._fingerprint

    def learn(self, embeddings: npt.ArrayLike) -> dict[str, npt.NDArray[Any]]:
        """What ``build`` would learn from ``embeddings``, for several indexes with the same settings.

        Args:
            embeddings: real numbers ``[n, d]``, at least one vector.

        Raises:
            ValueError: as ``build``.
        """
        vectors = real_numbers("embeddings", embeddings)
        return self._train(checked_vectors(vectors, np.arange(len(vectors)))[0])

    def build(
        self,
        embeddings: npt.ArrayLike,
        ids: npt.ArrayLike,
        learnt: dict[str, npt.NDArray[Any]] | None = None,
    ) -> Self:
        """Index ``embeddings`` under ``ids``, in place of what was indexed before.

        Arrays of the right type are kept without a copy, so they must not be changed afterwards.

        Args:
            embeddings: real numbers ``[n, d]``, converted to float32.
            ids: distinct integers ``[n]``, from -2^63 to 2^63 - 1. Floats are refused, also 3.0, and so are
                texts: an index gives back the ids that it got.
            learnt: what ``learn`` gave for more vectors than these, of the same dimension; by default learnt
                from these.

        Raises:
            ValueError: shapes that do not fit, embeddings that are not finite, ids that are no such integers,
                repeated ids.
        """
        vectors, names = checked_vectors(embeddings, ids)
        if len(vectors) and learnt is None:
            learnt = self._train(vectors)
        self._trained = (learnt or {}) if len(vectors) else {}
        self._rows = self._encode(vectors) if len(vectors) else {}
        self._stored, self.ids = Vectors.encode(vectors, self.vectors), names
        # Of a compact index the file names the vectors that it was made from, which are gone by then.
        self._fingerprint = fingerprint(vectors, names) if self._stored.compact else None
        self._refresh()
        return self

    def _refresh(self, lists: dict[str, npt.NDArray[Any]] | None = None) -> None:
        """Bring everything derived up to date; ``lists`` are those of a file, if they are known."""
        self._lists = lists or (self._arrange() if len(self) else {})
        self._prepare()
        self._id_rows: IdRows | None = None  # made when first needed
        self._last: tuple[IntArray, Subset] | None = None  # the last allowed ids, as an array
        self._state = object()  # subsets of an earlier one have other rows

    def __len__(self) -> int:
        return len(self.ids)

    def search(
        self,
        queries: npt.ArrayLike,
        k: int,
        exclude: IntArray | list[IntArray] | None = None,
        allowed: Allowed | None = None,
    ) -> SearchResult:
        """The ``k`` best ids for each query, without the excluded ones; of equal scores the lower first.

        Under a condition too there are exactly ``k``, or all that fulfil it, and scores are the same.

        Args:
            queries: real numbers ``[d]`` or ``[n, d]``. For a query of zeros every score is 0, and any ids
                may be returned.
            k: number of results. If fewer ids are left, there are fewer columns: as many as every query has.
            exclude: ids that must not appear: an array for one query, a list of arrays for many.
            allowed: the only ids that may appear: an array or list of ids for one query or for all, or a list
                of these, one for each of many. ``subset`` of it may stand for an array. Other and repeated
                ids are ignored. None allows all.

        Raises:
            ValueError: k below 1, a wrong dimension, queries that are not finite, ids that are not integers,
                a subset of another index or from before this one changed.
        """
        vectors, single = self._checked_queries(queries)
        k = whole_number("k", k, 1)
        if exclude is None and (allowed is None or isinstance(allowed, Subset)):
            subset = None if allowed is None else self._subset("allowed", allowed)
            count = len(self.ids) if subset is None else len(subset)
            if single and count:  # the shortest way, since a call takes microseconds
                scores, ids = self._search(vectors, k if k < count else count, subset)
                return SearchResult(scores[0], ids[0])
            scores, ids = self._best(vectors, min(k, count), subset)
        else:
            given: list[Any] = [exclude, allowed]
            if single:
                given = [None if one is None else [one] for one in given]
            scores, ids = search_under(self, vectors, k, *given)
        return SearchResult(scores[0], ids[0]) if single else SearchResult(scores, ids)

    def subset(self, ids: npt.ArrayLike) -> Subset:
        """``ids`` prepared for ``allowed``, for several searches.

        Looking up many ids takes milliseconds, and the first search copies what it reads of their rows, up to
        all of their vectors: rows that lie apart take twice as long to read. Valid until vectors are added or
        removed.

        Args:
            ids: integers; those that are not in the index are ignored, and so are repeated ones.

        Raises:
            ValueError: ids that are not integers.
        """
        return Subset(self._rows_of("ids", ids), len(self.ids), self._state)

    def effort(self, queries: npt.ArrayLike, k: int, allowed: Allowed | None = None) -> Effort:
        """What ``search`` with the same arguments looks at.

        Raises:
            ValueError: as ``search``.
        """
        vectors, single = self._checked_queries(queries)
        k = whole_number("k", k, 1)
        counts = np.zeros((len(vectors), 3), dtype=np.int64)
        if allowed is None:
            self._best(vectors, min(k, len(self.ids)), counts=counts)
        else:
            for which, subset in subsets(self, [allowed] if single else allowed, len(vectors)):
                count = len(self.ids) if subset is None else len(subset)
                self._best(vectors[which], min(k, count), subset, counts[which])
        shares = counts.sum(axis=0) / max(1, len(vectors) * len(self.ids))
        return Effort(float(shares[COMPARED]), float(shares[SCORED]))

    def _checked_queries(self, queries: npt.ArrayLike) -> tuple[FloatArray, bool]:
        """Queries as float32 ``[n, d]``, and whether there was one without the first axis."""
        vectors = real_numbers("queries", queries)
        dim = self._stored.dim
        if dim and vectors.shape == (dim,):
            return vectors[None], True
        single = vectors.ndim == 1 and len(vectors) > 0
        if vectors.ndim == 1:  # an empty list is a batch of no queries
            vectors = vectors[None] if single else vectors.reshape(0, dim)
        if vectors.ndim != 2 or (len(self.ids) and vectors.shape[1] != dim):
            raise ValueError(f"queries must be [d] or [n, d] of dimension {dim}, got {vectors.shape}")
        return vectors, single

    def _subset(self, name: str, allowed: Any) -> Subset | None:
        """The rows of ids or of a subset of this index; None for all rows."""
        if not isinstance(allowed, Subset):
            allowed = self._prepared(name, allowed)
        if allowed.state is not self._state:
            raise ValueError(f"{name} is a subset of another index or of earlier vectors; make it again")
        return None if len(allowed) == len(self.ids) else allowed

    def _prepared(self, name: str, ids: npt.ArrayLike) -> Subset:
        """The subset of ids; that of the last ones is kept, since many searches in a row have the same."""
        wanted = _checked_ids(name, ids)
        last = self._last
        if last is None or not np.array_equal(last[0], wanted):
            last = wanted.copy(), Subset(self._rows_of(name, wanted), len(self.ids), self._state)
            self._last = last
        return last[1]

    def _rows_of(self, name: str, ids: npt.ArrayLike) -> IntArray:
        """Rows of those of ``ids`` that are in the index, once each, rising."""
        wanted = _checked_ids(name, ids)
        if self._id_rows is None:
            self._id_rows = IdRows(self.ids)
        return self._id_rows.find(wanted)

    def _best(
        self, vectors: FloatArray, k: int, subset: Subset | None = None, counts: IntArray = NOT_COUNTED
    ) -> tuple[FloatArray, IntArray]:
        """As ``_search``, but also for no queries or no results."""
        if k == 0 or not len(vectors):
            return empty_results(len(vectors), k)
        return self._search(vectors, k, subset, counts)

    def _scored_exactly(
        self, vectors: FloatArray, k: int, subset: Subset, counts: IntArray
    ) -> tuple[FloatArray, IntArray]:
        """Scores and ids ``[n, k]`` of the best of a subset, by exact search in a copy of its vectors."""
        rows = subset.rows
        copied = subset.kept("vectors", lambda: Catalogue.of(self._stored.take(rows), self.ids[rows]))
        if len(counts):
            counts[:, SCORED] = len(rows)
        return best_by_scan(copied, vectors, k)

    def add(self, embeddings: npt.ArrayLike, ids: npt.ArrayLike) -> None:
        """Index more vectors; arguments as in ``build``. An error changes nothing.

        Raises:
            ValueError: as ``build``; an id that is already indexed; another dimension.
        """
        if not len(self):
            self.build(embeddings, ids)
            return
        vectors, names = checked_vectors(embeddings, ids)
        if not len(vectors) and vectors.shape[1] in (0, self._stored.dim):
            return
        if vectors.shape[1] != self._stored.dim:
            raise ValueError(f"embeddings must have dimension {self._stored.dim}, got {vectors.shape}")
        together = np.concatenate([self.ids, names])
        check_distinct("ids", together)
        described = self._encode(vectors)
        self._rows = {name: np.concatenate([rows, described[name]]) for name, rows in self._rows.items()}
        self._stored, self.ids = self._stored.join(Vectors.encode(vectors, self.vectors)), together
        self._fingerprint = None
        self._refresh()

    def remove(self, ids: npt.ArrayLike) -> int:
        """Remove ids; absent ones are ignored. Returns how many were removed.

        Raises:
            ValueError: ids that are not integers.
        """
        stays = ~np.isin(self.ids, _checked_ids("ids", ids))
        if stays.all():
            return 0
        self._stored, self.ids = self._stored.take(stays), self.ids[stays]
        self._rows = {name: rows[stays] for name, rows in self._rows.items()}
        self._fingerprint = None
        self._refresh()
        return int((~stays).sum())

    def save(self, path: str | Path) -> None:
        """Write the index to ``path``, whole or not at all: arrays and plain values only.

        The file names the fingerprint of the vectors and ids that the index was built from; after ``add`` or
        ``remove`` has changed it, that of ``embeddings`` and ``ids``. It may be the file that the index was
        loaded from.
        """
        write_index(self.content(), Path(path))

    def content(self) -> IndexContent:
        """All that a file of the index has."""
        arrays = {"ids": self.ids, **self._stored.as_arrays()}
        arrays |= {f"trained.{name}": array for name, array in self._trained.items()}
        lists = self._saved_lists()
        arrays |= {f"list.{name}": array for name, array in lists.items()}
        # Descriptions that are the beginning of a list are not written twice.
        arrays |= {f"row.{name}": array for name, array in self._rows.items() if name not in lists}
        return IndexContent(self.kind, self.settings(), self._query_values(), self.fingerprint, arrays)

    @classmethod
    def load(cls, path: str | Path, expected: str | None = None, verify: bool = False) -> Self:
        """Open an index that ``save`` wrote; its large arrays are mapped, not read.

        Args:
            path: the file.
            expected: ``fingerprint(embeddings, ids)`` of the vectors that it should be built from, if known.
            verify: compare everything with the digest in the file, which reads it all. Otherwise sizes,
                header and all that says where something is are checked; a damaged number can stay unnoticed.

        Raises:
            FileNotFoundError: there is no such file.
            ValueError: the file is torn, foreign, of another kind or version, or contains other vectors.
        """
        content = read_index(Path(path), cls.kind, expected, verify)
        try:
            return cls.from_content(content)
        except (KeyError, TypeError) as error:  # whole, but made by another program
            raise ValueError(f"{path} lacks parts of an index ({error}); build it again") from error

    @classmethod
    def from_content(cls, content: IndexContent) -> Self:
        """The index that has this ``content``. Its arrays are kept, not copied.

        Raises:
            KeyError, TypeError: parts are missing.
            ValueError: something in the lists would lead out of an array.
        """
        index = cls(**content.settings)
        index._stored, index.ids = Vectors.from_arrays(content.arrays), content.arrays["ids"]
        index._trained = _named(content.arrays, "trained.")
        index._rows = _named(content.arrays, "row.")
        index._fingerprint = content.fingerprint
        index._set_query_values(content.query)
        index._refresh(_named(content.arrays, "list."))
        return index

    def settings(self) -> dict[str, Any]:
        """The build parameters, as ``__init__`` takes them."""
        return {"vectors": self.vectors}

    def _saved_lists(self) -> dict[str, npt.NDArray[Any]]:
        """The lists for a file."""
        return self._lists

    def _query_values(self) -> dict[str, Any]:
        return {} if self.query is None else dict(vars(self.query))

    def _set_query_values(self, values: dict[str, Any]) -> None:
        if self.query is not None:
            self.query = type(self.query)(**values)

    def operating_points(self) -> list[Any]:
        """Query parameters from the cheapest to the most thorough; empty if there is nothing to choose."""
        return []

    @abstractmethod
    def _train(self, vectors: FloatArray) -> dict[str, npt.NDArray[Any]]:
        """What all vectors ``[n, d]``, n at least 1, share: arrays for ``_trained``."""

    @abstractmethod
    def _encode(self, vectors: FloatArray) -> dict[str, npt.NDArray[Any]]:
        """Arrays that describe ``vectors`` ``[n, d]``, each with n rows."""

    @abstractmethod
    def _arrange(self) -> dict[str, npt.NDArray[Any]]:
        """The lists, made from the descriptions of at least one vector; may change the order of the rows."""

    @abstractmethod
    def _prepare(self) -> None:
        """Get ready for searches after vectors or lists have changed; also an empty index is prepared."""

    @abstractmethod
    def _search(
        self, vectors: FloatArray, k: int, subset: Subset | None = None, counts: IntArray = NOT_COUNTED
    ) -> tuple[FloatArray, IntArray]:
        """Scores and ids ``[n, k]``, distinct, for n >= 1 and k from 1 to the number that may be found.

        The best come first and, of equal scores, the lower ids.

        Args:
            vectors: the queries.
            k: number of results.
            subset: the rows that may be found, fewer than all; None for all.
            counts: int64 ``[n, 3]``, zeros, to be filled with what is looked at, or ``NOT_COUNTED``.
        """

    @property
    def _size(self) -> str:
        """Number of vectors and dimension, and the form if it is compact, for ``repr``."""
        return f"{len(self)} x {self._stored.dim}" + f" {self.vectors}" * self._stored.compact

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._size})"


def empty_results(num_queries: int, k: int) -> tuple[FloatArray, IntArray]:
    """Scores and ids ``[num_queries, k]``, to be filled."""
    return np.empty((num_queries, k), dtype=np.float32), np.empty((num_queries, k), dtype=np.int64)


def _named(arrays: dict[str, npt.NDArray[Any]], prefix: str) -> dict[str, npt.NDArray[Any]]:
    return {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}


def checked_vectors(embeddings: npt.ArrayLike, ids: npt.ArrayLike) -> tuple[FloatArray, IntArray]:
    """Vectors as float32 ``[n, d]`` and their ids as int64 ``[n]``.

    Raises:
        ValueError: as ``VectorIndex.build``.
    """
    vectors = real_numbers("embeddings", embeddings)
    names = whole_numbers("ids", ids, MIN_INT64, MAX_INT64)
    if vectors.shape == (0,):  # an empty list
        vectors = vectors.reshape(0, 0)
    if vectors.ndim != 2 or names.shape != vectors.shape[:1] or (len(vectors) and not vectors.shape[1]):
        raise ValueError(
            f"expected embeddings [n, d] with d from 1 on and ids [n], got {vectors.shape} and {names.shape}"
        )
    check_distinct("ids", names)
    return vectors, names


def _checked_ids(name: str, ids: npt.ArrayLike) -> IntArray:
    """Ids as int64 ``[n]``; a single one is a list of one."""
    return whole_numbers(name, ids, MIN_INT64, MAX_INT64).reshape(-1)
