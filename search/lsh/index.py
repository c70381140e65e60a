"""Locality-sensitive hashing (paper, section 3.5; Andoni and Indyk, 2006; Charikar, 2002).

The paper names the method and gives no family, bits or tables. Here a signature is the signs of
``num_bits`` projections, cut into the keys of ``num_tables`` hash tables. Candidates come from the
buckets, or from a scan of all signatures. Hamming distance over the whole signature ranks them, and
the nearest are scored exactly. A scan reads so little (32 bytes per film at 256 bits, several films per
instruction) that buckets are faster only on large catalogues at moderate recall.
"""

from dataclasses import dataclass
from typing import Any

import numba
import numpy as np
import numpy.typing as npt

from base.arrays import FloatArray, IntArray
from base.checks import MAX_INT32, MAX_INT64, whole_number
from search.base import COMPARED, NOT_COUNTED, SCORED, VectorIndex, empty_results
from search.kernels import rescore, rescore_all
from search.lsh.buckets import MAX_KEY_BITS, Tables, make_tables, probe
from search.lsh.hamming import scan
from search.lsh.signatures import hyperplanes, sign, sign_query
from search.subset import Subset
from search.threads import over_queries

METHODS = ("auto", "scan", "buckets")
# From this many films on, buckets at the default probes are faster than a scan of the same recall. Measured
# on clustered vectors: at 62,423 films a scan is faster, at 1,000,000 buckets are, up to recall .98.
BUCKETS_FROM = 200_000
# Under a condition the best are farther from the query, and signatures tell less of them. So more films are
# scored, the more the fewer fulfil it, but at most 1 in SCORED_SHARE of these. Measured on a million vectors.
WIDER, SCORED_SHARE = 3, 10
EXACT_UP_TO = 16_384  # films that are all scored: signatures would save little
NO_ROWS: IntArray = np.zeros(0, dtype=np.int64)
MAX_BITS = 2**16
MAX_PROBES = 2**16
TABLE_NAMES = ("table_rows", "table_starts")  # of the two arrays of ``Tables`` in a file


@dataclass(frozen=True)
class LSHQuery:
    """Query parameters.

    Attributes:
        candidates_factor: films scored exactly, as a multiple of k.
        method: where candidates come from: ``scan``, ``buckets``, or the faster of the two (``auto``).
        probes: buckets read in each table; all if there are fewer.

    Raises:
        ValueError: a parameter of the wrong type or out of range.
    """

    candidates_factor: int = 20
    method: str = "auto"
    probes: int = 32

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise ValueError(f"method must be one of {', '.join(METHODS)}, got {self.method!r}")
        for name, high in (("candidates_factor", MAX_INT32), ("probes", MAX_PROBES)):
            object.__setattr__(self, name, whole_number(name, getattr(self, name), 1, high))


