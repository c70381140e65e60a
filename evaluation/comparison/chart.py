"""``output/benchmark.png``: the figures of every method with intervals, one row of panels per protocol."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from evaluation.comparison.protocol import ProtocolComparison
from report.names import PINSAGE, metric_label
from report.plot_style import GREY, INK, PALETTE, figure, rows_on_y_axis, value_at_edge
from report.words import counted

METRICS = ("hit_rate@10", "hit_rate@100", "mrr")
ORDER_BY = "hit_rate@100"
OURS, BEST, OTHER = PALETTE[0], PALETTE[1], GREY
HOW_TO_READ = (
    "Dots are means over the seeds, lines are 95 % intervals over users, the dashed line is PinSage's mean. "
    "The best baseline by validation MRR is coloured too.\n"
    "A hollow dot cannot be told apart from PinSage: the 95 % interval of their difference on the same "
    "questions contains 0."
)


def plot_benchmark(comparisons: Mapping[str, ProtocolComparison], dataset: str, path: str | Path) -> None:
    """Dots with intervals, methods sorted by hit rate @100; PinSage and the best baseline in colour.

    Args:
        comparisons: protocol to what was found.
        dataset: name of the data, for the title.
        path: PNG to write.
    """
    heights = [1.25 + 0.31 * len(comparison.methods) for comparison in comparisons.values()]
    with figure(path, 12.5, sum(heights) + 1.1) as drawing:
        head, *rows, foot = drawing.subfigures(
            len(heights) + 2, 1, squeeze=False, height_ratios=[0.5, *heights, 0.6]
        )[:, 0]
        runs = len(next(iter(comparisons.values())).ours.runs)
        title = f"PinSage and the baselines on {dataset}"
        head.text(0.01, 0.5, title, verticalalignment="center", fontsize=15, fontweight="bold")
        items = next(iter(comparisons.values())).words.items
        head.text(
            0.99, 0.5, f"{counted(runs, 'seed')}; test questions; all {items} are candidates",
            verticalalignment="center", horizontalalignment="right", color=GREY,
        )  # fmt: skip
        foot.text(0.01, 0.5, HOW_TO_READ, verticalalignment="center", fontsize=9, color=INK, linespacing=1.5)
        for row, (protocol, comparison) in zip(rows, comparisons.items(), strict=True):
            asked = f"{protocol.replace('_', ' ').capitalize()}: {len(comparison.questions):,} questions"
            row.suptitle(asked, x=0.01, horizontalalignment="left", fontsize=12, color=INK)
            _draw(row.subplots(1, len(METRICS), sharey=True), comparison)


def _draw(panels: Any, comparison: ProtocolComparison) -> None:
    """One protocol: one panel per metric, one row per method."""
    names = sorted(comparison.methods, key=lambda name: comparison.means[name][ORDER_BY].mean)
    colors = dict.fromkeys(names, OTHER) | {comparison.best_baseline: BEST, PINSAGE: OURS}
    for axes, metric in zip(panels, METRICS, strict=True):
        axes.axvline(
            comparison.means[PINSAGE][metric].mean, color=OURS, linewidth=1, linestyle="--", alpha=0.5
        )
        for place, name in enumerate(names):
            _draw_method(axes, place, name, metric, comparison, colors[name])
        axes.set(title=metric_label(metric), ylim=(-0.6, len(names) - 0.4))
        axes.set_xlim(left=0)
        rows_on_y_axis(axes)
    panels[0].set_yticks(range(len(names)), names)
    for name, label in zip(names, panels[0].get_yticklabels(), strict=True):
        # Only the short name is bold, so that the panels of both protocols are aligned.
        weight = "bold" if name == PINSAGE else "normal"
        label.set(color=INK if colors[name] == OTHER else colors[name], fontweight=weight)


def _draw_method(
    axes: Any, place: int, name: str, metric: str, comparison: ProtocolComparison, color: str
) -> None:
    """Dot, interval, and the value at the right edge."""
    mean, low, high = comparison.means[name][metric]
    told_apart = name == PINSAGE or comparison.differences[name][metric].sign != 0
    axes.plot([low, high], [place, place], color=color, linewidth=2.4, solid_capstyle="round")
    axes.plot(
        mean, place, "o", color=color, markersize=9 if name == PINSAGE else 7.5,
        markerfacecolor=color if told_apart else "white", markeredgewidth=1.8, clip_on=False,
    )  # fmt: skip
    value_at_edge(axes, place, mean, INK if color == OTHER else color, bold=color != OTHER)
