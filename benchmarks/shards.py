"""recall@10 of four shards, beside one index that scores as many vectors in all.

    python -m benchmarks.shards

Clustered unit vectors, other ones for each seed. A line has the mean recall of both over the seeds, and the
mean difference with its standard error.
"""

import argparse
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from benchmarks.search_data import clustered
from search import ExactIndex, LSHIndex, LSHQuery, ShardedIndex, VectorIndex, WeakANDIndex, WeakANDQuery
from search.tuning import recall_by_score

SHARDS, SEEDS, K = 4, 20, 10
NUM_VECTORS, NUM_CLUSTERS, NUM_QUERIES, DIM = 8000, 300, 300, 64


class Setting(NamedTuple):
    """An index, and query parameters for one and for each of its shards."""

    name: str
    make: Callable[[], VectorIndex]
    whole: Any
    share: Any


SETTINGS = [
    Setting(f"LSH, {factor} k candidates", LSHIndex, LSHQuery(factor), LSHQuery(factor // SHARDS))
    for factor in (8, 12, 20)
] + [
    Setting(
        f"Weak AND, {probes} probes, {factor} k candidates",
        lambda: WeakANDIndex(64),
        WeakANDQuery(probes, factor),
        WeakANDQuery(probes, factor // SHARDS),
    )
    for probes, factor in ((4, 4), (4, 12), (16, 12))
]


def recalls(setting: Setting, seed: int) -> tuple[float, float]:
    """Of one index and of shards."""
    task = clustered(NUM_VECTORS, NUM_CLUSTERS, NUM_QUERIES, DIM, seed)
    ids = np.arange(NUM_VECTORS)
    best = ExactIndex().build(task.vectors, ids).search(task.queries, K).scores
    one = setting.make().build(task.vectors, ids)
    sharded = ShardedIndex([setting.make() for _ in range(SHARDS)]).build(task.vectors, ids)
    one.query = setting.whole
    for shard in sharded.shards:
        shard.query = setting.share
    of_one, of_shards = (recall_by_score(i.search(task.queries, K).scores, best) for i in (one, sharded))
    return of_one, of_shards


def main(argv: list[str] | None = None) -> None:
    """Measure and print."""
    argparse.ArgumentParser(description="Recall of shards and of one index.").parse_args(argv)
    print(f"{NUM_VECTORS:,} x {DIM} in {NUM_CLUSTERS} clusters, {SHARDS} shards, {SEEDS} seeds")
    for setting in SETTINGS:
        found = np.array([recalls(setting, seed) for seed in range(SEEDS)])
        one, shards = found.mean(axis=0)
        difference = found[:, 1] - found[:, 0]
        error = difference.std(ddof=1) / SEEDS**0.5
        print(
            f"{setting.name:<36} one {one:.4f}  shards {shards:.4f}  "
            f"difference {difference.mean():+.4f} ({error:.4f})"
        )


if __name__ == "__main__":
    main()
