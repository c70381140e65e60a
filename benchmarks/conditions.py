"""Searches under conditions: beside exact search in what fulfils them, and beside searches without one.

    python -m benchmarks.conditions                a million vectors of 128 dimensions; ten minutes, 4 GB
    python -m benchmarks.conditions --scale 62k    62,423 vectors

Random ids fulfil a condition. It is prepared once (``VectorIndex.subset``). The time for that and that of the
first search, which copies, stand beside medians of the time of a query, one at a time, on one thread. Queries
under the condition take turns with those without one, and then with those of an ``ExactIndex`` of the ids
alone. Some queries take far longer than most under a condition, so the ratio of means stands there too. Ends
with a line ``ratio: NUMBER (of what to what)``.
"""

import argparse
import time
from collections.abc import Callable

import numpy as np

from base.arrays import FloatArray, IntArray
from benchmarks.search import one_thread
from benchmarks.search_data import clustered
from search import ExactIndex, LSHIndex, SearchResult, VectorIndex, WeakANDIndex
from search.tuning import recall_by_score

K = 10
SIZES = {"62k": (62_423, 2_000), "1m": (1_000_000, 32_000)}
Search = Callable[[FloatArray], SearchResult]
METHODS: dict[str, type[VectorIndex]] = {"exact": ExactIndex, "lsh": LSHIndex, "ivf": WeakANDIndex}


def compare(
    name: str, index: VectorIndex, exact: ExactIndex, ids: IntArray, queries: FloatArray
) -> list[float]:
    """Print one line; the ratios of a conditioned query's time to both references."""
    alone = ExactIndex().build(exact.embeddings[ids], ids)
    index.search(queries[0], K, allowed=index.subset(ids))  # makes the table of ids, and compiles
    started = time.process_time()
    subset = index.subset(ids)
    prepared = time.process_time() - started

    def under(queries: FloatArray) -> SearchResult:
        return index.search(queries, K, allowed=subset)

    def without(queries: FloatArray) -> SearchResult:
        return index.search(queries, K)

    def of_ids(queries: FloatArray) -> SearchResult:
        return alone.search(queries, K)

    first = timed(under, queries[0])
    (one, mean), (plain, plain_mean) = in_turns(under, without, queries)
    (other, _), (brute, _) = in_turns(under, of_ids, queries)
    recall = recall_by_score(under(queries).scores, of_ids(queries).scores)
    recall_without = recall_by_score(without(queries).scores, exact.search(queries, K).scores)
    effort = index.effort(queries, K, subset)
    print(
        f"{name:<6} {100 * len(ids) / len(index):5.1f} %: prepared in {1e3 * prepared:.2f} ms, first query "
        f"in {1e3 * first:.2f} ms; microseconds per query {one:.0f}, without a condition {plain:.0f} "
        f"(ratio {one / plain:.2f}, of means {mean / plain_mean:.2f}); {other:.0f}, exact in the ids alone "
        f"{brute:.0f} (ratio {other / brute:.2f}); recall@{K} {recall:.4f}, without {recall_without:.4f}; "
        f"compared {100 * effort.compared:.2f} %, scored {100 * effort.scored:.3f} % of the catalogue",
        flush=True,
    )
    return [other / brute, one / plain]


def in_turns(first: Search, second: Search, queries: FloatArray) -> list[tuple[float, float]]:
    """Median and mean microseconds per query of both."""
    times: list[list[float]] = [[], []]
    for number, query in enumerate([*queries[:20], *queries]):
        for which in (0, 1) if number % 2 else (1, 0):
            times[which].append(1e6 * timed((first, second)[which], query))
    return [(float(np.median(each[20:])), float(np.mean(each[20:]))) for each in times]


def timed(search: Search, query: FloatArray) -> float:
    """Processor time of one search, in seconds."""
    started = time.process_time()
    search(query)
    return time.process_time() - started


def main(argv: list[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Searches under conditions.")
    parser.add_argument("--scale", choices=SIZES, default="1m", help="number of vectors")
    parser.add_argument("--methods", choices=METHODS, nargs="+", default=list(METHODS))
    parser.add_argument(
        "--shares", type=float, nargs="+", default=[0.5, 0.05, 0.001], help="that fulfil a condition"
    )
    parser.add_argument("--queries", type=int, default=300, help="number of queries")
    flags = parser.parse_args(argv)
    one_thread()
    task = clustered(*SIZES[flags.scale], flags.queries)
    print(f"{task.name}, {len(task.queries):,} queries, k = {K}, one thread", flush=True)
    rows = np.arange(len(task.vectors))
    exact = ExactIndex().build(task.vectors, rows)
    rng, ratios = np.random.default_rng(0), []
    conditions = [
        np.sort(rng.choice(rows, max(1, round(share * len(rows))), replace=False)) for share in flags.shares
    ]
    for name in flags.methods:
        index = exact if name == "exact" else METHODS[name]().build(task.vectors, rows)
        ratios += [compare(name, index, exact, ids, task.queries) for ids in conditions]
    to_exact, to_without = (max(column) for column in zip(*ratios, strict=True))
    print(
        f"ratio: {to_exact:.2f} (processor time of a query under a condition to exact search in what fulfils "
        f"it; the largest of all, and {to_without:.2f} to a query without a condition)"
    )


if __name__ == "__main__":
    main()
