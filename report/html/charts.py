"""Line charts as inline SVG: coloured by the page's style sheet, titles on points for whoever hovers."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup, escape

from base.arrays import FloatArray

LEFT, RIGHT, TOP, BOTTOM = 66, 14, 12, 42  # room for labels, in units of the view box
GAPS = 4  # least number of intervals between ticks, about


@dataclass(frozen=True)
class Line:
    """One line of a chart.

    Attributes:
        name: for its points' titles.
        look: class names: ``c0`` to ``c7`` or ``other`` for the colour, ``dashed``, ``strong``.
        x, y: float ``[n]``; a nan in ``y`` is a gap.
        marked: position of a point to be ringed, if any.
    """

    name: str
    look: str
    x: FloatArray
    y: FloatArray
    marked: int | None = None


def line_chart(
    lines: Sequence[Line],
    label: str,
    x_name: str,
    y_name: str,
    width: int = 330,
    height: int = 230,
    x_ticks: Sequence[float] | None = None,
    log_x: bool = False,
    from_zero: bool = False,
) -> Markup:
    """An SVG element.

    Args:
        lines: what is drawn, the last one on top.
        label: what the chart shows, for those who cannot see it.
        x_name: below the x axis, with its unit.
        y_name: beside the y axis, with its unit.
        width: of the view box.
        height: of the view box.
        x_ticks: where the x axis is labelled and points can be hovered over; by default every x.
        log_x: a logarithmic x axis.
        from_zero: start the y axis at 0.
    """
    xs = np.concatenate([line.x for line in lines])
    ys = np.concatenate([line.y for line in lines])
    ticks = _ticks(0.0 if from_zero else float(np.nanmin(ys)), float(np.nanmax(ys)))
    scale_x = Scale(float(xs.min()), float(xs.max()), LEFT + 6, width - RIGHT, log_x)
    scale_y = Scale(ticks[0], ticks[-1], height - BOTTOM, TOP, False)
    shown = np.unique(xs) if x_ticks is None else np.asarray(x_ticks, dtype=float)
    named = shown[:: -(-len(shown) // 10)]  # at most ten, or they touch
    digits = _decimals(ticks)
    parts = [f'<svg class="chart" viewBox="0 0 {width} {height}" role="img" aria-label="{escape(label)}">']
    for tick in ticks:
        y = scale_y(tick)
        parts.append(f'<path class="grid" d="M{LEFT} {y:.1f}H{width - RIGHT}"/>')
        parts.append(f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{tick:,.{digits}f}</text>')
    for tick in named:
        x = scale_x(tick)
        parts.append(f'<text x="{x:.1f}" y="{height - BOTTOM + 17}" text-anchor="middle">{tick:g}</text>')
    middle = (TOP + height - BOTTOM) / 2
    centre = (LEFT + width - RIGHT) / 2
    parts.append(f'<text x="{centre}" y="{height - 6}" text-anchor="middle">{escape(x_name)}</text>')
    turned = f'transform="translate(13 {middle}) rotate(-90)" text-anchor="middle"'
    parts.append(f"<text {turned}>{escape(y_name)}</text>")
    parts += [_drawn(line, scale_x, scale_y, shown, x_name) for line in lines]
    return Markup("".join(parts) + "</svg>")


def _drawn(line: Line, scale_x: "Scale", scale_y: "Scale", shown: FloatArray, x_name: str) -> str:
    there = ~np.isnan(line.y)
    places = [f"{scale_x(x):.1f} {scale_y(y):.1f}" for x, y in zip(line.x[there], line.y[there], strict=True)]
    parts = [
        f'<g class="line {line.look}" data-name="{escape(line.name)}"><path d="M{"L".join(places)}"/>'
        if places
        else "<g>"
    ]
    for position in np.flatnonzero(there & np.isin(line.x, shown)):
        x, y = float(line.x[position]), float(line.y[position])
        ring = ' class="marked" r="6"' if position == line.marked else ' r="3.2"'
        words = escape(f"{line.name}: {_number(y)} at {x_name.split(',')[0]} {x:g}")
        place = f'cx="{scale_x(x):.1f}" cy="{scale_y(y):.1f}"'
        parts.append(f"<circle {place}{ring}><title>{words}</title></circle>")
    return "".join(parts) + "</g>"


class Scale:
    """Values of an axis to coordinates."""

    def __init__(self, low: float, high: float, start: float, end: float, log: bool):
        self.log = log
        self.low, high = self._place(low), self._place(high)
        self.start = start if high > self.low else (start + end) / 2
        self.step = (end - start) / ((high - self.low) or 1)

    def _place(self, value: float) -> float:
        return float(np.log(value)) if self.log else value

    def __call__(self, value: float) -> float:
        """The coordinate of a value."""
        return self.start + (self._place(value) - self.low) * self.step


def _ticks(low: float, high: float) -> list[float]:
    """Round numbers from at most ``low`` to at least ``high``."""
    from matplotlib.ticker import MaxNLocator

    if high == low:
        high = low + (abs(low) or 1) / 10
    return [float(tick) for tick in MaxNLocator(GAPS + 1, min_n_ticks=GAPS).tick_values(low, high)]


def _decimals(ticks: list[float]) -> int:
    """Decimals that tell neighbouring ticks apart."""
    return next(n for n in range(16) if all(abs(round(tick, n) - tick) < 1e-9 for tick in ticks))


def _number(value: float) -> str:
    """Four digits that count; thousands with commas."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"
