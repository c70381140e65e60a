"""Hit rate of unseen films against the number of their ratings that are folded in."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from evaluation.cold_start.report import COMPARED, UNSEEN_GROUPS, SeedResult
from report.names import PINSAGE, metric_label
from report.plot_style import PALETTE, figure, left_title

TITLES = {
    "target unseen": "target unseen: a known film asks",
    "query unseen": "query unseen: an unseen film asks",
    "either unseen": "either of them unseen",
}
SHIFT = 0.04  # distance between the error bars of two methods, so that none covers another


def plot_cold_start(
    results: Sequence[SeedResult], counts: Sequence[int], path: str | Path, title: str
) -> None:
    """One panel per group of questions, one line per method; bars are standard deviations over seeds.

    Args:
        results: one entry per seed.
        counts: numbers of folded-in ratings, equally spaced on the axis.
        path: PNG to write.
        title: what was measured.
    """
    methods = list(results[0].metrics[UNSEEN_GROUPS[0]])
    colors = dict(zip(sorted(methods, key=lambda name: name != PINSAGE), PALETTE, strict=False))
    places = np.arange(len(counts))
    with figure(path, 14, 4.4) as drawing:
        panels = drawing.subplots(1, len(UNSEEN_GROUPS))
        for axes, group in zip(panels, UNSEEN_GROUPS, strict=True):
            for i, method in enumerate(methods):
                values = np.array(
                    [[r.metrics[group][method][count][COMPARED] for count in counts] for r in results]
                )  # [seeds, counts]
                main = method == PINSAGE
                axes.errorbar(
                    places + SHIFT * (i - (len(methods) - 1) / 2),
                    values.mean(axis=0),
                    yerr=values.std(axis=0, ddof=1) if len(results) > 1 else None,
                    color=colors[method],
                    label=method,
                    marker="o",
                    markersize=7 if main else 4.5,
                    linewidth=3 if main else 1.5,
                    elinewidth=1,
                    capsize=2,
                    zorder=4 if main else 3,
                )
            axes.set_xticks(places, [str(count) for count in counts])
            axes.grid(axis="x", visible=False)
            axes.set_ylim(bottom=0)
            axes.set(
                title=TITLES[group], xlabel="ratings folded in per unseen film", ylabel=metric_label(COMPARED)
            )
        handles, labels = panels[0].get_legend_handles_labels()
        drawing.legend(handles[::-1], labels[::-1], loc="outside right center")
        left_title(drawing, title)
