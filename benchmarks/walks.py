"""Random walks compared with the machine's own random-gather rate, and with DGL's sampler if it is installed.

    python -m benchmarks.walks                  25 million synthetic ratings, some minutes
    python -m benchmarks.walks --scale 1m       smaller, to try it
    python -m benchmarks.walks --skip_dgl

Prints seeds and gathers per second on one thread and on two, how the time of the walks grows from 1M ratings
on, and the speed with edge weights over that without. Draws output/walks_benchmark.png, and ends with a line
``ratio: NUMBER (of what to what)``. benchmarks/README.md says how to read it.
"""

import argparse
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

os.environ.setdefault("NUMBA_NUM_THREADS", "2")
os.environ.setdefault("OMP_NUM_THREADS", "1")  # DGL's threads
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # for `python benchmarks/walks.py`

import numba  # noqa: E402
import numpy as np  # noqa: E402

from base.arrays import IntArray  # noqa: E402
from base.compute import peak_memory_gb  # noqa: E402
from benchmarks.synthetic_data import synthetic_movielens  # noqa: E402
from benchmarks.walks_dgl import dgl_sampler  # noqa: E402
from data.dataset import Interactions  # noqa: E402
from data.graph_builder import ItemGraph, build_graph  # noqa: E402
from data.walks.sampler import RandomWalkSampler  # noqa: E402
from report.plot_style import PALETTE, figure  # noqa: E402

WALKS, HOPS, RESTART, NEIGHBORS = 200, 2, 0.5, 50
SCALES = ("1m", "10m", "25m")
GATHERS = 10_000_000
MAX_SEEDS = 10_000  # films that a timing starts from
DGL_SEEDS = 1_000  # DGL takes a quarter of a millisecond per seed
ROUNDS = 5


class Growth(NamedTuple):
    """One point of the picture: ratings, films, and seconds for the neighbours of all films."""

    ratings: int
    films: int
    seconds: float


@numba.njit(cache=True)
def gather(values: np.ndarray, places: np.ndarray) -> int:
    """The limit set by memory: a sum over reads at random places."""
    total = 0
    for i in range(len(places)):
        total += values[places[i]]
    return total


def synthetic_graph(scale: str) -> ItemGraph:
    """The graph of all ratings of a synthetic release."""
    movielens = synthetic_movielens(scale)
    return build_graph(movielens.interactions, movielens.num_users, movielens.num_movies)


def whole_table(graph: ItemGraph) -> Growth:
    """Time the neighbour table of all films on one thread; the better of two runs."""
    sampler = RandomWalkSampler(graph, WALKS, HOPS, RESTART)
    films = np.arange(graph.num_movies)
    seconds = min(seconds_of(lambda: sampler.batch_sample_neighbors(films, NEIGHBORS)) for _ in range(2))
    return Growth(graph.num_edges, graph.num_movies, seconds)


def seconds_of(work: Callable[[], object], clock: Callable[[], float] = time.thread_time) -> float:
    """Seconds of one call; by default the processor time of this thread."""
    started = clock()
    work()
    return clock() - started


def gathers_of(graph: ItemGraph, seeds: IntArray) -> float:
    """Expected reads in the two neighbour arrays by walks from ``seeds``: two per hop."""
    hops = sum((1 - RESTART) ** hop for hop in range(HOPS))
    return 2 * WALKS * hops * int(np.count_nonzero(graph.movie_degree[seeds]))


