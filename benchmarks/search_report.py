"""The search benchmark's table, its comparison with FAISS IVFFlat, and its picture."""

from pathlib import Path

import numpy as np

from base.arrays import FloatArray
from benchmarks.measure import K, Row
from report.plot_style import PALETTE, figure

RECALL_TICKS = (0.8, 0.9, 0.95, 0.97, 0.98, 0.99, 0.995, 1.0)
SPEED_TICKS = (1, 2, 5, 10, 20, 50, 100, 200, 500)
LEVELS = (0.9, 0.95, 0.98, 0.99, 0.993, 0.995)


def format_table(rows: list[Row]) -> str:
    """Every operating point, a line each."""
    lines = [
        f"{'method':<22} {'operating point':<26} recall@{K}  x exact     q/s     p50     p95     p99"
        "  batched q/s  build s     MB"
    ]
    lines += [
        f"{r.method:<22} {r.point:<26} {r.recall:>9.4f} {r.times_exact:>8.1f} {r.per_second:>7.0f}"
        f" {r.p50:>7.0f} {r.p95:>7.0f} {r.p99:>7.0f} {r.batched:>12.0f} {r.build_seconds:>8.1f}"
        f" {r.megabytes:>6.0f}"
        for r in rows
    ]
    return "\n".join([*lines, "times in microseconds a query, asked one at a time on one thread"])


def frontier(rows: list[Row], method: str) -> list[tuple[float, float]]:
    """(recall, times exact) of a method's points that no other point of it beats, by rising recall."""
    points = sorted((row.recall, row.times_exact) for row in rows if row.method.startswith(method))
    return [(r, s) for r, s in points if not any(o > s and q >= r for q, o in points)]


def speed_at(curve: list[tuple[float, float]], recall: float) -> float:
    """Times exact at a recall, between two points on straight lines of log speed; nan beyond the curve."""
    recalls, speeds = (np.array(column) for column in zip(*curve, strict=True))
    if not recalls[0] <= recall <= recalls[-1]:
        return float(speeds[0]) if recall < recalls[0] else float("nan")
    return float(np.exp(np.interp(recall, recalls, np.log(speeds))))


def compare_curves(rows: list[Row]) -> str:
    """Weak AND over FAISS IVFFlat, recall by recall; empty where one was skipped."""
    ours, theirs = frontier(rows, "WeakAND"), frontier(rows, "FAISS IVFFlat")
    if not ours or not theirs:
        return ""
    shown = ", ".join(f"{level}: {speed_at(ours, level) / speed_at(theirs, level):.2f}" for level in LEVELS)
    return f"speed of Weak AND over FAISS IVFFlat at recall {shown} (nan: one of them does not get there)"


def _spread(recall: FloatArray) -> FloatArray:
    """A scale on which .99 is as far from .98 as .98 from .96: near 1 is where methods differ."""
    return -np.log(np.maximum(1.003 - recall, 1e-4))


def _spread_back(place: FloatArray) -> FloatArray:
    return 1.003 - np.exp(-place)


def plot(rows: list[Row], title: str, path: Path) -> None:
    """Recall against queries per second, a curve a method: up and to the right is better."""
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
