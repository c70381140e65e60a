"""Recall and speed of one operating point, measured in turns with exact search.

A shared machine is fast one second and slow the next. So the queries of each point take turns with exact
search on the same queries, and speeds are compared as ratios of lower quartiles that were measured together.
(Long queries are often interrupted, so their median may be one of interruptions.)
"""

import time
from typing import NamedTuple

import numpy as np

from base.arrays import FloatArray
from benchmarks.search_methods import Search
from search.tuning import recall_by_score

K = 10
ROUNDS = 10


class OperatingPoint(NamedTuple):
    """One row of the table.

    Attributes:
        method: name of the method.
        point: its parameters, in words.
        recall: recall@10 by score.
        times_exact: lower quartile of exact search's times over that of this point.
        per_second: queries per second, one at a time.
        p50, p95, p99: quantiles of microseconds per query, one at a time.
        batched: queries per second, all in one call.
        build_seconds: time to build the index.
        megabytes: size of the index.
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
    """The figures of an ``OperatingPoint`` from recall to batched, by name.

    Args:
        search: the operating point.
        exact: exact search.
        queries: float32 ``[q, d]``.
        best: the exact best scores ``[q, K]``.
        exact_share: share of the queries that exact search answers too, since it is slow.
    """
    for query in queries[:20]:  # compiles, and loads memory
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
            distinct = np.unique(ids[ids >= 0])  # FAISS pads with -1
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
