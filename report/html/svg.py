"""The charts of the PNG pictures as inline SVG for the page.

Matplotlib draws; its SVG is then reduced to paths, texts and points with class names, without ids, fonts and
colours. So the style sheet of the page colours it for light and dark, and the file is small and the same for
the same data.
"""

import re
from collections.abc import Callable, Iterator
from io import StringIO
from typing import Any
from xml.etree import ElementTree

from markupsafe import Markup, escape

from report.plot_style import PALE, PALETTE, STYLE

NAMESPACE = "{http://www.w3.org/2000/svg}"
PAGE_STYLE: Any = STYLE | {"font.size": 12, "svg.fonttype": "none"}
POINTS_PER_INCH = 72  # an SVG of matplotlib has one unit per point
STRONG_WIDTH = 3  # lines from this width on have the class "strong"


def svg_chart(draw: Callable[[Any], None], label: str, width: int, height: int) -> Markup:
    """An SVG element of one chart; every line has its points' values as titles.

    Args:
        draw: draws on matplotlib axes. Lines need labels: they become ``data-name`` and part of the titles.
        label: what the chart shows, for readers who cannot see it.
        width: width of the view box.
        height: height of the view box.
    """
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    with rc_context(PAGE_STYLE):
        size = (width / POINTS_PER_INCH, height / POINTS_PER_INCH)
        axes = (drawing := Figure(figsize=size, layout="constrained")).subplots()
        draw(axes)
        lines = {f"line-{place}": line for place, line in enumerate(axes.lines)}
        for gid, line in lines.items():
            line.set_gid(gid)
        text = StringIO()
        drawing.savefig(text, format="svg")
    box = f'viewBox="0 0 {width} {height}" role="img" aria-label="{escape(label)}"'
    parts = _reduced(ElementTree.fromstring(text.getvalue()), lines)
    return Markup(f'<svg class="chart" {box}>{"".join(parts)}</svg>')


def color_class(color: str) -> str:
    """The class of the style sheet that has this colour of the pictures: ``c0`` to ``c7``, else ``other``."""
    return f"c{PALETTE.index(color)}" if color in PALETTE else "other"


def _reduced(node: ElementTree.Element, lines: dict[str, Any]) -> Iterator[str]:
    """What the page needs of matplotlib's SVG, element by element."""
    for child in node:
        tag, style = child.tag.removeprefix(NAMESPACE), child.get("style", "")
        if (gid := child.get("id", "")) in lines:
            yield from _line(child, lines[gid])
        elif tag == "g":
            yield from _reduced(child, lines)
        elif tag == "path" and "stroke: " in style:  # a grid line or an edge of the axes
            name = "grid" if f"stroke: {PALE}" in style else "axis"
            yield f'<path class="{name}" d="{_short(child.get("d", ""))}"/>'
        elif tag == "text":
            yield _text(child, style)


def _line(group: ElementTree.Element, line: Any) -> Iterator[str]:
    """A line and its points; the title of a point says the line's name and the point's values."""
    name = line.get_label().removeprefix("_")
    look = [color_class(line.get_color())]
    look += ["strong"] * (line.get_linewidth() >= STRONG_WIDTH) + ["dashed"] * (line.get_linestyle() == "--")
    yield f'<g class="line {" ".join(look)}" data-name="{escape(name)}">'
    for path in group.findall(f"{NAMESPACE}path"):
        yield f'<path d="{_short(path.get("d", ""))}"/>'
    ring = ' class="marked"' if line.get_markerfacecolor() == "none" else ""
    radius = line.get_markersize() / 2
    x_name = line.axes.get_xlabel().split(",")[0]
    for point, (x, y) in zip(group.iter(f"{NAMESPACE}use"), _marked_points(line), strict=True):
        place = f'cx="{_short(point.get("x", ""))}" cy="{_short(point.get("y", ""))}"'
        title = escape(f"{name}: {_number(y)} at {x_name} {x:g}")
        yield f'<circle {place}{ring} r="{radius:g}"><title>{title}</title></circle>'
    yield "</g>"


def _marked_points(line: Any) -> Any:
    """Values ``[n, 2]`` of the points that have a marker, in matplotlib's order."""
    points = line.get_xydata()
    if line.get_markevery() is not None:
        points = points[line.get_markevery()]
    return [] if line.get_marker() == "None" else points[~(points != points).any(axis=1)]


def _text(node: ElementTree.Element, style: str) -> str:
    anchor = re.search(r"text-anchor: (\w+)", style)
    place = f'x="{_short(node.get("x", ""))}" y="{_short(node.get("y", ""))}"'
    place += f' text-anchor="{anchor[1]}"' if anchor else ""
    turn = node.get("transform", "")
    turned = "" if "rotate(-0 " in turn else f' transform="{_short(turn)}"'
    return f"<text {place}{turned}>{escape(node.text or '')}</text>"


def _short(numbers: str) -> str:
    """Coordinates with one decimal, on one line."""
    rounded = re.sub(r"-?\d+\.\d+", lambda number: f"{float(number[0]):.1f}".removesuffix(".0"), numbers)
    return re.sub(r" ?([A-Za-z]) ", r"\1", " ".join(rounded.split()))


def _number(value: float) -> str:
    """Four significant digits; thousands with commas."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"
