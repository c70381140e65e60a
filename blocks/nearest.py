"""The nearest candidates of many queries, shard by shard: products of matrices, and a score that decides.

A product of matrices is fast, but the last bits of its numbers depend on the shapes of the matrices. Equal
candidates could get unequal scores. So its numbers only tell which candidates may be among the best. These
are scored again by the kernel whose scores every search returns, and they are ordered by that score and then
by row. So the result is that of one ``ExactIndex`` over all shards, whatever their order and sizes.
"""

import numba
import numpy as np

from base.arrays import FloatArray, IntArray
from search.kernels import heap_offer, heap_sort
from search.kernels import products as score_rows
from search.narrow import relative_error

QUERIES_AT_ONCE, CANDIDATES_AT_ONCE = 1024, 1024  # their scores stay in the cache
RUN = 128  # scores that are compared before any is looked at


class Nearest:
    """The ``k`` nearest of all candidates that were offered, for each query.

    Args:
        queries: float32 ``[n, d]``.
        own: int64 ``[n]``, the row of each query's own film, which is never among the nearest.
        k: number of results.
    """

    def __init__(self, queries: FloatArray, own: IntArray, k: int) -> None:
        self.queries = queries
        self.own = own
        self._scores = np.empty((len(queries), k), dtype=np.float32)
        self._rows = np.empty((len(queries), k), dtype=np.int64)
        self._sizes = np.zeros(len(queries), dtype=np.int64)
        self._longest = _longest(queries)
        self._products = np.empty((QUERIES_AT_ONCE, CANDIDATES_AT_ONCE), dtype=np.float32)

    def offer(self, candidates: FloatArray, first: int) -> None:
        """Compare all queries with some more candidates.

        Args:
            candidates: float32 ``[m, d]``.
            first: the row of the first one; the others follow it.
        """
        if self._rows.shape[1] == 0:
            return
        slack = np.float32(relative_error(candidates.shape[1]) * self._longest * _longest(candidates))
        for start in range(0, len(candidates), CANDIDATES_AT_ONCE):
            part = candidates[start : start + CANDIDATES_AT_ONCE]
            for begin in range(0, len(self.queries), QUERIES_AT_ONCE):
                some = slice(begin, begin + QUERIES_AT_ONCE)
                queries = self.queries[some]
                products = self._products.reshape(-1)[: len(queries) * len(part)].reshape(len(queries), -1)
                np.matmul(queries, part.T, out=products)
                _offer(
                    *(products, slack, queries, part, first + start, self.own[some]),
                    *(self._scores[some], self._rows[some], self._sizes[some]),
                )

    def best(self) -> tuple[FloatArray, IntArray]:
        """Scores float32 and rows int64 ``[n, k]``, best first; of equal scores the lower row comes first.

        Every query must have been offered at least ``k`` candidates. Afterwards nothing can be offered.
        """
        _sort(self._scores, self._rows, self._sizes)
        return self._scores, self._rows


def _longest(vectors: FloatArray) -> float:
    """Length of the longest row."""
    return float(np.sqrt(np.einsum("ij,ij->i", vectors, vectors).max(initial=0)))


@numba.njit(nogil=True, cache=True)
def _offer(
    products: np.ndarray,
    slack: np.float32,
    queries: np.ndarray,
    candidates: np.ndarray,
    first: int,
    own: np.ndarray,
    best_scores: np.ndarray,
    best_rows: np.ndarray,
    sizes: np.ndarray,
) -> None:
    """Score those candidates again whose ``products`` ``[n, m]`` may be high enough, and offer them."""
    k = best_scores.shape[1]
    ones = np.zeros(0, dtype=np.float32)  # scales of float32 vectors
    rows, scores = np.empty(RUN, dtype=np.int64), np.empty(RUN, dtype=np.float32)
    for i in range(len(queries)):
        size = sizes[i]
        limit = best_scores[i, 0] - slack if size == k else np.float32(-np.inf)
        row = products[i]
        for start in range(0, len(row), RUN):
            run = row[start : start + RUN]
            hits = 0  # most runs have none, and to count is faster than to look at each
            for j in range(len(run)):
                hits += not run[j] < limit
            if hits == 0:
                continue
            hits = 0
            for j in range(start, start + len(run)):
                if not row[j] < limit and first + j != own[i]:
                    rows[hits] = j
                    hits += 1
            score_rows(candidates, ones, queries[i], rows[:hits], scores)
            for hit in range(hits):
                size = heap_offer(best_scores[i], best_rows[i], size, scores[hit], first + rows[hit])
            if size == k:
                limit = best_scores[i, 0] - slack
        sizes[i] = size


@numba.njit(nogil=True, cache=True)
def _sort(scores: np.ndarray, rows: np.ndarray, sizes: np.ndarray) -> None:
    for i in range(len(scores)):
        heap_sort(scores[i], rows[i], sizes[i])
