"""``--mode benchmark``: PinSage against every baseline on both protocols, over several seeds."""

import logging
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from commands.evaluate import GRID_QUESTIONS, PROTOCOL_WORDS
from commands.train import load
from config import Config
from data.dataset import MovieLens
from data.splits import Queries, Split, held_out_queries, split_interactions
from model.train_once import train_once
from utils.baselines import BASELINES, SEEDED, fit_and_choose
from utils.baselines.base import Baseline
from utils.benchmark import Comparison, Contestant, compare
from utils.benchmark.chart import plot_benchmark
from utils.benchmark.report import write_report
from utils.benchmark.screen import heading, main_table, popularity_table, verdict
from utils.compute import peak_memory_gb, set_up_compute
from utils.errors import UserError
from utils.evaluation import evaluate, sample_questions

logger = logging.getLogger("pinsage")

SPLITS = ("leave_one_out", "temporal")
LAST_SEED = 2**31 - 1  # the greatest --seed


def benchmark(config: Config, typed: dict[str, Any]) -> None:
    """Train and fit on each split, print tables and a verdict, write ``benchmark.json`` and ``.png``.

    A typed ``--split`` restricts it to that split. What a protocol found is written before the next
    one starts.

    Raises:
        UserError: the data cannot be split or asked about, or the seeds end beyond the last one.
        WorldError: a training diverged.
    """
    started = time.perf_counter()
    seeds = _seeds(config)
    device = set_up_compute(config.run)
    movielens = load(config)
    rounds = []
    # All questions first: what cannot be asked shows now and not after the trainings.
    for name in (config.data.split,) if "split" in typed else SPLITS:
        split = split_interactions(
            movielens.interactions, movielens.num_users, movielens.num_movies, name  # type: ignore[arg-type]
        )  # fmt: skip
        held_out_queries(split, "validation")
        rounds.append((split, held_out_queries(split, "test")))
    output = Path(config.run.output_dir)
    output.mkdir(parents=True, exist_ok=True)
    comparisons: dict[str, Comparison] = {}
    for split, questions in rounds:
        comparison = _compete(
            config.override({"split": split.name}), movielens, split, questions, seeds, device
        )
        comparisons[questions.protocol] = comparison
        print("\n" + heading(movielens.name, comparison, PROTOCOL_WORDS[questions.protocol]), end="\n\n")
        print(main_table(comparison, seeds), end="\n\n")
        for key, reason in comparison.skipped.items():
            print(f"{key} is left out: {reason}", end="\n\n")
        print(popularity_table(comparison), end="\n\n")
        print(verdict(comparison), flush=True)
        write_report(output / "benchmark.json", config, movielens.name, seeds, comparisons)
        plot_benchmark(comparisons, movielens.name, output / "benchmark.png")
    print(f"\nwritten: {output / 'benchmark.json'}, benchmark.png")
    logger.info("compared in %.0f s, peak memory %.2f GB", time.perf_counter() - started, peak_memory_gb())


def _seeds(config: Config) -> list[int]:
    first, count = config.run.seed, config.benchmark.num_seeds
    if first + count - 1 > LAST_SEED:
        raise UserError(
            f"--num_seeds {count} from --seed {first} ends beyond {LAST_SEED}; use a smaller --seed"
        )
    return list(range(first, first + count))


def _compete(
    config: Config,
    movielens: MovieLens,
    split: Split,
    questions: Queries,
    seeds: Sequence[int],
    device: torch.device,
) -> Comparison:
    """Let every method answer the same questions; each is dropped before the next one is fitted."""
    asked = sample_questions(questions, config.training.eval_queries, config.run.seed)
    ours = _pinsage(config, movielens, split, asked, seeds, device)
    baselines: dict[str, Contestant] = {}
    skipped: dict[str, str] = {}
    for cls in BASELINES:
        baseline = _baseline(cls, config, movielens, split, asked, seeds)
        if isinstance(baseline, str):
            skipped[cls.name] = baseline
        else:
            baselines[cls.name] = baseline
    ratings = np.bincount(split.train.movies, minlength=split.num_movies)
    return compare(split.name, asked, len(questions), ratings, ours, baselines, skipped, config.run.seed)


def _pinsage(
    config: Config,
    movielens: MovieLens,
    split: Split,
    questions: Queries,
    seeds: Sequence[int],
    device: torch.device,
) -> Contestant:
    """A training for every seed."""
    started = time.perf_counter()
    runs, validation = [], []
    for number, seed in enumerate(seeds, start=1):
        logger.info("\n%s: PinSage, seed %d (%d of %d)", split.name, seed, number, len(seeds))
        trained = train_once(config.override({"seed": seed}), movielens, split, device)
        runs.append(evaluate(trained.scorer, questions))
        validation.append(float(trained.progress.best_mrr or 0))
        logger.info("%s: %.0f s so far", split.name, time.perf_counter() - started)
    return Contestant(tuple(runs), tuple(validation), time.perf_counter() - started)


def _baseline(
    cls: type[Baseline],
    config: Config,
    movielens: MovieLens,
    split: Split,
    questions: Queries,
    seeds: Sequence[int],
) -> Contestant | str:
    """The baseline with the settings that validation chose at the first seed, or why it is left out."""
    started = time.perf_counter()
    limit = min(GRID_QUESTIONS, config.training.eval_queries)
    chosen = fit_and_choose([cls], split, movielens.movies, seeds[0], limit)[cls.name]
    if chosen.scorer is None:
        logger.info("%s: %s is left out: %s", split.name, cls.name, chosen.skipped)
        return chosen.skipped
    runs = [evaluate(chosen.scorer, questions)]
    for seed in seeds[1:] if cls in SEEDED else ():
        scorer = cls(**chosen.settings).fit(
            split.train, movielens.movies, split.num_users, split.num_movies, seed
        )
        runs.append(evaluate(scorer, questions))
    seconds = time.perf_counter() - started
    settings = ", ".join(f"{key} {value}" for key, value in chosen.settings.items())
    logger.info(
        "%s: %s (%s), validation MRR %.4f, %.0f s",
        split.name, cls.name, settings, chosen.validation_mrr, seconds,
    )  # fmt: skip
    return Contestant(tuple(runs), (chosen.validation_mrr,), seconds, chosen.settings)
