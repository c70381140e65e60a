"""Weak AND against FAISS IVFFlat, each at its best over one grid of lists and probes.

    python -m benchmarks.search_grid                             62,423 x 128 vectors
    python -m benchmarks.search_grid --scale 1m --folder built   1,000,000 x 128; keeps what it built

Both answer queries one at a time on one thread, and count processor time. In each run all operating points
of both take turns, in an order of its own. Recall between two points of a curve is interpolated. Prints
what was built, the best points, and last the speed of Weak AND over FAISS IVFFlat at each recall, the
median of the runs. benchmarks/README.md says how to read it.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # for `python benchmarks/search_grid.py`

import numpy as np  # noqa: E402

from base.arrays import FloatArray  # noqa: E402
from benchmarks.measure import K  # noqa: E402
from benchmarks.search import one_thread  # noqa: E402
from benchmarks.search_data import Task, clustered  # noqa: E402
from benchmarks.search_methods import batched, faiss_ivf_flat, index_bytes  # noqa: E402
from benchmarks.search_report import pareto, speed_at  # noqa: E402
from report.text_table import TableColumn, TableSection, render_table  # noqa: E402
from search import ExactIndex, WeakANDIndex, WeakANDQuery  # noqa: E402
from search.tuning import recall_by_score  # noqa: E402

LISTS = {"62k": (250, 500, 1000, 2000), "1m": (2000, 4000, 8000)}
PROBES = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 64)
FACTORS = (1, 2)  # candidates per result, of Weak AND alone
LEVELS = (0.9, 0.95, 0.98, 0.99)
TIMED = (0.85, 0.995)  # range of recall outside which points are not timed
TRIAL = 50  # queries after which a point that takes twice as long as a better one is dropped
METHODS = ("Weak AND", "FAISS IVFFlat")


class Built(NamedTuple):
    """An index, the processor seconds that building it took, and its size in bytes."""

    index: Any
    seconds: float
    num_bytes: int


class Point(NamedTuple):
    """An operating point; ``answer`` takes a query ``[d]`` or many ``[n, d]``."""

    method: str
    lists: int
    probes: int
    candidates: str  # per result; "all" if every film read is scored exactly
    answer: Callable[[FloatArray], tuple[Any, Any]]


def build(method: str, num_lists: int, task: Task, folder: Path) -> Built:
    """The index, from ``folder`` if it was built before."""
    import faiss

    path = folder / f"{method.replace(' ', '_')}_{len(task.vectors)}_{num_lists}"
    took = path.with_suffix(".seconds")
    ours = method == METHODS[0]
    index: Any
    if not took.exists():
        started = time.process_time()
        if ours:
            index = WeakANDIndex(num_lists).build(task.vectors, np.arange(len(task.vectors)))
        else:
            index = faiss_ivf_flat(task.vectors, num_lists)
        seconds = time.process_time() - started
        if ours:
            index.save(path)
        else:
            faiss.write_index(index, str(path))
        took.write_text(str(seconds))
    index = WeakANDIndex.load(path) if ours else faiss.read_index(str(path))
    size = index_bytes(index) if ours else task.vectors.nbytes + 8 * len(task.vectors)
    return Built(index, float(took.read_text()), size)


def points(method: str, num_lists: int, index: Any) -> list[Point]:
    """The operating points of an index: each number of probes, for Weak AND with each factor."""

    def ours(query: WeakANDQuery) -> Callable[[FloatArray], tuple[Any, Any]]:
        def answer(queries: FloatArray) -> tuple[Any, Any]:
            index.query = query
            return index.search(queries, K)

        return answer

    def theirs(probes: int) -> Callable[[FloatArray], tuple[Any, Any]]:
        search = batched(index)

        def answer(queries: FloatArray) -> tuple[Any, Any]:
            index.nprobe = probes
            return search(queries, K)

        return answer

    possible = [probes for probes in PROBES if probes <= num_lists]
    if method == METHODS[1]:
        return [Point(method, num_lists, probes, "all", theirs(probes)) for probes in possible]
    return [
        Point(method, num_lists, probes, f"{factor} k", ours(WeakANDQuery(probes, factor)))
        for probes in possible
        for factor in FACTORS
    ]


def processor_seconds(point: Point, queries: FloatArray) -> float:
    """Per query, one at a time."""
    for query in queries[:10]:  # loads memory
        point.answer(query)
    started = time.process_time()
    for query in queries:
        point.answer(query)
    return (time.process_time() - started) / len(queries)


def speeds(which: list[Point], recalls: list[float], seconds: FloatArray) -> dict[str, list[float]]:
    """Queries per second at each level, by method: along the best points over all lists and probes."""
    found = {}
    for method in METHODS:
        curve = pareto(
            (r, 1 / s) for p, r, s in zip(which, recalls, seconds, strict=True) if p.method == method
        )
        found[method] = [speed_at(curve, level) for level in LEVELS]
    return found


def tables(which: list[Point], recalls: list[float], times: FloatArray) -> str:
    """The points of both methods that no other point of the method beats, and the speeds of every run."""
    median = np.median(times, axis=0)
    sections = []
    for method in METHODS:
        own = [i for i, point in enumerate(which) if point.method == method]
        kept = set(pareto((recalls[i], 1 / median[i]) for i in own))
        own = sorted((i for i in own if (recalls[i], 1 / median[i]) in kept), key=lambda i: recalls[i])
        cells = [
            [method, *map(str, which[i][1:4]), f"{recalls[i]:.4f}", f"{1e6 * median[i]:.1f}"] for i in own
        ]
        sections.append(TableSection(cells))
    columns = [TableColumn("best points", numeric=False)]
    columns += [
        TableColumn(name) for name in ("lists", "probes", "candidates", f"recall@{K}", "microseconds")
    ]
    by_run = [speeds(which, recalls, row) for row in times]
    lines = [render_table(columns, sections, ["microseconds: of processor time per query"])]
    for method in METHODS:
        figures = np.median([run[method] for run in by_run], axis=0)
        lines.append(f"{method}: queries per second at recall {_listed(figures, '.0f')}")
    ratios = np.array([run[METHODS[0]] for run in by_run]) / [run[METHODS[1]] for run in by_run]
    lines.append(f"lowest of the runs:  {_listed(ratios.min(axis=0), '.2f')}")
    lines.append(f"highest of the runs: {_listed(ratios.max(axis=0), '.2f')}")
    shown = _listed(np.median(ratios, axis=0), ".2f")
    lines.append(f"speed of Weak AND over FAISS IVFFlat at recall {shown} (median of {len(times)} runs)")
    return "\n".join(lines)


def _listed(figures: FloatArray, form: str) -> str:
    return ", ".join(f"{level}: {figure:{form}}" for level, figure in zip(LEVELS, figures, strict=True))


def main(argv: list[str] | None = None) -> None:
    """Build, measure, print."""
    parser = argparse.ArgumentParser(description="Weak AND against FAISS IVFFlat on one grid.")
    parser.add_argument("--scale", choices=tuple(LISTS), default="62k", help="size of the synthetic vectors")
    parser.add_argument("--lists", type=int, nargs="+", help="numbers of lists to try")
    parser.add_argument("--methods", choices=METHODS, nargs="+", default=METHODS, help="one alone: --runs 0")
    parser.add_argument(
        "--runs", type=int, default=5, help="0 builds only, for a later call with the same folder"
    )
    parser.add_argument("--folder", help="keeps the indexes; by default they are built anew each time")
    flags = parser.parse_args(argv)
    if flags.runs and set(flags.methods) != set(METHODS):
        parser.error("one of the --methods alone can only be built; add --runs 0")
    one_thread()
    task = clustered(62_423, 2_000, 1_000) if flags.scale == "62k" else clustered(1_000_000, 32_000, 300)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(flags.folder or temporary)
        folder.mkdir(parents=True, exist_ok=True)
        every = []
        for num_lists in flags.lists or LISTS[flags.scale]:
            for method in flags.methods:
                built = build(method, num_lists, task, folder)
                size = f"{built.num_bytes / 1e6:,.0f} MB"
                print(f"{method}, {num_lists} lists: built in {built.seconds:.1f} s, {size}", flush=True)
                if flags.runs:
                    every += points(method, num_lists, built.index)
    if flags.runs:
        measure(every, task, flags.runs)


def measure(every: list[Point], task: Task, runs: int) -> None:
    """Time the points whose recall is worth it, and print."""
    best = ExactIndex().build(task.vectors, np.arange(len(task.vectors))).search(task.queries, K).scores
    recalls = [recall_by_score(point.answer(task.queries)[0], best) for point in every]
    kept = [i for i, recall in enumerate(recalls) if TIMED[0] <= recall <= TIMED[1]]
    every, recalls = [every[i] for i in kept], [recalls[i] for i in kept]
    trial = [processor_seconds(point, task.queries[:TRIAL]) for point in every]
    kept = [i for i in range(len(every)) if not _hopeless(i, every, recalls, trial)]
    every, recalls = [every[i] for i in kept], [recalls[i] for i in kept]
    times = np.empty((runs, len(every)))
    for run in range(runs):
        for i in np.random.default_rng(run).permutation(len(every)):
            times[run, i] = processor_seconds(every[i], task.queries)
    print("\n" + tables(every, recalls, times))


def _hopeless(i: int, every: list[Point], recalls: list[float], trial: list[float]) -> bool:
    """Whether another point of the method finds as much in half the time."""
    return any(
        every[j].method == every[i].method and recalls[j] >= recalls[i] and 2 * trial[j] < trial[i]
        for j in range(len(every))
    )


if __name__ == "__main__":
    main()
