"""Trials in words: a line for each, and the table of the best."""

from collections.abc import Sequence
from typing import Any

from evaluation.tuning.study import Tried
from report.text_table import TableColumn, TableSection, render_table
from report.words import counted

SHOWN_TRIALS = 7  # beside the first one


def trial_line(trial: Tried, total: int, best: Tried | None, seconds_left: float) -> str:
    """How a trial ended, the best so far, and how long the rest will take."""
    so_far = "" if best is None else f"  best {best.mrr:.4f} (trial {best.number})"
    rest = f"  about {seconds_left / 60:.0f} min left" if seconds_left >= 60 else ""
    return f"trial {trial.number}/{total}: {_ending(trial)}, {trial.seconds:.0f} s{so_far}{rest}"


def seconds_left(trials: Sequence[Tried], total: int, comparisons: int) -> float:
    """How long the trials that are missing and the comparison take, if they take as long as the ones before.

    Args:
        trials: those that have ended.
        total: how many there will be.
        comparisons: trainings of the comparison, which are never ended early.
    """
    whole = [trial.seconds for trial in trials if trial.mrr is not None] or [0.0]
    mean = sum(trial.seconds for trial in trials) / len(trials)
    return mean * max(0, total - len(trials)) + comparisons * sum(whole) / len(whole)


def trials_table(trials: Sequence[Tried]) -> str:
    """The first trial, which has the settings to start from, and the best others, a column each."""
    first, *others = trials
    ended = [trial for trial in trials if trial.mrr is not None]
    others = sorted((trial for trial in others if trial in ended), key=lambda trial: -(trial.mrr or 0.0))
    shown = [first, *others[:SHOWN_TRIALS]]
    rows = [["validation MRR", *("-" if trial.mrr is None else f"{trial.mrr:.4f}" for trial in shown)]]
    rows += [[name, *(f"{trial.settings[name]:.3g}" for trial in shown)] for name in first.settings]
    early, diverged = len(trials) - len(ended), sum(trial.diverged for trial in trials)
    note = f"{counted(len(trials), 'trial')}: {len(ended)} trained to their end, {early} ended early"
    note += f", {diverged} of them because the loss diverged" if diverged else ""
    columns = [TableColumn("", numeric=False), TableColumn("start")]
    columns += [TableColumn(f"trial {trial.number}") for trial in shown[1:]]
    return render_table(columns, [TableSection(rows)], [note])


def trials_as_plain(trials: Sequence[Tried]) -> list[dict[str, Any]]:
    """Plain values for the report."""
    return [
        {
            "trial": trial.number,
            "validation_mrr": trial.mrr,
            "epochs": list(trial.epochs),
            "diverged": trial.diverged,
            "seconds": round(trial.seconds, 1),
            "settings": dict(trial.settings),
        }
        for trial in trials
    ]


def _ending(trial: Tried) -> str:
    if trial.mrr is not None:
        return f"validation MRR {trial.mrr:.4f}"
    if trial.diverged:
        return "the loss diverged"
    return f"MRR {trial.epochs[-1]:.4f}, ended after epoch {len(trial.epochs)}"
