"""From ratings.csv to evaluated recommendations at growing sizes: seconds and memory of every stage.

    python -m benchmarks.end_to_end                 synthetic data of 100,000 and 1 million ratings
    python -m benchmarks.end_to_end --scale 25m     of 1, 10 and 25 million: most of an hour, under 6 GB
    python -m benchmarks.end_to_end --scale 25m --epochs 10

Each size runs in its own process, so that its peak memory is known. Prints a table of seconds, and the
exponent with which the processor time of each stage grows between the sizes (1 is linear; on a shared machine
seconds on the clock say little). Draws output/end_to_end.png and ends with the line ``ratio: NUMBER (of what
to what)``. ``--epochs 0`` leaves out training and evaluation.
"""

import argparse
import logging
import math
import multiprocessing
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # for `python benchmarks/end_to_end.py`

from report.text_table import TableColumn, TableSection, render_table  # noqa: E402

SIZES = {"1m": ("100k", "1m"), "10m": ("1m", "10m"), "25m": ("1m", "10m", "25m")}
RATINGS = {"100k": 1e5, "1m": 1e6, "10m": 1e7, "25m": 25e6}
GROWTH = ("first load", "cached load", "graph and features", "neighbour table", "embedding")
QUESTIONS = 20_000
FEWER_QUESTIONS = 2_000  # for the comparison: exact visit counts take 50 ms per question at 25m
PROCESSOR = "processor time, "  # before the name of a stage
METRIC = "hit rate @10, "  # before the name of a figure that is not a time
SPEED = "training pairs per second"
MEMORY = "peak memory, GB"

Figures = dict[str, float]


def measure(scale: str, epochs: int) -> Figures:
    """Run every stage once at default settings, temporal split; seconds, GB and test metrics by name."""
    import numpy as np
    import torch

    from base.compute import peak_memory_gb
    from config import Config
    from data.dataset import Facts, load_movielens
    from data.feature_extractor import film_features, fit_features
    from data.graph_builder import build_graph
    from data.inspection.inspect import inspect_data
    from data.sources.synthetic import generate
    from data.splits import held_out_queries, split_interactions
    from data.walks.sampler import RandomWalkSampler
    from evaluation.baselines import Popularity, RandomWalks
    from evaluation.ranking import EmbeddingScorer, evaluate, sample_questions
    from model.inputs import build_inputs
    from model.trainer import Trainer

    logging.getLogger("pinsage").setLevel(logging.WARNING)
    _warm_up()
    figures: Figures = {}
    config = Config().override({"split": "temporal", "epochs": max(1, epochs)})

    @contextmanager
    def timed(name: str) -> Iterator[None]:
        print(f"  {scale}: {name} ...", end=" ", flush=True)
        started, before = time.perf_counter(), time.process_time()
        yield
        figures[name] = time.perf_counter() - started
        figures[PROCESSOR + name] = time.process_time() - before
        print(f"{figures[name]:.2f} s, peak {peak_memory_gb():.2f} GB", flush=True)

    with tempfile.TemporaryDirectory() as folder:
        with timed("making the data"):
            generate(scale, seed=0, out_dir=Path(folder))
        with timed("first load"):
            movielens = load_movielens(folder)
        with timed("cached load"):
            movielens = load_movielens(folder)
        with timed("split"):
            split = split_interactions(
                movielens.interactions, movielens.num_users, movielens.num_movies, "temporal"
            )
        with timed("inspection"):
            inspect_data(movielens, split)
        with timed("graph and features"):
            graph = build_graph(split.train, split.num_users, split.num_movies)
            basis = fit_features(Facts(movielens.movies), graph, config.model.spectral_dim, 0)
            film_features(basis, Facts(movielens.movies), graph.movie_user_matrix())
        with timed("neighbour table"):
            walks = RandomWalkSampler(graph)
            walks.batch_sample_neighbors(np.arange(split.num_movies), config.model.max_neighbors)
        del walks, basis
        inputs = build_inputs(movielens, split, config.model, 0)
        trainer = Trainer(inputs, split, config.model, config.training, 0, torch.device("cpu"))
        if epochs:
            with timed(f"{epochs} epoch{'s' * (epochs > 1)}"):
                for _ in range(epochs):
                    row = trainer.train_epoch()
            figures[SPEED] = row["pairs_per_second"]
        with timed("embedding"):
            embeddings = trainer.embeddings()
        figures[MEMORY] = peak_memory_gb()
        if not epochs:
            return figures
        questions = sample_questions(held_out_queries(split, "test"), QUESTIONS, 0)
        with timed("evaluation"):
            found = evaluate(EmbeddingScorer(*(part.numpy() for part in embeddings)), questions).metrics
        figures[f"{METRIC}{QUESTIONS:,} questions"] = found["hit_rate@10"]
        fewer = sample_questions(questions, FEWER_QUESTIONS, 0)
        ours = evaluate(EmbeddingScorer(*(part.numpy() for part in embeddings)), fewer)
        figures[f"{METRIC}PinSage"] = ours.metrics["hit_rate@10"]
        for method in (Popularity, RandomWalks):
            scorer = method().fit(split.train, movielens.movies, split.num_users, split.num_movies, seed=0)
            figures[f"{METRIC}{method.name}"] = evaluate(scorer, fewer).metrics["hit_rate@10"]
    figures[MEMORY] = peak_memory_gb()
    return figures


