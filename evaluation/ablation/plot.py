"""The ablation as a picture: a large dot for the mean of each variant, a small one for each of its seeds."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from evaluation.ablation.variants import AblationBlock
from report.names import metric_label
from report.plot_style import GREY, PALETTE, figure, left_title, rows_on_y_axis, value_at_edge

METRICS = ("hit_rate@10", "mrr")
REFERENCE = "ours"
ROW_HEIGHT = 0.29  # inches
BLOCK_GAP = 2.4  # rows between two blocks; the title of the lower one is in the gap
MARGIN = 0.12  # free space left and right of the values, as a share of their range


def plot_ablation(
    blocks: Sequence[AblationBlock],
    runs: Mapping[str, Sequence[Mapping[str, float]]],
    path: str | Path,
    title: str,
) -> None:
    """One row per variant, one panel per metric; the dashed line is our default model.

    The scale covers the trained variants. A value far below them (content features alone) would press them
    together; an arrow says that it is outside.

    Args:
        blocks: the rows, in groups of one colour each.
        runs: variant's name to metrics, one entry per seed.
        path: PNG to write.
        title: what was measured.
    """
    heights, labels, titles = _rows(blocks)
    lowest = heights[-1]
    with figure(path, 10, 1.1 + ROW_HEIGHT * (1.5 - lowest)) as drawing:
        panels = drawing.subplots(1, len(METRICS), sharey=True)
        for axes, metric in zip(panels, METRICS, strict=True):
            left, right = _range(blocks, runs, metric)
            axes.set_xlim(left, right)
            axes.axvline(_mean(runs[REFERENCE], metric), color=GREY, linewidth=1, linestyle="--", zorder=1)
            row = iter(heights)
            for block, color in zip(blocks, PALETTE, strict=False):
                for variant in block.variants:
                    _draw_row(axes, next(row), runs[variant.name], metric, color, variant.name == REFERENCE)
            axes.set_title(metric_label(metric))
            axes.set_ylim(lowest - 0.8, 1.6)
            rows_on_y_axis(axes)
            axes.locator_params(axis="x", nbins=6)
        panels[0].set_yticks(heights, labels)
        for tick in panels[0].get_yticklabels():
            if tick.get_text() == REFERENCE:
                tick.set_fontweight("bold")
        for height, block, color in zip(titles, blocks, PALETTE, strict=False):
            panels[0].text(
                *(-0.01, height, block.title),
                transform=panels[0].get_yaxis_transform(),
                color=color,
                fontweight="bold",
                horizontalalignment="right",
                verticalalignment="center",
            )
        legend = (
            "large dot: mean; small dots: seeds; dashed line: our default model; arrow: far below the scale"
        )
        drawing.supxlabel(legend, color=GREY, fontsize=8.5)
        left_title(drawing, title)


def _rows(blocks: Sequence[AblationBlock]) -> tuple[list[float], list[str], list[float]]:
    """Height and label of each variant's row, from 0 downwards, and the heights of the blocks' titles."""
    heights: list[float] = []
    titles = []
    next_height = 0.0
    for block in blocks:
        titles.append(next_height + 1)
        heights += [next_height - i for i in range(len(block.variants))]
        next_height = heights[-1] - 1 - (BLOCK_GAP - 1)
    return heights, [variant.name for block in blocks for variant in block.variants], titles


def _range(blocks: Sequence[AblationBlock], runs: Mapping[str, Any], metric: str) -> tuple[float, float]:
    """The range of the trained variants' values, with a margin."""
    trained = [v.name for block in blocks for v in block.variants if v.trained]
    values = [run[metric] for name in trained for run in runs[name]]
    margin = MARGIN * (max(values) - min(values)) or 0.01
    return min(values) - margin, max(values) + margin


def _mean(results: Sequence[Mapping[str, float]], metric: str) -> float:
    return float(np.mean([result[metric] for result in results]))


def _draw_row(
    axes: Any,
    height: float,
    results: Sequence[Mapping[str, float]],
    metric: str,
    color: str,
    highlighted: bool,
) -> None:
    """The seeds' small dots and the mean's large one, or an arrow towards it, and the mean at the edge."""
    mean = _mean(results, metric)
    left, right = axes.get_xlim()
    if mean < left:
        axes.plot([left + 0.02 * (right - left)], [height], "<", color=color, markersize=7, zorder=4)
    else:
        values = [result[metric] for result in results]
        axes.plot([min(values), max(values)], [height] * 2, color=color, linewidth=1.2, alpha=0.5, zorder=2)
        axes.plot(values, [height] * len(values), "o", color=color, markersize=3.5, alpha=0.45, zorder=3)
        axes.plot([mean], [height], "o", color=color, markersize=8 if highlighted else 7, zorder=4)
    value_at_edge(axes, height, mean, bold=highlighted)
