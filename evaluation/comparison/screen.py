"""The comparison in words and tables for the terminal."""

from collections.abc import Sequence

import numpy as np

from evaluation.comparison.bootstrap import RESAMPLES
from evaluation.comparison.popularity import HEAD_MIDDLE_TAIL, NUM_DECILES, popularity_groups
from evaluation.comparison.protocol import ProtocolComparison
from evaluation.comparison.report import GROUP_METRICS, SHOWN_POPULARITY, mean_shown_popularity
from evaluation.few_candidates import few_candidates
from report.names import PINSAGE, metric_label
from report.tables import FigureBlock, FigureColumn, format_metrics_table, format_table
from report.text_table import TableColumn, TableSection, render_table
from report.words import counted, listed, number_range, questions_heading, sampled
from report.words import few_candidates as few_candidates_words

VERDICT_METRICS = ("hit_rate@10", "hit_rate@100", "mrr")
# A mark at a baseline's figure, by the sign of PinSage minus the baseline.
MARKS = {1: "<", -1: ">", 0: ""}
STANDINGS = {1: "is above", -1: "is below", 0: "cannot be told apart from"}


def heading(dataset: str, comparison: ProtocolComparison, words: str) -> str:
    """Two lines on what was asked.

    Args:
        dataset: name of the data.
        comparison: what was found.
        words: what a question of the protocol asks.
    """
    users = counted(len(np.unique(comparison.questions.users)), "user")
    questions = f"{sampled(len(comparison.questions), comparison.available)} test questions of {users}"
    items = comparison.words
    first = questions_heading(dataset, comparison.split, questions, len(comparison.ratings), items)
    return f"{first}\n{items.said(words)}"


def main_table(comparison: ProtocolComparison, seeds: Sequence[int]) -> str:
    """Every method's metrics with stars and marks; at the foot PinSage's deviation and interval."""
    ours = comparison.means[PINSAGE]
    details = {
        "  95 % from": {metric: e.low for metric, e in ours.items()},
        "  95 % to": {metric: e.high for metric, e in ours.items()},
    }
    few = few_candidates(comparison.questions, len(comparison.ratings))
    runs = f"seed {seeds[0]}"
    if len(seeds) > 1:
        details = {"  ± seeds": comparison.ours.spread()} | details
        runs = f"mean of seeds {', '.join(map(str, seeds))}; ± is the standard deviation over them"
    return format_metrics_table(
        {name: contestant.metrics() for name, contestant in comparison.methods.items()},
        highlight=PINSAGE,
        marks={
            name: {metric: MARKS[e.sign] for metric, e in metrics.items()}
            for name, metrics in comparison.differences.items()
        },
        details=details,
        notes=(
            "< below PinSage, > above it: the 95 % interval of the difference does not contain 0 "
            f"({RESAMPLES:,} resamples of the users)",
            f"PinSage: {runs}; 95 %: its interval over users",
            *([few_candidates_words(few, len(comparison.questions))] if few else []),
        ),
        words=comparison.words,
    )


def popularity_table(comparison: ProtocolComparison) -> str:
    """What the groups of films are, and each method's figures in them."""
    groups = popularity_groups(comparison.ratings, comparison.questions.targets, HEAD_MIDDLE_TAIL)
    films = [
        [
            name,
            f"{group.films:,}",
            f"{100 * len(HEAD_MIDDLE_TAIL[name]) // NUM_DECILES} %",
            number_range([group.min_ratings, group.max_ratings]),
            f"{group.queries:,}",
        ]
        for name, group in groups.items()
    ]
    headings = [TableColumn(comparison.words.items, numeric=False)]
    headings += map(TableColumn, ("number", "share", "training ratings", "questions"))
    columns = [
        FigureColumn(f"{metric} {name}", name, metric_label(metric))
        for metric in GROUP_METRICS
        for name in groups
    ]
    columns.append(FigureColumn(SHOWN_POPULARITY, metric_label(SHOWN_POPULARITY), form=",.0f", starred=False))
    rows = {}
    for method, contestant in comparison.methods.items():
        values = contestant.question_values(comparison.questions)
        rows[method] = {
            f"{metric} {name}": mean
            for metric in GROUP_METRICS
            for name, group in groups.items()
            if (mean := group.mean(values[metric])) is not None
        } | {SHOWN_POPULARITY: mean_shown_popularity(contestant, comparison)}
    note = "* best in its column; ratings@10: training ratings of a film in a top 10, on average"
    notes = [comparison.words.said(note)]
    return "\n".join(
        [
            f"by popularity of the target {comparison.words.item}:",
            render_table(headings, [TableSection(films)]),
            "",
            format_table(columns, [FigureBlock(rows, highlight=PINSAGE)], notes=notes),
        ]
    )


def verdict(comparison: ProtocolComparison) -> str:
    """How PinSage compares with the baseline that validation calls best: a sentence, then the figures."""
    name = comparison.best_baseline
    differences = {metric_label(m): comparison.differences[name][m] for m in VERDICT_METRICS}
    parts: list[str] = []
    for sign, words in STANDINGS.items():
        metrics = [label for label, e in differences.items() if e.sign == sign]
        if metrics:
            parts.append(f"{words} {'it' if parts else name} in {listed(metrics)}")
    figures = [
        [label, f"{e.mean:+.3f}", f"{e.low:+.3f} to {e.high:+.3f}"] for label, e in differences.items()
    ]
    headings = [
        TableColumn(f"PinSage minus {name}", numeric=False),
        TableColumn("difference"),
        TableColumn("95 % interval"),
    ]
    return "\n".join(
        [
            f"best baseline by validation MRR: {name}",
            f"PinSage {listed(parts)}",
            "",
            render_table(headings, [TableSection(figures)]),
        ]
    )
