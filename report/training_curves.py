"""The curves of a training over its epochs: one panel per quantity, for the PNG and for the report."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from base.arrays import FloatArray
from report.plot_style import PALETTE, POINT_SIZE, figure

MAX_COLUMNS = 3  # panels beside each other in the PNG

History = Sequence[Mapping[str, Any]]


class Panel(NamedTuple):
    """One quantity over the epochs.

    Attributes:
        title: what it is.
        unit: the label of the y axis.
        columns: columns of the history to their labels.
        from_zero: whether the y axis starts at 0.
    """

    title: str
    unit: str
    columns: dict[str, str]
    from_zero: bool = False


PANELS = (
    Panel("Training loss", "mean loss per pair", {"loss": "training"}),
    Panel("Validation MRR, best epoch ringed", "mean reciprocal rank", {"validation_mrr": "validation"}),
    Panel(
        "Validation hit rate",
        "share of questions",
        {"validation_hit_rate@100": "in the top 100", "validation_hit_rate@10": "in the top 10"},
        from_zero=True,
    ),
    Panel("Learning rate", "step size of Adam", {"learning_rate": "learning rate"}, from_zero=True),
    Panel("Hard negatives", "films per pair", {"hard_negatives": "hard negatives"}, from_zero=True),
    Panel("Speed", "pairs per second", {"pairs_per_second": "pairs"}, from_zero=True),
)


def plot_training_curves(history: History, path: str | Path, best_epoch: int | None = None) -> None:
    """Draw all quantities of a history, one panel each; panels of validation mark the best epoch.

    Args:
        history: one row per epoch, with ``epoch`` and any of ``loss``, ``validation_mrr``,
            ``validation_hit_rate@10``, ``validation_hit_rate@100``, ``learning_rate``,
            ``hard_negatives``, ``pairs_per_second``. A column without values, or of zeros, has no panel.
        path: PNG to write.
        best_epoch: the epoch that ``Progress`` chose; one that is not in the history marks nothing.

    Raises:
        ValueError: there are no epochs.
    """
    if not history:
        raise ValueError("training curves need at least one epoch, the history has 0")
    panels = filled_panels(history)
    num_columns = min(MAX_COLUMNS, max(1, len(panels)))
    num_rows = max(1, -(-len(panels) // num_columns))
    with figure(path, 4.2 * num_columns, 3.1 * num_rows) as drawing:
        grid = drawing.subplots(num_rows, num_columns, squeeze=False).ravel()
        for axes, panel in zip(grid, panels, strict=False):
            draw_panel(axes, panel, history, best_epoch)
            axes.set_title(panel.title)
            if len(panel.columns) > 1:
                axes.legend()
        for axes in grid[len(panels) :]:
            axes.set_visible(False)


def filled_panels(history: History) -> list[Panel]:
    """The panels for which the history has a value other than 0."""
    return [p for p in PANELS if any(np.nan_to_num(_column(history, name)).any() for name in p.columns)]


def draw_panel(axes: Any, panel: Panel, history: History, best_epoch: int | None) -> None:
    """Draw the lines of one panel, without title and legend; arguments as in ``plot_training_curves``."""
    from matplotlib.ticker import MaxNLocator

    epochs = _column(history, "epoch")
    best = epochs == best_epoch
    for (name, label), color in zip(panel.columns.items(), PALETTE, strict=False):
        values = _column(history, name)
        (line,) = axes.plot(
            epochs, values, "o-", color=color, linewidth=2, markersize=POINT_SIZE, label=label
        )
        if best.any() and name.startswith("validation"):
            _mark_best(axes, float(epochs[best][0]), float(values[best][0]), line)
    axes.set(xlabel="epoch", ylabel=panel.unit)
    axes.set_xlim(epochs.min() - 0.5, epochs.max() + 0.5)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes.margins(y=0.15)
    highest = max(np.nanmax(_column(history, name)) for name in panel.columns)
    if panel.from_zero:
        axes.set_ylim(0, 1.15 * highest or 1)
    if highest >= 1000:
        axes.yaxis.set_major_formatter("{x:,.0f}")


def _column(history: History, name: str) -> FloatArray:
    """A column of a history, float64 ``[epochs]``, NaN where a row lacks it."""
    values = (row.get(name) for row in history)
    return np.array([np.nan if value is None or value == "" else float(value) for value in values])


def _mark_best(axes: Any, epoch: float, value: float, line: Any) -> None:
    """Ring a point of a line and print its value above it."""
    color = line.get_color()
    axes.plot(
        [epoch], [value], "o", markersize=10, markerfacecolor="none", markeredgewidth=1.6, color=color,
        label=f"_{line.get_label()}",
    )  # fmt: skip
    axes.annotate(
        f"{value:.3f}",
        (epoch, value),
        xytext=(0, 8),
        textcoords="offset points",
        horizontalalignment="center",
        color=color,
        fontweight="bold",
    )
