"""Search methods side by side: recall against speed, one query at a time, one thread, one run.

    python -m benchmarks.search                  62,423 x 128 vectors, and checkpoints/best.pt if there is one
    python -m benchmarks.search --scale 1m       1,000,000 x 128 vectors; building HNSW takes many minutes
    python -m benchmarks.search --skip hnsw

Prints one table per dataset, draws output/search_benchmark*.png, and ends with a line ``ratio: NUMBER (of
what to what)``. benchmarks/README.md says how to read it.
"""

import argparse
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # for `python benchmarks/search.py`

from base.compute import peak_memory_gb  # noqa: E402
from benchmarks.measure import K, OperatingPoint, measure  # noqa: E402
from benchmarks.search_data import Task, clustered, trained  # noqa: E402
from benchmarks.search_methods import METHODS  # noqa: E402
from benchmarks.search_report import compare_curves, format_table, plot  # noqa: E402


def run(task: Task, methods: list[str], exact_share: float) -> list[OperatingPoint]:
    """Build and measure ``methods`` on one dataset."""
    print(f"\n{task.name}, {len(task.queries):,} queries, k = {K}, {task.partitions} partitions", flush=True)
    brute = METHODS["exact"](task)
    exact = next(brute.points())[1]
    best = exact(task.queries, K)[0]
    rows = []
    for name in methods:
        started = time.perf_counter()
        built = METHODS[name](task)
        seconds = time.perf_counter() - started
        for label, search in built.points():
            figures = measure(search, exact, task.queries, best, exact_share)
            size = built.num_bytes / 1e6
            rows.append(OperatingPoint(built.method, label, **figures, build_seconds=seconds, megabytes=size))
        print(
            f"  {built.method}: built in {seconds:.1f} s; peak memory of all {peak_memory_gb():.2f} GB",
            flush=True,
        )
    print("\n" + format_table(rows))
    return rows


def main(argv: list[str] | None = None) -> None:
    """Measure, print, draw."""
    parser = argparse.ArgumentParser(description="Recall against speed of the search methods.")
    parser.add_argument("--scale", choices=("62k", "1m"), default="62k", help="size of the synthetic vectors")
    parser.add_argument("--skip", choices=[m for m in METHODS if m != "exact"], nargs="*", default=[])
    parser.add_argument("--checkpoint_dir", default="checkpoints", help="folder that may hold best.pt")
    parser.add_argument("--output_dir", default="output", help="folder for the pictures")
    flags = parser.parse_args(argv)
    one_thread()
    methods = [name for name in METHODS if name not in flags.skip]
    output = Path(flags.output_dir)
    films = trained(Path(flags.checkpoint_dir), 1000) if flags.scale == "62k" else None
    if films is not None:
        plot(run(films, methods, 1.0), films.name, output / "search_benchmark_trained.png")
    elif flags.scale == "62k":
        print(f"no checkpoint in {flags.checkpoint_dir}: trained embeddings are left out")
    if flags.scale == "62k":
        task = clustered(62_423, 2_000, 1_000)
    else:
        task = clustered(1_000_000, 32_000, 300)
    rows = run(task, methods, 0.2)
    print(compare_curves(rows))
    plot(rows, task.name, output / f"search_benchmark_{flags.scale}.png")
    ours = next(row for row in rows if row.method.startswith("WeakAND"))
    print(
        f"ratio: {ours.times_exact:.1f} (queries per second of {ours.method} with {ours.point}, recall@{K} "
        f"{ours.recall:.4f}, to exact search; one at a time, one thread)"
    )


def one_thread() -> None:
    """One thread for FAISS, NumPy's BLAS and our kernels."""
    import faiss
    import numba
    from threadpoolctl import threadpool_limits

    faiss.omp_set_num_threads(1)
    numba.set_num_threads(1)
    threadpool_limits(1)


if __name__ == "__main__":
    main()