class LSHIndex(VectorIndex):
    """Signatures in hash tables, ranked by Hamming distance, the best scored exactly.

    Args:
        num_bits: bits of a signature.
        num_tables: hash tables that the signature is cut into; must divide ``num_bits``.
        seed: of the hyperplanes.
        vectors: how the vectors are stored: float32, float16 or int8.

    Raises:
        ValueError: an argument of the wrong type or out of range, or bits that the tables do not divide.
    """

    kind = "lsh"

    def __init__(
        self, num_bits: int = 256, num_tables: int = 16, seed: int = 0, vectors: str = "float32"
    ) -> None:
        super().__init__(vectors)
        self.num_bits = whole_number("num_bits", num_bits, 1, MAX_BITS)
        self.num_tables = whole_number("num_tables", num_tables, 1, MAX_BITS)
        if self.num_bits % self.num_tables:
            raise ValueError(
                f"the bits of a signature must divide evenly into its tables, got num_bits {self.num_bits} "
                f"and num_tables {self.num_tables}"
            )
        self.seed = whole_number("seed", seed, 0, MAX_INT64)
        self.query: LSHQuery = LSHQuery()

    def settings(self) -> dict[str, Any]:
        """The build parameters, as ``__init__`` takes them."""
        own = {"num_bits": self.num_bits, "num_tables": self.num_tables, "seed": self.seed}
        return own | super().settings()

    @property
    def method(self) -> str:
        """Where candidates come from now: ``scan`` or ``buckets``."""
        if self.query.method != "auto":
            return self.query.method
        return "buckets" if self._buckets_are_faster else "scan"

    @property
    def _buckets_are_faster(self) -> bool:
        return len(self) >= BUCKETS_FROM and self._key_bits <= MAX_KEY_BITS

    @property
    def _key_bits(self) -> int:
        return self.num_bits // self.num_tables

    def operating_points(self) -> list[LSHQuery]:
        """Scans with rising factors; before them, on large catalogues, buckets with rising probes."""
        buckets = [LSHQuery(20, "buckets", probes) for probes in (4, 8, 16, 32)]
        scans = [LSHQuery(factor, "scan") for factor in (2, 3, 5, 10, 20, 30, 50, 100)]
        return buckets + scans if self._buckets_are_faster else scans

    def _train(self, vectors: FloatArray) -> dict[str, npt.NDArray[Any]]:
        return {
            "mean": vectors.mean(axis=0, dtype=np.float64).astype(np.float32),
            "normals": hyperplanes(self.num_bits, vectors.shape[1], self.seed),
        }

    def _encode(self, vectors: FloatArray) -> dict[str, npt.NDArray[Any]]:
        return {"signatures": sign(vectors - self._trained["mean"], self._trained["normals"])}

    def _arrange(self) -> dict[str, npt.NDArray[Any]]:
        return {"columns": np.ascontiguousarray(self._rows["signatures"].T)}

    def _prepare(self) -> None:
        self._vectors = tuple(self._stored)
        # Tables are made when first needed: a scan does not use them.
        saved = [self._lists[name] for name in TABLE_NAMES if name in self._lists]
        self._tables = Tables(*saved) if saved else None

    def _saved_lists(self) -> dict[str, npt.NDArray[Any]]:
        """The tables too if searches use them: making them takes seconds."""
        if len(self) and self.method == "buckets" and self._tables is None:
            self._tables = self._make_tables()
        return self._lists | dict(zip(TABLE_NAMES, self._tables or (), strict=False))

    def _search(
        self, vectors: FloatArray, k: int, subset: Subset | None = None, counts: IntArray = NOT_COUNTED
    ) -> tuple[FloatArray, IntArray]:
        limit, columns, rows = self.query.candidates_factor * k, self._lists["columns"], NO_ROWS
        if subset is not None:
            rows = subset.rows
            limit = max(limit, min(WIDER * subset.widened(limit), len(rows) // SCORED_SHARE))
            if len(rows) <= max(limit, EXACT_UP_TO):  # a first level would choose nothing, or cost more
                return self._scored_exactly(vectors, k, subset, counts)
            columns = subset.kept("columns", lambda: np.ascontiguousarray(self._rows["signatures"][rows].T))
        scores, ids = empty_results(len(vectors), k)
        count = len(self.ids)
        limit = min(count, limit)
        by_scan = self.method == "scan" or subset is not None
        if limit == count and by_scan:  # the same
            over_queries(rescore_all, (vectors, scores, ids), (self._vectors, self.ids))
            counts[:, SCORED] = count
            return scores, ids
        shared = (self._vectors, self.ids, self._trained["mean"], self._trained["normals"], columns)
        if by_scan:
            over_queries(_search_by_scan, (vectors, scores, ids, counts), (*shared, rows, limit))
        else:
            if self._tables is None:
                self._tables = self._make_tables()
            probes = min(self.query.probes, 1 << self._key_bits)
            fixed = (*shared, self._rows["signatures"], tuple(self._tables), probes, limit)
            over_queries(_search_by_buckets, (vectors, scores, ids, counts), fixed)
        return scores, ids

    def _make_tables(self) -> Tables:
        if self._key_bits > MAX_KEY_BITS:
            raise ValueError(
                f"buckets need keys of at most {MAX_KEY_BITS} bits, got {self.num_bits} bits in "
                f"{self.num_tables} tables; use more tables, or scan"
            )
        return make_tables(self._rows["signatures"], self.num_tables, self._key_bits)

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}({self._size}, {self.num_bits} bits in "
            f"{self.num_tables} tables, {self.method}, {self.query})"
        )


@numba.njit(nogil=True, cache=True)
def _search_by_scan(
    queries: np.ndarray,
    scores: np.ndarray,
    found: np.ndarray,
    counts: np.ndarray,
    vectors: tuple[np.ndarray, np.ndarray, np.ndarray],
    ids: np.ndarray,
    mean: np.ndarray,
    normals: np.ndarray,
    columns: np.ndarray,
    rows: np.ndarray,
    limit: int,
) -> None:
    """``rows`` are those of the columns; if it is empty, the columns are of all."""
    projections = np.empty(len(normals), dtype=np.float32)
    signature = np.empty(len(columns), dtype=np.uint64)
    for i in range(len(queries)):
        sign_query(queries[i], mean, normals, projections, signature)
        candidates = scan(columns, signature, limit)
        if len(rows) > 0:
            candidates = rows[candidates]
        rescore(vectors, ids, queries[i], candidates, scores[i], found[i])
        if len(counts) > 0:
            counts[i, COMPARED], counts[i, SCORED] = columns.shape[1], limit


@numba.njit(nogil=True, cache=True)
def _search_by_buckets(
    queries: np.ndarray,
    scores: np.ndarray,
    found: np.ndarray,
    counts: np.ndarray,
    vectors: tuple[np.ndarray, np.ndarray, np.ndarray],
    ids: np.ndarray,
    mean: np.ndarray,
    normals: np.ndarray,
    columns: np.ndarray,
    signatures: np.ndarray,
    tables: tuple[np.ndarray, np.ndarray],
    probes: int,
    limit: int,
) -> None:
    """If the buckets contain fewer films than are wanted, the whole catalogue is scanned."""
    projections = np.empty(len(normals), dtype=np.float32)
    signature = np.empty(len(columns), dtype=np.uint64)
    key_bits = len(normals) // len(tables[0])
    for i in range(len(queries)):
        sign_query(queries[i], mean, normals, projections, signature)
        candidates, compared = probe(tables, signatures, signature, projections, key_bits, probes, limit)
        if len(candidates) < scores.shape[1]:
            candidates = scan(columns, signature, limit)
            compared += len(ids)
        rescore(vectors, ids, queries[i], candidates, scores[i], found[i])
        if len(counts) > 0:
            counts[i, COMPARED], counts[i, SCORED] = compared, len(candidates)
