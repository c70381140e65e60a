"""The cost of one call: a search of k = 10 in an index of one vector, beside FAISS's flat index.

    python -m benchmarks.search_overhead

The indexes take turns. A line has the median of the microseconds of processor time per call, over rounds of
many calls. Ends with a line ``ratio: NUMBER (of what to what)``.
"""

import argparse
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from benchmarks.search import one_thread
from search import ExactIndex, LSHIndex, WeakANDIndex

K, DIM = 10, 128
ROUNDS, CALLS = 60, 300
BARE = "FAISS IndexFlatIP"


def calls() -> dict[str, Callable[[], Any]]:
    """What is timed, by name: the reference first."""
    import faiss

    vector = np.random.default_rng(0).standard_normal((1, DIM)).astype(np.float32)
    vector /= np.linalg.norm(vector)
    bare = faiss.IndexFlatIP(DIM)
    bare.add(vector)
    named: dict[str, Callable[[], Any]] = {BARE: partial(bare.search, vector, K)}
    for index in (ExactIndex(), WeakANDIndex(), LSHIndex(), ExactIndex("float16"), ExactIndex("int8")):
        index.build(vector, [7])
        form = "" if index.vectors == "float32" else f" {index.vectors}"
        named[f"{type(index).__name__}{form}"] = partial(index.search, vector[0], K)
    return named


def main(argv: list[str] | None = None) -> None:
    """Measure and print."""
    argparse.ArgumentParser(description="The cost of one call of each index.").parse_args(argv)
    one_thread()
    named = calls()
    taken: dict[str, list[float]] = {name: [] for name in named}
    for _ in range(ROUNDS + 1):  # the first compiles, and does not count
        for name, call in named.items():
            started = time.process_time()
            for _ in range(CALLS):
                call()
            taken[name].append(1e6 * (time.process_time() - started) / CALLS)
    medians = {name: float(np.median(each[1:])) for name, each in taken.items()}
    for name, median in medians.items():
        print(f"{name:<20} {median:6.1f} microseconds per search of k = {K} in one vector")
    bare = medians.pop(BARE)
    worst = max(medians, key=lambda name: medians[name])
    print(
        f"ratio: {bare / medians[worst]:.2f} (processor time of a search by FAISS alone to one by {worst}, "
        "the slowest)"
    )


if __name__ == "__main__":
    main()
