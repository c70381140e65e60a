"""Training pairs a CPU second, against a plain loop around PyG's own loader in the same run.

    python -m benchmarks.training                              synthetic data, about five minutes
    python -m benchmarks.training --data_dir data/ml-100k      your own data
    python -m benchmarks.training --no_quality                 speed alone, one minute

Both train the same network: hidden 64, two layers, on one thread. Ours also trains at batches of 512,
to see what large ones cost in validation MRR. Then a profile of a step at the default settings, and
embedding the catalogue layer by layer beside mini-batches. The last line is ``ratio: NUMBER (of what to
what)``.
"""

import argparse
import logging
import sys
import tempfile
import time
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

LARGE_BATCH = 4096
NEIGHBORS = ((3, 10), (20, 50))  # (T, walks): the settings of DGL's PinSAGE example, and more of both
CPU = torch.device("cpu")


def settings_for(neighbors: int, walks: int, batch_size: int) -> Config:
    """Hidden 64, two layers; the learning rate grows with the root of the batch, from .001 at 512."""
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


def compare_speed(movielens: MovieLens, split: Split, neighbors: int, walks: int) -> float:
    """Print and return the ratio of our pairs a CPU second to the reference's, taking turns."""
    config = settings_for(neighbors, walks, LARGE_BATCH)
    inputs = build_inputs(movielens, split, config.model, seed=0)
    trainer = Trainer(inputs, split, config.model, config.training, 0, CPU)
    reference = reference_steps(inputs, split, config.model, config.training, seed=0)
    cpu_rate(trainer, 0)  # warm: kernels compiled
    next(reference)
    ours, theirs = [], []
    for _ in range(3):
        ours.append(cpu_rate(trainer, 3))
        pairs, started = 0, time.process_time()
        while time.process_time() - started < 3:
            pairs += next(reference)
        theirs.append(pairs / (time.process_time() - started))
    best, plain = max(ours), max(theirs)
    print(
        f"T = {neighbors}, {walks} walks: {best:>9,.0f} pairs a CPU second, against all films at batches of "
        f"{LARGE_BATCH:,}; {plain:>7,.0f} by the plain loop, {NEGATIVES} negatives, batches of {BATCH_SIZE}: "
        f"{best / plain:.1f} times",
        flush=True,
    )
    return best / plain


def best_validation(movielens: MovieLens, split: Split, config: Config) -> Progress:
    """Train to the epoch that validation likes best."""
    inputs = build_inputs(movielens, split, config.model, seed=0)
    progress = Progress()
    trainer = Trainer(inputs, split, config.model, config.training, 0, CPU)
    fit(trainer, judge_by(held_out_queries(split, "validation")), progress, lambda embeddings, best: None)
    return progress


def compare_quality(movielens: MovieLens, split: Split) -> None:
    """Print the validation MRR of both batch sizes."""
    for neighbors, walks in NEIGHBORS:
        found = {}
        for batch_size in (BATCH_SIZE, LARGE_BATCH):
            progress = best_validation(movielens, split, settings_for(neighbors, walks, batch_size))
            found[batch_size] = f"{progress.best_mrr:.4f} (epoch {progress.best_epoch})"
        words = ", ".join(f"{mrr} at batches of {size:,}" for size, mrr in found.items())
        print(f"T = {neighbors}: validation MRR {words}", flush=True)


def describe_default(movielens: MovieLens, split: Split) -> None:
    """Print the profile of a step at the defaults, and two ways to embed the catalogue."""
    config = Config().override({"split": "temporal"})
    inputs: ModelInputs = build_inputs(movielens, split, config.model, seed=0)
    trainer = Trainer(inputs, split, config.model, config.training, 0, CPU)
    rate = cpu_rate(trainer, 0)
    rate = max(rate, cpu_rate(trainer, 3))
    print(f"\ndefault settings: {rate:,.0f} pairs a CPU second; of an epoch's time")
    print(profile_table(step_profile(trainer)))
    best = min((whole_catalogue_seconds(trainer) for _ in range(3)), key=sum)
    films = f"{len(inputs.nodes.features):,} films"
    print(f"embedding all {films}: {best[0]:.3f} s layer by layer, {best[1]:.3f} s in mini-batches")


def main(argv: list[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Training pairs a CPU second.")
    parser.add_argument("--data_dir", help="a dataset's folder; synthetic data of ml-100k's size without")
    parser.add_argument("--no_quality", action="store_true", help="leave out the trainings to the end")
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
    ratios = [compare_speed(movielens, split, *setting) for setting in NEIGHBORS]
    if not flags.no_quality:
        compare_quality(movielens, split)
    describe_default(movielens, split)
    print(
        f"\nratio: {ratios[-1]:.1f} (training pairs a CPU second, hidden 64, T = {NEIGHBORS[-1][0]}, "
        "to a plain loop around PyG's LinkLoader)"
    )


if __name__ == "__main__":
    main()