def measure_one_thread(graph: ItemGraph, with_dgl: bool) -> tuple[float, float]:
    """Print and return the walks' share of the gather rate, and their speed over DGL's (NaN without DGL)."""
    rng = np.random.default_rng(0)
    places = rng.integers(graph.num_edges, size=GATHERS, dtype=np.int32)
    seeds = rng.permutation(graph.num_movies)[:MAX_SEEDS]
    sampler = RandomWalkSampler(graph, WALKS, HOPS, RESTART)
    work: dict[str, Callable[[], object]] = {
        "gather": lambda: gather(graph.user_movies, places),
        "walks": lambda: sampler.batch_sample_neighbors(seeds, NEIGHBORS),
    }
    rated = seeds[graph.movie_degree[seeds] > 0][:DGL_SEEDS]
    if with_dgl and (dgl := dgl_sampler(graph, WALKS, HOPS, RESTART, NEIGHBORS)) is not None:
        work["DGL"] = lambda: dgl(rated)
    for once in work.values():
        once()  # compiles, and loads memory
    seconds = {name: np.inf for name in work}
    for _ in range(ROUNDS):
        for name, once in work.items():
            seconds[name] = min(seconds[name], seconds_of(once))
    reference = GATHERS / seconds["gather"]
    made = gathers_of(graph, seeds) / seconds["walks"]
    print(f"{'random gathers':<22} {reference / 1e6:>7.1f} M gathers/s")
    speed = len(seeds) / seconds["walks"]
    print(f"{'walks, one thread':<22} {made / 1e6:>7.1f} M gathers/s {speed:>9,.0f} seeds/s")
    if "DGL" not in work:
        return made / reference, float("nan")
    # Rated seeds for both: a film without ratings costs us nothing, and DGL refuses it.
    ours = min(seconds_of(lambda: sampler.batch_sample_neighbors(rated, NEIGHBORS)) for _ in range(ROUNDS))
    print(
        f"{'DGL PinSAGESampler':<22} {gathers_of(graph, rated) / seconds['DGL'] / 1e6:>7.1f} M gathers/s "
        f"{len(rated) / seconds['DGL']:>9,.0f} seeds/s: ours {seconds['DGL'] / ours:.1f} times as fast"
    )
    return made / reference, seconds["DGL"] / ours


def with_weights(graph: ItemGraph) -> ItemGraph:
    """The same graph with weights like those of repeated rows: numbers from 1 on, most of them small."""
    users = np.repeat(np.arange(graph.num_users, dtype=np.int32), graph.user_degree)
    weights = np.random.default_rng(2).geometric(0.4, graph.num_edges).astype(np.float32)
    edges = Interactions(users, graph.user_movies, weights, users, weights)
    return build_graph(edges, graph.num_users, graph.num_movies)


def measure_weights(graph: ItemGraph) -> float:
    """Print and return the speed of walks on a weighted graph over that on the same graph without weights."""
    seeds = np.random.default_rng(3).permutation(graph.num_movies)[:MAX_SEEDS]
    weighted = with_weights(graph)
    RandomWalkSampler(weighted, 1, 1).batch_sample_neighbors(seeds[:1], 1)  # compiles
    making = seconds_of(lambda: RandomWalkSampler(weighted, WALKS, HOPS, RESTART), time.perf_counter)
    plain, by_weight = (RandomWalkSampler(which, WALKS, HOPS, RESTART) for which in (graph, weighted))
    work = {
        "plain": lambda: plain.batch_sample_neighbors(seeds, NEIGHBORS),
        "by weight": lambda: by_weight.batch_sample_neighbors(seeds, NEIGHBORS),
    }
    seconds = {name: np.inf for name in work}
    for _ in range(ROUNDS):
        for name, once in work.items():
            seconds[name] = min(seconds[name], seconds_of(once))
    share = seconds["plain"] / seconds["by weight"]
    gathers = gathers_of(graph, seeds) / seconds["by weight"]
    print(
        f"{'walks by edge weight':<22} {gathers / 1e6:>7.1f} M gathers/s "
        f"{len(seeds) / seconds['by weight']:>9,.0f} seeds/s: {share:.2f} of the speed without weights; "
        f"alias tables in {making:.1f} s"
    )
    return share


