"""The search benchmark's table, its comparison with FAISS IVFFlat, and its picture."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from base.arrays import FloatArray
from benchmarks.measure import K, OperatingPoint
from report.plot_style import PALETTE, figure
from report.text_table import TableColumn, TableSection, render_table

RECALL_TICKS = (0.8, 0.9, 0.95, 0.97, 0.98, 0.99, 0.995, 1.0)
SPEED_TICKS = (1, 2, 5, 10, 20, 50, 100, 200, 500)
LEVELS = (0.9, 0.95, 0.98, 0.99, 0.993, 0.995)


def format_table(rows: list[OperatingPoint]) -> str:
    """One row per operating point."""
    columns = [TableColumn("method", numeric=False), TableColumn("operating point", numeric=False)]
    columns += map(TableColumn, (f"recall@{K}", "x exact", "q/s"))
    columns += [TableColumn(name, "microseconds") for name in ("p50", "p95", "p99")]
    columns += map(TableColumn, ("batched q/s", "build s", "MB"))
    forms = (".4f", ".1f", ".0f", ".0f", ".0f", ".0f", ".0f", ".1f", ".0f")
    cells = [[*row[:2], *map(format, row[2:], forms)] for row in rows]
    notes = [
        "x exact: speed in times that of exact search; q/s: queries per second, one at a time on one thread",
        "microseconds: quantiles of the time per query; batched q/s: all queries in one call",
    ]
    return render_table(columns, [TableSection(cells)], notes)


def frontier(rows: list[OperatingPoint], method: str) -> list[tuple[float, float]]:
    """(recall, times exact) of the best points of a method, by rising recall."""
    return pareto((row.recall, row.times_exact) for row in rows if row.method.startswith(method))


def pareto(points: Iterable[tuple[float, float]]) -> list[tuple[float, float]]:
    """Those of the (recall, speed) that no other one beats, by rising recall."""
    points = sorted(points)
    return [(r, s) for r, s in points if not any(o > s and q >= r for q, o in points)]


def speed_at(curve: list[tuple[float, float]], recall: float) -> float:
    """Speed at a recall, interpolated in log speed along a ``pareto`` curve; NaN beyond its end."""
    recalls, speeds = (np.array(column) for column in zip(*curve, strict=True))
    if not recalls[0] <= recall <= recalls[-1]:
        return float(speeds[0]) if recall < recalls[0] else float("nan")
    return float(np.exp(np.interp(recall, recalls, np.log(speeds))))


def compare_curves(rows: list[OperatingPoint]) -> str:
    """Speed of Weak AND over FAISS IVFFlat at several recalls; empty where one was skipped."""
    ours, theirs = frontier(rows, "WeakAND"), frontier(rows, "FAISS IVFFlat")
    if not ours or not theirs:
        return ""
    shown = ", ".join(f"{level}: {speed_at(ours, level) / speed_at(theirs, level):.2f}" for level in LEVELS)
    return f"speed of Weak AND over FAISS IVFFlat at recall {shown} (nan: one of them does not reach it)"


def _spread(recall: FloatArray) -> FloatArray:
    """A scale on which .99 is as far from .98 as .98 is from .96, since methods differ near 1."""
    return -np.log(np.maximum(1.003 - recall, 1e-4))


def _spread_back(place: FloatArray) -> FloatArray:
    return 1.003 - np.exp(-place)


def plot(rows: list[OperatingPoint], title: str, path: Path) -> None:
    """Recall against queries per second, one curve per method: up and to the right is better."""
    methods = list(dict.fromkeys(row.method for row in rows))
    with figure(path, 8, 5) as drawing:
        axes = drawing.subplots()
        for method, color in zip(methods, PALETTE, strict=False):
            curve = frontier(rows, method)
            recalls, speeds = zip(*curve, strict=True)
            axes.plot(recalls, speeds, marker="o", markersize=5, linewidth=2, color=color, label=method)
        axes.set_xscale("function", functions=(_spread, _spread_back))
        axes.set_xlim(0.8, 1.0015)
        axes.set_xticks(RECALL_TICKS, [f"{tick:g}" for tick in RECALL_TICKS])
        axes.set_yscale("log")
        axes.set_yticks(SPEED_TICKS, [str(tick) for tick in SPEED_TICKS])
        axes.set_ylim(0.8, 1.5 * max(row.times_exact for row in rows))
        axes.set_title(title)
        axes.set_xlabel(f"recall@{K}")
        axes.set_ylabel("queries per second, times exact search")
        axes.legend()
    print(f"written: {path}")
