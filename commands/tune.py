"""``--mode tune``: look for better settings by validation, then say whether they help."""

import logging
import shlex
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from base.arrays import FloatArray
from base.compute import peak_memory_gb, set_up_compute
from base.files import locked, write_json
from commands.common import comparison_seeds, load_and_split, refuse_resume, without_epoch_lines
from config import Config
from data.dataset import MovieLens
from data.splits import Part, Queries, Split, held_out_queries
from data.trainable import check_trainable
from evaluation.ranking import rank_targets, sample_questions
from evaluation.train_once import train_once
from evaluation.tuning.report import seconds_left, trial_line, trials_as_plain, trials_table
from evaluation.tuning.space import preset_values, space_of
from evaluation.tuning.study import Study, Tried
from evaluation.tuning.trial import Report, validation_mrr
from evaluation.tuning.verdict import NOTHING_BETTER, Verdict, compare_runs
from model.training import data_identity
from report.words import questions_heading

logger = logging.getLogger("pinsage")

LOCK = ".tuning.lock"  # in --output_dir
PARTS: tuple[Part, Part] = ("validation", "test")
STUDY, BEST, REPORT = "tuning.sqlite3", "best_settings.json", "tuning.json"


def tune(config: Config, typed: dict[str, Any]) -> None:
    """Try settings until there are ``--trials`` of them; write the best, compare it with the start.

    The study is in ``--output_dir``; the same command continues it, whatever ended it before.

    Args:
        config: all settings; those that are varied start from here.
        typed: the flags that were typed; they are not varied.

    Raises:
        UserError: the data cannot be read or split, nothing can be varied, or the study in the folder is
            about something else.
        WorldError: every loss diverged, or a file could not be written.
    """
    started = time.perf_counter()
    refuse_resume(config, "tune")
    seeds = comparison_seeds(config, first=config.run.seed + 1)
    space = space_of(config, typed)
    device = set_up_compute(config.run)
    output = Path(config.run.output_dir)
    with locked(output, LOCK, "a search for settings", "output_dir"):
        movielens, split = load_and_split(config)
        check_trainable(split)
        asked, questions = (
            sample_questions(held_out_queries(split, part), config.training.eval_queries, config.run.seed)
            for part in PARTS
        )
        study = Study(output / STUDY, _identity(config, movielens, split), space, config.run.seed)
        tuning = _Tuning(config, movielens, split, device, study, seeds)
        best = tuning.all_trials()
        asked_words, words = f"{len(asked):,} validation questions", movielens.movies.words
        print("\n" + questions_heading(movielens.name, split.name, asked_words, split.num_movies, words))
        print(trials_table(study.trials()), flush=True)
        write_json(preset_values(tuning.with_settings(best), space), output / BEST)
        verdict = None if best.number == 1 else tuning.compare(best, questions)
        if verdict is not None:
            print("\n" + verdict.table())
        print("\n" + (NOTHING_BETTER if verdict is None else verdict.sentence))
        write_json(_report(tuning, best, verdict), output / REPORT)
    print(f"written: {output / BEST}, {REPORT}; to train with it: --preset {shlex.quote(str(output / BEST))}")
    logger.info("tuned in %.0f s, peak memory %.2f GB", time.perf_counter() - started, peak_memory_gb())


@dataclass(frozen=True)
class _Tuning:
    """A study and what its trainings need; ``seeds`` are those of the comparison."""

    config: Config
    movielens: MovieLens
    split: Split
    device: torch.device
    study: Study
    seeds: tuple[int, ...]

    def with_settings(self, trial: Tried) -> Config:
        """All settings of a trial."""
        return self.config.override(dict(trial.settings))

    def all_trials(self) -> Tried:
        """Make the trials that are missing; returns the best."""
        total = self.config.tune.trials
        before = len(self.study.trials())
        if before:
            logger.info("%s: %d trials are there", self.study.path, before)
        for _ in range(before, total):
            trial = self.study.advance(self._train)
            trials = self.study.trials()
            best = self.study.best() if any(one.mrr is not None for one in trials) else None
            left = seconds_left(trials, total, 2 * len(self.seeds))
            logger.info("%s", trial_line(trial, total, best, left))
        return self.study.best()

    def _train(self, settings: dict[str, Any], report: Report) -> float:
        config = self.config.override(settings)
        with without_epoch_lines(config):
            return validation_mrr(config, self.movielens, self.split, self.device, report)

    def compare(self, best: Tried, questions: Queries) -> Verdict:
        """Train start and best with the seeds of the comparison; ask both the test questions."""
        start = self.study.trials()[0]
        ranks: dict[int, list[FloatArray]] = {start.number: [], best.number: []}
        for seed in self.seeds:
            for trial in (start, best):
                ranks[trial.number].append(self._ranks(trial, seed, questions))
        return compare_runs(self.seeds, ranks[start.number], ranks[best.number], questions)

    def _ranks(self, trial: Tried, seed: int, questions: Queries) -> FloatArray:
        """The ranks of the test targets by a trial's settings and a seed; the study keeps them."""
        name = f"ranks of trial {trial.number} with seed {seed}"
        kept = self.study.note(name)
        if kept is None:
            config = self.with_settings(trial).override({"seed": seed})
            with without_epoch_lines(config):
                trained = train_once(config, self.movielens, self.split, self.device)
            kept = rank_targets(trained.scorer, questions).tolist()
            self.study.keep(name, kept)
            logger.info("compared: trial %d with seed %d", trial.number, seed)
        return np.array(kept)


def _identity(config: Config, movielens: MovieLens, split: Split) -> dict[str, Any]:
    """What a study is about. The values of a preset count, not its name."""
    settings = {name: value for name, value in config.model_settings().items() if name != "preset"}
    data = data_identity(movielens, split)
    return {"the data": data["data"], "the split": data["split"]} | {
        f"`{name}`": value for name, value in settings.items()
    }


def _report(tuning: _Tuning, best: Tried, verdict: Verdict | None) -> dict[str, Any]:
    config, study = tuning.config, tuning.study
    return {
        "dataset": tuning.movielens.name,
        "split": tuning.split.name,
        "seed": config.run.seed,
        "ranges": study.space.as_plain(),
        "best_trial": best.number,
        "trials": trials_as_plain(study.trials()),
        "comparison": {"verdict": NOTHING_BETTER} if verdict is None else verdict.as_plain(),
    }
