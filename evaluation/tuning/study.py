"""The study: every trial so far, in a SQLite file; it says what to try next, and what to stop early.

Optuna (Akiba et al., KDD 2019) chooses the settings by tree-structured Parzen estimators, and its median rule
ends a trial whose best epoch so far is below the median of the other trials at that epoch. Both look at
validation figures only. It is an extra, see ``requirements-tune.txt``.

A trial's settings follow from the seed and the trials that ended before it. So a study that was killed and
continued has the trials of one that was not, as long as its trainings have the same bits.
"""

import contextlib
import json
import sqlite3
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from base.errors import UserError, WorldError
from data.reading.source_files import said, shown_path
from evaluation.tuning.space import Space
from evaluation.tuning.trial import EndedEarly, Report

INSTALL = "pip install -r requirements-tune.txt"
NAME = "pinsage"
IDENTITY = "identity"  # attribute of the study: data, split, settings and ranges
DIVERGED = "diverged"  # attribute of a trial
# The median says nothing about the first trials, and the first epoch is the warm-up of the learning rate.
TRIALS_BEFORE_PRUNING, EPOCHS_BEFORE_PRUNING = 5, 2
RANDOM_TRIALS = 10  # before the estimators have something to go by


@dataclass(frozen=True)
class Tried:
    """A trial that has ended.

    Attributes:
        number: its place among the trials that have ended, from 1.
        settings: the settings that were varied.
        mrr: validation MRR of its kept epoch; None if it was ended early.
        epochs: validation MRR of each of its epochs.
        diverged: whether its loss diverged.
        seconds: how long it took.
    """

    number: int
    settings: Mapping[str, Any]
    mrr: float | None
    epochs: tuple[float, ...]
    diverged: bool
    seconds: float


