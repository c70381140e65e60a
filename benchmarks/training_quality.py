"""Validation MRR of complete trainings with small and large batches, over seeds.

    python -m benchmarks.training_quality --data_dir data/ml-100k      half an hour

The network is that of ``benchmarks/training.py``, and so are the settings. All films are negatives. Every
training sees each pair as often, so large batches have fewer steps.
"""

import argparse
import logging
import sys
from pathlib import Path
from statistics import fmean

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # for `python benchmarks/training_quality.py`

import torch  # noqa: E402

from benchmarks.training_settings import (  # noqa: E402
    CPU,
    LEARNING_RATES,
    NEIGHBORS,
    SMALL_BATCH,
    setting_name,
    settings_for,
)
from config import Config  # noqa: E402
from data.dataset import MovieLens, load_movielens  # noqa: E402
from data.splits import Split, held_out_queries, split_movielens  # noqa: E402
from evaluation.statistics import paired_difference  # noqa: E402
from evaluation.validation import judge_by  # noqa: E402
from model.fit import Progress, fit  # noqa: E402
from model.inputs import build_inputs  # noqa: E402
from model.trainer import Trainer  # noqa: E402
from report.text_table import TableColumn, TableSection, render_table  # noqa: E402


def validation_mrr(movielens: MovieLens, split: Split, config: Config, seed: int) -> float:
    """Train to the end; the validation MRR of the epoch that validation chooses."""
    inputs = build_inputs(movielens, split, config.model, seed)
    progress = Progress()
    trainer = Trainer(inputs, split, config.model, config.training, seed, CPU)
    fit(trainer, judge_by(held_out_queries(split, "validation")), progress, lambda embeddings, best: None)
    assert progress.best_mrr is not None
    return progress.best_mrr


def main() -> None:
    """Train, and print a row after each training and the table at the end."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data_dir", required=True, help="folder of a dataset")
    parser.add_argument("--num_seeds", type=int, default=3, help="default: %(default)s")
    flags = parser.parse_args()
    logging.getLogger("pinsage").setLevel(logging.WARNING)
    torch.set_num_threads(1)
    movielens = load_movielens(flags.data_dir, cache=False)
    split = split_movielens(movielens, "temporal")
    rows = []
    for setting in NEIGHBORS:
        found: dict[int, list[float]] = {}
        for size in LEARNING_RATES:
            found[size] = []
            for seed in range(flags.num_seeds):
                found[size].append(validation_mrr(movielens, split, settings_for(*setting, size), seed))
                print(f"{setting_name(*setting)}, batches of {size:,}, seed {seed}: {found[size][-1]:.4f}")
            gap = paired_difference(found[size], found[SMALL_BATCH])
            interval = "" if gap.noise is None else f" +- {gap.noise:.4f}"
            against = "" if size == SMALL_BATCH else f"{gap.mean:+.4f}{interval}, {gap.verdict}"
            rows.append([setting_name(*setting), f"{size:,}", f"{fmean(found[size]):.4f}", against])
    columns = [
        TableColumn("neighbours", numeric=False),
        TableColumn("batch"),
        TableColumn("validation MRR"),
        TableColumn(f"against {SMALL_BATCH}", numeric=False),
    ]
    print("\n" + render_table(columns, [TableSection(rows)]))


if __name__ == "__main__":
    main()
