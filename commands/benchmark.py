"""``--mode benchmark``: PinSage and all baselines on both protocols, with several seeds."""

import logging
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from base.compute import peak_memory_gb, set_up_compute
from commands.common import GRID_QUESTIONS, PROTOCOL_WORDS, comparison_seeds, load, refuse_resume, split_data
from config import Config
from data.dataset import MovieLens
from data.splits import Queries, Split, held_out_queries
from evaluation.baselines import BASELINES, SEEDED, fit_and_choose
from evaluation.baselines.base import Baseline
from evaluation.comparison import Contestant, ProtocolComparison, compare
from evaluation.comparison.chart import plot_benchmark
from evaluation.comparison.report import write_report
from evaluation.comparison.screen import heading, main_table, popularity_table, verdict
from evaluation.ranking import evaluate, sample_questions
from evaluation.related.report import RelatedComparison, related_as_plain, related_table
from evaluation.train_once import train_once
from evaluation.variety import FilmFacts
from report.names import PINSAGE

logger = logging.getLogger("pinsage")

SPLITS = ("leave_one_out", "temporal")


@dataclass(frozen=True)
class _Round:
    """The comparison on one protocol: the data, and the test questions of all methods."""

    config: Config
    movielens: MovieLens
    split: Split
    questions: Queries
    available: int
    seeds: tuple[int, ...]
    device: torch.device
    facts: FilmFacts
    related: RelatedComparison

    def run(self) -> ProtocolComparison:
        """Evaluate all methods. Each is removed from memory before the next one is fitted."""
        ours = self._pinsage()
        baselines: dict[str, Contestant] = {}
        skipped: dict[str, str] = {}
        for cls in BASELINES:
            baseline = self._baseline(cls)
            if isinstance(baseline, str):
                skipped[cls.name] = baseline
            else:
                baselines[cls.name] = baseline
        return compare(
            self.split.name,
            self.questions,
            self.available,
            np.bincount(self.split.train.movies, minlength=self.split.num_movies),
            ours,
            baselines,
            skipped,
            self.config.run.seed,
            self.movielens.movies.words,
        )

    def _pinsage(self) -> Contestant:
        """PinSage, trained once per seed."""
        started = time.perf_counter()
        runs, validation = [], []
        for number, seed in enumerate(self.seeds, start=1):
            self._log("PinSage, seed %d (%d of %d)", seed, number, len(self.seeds))
            trained = train_once(
                self.config.override({"seed": seed}), self.movielens, self.split, self.device
            )
            runs.append(evaluate(trained.scorer, self.questions, facts=self.facts))
            self.related.ask(PINSAGE, trained.scorer)
            validation.append(float(trained.progress.best_mrr or 0))
            self._log("%.0f s so far", time.perf_counter() - started)
        return Contestant(tuple(runs), tuple(validation), time.perf_counter() - started)

    def _baseline(self, cls: type[Baseline]) -> Contestant | str:
        """The baseline with the settings that validation chose (first seed), or why it is left out."""
        started = time.perf_counter()
        split, movies = self.split, self.movielens.movies
        limit = min(GRID_QUESTIONS, self.config.training.eval_queries)
        chosen = fit_and_choose([cls], split, movies, self.seeds[0], limit)[cls.name]
        if chosen.scorer is None:
            self._log("%s is left out", cls.name)
            return chosen.skipped
        runs = [evaluate(chosen.scorer, self.questions, facts=self.facts)]
        self.related.ask(cls.name, chosen.scorer)
        for seed in self.seeds[1:] if cls in SEEDED else ():
            again = cls(**chosen.settings).fit(split.train, movies, split.num_users, split.num_movies, seed)
            runs.append(evaluate(again, self.questions, facts=self.facts))
            self.related.ask(cls.name, again)
        seconds = time.perf_counter() - started
        settings = ", ".join(f"{key} {value}" for key, value in chosen.settings.items())
        self._log("%s (%s), validation MRR %.4f, %.0f s", cls.name, settings, chosen.validation_mrr, seconds)
        return Contestant(tuple(runs), (chosen.validation_mrr,), seconds, chosen.settings)

    def _log(self, message: str, *values: object) -> None:
        logger.info("%s: " + message, self.questions.protocol.replace("_", " "), *values)


def benchmark(config: Config, typed: dict[str, Any]) -> None:
    """Train and fit on both splits; print tables and a verdict, write ``benchmark.json`` and ``.png``.

    A typed ``--split`` restricts the comparison to that split. The results of a protocol are written before
    the next protocol starts.

    Args:
        config: all settings.
        typed: the flags that were typed.

    Raises:
        UserError: the data cannot be read or split, a part has no questions, or a seed is too large.
        WorldError: the loss of a training diverged.
    """
    started = time.perf_counter()
    refuse_resume(config, "benchmark")
    seeds = comparison_seeds(config)
    device = set_up_compute(config.run)
    movielens = load(config)
    splits = (config.data.split,) if "split" in typed else SPLITS
    # Make all questions first: if a protocol has none, the command fails before the trainings.
    rounds = [_prepare(config.override({"split": name}), movielens, seeds, device) for name in splits]
    output = Path(config.run.output_dir)
    output.mkdir(parents=True, exist_ok=True)
    comparisons: dict[str, ProtocolComparison] = {}
    related: dict[str, dict[str, Any]] = {}
    for this in rounds:
        protocol = this.questions.protocol
        comparison = comparisons[protocol] = this.run()
        print("\n" + heading(movielens.name, comparison, PROTOCOL_WORDS[protocol]), end="\n\n")
        print(main_table(comparison, seeds), end="\n\n")
        for name, reason in comparison.skipped.items():
            print(f"{name} is left out: {reason}", end="\n\n")
        print(popularity_table(comparison), end="\n\n")
        print(verdict(comparison), end="\n\n", flush=True)
        if this.related.questions is not None:
            gaps = this.related.differences(seeds[0])
            print(related_table(movielens.name, this.related, gaps), end="\n\n", flush=True)
            related[protocol] = related_as_plain(this.related, gaps)
        write_report(output / "benchmark.json", config, movielens.name, seeds, comparisons, related)
        plot_benchmark(comparisons, movielens.name, output / "benchmark.png")
    print(f"written: {output / 'benchmark.json'}, benchmark.png")
    logger.info("compared in %.0f s, peak memory %.2f GB", time.perf_counter() - started, peak_memory_gb())


def _prepare(config: Config, movielens: MovieLens, seeds: tuple[int, ...], device: torch.device) -> _Round:
    """Split the data and make the test questions.

    Raises:
        UserError: validation or test has no questions.
    """
    split = split_data(movielens, config)
    held_out_queries(split, "validation")
    questions = held_out_queries(split, "test")
    asked = sample_questions(questions, config.training.eval_queries, config.run.seed)
    facts, related = FilmFacts.of(movielens.movies, split), RelatedComparison.of(movielens, split)
    return _Round(config, movielens, split, asked, len(questions), seeds, device, facts, related)