class Study:
    """A study in a file; nothing else may write to it meanwhile.

    Args:
        path: the file. It is created if it is missing, else the study goes on.
        identity: plain values that say what the study is about: data, split, settings.
        space: what is varied.
        seed: of the choices.

    Raises:
        UserError: Optuna is not installed, the file is no study, or it is about something else.
        WorldError: the file cannot be written.
    """

    def __init__(self, path: Path, identity: Mapping[str, Any], space: Space, seed: int) -> None:
        try:
            import optuna
        except ImportError:
            raise UserError(f"looking for better settings needs an extra; run `{INSTALL}`") from None
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self.optuna: Any = optuna
        self.path, self.space, self.seed = path, space, seed
        # A URL of SQLite cannot name every path.
        connect = partial(sqlite3.connect, path, check_same_thread=False)
        with self._storage_errors(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Optuna warns of what is experimental
            storage = optuna.storages.RDBStorage("sqlite:///study", engine_kwargs={"creator": connect})
            self.study: Any = optuna.create_study(
                storage=storage,
                study_name=NAME,
                direction="maximize",
                load_if_exists=True,
                pruner=optuna.pruners.MedianPruner(TRIALS_BEFORE_PRUNING, EPOCHS_BEFORE_PRUNING),
            )
            self._check({**identity, **space.in_words()})
            for killed in self._trials("RUNNING"):
                self.study.tell(killed.number, state=optuna.trial.TrialState.FAIL)

    def trials(self) -> list[Tried]:
        """The trials that have ended, in their order; one that was killed is not among them."""
        return [
            self._tried(number, t) for number, t in enumerate(self._trials("COMPLETE", "PRUNED"), start=1)
        ]

    def best(self) -> Tried:
        """The trial with the highest validation MRR, the earliest of equal ones.

        Raises:
            WorldError: no trial was trained to its end.
        """
        ended = [trial for trial in self.trials() if trial.mrr is not None]
        if not ended:
            raise WorldError("no trial was trained to its end; give a lower `lr`")
        return max(ended, key=lambda trial: trial.mrr or 0.0)

    def advance(self, train: Callable[[dict[str, Any], Report], float]) -> Tried:
        """Make one trial, and keep it in the file.

        Args:
            train: from settings to their validation MRR. It tells the MRR of every epoch to the function that
                it is given, and raises ``EndedEarly`` if that says so.

        Raises:
            WorldError: the file cannot be written.
        """
        with self._storage_errors():
            trial = self._ask()
            settings = self.space.suggest(trial)

            def report(epoch: int, mrr: float) -> bool:
                trial.report(mrr, epoch)
                return bool(trial.should_prune())

            try:
                self.study.tell(trial, train(settings, report))
            except EndedEarly:
                self._end_early(trial)
            except WorldError:  # its loss diverged; other settings may be fine
                trial.set_user_attr(DIVERGED, True)
                self._end_early(trial)
            return self.trials()[-1]

    def note(self, name: str) -> Any:
        """What was kept under a name; None if nothing was."""
        return self.study.user_attrs.get(name)

    def keep(self, name: str, value: Any) -> None:
        """Keep a plain value in the file.

        Raises:
            WorldError: the file cannot be written.
        """
        with self._storage_errors():
            self.study.set_user_attr(name, value)

    def _ask(self) -> Any:
        """The next trial; the first one has the settings to start from."""
        ended = len(self._trials("COMPLETE", "PRUNED"))
        if ended == 0 and not self._trials("WAITING"):
            self.study.enqueue_trial(dict(self.space.start))
        seed = int(np.random.SeedSequence([self.seed, ended]).generate_state(1)[0])
        self.study.sampler = self.optuna.samplers.TPESampler(n_startup_trials=RANDOM_TRIALS, seed=seed)
        return self.study.ask()

    def _end_early(self, trial: Any) -> None:
        self.study.tell(trial, state=self.optuna.trial.TrialState.PRUNED)

    def _trials(self, *states: str) -> list[Any]:
        wanted = tuple(self.optuna.trial.TrialState[state] for state in states)
        return self.study.get_trials(deepcopy=False, states=wanted)

    def _tried(self, number: int, trial: Any) -> Tried:
        return Tried(
            number,
            dict(trial.params),
            trial.value if trial.state.name == "COMPLETE" else None,
            tuple(trial.intermediate_values[epoch] for epoch in sorted(trial.intermediate_values)),
            DIVERGED in trial.user_attrs,
            trial.duration.total_seconds(),
        )

    def _check(self, identity: Mapping[str, Any]) -> None:
        """Note what a new study is about, or compare.

        Raises:
            UserError: the study is about something else; the text names the first difference.
        """
        here = json.loads(json.dumps(identity))  # tuples become lists
        there = self.note(IDENTITY)
        if there is None:
            self.study.set_user_attr(IDENTITY, here)
            return
        for name in sorted(here.keys() | there.keys()):
            if here.get(name) != there.get(name):
                raise UserError(
                    f"{shown_path(self.path)} has trials with {name} {_in_words(there.get(name))}, not "
                    f"{_in_words(here.get(name))}; give another `output_dir`, or remove the file"
                )

    @contextlib.contextmanager
    def _storage_errors(self) -> Iterator[None]:
        """Errors of the file, as lines."""
        from sqlalchemy.exc import SQLAlchemyError

        where = shown_path(self.path)
        try:
            yield
        except (self.optuna.exceptions.StorageInternalError, SQLAlchemyError, sqlite3.Error) as error:
            cause: BaseException = error
            while not isinstance(cause, sqlite3.Error) and cause.__cause__ is not None:
                cause = cause.__cause__
            reason = said(cause if isinstance(cause, Exception) else error)
            if isinstance(cause, sqlite3.OperationalError):  # disk full, read-only, in use
                raise WorldError(
                    f"{where} cannot be written ({reason}); run the same command again"
                ) from error
            raise UserError(f"{where} is no study of this program ({reason}); remove or rename it") from error


def _in_words(value: Any) -> str:
    return f"{value[:12]}..." if isinstance(value, str) and len(value) > 40 else str(value)
