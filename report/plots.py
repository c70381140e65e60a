"""Pictures of a training and its evaluation: curves over epochs, and hit rate against list length."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from base.arrays import FloatArray
from report.embedding_map import plot_embedding_map
from report.plot_style import GREY, INK, PALETTE, figure

__all__ = [
    "history_column",
    "hit_rate_curves",
    "plot_embedding_map",
    "plot_hit_rates",
    "plot_training_curves",
]

# title, unit on the y axis, columns of the history with their labels
PANELS: tuple[tuple[str, str, dict[str, str]], ...] = (
    ("Training loss", "mean loss of a pair", {"loss": "training"}),
    ("Validation MRR, best epoch ringed", "mean reciprocal rank", {"validation_mrr": "validation"}),
    (
        "Validation hit rate",
        "share of questions",
        {"validation_hit_rate@100": "in the top 100", "validation_hit_rate@10": "in the top 10"},
    ),
    ("Learning rate", "step size of Adam", {"learning_rate": "learning rate"}),
    ("Hard negatives", "films a pair", {"hard_negatives": "hard negatives"}),
    ("Speed", "pairs per second", {"pairs_per_second": "pairs"}),
)
FROM_ZERO = ("Validation hit rate", "Learning rate", "Hard negatives", "Speed")
LARGEST_CUTOFF = 500
CUTOFF_TICKS = (1, 2, 5, 10, 20, 50, 100, 200, 500)


def plot_training_curves(
    history: Sequence[Mapping[str, Any]], path: str | Path, best_epoch: int | None = None
) -> None:
    """Everything the history knows, one panel a quantity; the best epoch is marked in those of validation.

    Args:
        history: one row an epoch, with ``epoch`` and any of ``loss``, ``validation_mrr``,
            ``validation_hit_rate@10``, ``validation_hit_rate@100``, ``learning_rate``,
            ``hard_negatives``, ``pairs_per_second``. A column without values, or of zeros, has no panel.
        path: PNG to write.
        best_epoch: as ``Progress`` chose it; an epoch that is not in the history marks nothing.

    Raises:
        ValueError: there are no epochs.
    """
    if not history:
        raise ValueError("training curves need at least one epoch, the history has 0")
    from matplotlib.ticker import MaxNLocator

    epochs = history_column(history, "epoch")
    panels = [
        panel for panel in PANELS if any(np.nan_to_num(history_column(history, c)).any() for c in panel[2])
    ]
    best = epochs == best_epoch
    num_columns = min(3, max(1, len(panels)))
    num_rows = max(1, -(-len(panels) // num_columns))
    with figure(path, 4.2 * num_columns, 3.1 * num_rows) as drawing:
        grid = drawing.subplots(num_rows, num_columns, squeeze=False).ravel()
        for axes, (title, unit, columns) in zip(grid, panels, strict=False):
            for (column, label), color in zip(columns.items(), PALETTE, strict=False):
                values = history_column(history, column)
                axes.plot(epochs, values, color=color, marker="o", markersize=4, linewidth=2, label=label)
                if best.any() and column.startswith("validation"):
                    _mark_best(axes, float(epochs[best][0]), float(values[best][0]), color)
            axes.set(title=title, xlabel="epoch", ylabel=unit)
            axes.set_xlim(epochs.min() - 0.5, epochs.max() + 0.5)
            axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
            axes.margins(y=0.15)
            if title in FROM_ZERO:
                highest = max(np.nanmax(history_column(history, column)) for column in columns)
                axes.set_ylim(0, 1.15 * highest or 1)
            if title == "Speed":
                axes.yaxis.set_major_formatter("{x:,.0f}")
            if len(columns) > 1:
                axes.legend()
        for axes in grid[len(panels) :]:
            axes.set_visible(False)


def history_column(history: Sequence[Mapping[str, Any]], name: str) -> FloatArray:
    """A column of a training history, float64 ``[epochs]``, nan where a row lacks it."""
    values = (row.get(name) for row in history)
    return np.array([np.nan if value is None or value == "" else float(value) for value in values])


def plot_hit_rates(
    ranks_by_method: Mapping[str, FloatArray], path: str | Path, title: str, highlight: str = "PinSage"
) -> None:
    """Hit rate @k against k, one line a method.

    Args:
        ranks_by_method: method to float ``[num_questions]``, the ranks of ``rank_targets``.
        path: PNG to write.
        title: what was asked of them, for instance the data set and the protocol.
        highlight: the method drawn thick and in front.

    Raises:
        ValueError: there are no methods.
    """
    if not ranks_by_method:
        raise ValueError("a chart of hit rates needs at least one method, got none")
    from matplotlib.ticker import NullLocator

    cutoffs = np.unique(np.geomspace(1, LARGEST_CUTOFF, 200).round())
    curves = hit_rate_curves(ranks_by_method, cutoffs)
    others = [name for name in curves if name != highlight]
    # Past eight baselines the colours come round again, dashed.
    colors = (*PALETTE[1:], GREY)
    looks = {name: (colors[i % 8], "-" if i < 8 else "--") for i, name in enumerate(others)}
    looks[highlight] = (PALETTE[0], "-")
    with figure(path, 9, 5.4) as drawing:
        axes = drawing.subplots()
        for name, curve in curves.items():
            color, dashes = looks[name]
            width, layer = (3.2, 3) if name == highlight else (1.4, 2)
            axes.plot(cutoffs, curve, dashes, color=color, linewidth=width, zorder=layer)
        axes.set_xscale("log")
        axes.set_xticks(CUTOFF_TICKS, [str(k) for k in CUTOFF_TICKS])
        axes.xaxis.set_minor_locator(NullLocator())
        axes.set_xlim(1, LARGEST_CUTOFF)
        axes.set_ylim(0, min(1.0, 1.05 * max(curve[-1] for curve in curves.values())) or 1.0)
        axes.set(
            title=title, xlabel="length of the list, k (films)", ylabel="hit rate @k (share of questions)"
        )
        _label_ends(axes, {name: float(curve[-1]) for name, curve in curves.items()}, looks, highlight)


def hit_rate_curves(ranks_by_method: Mapping[str, FloatArray], cutoffs: FloatArray) -> dict[str, FloatArray]:
    """Hit rate at each cut-off: method to float ``[len(cutoffs)]``.

    Args:
        ranks_by_method: method to float ``[num_questions]``, the ranks of ``rank_targets``.
        cutoffs: lengths of the list.
    """
    return {
        name: np.searchsorted(np.sort(ranks), cutoffs, side="right") / len(ranks)
        for name, ranks in ranks_by_method.items()
    }


def _label_ends(axes: Any, ends: dict[str, float], looks: dict[str, tuple[str, str]], highlight: str) -> None:
    """Name each line right of its end; names that would overlap are moved apart and joined by a hairline."""
    bottom, top = axes.get_ylim()
    gap = 0.045 * (top - bottom)
    order = sorted(ends, key=lambda name: ends[name])
    heights: list[float] = []
    for name in order:
        heights.append(max(ends[name], heights[-1] + gap) if heights else ends[name])
    # Half of what the topmost was pushed up goes back down, and whoever is in the way gives way.
    ceiling = max(ends.values()) + (heights[-1] - max(ends.values())) / 2
    for i in reversed(range(len(heights))):
        heights[i] = min(heights[i], ceiling - gap * (len(heights) - 1 - i))
    for name, height in zip(order, heights, strict=True):
        color, _ = looks[name]
        axes.annotate(
            name,
            xy=(1, ends[name]),
            xytext=(1.05, height),
            xycoords=axes.get_yaxis_transform(),
            textcoords=axes.get_yaxis_transform(),
            color=color if name == highlight else INK,
            fontweight="bold" if name == highlight else "normal",
            verticalalignment="center",
            annotation_clip=False,
            arrowprops={
                "arrowstyle": "-",
                "color": color,
                "linewidth": 0.9,
                "shrinkA": 1,
                "shrinkB": 0,
                "relpos": (0, 0.5),
            },
        )


def _mark_best(axes: Any, epoch: float, value: float, color: str) -> None:
    axes.plot([epoch], [value], "o", markersize=10, markerfacecolor="none", markeredgewidth=1.6, color=color)
    axes.annotate(
        f"{value:.3f}",
        (epoch, value),
        xytext=(0, 8),
        textcoords="offset points",
        horizontalalignment="center",
        color=color,
        fontweight="bold",
    )
