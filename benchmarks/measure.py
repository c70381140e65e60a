"""Recall and speed of one operating point, beside exact search asked in turn with it.

A shared machine is fast one second and slow the next. So each point's queries take turns with exact
search on the same queries, and speeds are compared as ratios of lower quartiles measured together: a
median of long queries can be one of interruptions.
"""

import time
from typing import NamedTuple

import numpy as np

from base.arrays import FloatArray
from benchmarks.search_methods import Search
from search.tuning import recall_by_score

K = 10
ROUNDS = 10


class Row(NamedTuple):
    """A line of the table.

    Times are microseconds a query, one at a time; ``times_exact`` is exact's lower quartile over this
    one's; ``batched`` is queries a second in one call.
    """

    method: str
    point: str
    recall: float
    times_exact: float
    per_second: float
    p50: float
    p95: float
    p99: float
    batched: float
    build_seconds: float
    megabytes: float


def measure(
    search: Search, exact: Search, queries: FloatArray, best: FloatArray, exact_share: float
) -> dict[str, float]:
    """The figures of ``Row`` from recall to batched, by name.

    Args:
        search: the operating point.
        exact: exact search.
        queries: float32 ``[q, d]``.
        best: the exact best scores ``[q, K]``.
        exact_share: share of the queries that exact search answers too; it is slow.
    """
    for query in queries[:20]:  # compiled, and memory touched
        search(query, K)
    ours, theirs, found = [], [], []
    for part in np.array_split(np.arange(len(queries)), ROUNDS):
        for row in part[: max(1, round(exact_share * len(part)))]:
            started = time.perf_counter()
            exact(queries[row], K)
            theirs.append(time.perf_counter() - started)
        for row in part:
            started = time.perf_counter()
            scores, ids = search(queries[row], K)
            ours.append(time.perf_counter() - started)
            found.append(np.ravel(scores))
            distinct = np.unique(ids[ids >= 0])  # FAISS pads with -1; never trust an index on its word
            assert len(distinct) == np.count_nonzero(np.ravel(ids) >= 0), "an id was returned twice"
    started = time.perf_counter()
    search(queries, K)
    batched = len(queries) / (time.perf_counter() - started)
    p50, p95, p99 = (float(1e6 * np.quantile(ours, q)) for q in (0.5, 0.95, 0.99))
    recall = recall_by_score(np.array(found), best)
    return {
        "recall": recall,
        "times_exact": float(np.quantile(theirs, 0.25) / np.quantile(ours, 0.25)),
        "per_second": 1e6 / p50,
        "p50": p50,
        "p95": p95,
        "p99": p99,
        "batched": batched,
    }
