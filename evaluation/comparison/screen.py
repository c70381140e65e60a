"""The comparison in words and tables for the terminal."""

from collections.abc import Sequence

import numpy as np

from evaluation.comparison.bootstrap import RESAMPLES
from evaluation.comparison.comparison import PINSAGE, Comparison
from evaluation.comparison.popularity import HEAD_MIDDLE_TAIL, NUM_DECILES, popularity_groups
from evaluation.comparison.report import GROUP_METRICS, SHOWN_POPULARITY, mean_shown_popularity
from report.tables import Column, format_metrics_table, format_table, metric_label

VERDICT_METRICS = ("hit_rate@10", "hit_rate@100", "mrr")
# What a baseline's figure is beside PinSage's, by the sign of PinSage minus the baseline.
MARKS = {1: "<", -1: ">", 0: ""}
STANDINGS = {1: "is above", -1: "is below", 0: "cannot be told apart from"}


def heading(dataset: str, comparison: Comparison, words: str) -> str:
    """Two lines on what was asked."""
    asked = f"{len(comparison.questions):,}"
    if len(comparison.questions) < comparison.available:
        asked += f" of {comparison.available:,}"
    users = len(np.unique(comparison.questions.users))
    return (
        f"{dataset}, split {comparison.split}: {asked} test questions of {users:,} users; "
        f"all {len(comparison.ratings):,} films are candidates\n{words}"
    )


def main_table(comparison: Comparison, seeds: Sequence[int]) -> str:
    """Every method's metrics with stars and marks; below PinSage its spread and interval."""
    ours = comparison.means[PINSAGE]
    details = {
        "  95 % from": {metric: e.low for metric, e in ours.items()},
        "  95 % to": {metric: e.high for metric, e in ours.items()},
    }
    several = f"mean of seeds {', '.join(map(str, seeds))}" if len(seeds) > 1 else f"seed {seeds[0]}"
    if len(seeds) > 1:
        details = {"  +- seeds": comparison.ours.spread()} | details
    return format_metrics_table(
        {name: contestant.metrics() for name, contestant in comparison.methods.items()},
        highlight=PINSAGE,
        marks={
            name: {metric: MARKS[e.sign] for metric, e in metrics.items()}
            for name, metrics in comparison.differences.items()
        },
        details=details,
        notes=(
            f"< below PinSage, > above it: the 95 % interval of the difference over {RESAMPLES:,} "
            "resamples of the users leaves out 0",
            f"PinSage: {several}" + ("; +- is the standard deviation over them" if len(seeds) > 1 else ""),
        ),
    )


def popularity_table(comparison: Comparison) -> str:
    """What the groups of films are, and each method's figures in them."""
    groups = popularity_groups(comparison.ratings, comparison.questions.targets, HEAD_MIDDLE_TAIL)
    figures = {
        name: [f"{n:,}" for n in (group.films, group.fewest, group.most, group.queries)]
        for name, group in groups.items()
    }
    widths = [max(map(len, column)) for column in zip(*figures.values(), strict=True)]
    lines = ["by popularity of the target film:"]
    for name, row in figures.items():
        films, fewest, most, queries = (text.rjust(width) for text, width in zip(row, widths, strict=True))
        share = f"{100 * len(HEAD_MIDDLE_TAIL[name]) // NUM_DECILES} %"
        lines.append(
            f"  {name:<6}  {films} films ({share}), {fewest} to {most} training ratings each; "
            f"{queries} questions"
        )
    columns = [
        Column(f"{metric} {name}", name, metric_label(metric)) for metric in GROUP_METRICS for name in groups
    ]
    columns.append(Column(SHOWN_POPULARITY, "ratings@10", form=",.0f", starred=False))
    rows = {}
    for method, contestant in comparison.methods.items():
        values = contestant.question_values(comparison.questions)
        rows[method] = {
            f"{metric} {name}": mean
            for metric in GROUP_METRICS
            for name, group in groups.items()
            if (mean := group.mean(values[metric])) is not None
        } | {SHOWN_POPULARITY: mean_shown_popularity(contestant, comparison)}
    note = "ratings@10: training ratings of a film in a top 10, on average; coverage@10 is in the table above"
    return "\n".join([*lines, "", format_table(columns, rows, PINSAGE, notes=[note])])


def verdict(comparison: Comparison) -> str:
    """How PinSage stands beside the baseline that validation calls best: a sentence, then the figures."""
    name = comparison.best_baseline
    differences = {metric_label(m): comparison.differences[name][m] for m in VERDICT_METRICS}
    parts: list[str] = []
    for sign, words in STANDINGS.items():
        metrics = [label for label, e in differences.items() if e.sign == sign]
        if metrics:
            parts.append(f"{words} {'it' if parts else name} in {_enumerate(metrics)}")
    width = max(map(len, differences))
    figures = [
        f"  {label:<{width}}  {e.mean:+.3f}   95 % interval {e.low:+.3f} to {e.high:+.3f}"
        for label, e in differences.items()
    ]
    lines = (
        f"best baseline by validation MRR: {name}",
        f"PinSage {_enumerate(parts)}",
        f"PinSage minus {name}:",
        *figures,
    )
    return "\n".join(lines)


def _enumerate(parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else ", ".join(parts[:-1]) + " and " + parts[-1]
