"""Training pairs per CPU second, compared with a plain loop around PyG's own loader in the same run.

    python -m benchmarks.training                              synthetic data, about five minutes
    python -m benchmarks.training --data_dir data/ml-100k      your own data
    python -m benchmarks.training --no_quality                 speed only, one minute

Both train the same network: hidden width 64, two layers, on one thread. Ours also trains with batches of 512,
to see what large batches cost in validation MRR. Then come a profile of a step at the default settings, and
the time to embed all films layer by layer and in mini-batches. The last line is ``ratio: NUMBER (of what to
what)``.
"""

import argparse
import logging
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # for `python benchmarks/training.py`

import numba  # noqa: E402
import torch  # noqa: E402

from benchmarks.training_profile import (  # noqa: E402
    cpu_rate,
    profile_table,
    step_profile,
    whole_catalogue_seconds,
)
from benchmarks.training_reference import BATCH_SIZE, NEGATIVES, reference_steps  # noqa: E402
from config import Config  # noqa: E402
from data.dataset import MovieLens, load_movielens  # noqa: E402
from data.sources.synthetic import generate  # noqa: E402
from data.splits import Split, held_out_queries, split_interactions  # noqa: E402
from evaluation.validation import judge_by  # noqa: E402
from model.fit import Progress, fit  # noqa: E402
from model.inputs import ModelInputs, build_inputs  # noqa: E402
from model.trainer import Trainer  # noqa: E402
from report.text_table import TableColumn, TableSection, render_table  # noqa: E402

LARGE_BATCH = 4096
NEIGHBORS = ((3, 10), (20, 50))  # (T, walks): the settings of DGL's PinSAGE example, and more of both
CPU = torch.device("cpu")


def settings_for(neighbors: int, walks: int, batch_size: int) -> Config:
    """Hidden width 64, two layers; the learning rate is .001 at 512 and grows with the root of the batch."""
    return Config().override(
        {
            "split": "temporal",
            "num_layers": 2,
            "num_neighbors": neighbors,
            "num_walks": walks,
            "hidden_dim": 64,
            "embedding_dim": 64,
            "batch_size": batch_size,
            "lr": 0.001 * (batch_size / 512) ** 0.5,
        }
    )


def compare_speed(movielens: MovieLens, split: Split, neighbors: int, walks: int) -> tuple[float, float]:
    """Pairs per CPU second: ours, and those of the plain loop, measured in turns."""
    config = settings_for(neighbors, walks, LARGE_BATCH)
    inputs = build_inputs(movielens, split, config.model, seed=0)
    trainer = Trainer(inputs, split, config.model, config.training, 0, CPU)
    reference = reference_steps(inputs, split, config.model, config.training, seed=0)
    cpu_rate(trainer, 0)  # compiles the kernels
    next(reference)
    ours, theirs = [], []
    for _ in range(3):
        ours.append(cpu_rate(trainer, 3))
        pairs, started = 0, time.process_time()
        while time.process_time() - started < 3:
            pairs += next(reference)
        theirs.append(pairs / (time.process_time() - started))
    return max(ours), max(theirs)


def speed_table(speeds: Sequence[tuple[float, float]]) -> str:
    """One row per entry of ``NEIGHBORS``: our pairs per CPU second, those of the plain loop, the ratio."""
    columns = [TableColumn(name, "pairs per CPU second") for name in ("ours", "plain loop")]
    rows = [
        [_setting(*setting), f"{ours:,.0f}", f"{plain:,.0f}", f"{ours / plain:.1f}"]
        for setting, (ours, plain) in zip(NEIGHBORS, speeds, strict=True)
    ]
    notes = [
        f"ours: batches of {LARGE_BATCH:,}, all films as negatives; plain loop: batches of {BATCH_SIZE}, "
        f"{NEGATIVES} negatives"
    ]
    table = [TableColumn("neighbours", numeric=False), *columns, TableColumn("times as fast")]
    return render_table(table, [TableSection(rows)], notes)


def _setting(neighbors: int, walks: int) -> str:
    return f"T = {neighbors}, {walks} walks"


def best_validation(movielens: MovieLens, split: Split, config: Config) -> Progress:
    """Train to the end; the best epoch by validation is in the progress."""
    inputs = build_inputs(movielens, split, config.model, seed=0)
    progress = Progress()
    trainer = Trainer(inputs, split, config.model, config.training, 0, CPU)
    fit(trainer, judge_by(held_out_queries(split, "validation")), progress, lambda embeddings, best: None)
    return progress


def quality_table(movielens: MovieLens, split: Split) -> str:
    """Best validation MRR of both batch sizes, one row per entry of ``NEIGHBORS``."""
    sizes = (BATCH_SIZE, LARGE_BATCH)
    rows = []
    for neighbors, walks in NEIGHBORS:
        found = [
            best_validation(movielens, split, settings_for(neighbors, walks, batch_size))
            for batch_size in sizes
        ]
        rows.append(
            [
                _setting(neighbors, walks),
                *(f"{best.best_mrr:.4f} (epoch {best.best_epoch})" for best in found),
            ]
        )
    columns = [TableColumn(f"batches of {size:,}", "validation MRR") for size in sizes]
    return render_table([TableColumn("neighbours", numeric=False), *columns], [TableSection(rows)])


def describe_default(movielens: MovieLens, split: Split) -> None:
    """Print the profile of a step at the default settings, and the times of two ways to embed all films."""
    config = Config().override({"split": "temporal"})
    inputs: ModelInputs = build_inputs(movielens, split, config.model, seed=0)
    trainer = Trainer(inputs, split, config.model, config.training, 0, CPU)
    rate = cpu_rate(trainer, 0)
    rate = max(rate, cpu_rate(trainer, 3))
    print(f"\ndefault settings: {rate:,.0f} pairs per CPU second\n")
    print(profile_table(step_profile(trainer)))
    best = min((whole_catalogue_seconds(trainer) for _ in range(3)), key=sum)
    films = f"{len(inputs.nodes.features):,} films"
    print(f"embedding all {films}: {best[0]:.3f} s layer by layer, {best[1]:.3f} s in mini-batches")


def main(argv: list[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Training pairs per CPU second.")
    parser.add_argument("--data_dir", help="folder of a dataset; by default synthetic data of ml-100k's size")
    parser.add_argument("--no_quality", action="store_true", help="leave out the complete trainings")
    flags = parser.parse_args(argv)
    logging.getLogger("pinsage").setLevel(logging.WARNING)
    torch.set_num_threads(1)
    numba.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        if flags.data_dir is None:
            generate("100k", seed=0, out_dir=Path(folder))
        movielens = load_movielens(flags.data_dir or folder, cache=False)
        split = split_interactions(
            movielens.interactions, movielens.num_users, movielens.num_movies, "temporal"
        )
    print(f"{movielens.num_movies:,} films, {len(split.train):,} training ratings, one thread\n")
    speeds = [compare_speed(movielens, split, *setting) for setting in NEIGHBORS]
    print(speed_table(speeds), flush=True)
    if not flags.no_quality:
        print("\n" + quality_table(movielens, split), flush=True)
    describe_default(movielens, split)
    ours, plain = speeds[-1]
    print(
        f"\nratio: {ours / plain:.1f} (training pairs per CPU second, hidden 64, T = {NEIGHBORS[-1][0]}, "
        "to a plain loop around PyG's LinkLoader)"
    )


if __name__ == "__main__":
    main()