def _warm_up() -> None:
    """Compile the walks and the sparse products, so that no stage includes compilation."""
    import numpy as np
    import scipy.sparse as sp

    from base.sparse_products import product_with_dense
    from data.dataset import Interactions
    from data.graph_builder import build_graph
    from data.walks.sampler import RandomWalkSampler

    rows = np.zeros(1, dtype=np.int32)
    one = Interactions(rows, rows, np.ones(1, dtype=np.float32), np.zeros(1, dtype=np.int64))
    RandomWalkSampler(build_graph(one, 1, 1)).batch_sample_neighbors(np.zeros(1, dtype=np.int64), 1)
    product_with_dense(sp.eye_array(1, format="csr", dtype=np.float32), np.ones((1, 1), dtype=np.float32))


def exponents(results: dict[str, Figures]) -> dict[str, float]:
    """Slope of log processor time against log ratings, from the smallest to the largest size, by stage."""
    first, last = (list(results)[place] for place in (0, -1))
    growth = math.log(RATINGS[last] / RATINGS[first])
    return {
        name: math.log(results[last][PROCESSOR + name] / results[first][PROCESSOR + name]) / growth
        for name in GROWTH
    }


def plot(results: dict[str, Figures], path: Path) -> None:
    """Processor seconds against ratings on logarithmic axes; the dashed line is linear growth."""
    from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

    from report.plot_style import GREY, PALETTE, figure

    sizes = [RATINGS[scale] for scale in results]
    with figure(path, 7, 4.6) as drawing:
        axes = drawing.subplots()
        for name, color in zip(GROWTH, PALETTE, strict=False):
            seconds = [figures[PROCESSOR + name] for figures in results.values()]
            axes.loglog(sizes, seconds, "o-", color=color, label=name)
        top = results[list(results)[-1]][PROCESSOR + GROWTH[0]]
        axes.loglog(sizes, [top * size / sizes[-1] for size in sizes], "--", color=GREY, label="linear")
        axes.xaxis.set_major_locator(FixedLocator(sizes))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.xaxis.set_major_formatter(FuncFormatter(lambda size, _: f"{size:,.0f}"))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda seconds, _: f"{seconds:g}"))
        axes.set(xlabel="ratings", ylabel="processor seconds", title="Growth of each stage with the data")
        axes.legend(loc="upper left", bbox_to_anchor=(1, 1))


def table(results: dict[str, Figures]) -> str:
    """One row per stage, one column per size."""
    names = dict.fromkeys(name for figures in results.values() for name in figures)
    rows = []
    for name in sorted(
        (n for n in names if not n.startswith(PROCESSOR)), key=lambda name: name.startswith(METRIC)
    ):
        form = ".3f" if name.startswith(METRIC) else ",.0f" if name == SPEED else ",.2f"
        rows.append([name, *(format(f[name], form) if name in f else "" for f in results.values())])
    columns = [TableColumn("seconds of each stage", numeric=False), *map(TableColumn, results)]
    return render_table(columns, [TableSection(rows)])


def exponent_table(results: dict[str, Figures]) -> str:
    """One row per stage with the exponent of its growth."""
    columns = [TableColumn("processor time of", numeric=False), TableColumn("exponent")]
    rows = [[name, f"{exponent:.2f}"] for name, exponent in exponents(results).items()]
    note = "growth from the smallest to the largest size; 1 is linear"
    return render_table(columns, [TableSection(rows)], [note])


def main(argv: list[str] | None = None) -> None:
    """Measure, print, draw."""
    parser = argparse.ArgumentParser(description="Every stage from ratings.csv to evaluation, timed.")
    parser.add_argument("--scale", choices=tuple(SIZES), default="1m", help="the largest size")
    parser.add_argument("--epochs", type=int, default=1, help="epochs at the largest size")
    parser.add_argument("--output_dir", default="output", help="folder for the picture")
    flags = parser.parse_args(argv)
    results = {}
    for scale in SIZES[flags.scale]:
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(1, mp_context=context) as alone:
            epochs = flags.epochs if scale == flags.scale else min(1, flags.epochs)
            results[scale] = alone.submit(measure, scale, epochs).result()
    print("\n" + table(results))
    print("\n" + exponent_table(results))
    path = Path(flags.output_dir) / "end_to_end.png"
    plot(results, path)
    print(f"\nwritten: {path}")
    first, last = (list(results)[place] for place in (0, -1))
    each = [
        sum(results[scale][PROCESSOR + name] for name in GROWTH) / RATINGS[scale] for scale in (first, last)
    ]
    print(
        f"ratio: {each[1] / each[0]:.2f} (processor time per rating for loading, graph, features, walks, "
        f"embedding; {last} ratings to {first})"
    )


if __name__ == "__main__":
    main()
