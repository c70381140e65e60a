"""The ablation as a picture: a dot for each variant's mean, a small one for each of its seeds."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from evaluation.ablation.variants import Block
from report.plot_style import GREY, INK, PALETTE, figure

PANELS = {"hit_rate@10": "hit rate @10", "mrr": "MRR"}
REFERENCE = "ours"
ROW_HEIGHT = 0.29  # inches
BLOCK_GAP = 2.4  # rows between two blocks; the lower one's title stands in it
MARGIN = 0.12  # free space left and right of the values, as a share of their range


def plot_ablation(
    blocks: Sequence[Block],
    runs: Mapping[str, Sequence[Mapping[str, float]]],
    path: str | Path,
    title: str,
) -> None:
    """One row a variant, one panel a metric; the dashed line is our default model.

    A value far below the others (content features alone) would press the rest together, so the
    scale starts at the trained variants and an arrow says that such a value lies outside.

    Args:
        blocks: the rows, in groups of a colour each.
        runs: variant's name to metrics, one entry a seed.
        path: PNG to write.
        title: what was measured.
    """
    heights, labels, titles = _rows(blocks)
    lowest = heights[-1]
    with figure(path, 10, 1.1 + ROW_HEIGHT * (1.5 - lowest)) as drawing:
        panels = drawing.subplots(1, len(PANELS), sharey=True)
        for axes, (metric, heading) in zip(panels, PANELS.items(), strict=True):
            left, right = _range(blocks, runs, metric)
            axes.set_xlim(left, right)
            axes.axvline(_mean(runs[REFERENCE], metric), color=GREY, linewidth=1, linestyle="--", zorder=1)
            row = iter(heights)
            for block, color in zip(blocks, PALETTE, strict=False):
                for variant in block.variants:
                    _draw_row(axes, next(row), runs[variant.name], metric, color, variant.name == REFERENCE)
            axes.set_title(heading)
            axes.set_ylim(lowest - 0.8, 1.6)
            axes.grid(axis="y", visible=False)
            axes.tick_params(axis="y", length=0)
            axes.spines["left"].set_visible(False)
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
        drawing.supxlabel(
            "large dot: mean, small dots: seeds, dashed: ours, arrow: far below",
            color=GREY,
            fontsize=8.5,
        )
        drawing.suptitle(title, x=0.01, horizontalalignment="left", color=INK, fontweight="bold")


def _rows(blocks: Sequence[Block]) -> tuple[list[float], list[str], list[float]]:
    """Height and label of each variant's row, top down from 0, and the heights of the blocks' titles."""
    heights: list[float] = []
    titles = []
    next_height = 0.0
    for block in blocks:
        titles.append(next_height + 1)
        heights += [next_height - i for i in range(len(block.variants))]
        next_height = heights[-1] - 1 - (BLOCK_GAP - 1)
    return heights, [variant.name for block in blocks for variant in block.variants], titles


def _range(blocks: Sequence[Block], runs: Mapping[str, Any], metric: str) -> tuple[float, float]:
    """Where the trained variants' values lie, with a margin."""
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
    """The seeds' small dots, the mean's large one, or an arrow to it; its figure right of the panel."""
    mean = _mean(results, metric)
    left, right = axes.get_xlim()
    if mean < left:
        axes.plot([left + 0.02 * (right - left)], [height], "<", color=color, markersize=7, zorder=4)
    else:
        values = [result[metric] for result in results]
        axes.plot([min(values), max(values)], [height] * 2, color=color, linewidth=1.2, alpha=0.5, zorder=2)
        axes.plot(values, [height] * len(values), "o", color=color, markersize=3.5, alpha=0.45, zorder=3)
        axes.plot([mean], [height], "o", color=color, markersize=8 if highlighted else 7, zorder=4)
    axes.annotate(
        f"{mean:.3f}",
        (1.01, height),
        xycoords=axes.get_yaxis_transform(),
        annotation_clip=False,
        verticalalignment="center",
        fontsize=8.5,
        fontweight="bold" if highlighted else "normal",
        color=INK,
    )