def measure_two_threads(graph: ItemGraph) -> float:
    """Print and return how much faster two threads are than one, by the clock."""
    if numba.config.NUMBA_NUM_THREADS < 2:  # type: ignore[attr-defined]
        print("walks, two threads: not measured, NUMBA_NUM_THREADS allows one")
        return float("nan")
    seeds = np.random.default_rng(1).permutation(graph.num_movies)[:MAX_SEEDS]
    sampler = RandomWalkSampler(graph, WALKS, HOPS, RESTART)
    seconds, tables = {1: np.inf, 2: np.inf}, {}
    for _ in range(ROUNDS):
        for threads in seconds:
            numba.set_num_threads(threads)
            started = time.perf_counter()
            tables[threads] = sampler.batch_sample_neighbors(seeds, NEIGHBORS)
            seconds[threads] = min(seconds[threads], time.perf_counter() - started)
    numba.set_num_threads(1)
    assert all(one.equal(two) for one, two in zip(tables[1], tables[2], strict=True)), (
        "threads change the bits"
    )
    print(
        f"{'walks, two threads':<22} {gathers_of(graph, seeds) / seconds[2] / 1e6:>7.1f} M gathers/s "
        f"{len(seeds) / seconds[2]:>9,.0f} seeds/s: {seconds[1] / seconds[2]:.2f} times one thread; same bits"
    )
    return seconds[1] / seconds[2]


def plot(points: list[Growth], path: Path) -> None:
    """Seconds for the whole catalogue's table against ratings, beside a line of proportion."""
    ratings = np.array([point.ratings for point in points])
    seconds = np.array([point.seconds for point in points])
    with figure(path, 6, 4) as drawing:
        axes = drawing.subplots()
        axes.loglog(ratings, seconds, marker="o", linewidth=2, color=PALETTE[0], label="walks, one thread")
        axes.loglog(
            ratings,
            seconds[0] * ratings / ratings[0],
            "--",
            color=PALETTE[1],
            label="in proportion to ratings",
        )
        for point in points:
            axes.annotate(
                f"{point.films:,} films: {point.seconds:.2f} s", (point.ratings, point.seconds),
                xytext=(6, -14), textcoords="offset points",
            )  # fmt: skip
        axes.set_xticks(ratings, [f"{count / 1e6:.0f}M" for count in ratings], minor=False)
        axes.set_xticks([], minor=True)
        axes.yaxis.set_major_formatter("{x:g}")
        axes.yaxis.set_minor_formatter("")
        axes.margins(x=0.35, y=0.15)
        axes.set_title(f"Neighbour table of all films, T = {NEIGHBORS}")
        axes.set_xlabel("ratings")
        axes.set_ylabel("seconds")
        axes.legend()
    print(f"written: {path}")


def main(argv: list[str] | None = None) -> None:
    """Measure, print, draw."""
    parser = argparse.ArgumentParser(description="Random walks against the machine's random-gather rate.")
    parser.add_argument("--scale", choices=SCALES, default="25m", help="size of the largest synthetic graph")
    parser.add_argument("--skip_dgl", action="store_true", help="leave DGL out even where it is installed")
    parser.add_argument("--output_dir", default="output", help="folder for the picture")
    flags = parser.parse_args(argv)
    numba.set_num_threads(1)
    print(f"{WALKS} walks per seed, {HOPS} hops, restart {RESTART}, T = {NEIGHBORS}")
    points = []
    for scale in SCALES[: SCALES.index(flags.scale) + 1]:
        graph = synthetic_graph(scale)
        points.append(whole_table(graph))
        print(
            f"{scale:>4}: {graph.num_edges:>10,} ratings, {graph.num_movies:>6,} films, whole table in "
            f"{points[-1].seconds:.2f} s on one thread",
            flush=True,
        )
    share, times_dgl = measure_one_thread(graph, not flags.skip_dgl)
    measure_two_threads(graph)
    if len(points) > 1:
        slope = np.log(points[-1].seconds / points[0].seconds) / np.log(
            points[-1].ratings / points[0].ratings
        )
        print(f"growth: seconds grow with ratings to the power {slope:.2f}")
        plot(points, Path(flags.output_dir) / "walks_benchmark.png")
    print(f"peak memory {peak_memory_gb():.2f} GB")
    print(f"weighted over unweighted: {measure_weights(graph):.2f}")
    if np.isfinite(times_dgl):
        print(f"times DGL's PinSAGESampler: {times_dgl:.1f}")
    print(
        f"ratio: {share:.2f} (gathers per second of walks to a plain loop of random gathers, "
        f"{flags.scale} synthetic, one thread)"
    )


if __name__ == "__main__":
    main()
