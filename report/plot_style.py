"""The look of every picture: colours safe for colour-blind readers, light axes, one resolution.

Figures are drawn without pyplot, so no display, global figure or backend is involved.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

INK, GREY, PALE = "#333333", "#888888", "#e6e6e6"
# Paul Tol's "muted" scheme: distinguishable with every common colour vision deficiency.
PALETTE = ("#332288", "#cc6677", "#117733", "#ddaa33", "#88ccee", "#882255", "#44aa99", "#999933")
STYLE: Any = {
    "font.size": 10,
    "text.color": INK,
    "text.parse_math": False,  # a dollar in a title is a dollar
    "axes.titlesize": 11,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.labelcolor": INK,
    "axes.edgecolor": "#999999",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": PALE,
    "xtick.color": INK,
    "ytick.color": INK,
    "legend.frameon": False,
}
DPI = 150
POINT_SIZE = 6  # diameter of a point on a line, in points


@contextmanager
def figure(path: str | Path, width: float, height: float) -> Iterator[Any]:
    """A matplotlib ``Figure`` in this style, written to ``path`` as PNG at the end of the block.

    Args:
        path: file to write; its folder is made if need be.
        width: inches.
        height: inches.
    """
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    with rc_context(STYLE):
        drawing = Figure(figsize=(width, height), layout="constrained", facecolor="white")
        yield drawing
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        drawing.savefig(path, dpi=DPI, format="png")


def left_title(drawing: Any, title: str) -> None:
    """A bold title of the whole picture, at its left edge."""
    drawing.suptitle(title, x=0.01, horizontalalignment="left", color=INK, fontweight="bold")


def rows_on_y_axis(axes: Any) -> None:
    """Prepare axes whose rows are names: no horizontal grid, no ticks, no left edge."""
    axes.grid(axis="y", visible=False)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)


def value_at_edge(axes: Any, height: float, value: float, color: str = INK, bold: bool = False) -> None:
    """Print a value right of the axes, at the height of its row."""
    axes.annotate(
        f"{value:.3f}",
        (1.02, height),
        xycoords=axes.get_yaxis_transform(),
        annotation_clip=False,
        verticalalignment="center",
        fontweight="bold" if bold else "normal",
        color=color,
    )
