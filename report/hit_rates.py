"""Hit rate against the length of the list, one line per method, for the PNG and for the report."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from base.arrays import FloatArray
from data.item_words import FILMS, ItemWords
from report.names import PINSAGE
from report.plot_style import GREY, INK, PALETTE, POINT_SIZE, figure

MAX_CUTOFF = 500
CUTOFF_TICKS = (1, 2, 5, 10, 20, 50, 100, 200, 500)
NUM_POINTS = 160  # of a curve, about

Ranks = Mapping[str, FloatArray]


class MethodLine(NamedTuple):
    """How the line of a method looks."""

    color: str
    dashed: bool = False
    thick: bool = False


def plot_hit_rates(ranks: Ranks, path: str | Path, title: str, words: ItemWords = FILMS) -> None:
    """Draw hit rate @k against k, PinSage thick and in front.

    Args:
        ranks: method to float ``[num_questions]``, the ranks of ``rank_targets``.
        path: PNG to write.
        title: the question that was asked, for instance the dataset and the protocol.
        words: what the items are called.

    Raises:
        ValueError: there are no methods.
    """
    if not ranks:
        raise ValueError("a chart of hit rates needs at least one method, got none")
    with figure(path, 9, 5.4) as drawing:
        axes = drawing.subplots()
        draw_hit_rates(axes, ranks, words=words)
        axes.set_title(title)
        _label_ends(axes, hit_rates(ranks, MAX_CUTOFF), method_lines(ranks))


def draw_hit_rates(axes: Any, ranks: Ranks, with_points: bool = False, words: ItemWords = FILMS) -> None:
    """Draw the curves, without title and names.

    Args:
        axes: where to draw.
        ranks: as in ``plot_hit_rates``.
        with_points: whether the curves have points above the ticks of the x axis.
        words: what the items are called.
    """
    from matplotlib.ticker import NullLocator

    cutoffs = np.unique(np.append(np.geomspace(1, MAX_CUTOFF, NUM_POINTS).round(), CUTOFF_TICKS))
    at_ticks = np.flatnonzero(np.isin(cutoffs, CUTOFF_TICKS)).tolist()
    points = {"marker": "o", "markersize": POINT_SIZE, "markevery": at_ticks} if with_points else {}
    curves = hit_rates(ranks, cutoffs)
    for name, look in method_lines(ranks).items():
        axes.plot(
            cutoffs,
            curves[name],
            "--" if look.dashed else "-",
            color=look.color,
            linewidth=3.2 if look.thick else 1.4,
            zorder=3 if look.thick else 2,
            label=name,
            **points,
        )
    axes.set_xscale("log")
    axes.set_xticks(CUTOFF_TICKS, [str(k) for k in CUTOFF_TICKS])
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xlim(1, MAX_CUTOFF)
    axes.set_ylim(0, min(1.0, 1.05 * max(curve[-1] for curve in curves.values())) or 1.0)
    axes.set(xlabel=f"k, {words.items} in the list", ylabel="hit rate @k, share of questions")


def hit_rates(ranks: Ranks, cutoffs: Any) -> dict[str, Any]:
    """Hit rate of each method: a number at one cut-off, float ``[len(cutoffs)]`` at several."""
    return {
        name: np.searchsorted(np.sort(of_method), cutoffs, side="right") / len(of_method)
        for name, of_method in ranks.items()
    }


def method_lines(ranks: Ranks) -> dict[str, MethodLine]:
    """The look of each method's line; the colours of the baselines repeat after eight, dashed."""
    colors = (*PALETTE[1:], GREY)
    looks = {}
    for place, name in enumerate(name for name in ranks if name != PINSAGE):
        looks[name] = MethodLine(colors[place % len(colors)], dashed=place >= len(colors))
    return looks | {name: MethodLine(PALETTE[0], thick=True) for name in ranks if name == PINSAGE}


def _label_ends(axes: Any, ends: dict[str, float], looks: dict[str, MethodLine]) -> None:
    """Name each line right of its end; names that would overlap are moved apart and joined by a thin line."""
    bottom, top = axes.get_ylim()
    gap = 0.045 * (top - bottom)
    order = sorted(ends, key=lambda name: ends[name])
    heights: list[float] = []
    for name in order:
        heights.append(max(ends[name], heights[-1] + gap) if heights else ends[name])
    # The topmost name moves back down by half of what it was pushed up; names in its way move down too.
    ceiling = max(ends.values()) + (heights[-1] - max(ends.values())) / 2
    for i in reversed(range(len(heights))):
        heights[i] = min(heights[i], ceiling - gap * (len(heights) - 1 - i))
    for name, height in zip(order, heights, strict=True):
        look = looks[name]
        axes.annotate(
            name,
            xy=(1, ends[name]),
            xytext=(1.05, height),
            xycoords=axes.get_yaxis_transform(),
            textcoords=axes.get_yaxis_transform(),
            color=look.color if look.thick else INK,
            fontweight="bold" if look.thick else "normal",
            verticalalignment="center",
            annotation_clip=False,
            arrowprops={
                "arrowstyle": "-",
                "color": look.color,
                "linewidth": 0.9,
                "shrinkA": 1,
                "shrinkB": 0,
                "relpos": (0, 0.5),
            },
        )
