"""A picture of the film map, coloured by genre, with the names of a few well-known films."""

import re
from pathlib import Path
from typing import Any

import numpy as np

from base.arrays import FloatArray
from data.dataset import Movies
from report.map_layout import OTHER, FilmLayout
from report.plot_style import INK, figure

MAX_TITLES = 12
TITLE_LENGTH = 30
MIN_DISTANCE = 0.11  # between two named films, as a share of the map's width and height


def plot_embedding_map(film_map: FilmLayout, movies: Movies, path: str | Path) -> None:
    """Draw the map of the films.

    Args:
        film_map: the places of the films.
        movies: the catalogue.
        path: PNG to write.
    """
    points = film_map.points
    with figure(path, 10, 7) as drawing:
        axes = drawing.subplots()
        for name, color, members in film_map.colored():
            axes.scatter(
                points[members, 0],
                points[members, 1],
                s=32,
                color=color,
                alpha=0.85,
                linewidths=0.4,
                edgecolors="white",
                zorder=1 if name == OTHER else 2,
                label=f"{name} ({members.sum()})",
            )
        items = movies.words.items
        axes.set(
            title=f"The {len(points):,} most-rated {items}: similar embeddings are near each other",
            xlabel="t-SNE axis 1 (no unit)",
            ylabel="t-SNE axis 2 (no unit)",
            xticks=[],
            yticks=[],
        )
        axes.spines[:].set_visible(False)
        axes.legend(
            title=f"rarest genre of the {movies.words.item}",
            alignment="left",
            loc="upper left",
            bbox_to_anchor=(1, 1),
            markerscale=1.6,
            handletextpad=0.2,
        )
        _name_films(drawing, axes, points, [movies.shown_title(row) for row in film_map.rows])


def _name_films(drawing: Any, axes: Any, points: FloatArray, titles: list[str]) -> None:
    """Name the most-rated films, as long as their names do not overlap."""
    from matplotlib.patheffects import withStroke

    drawing.draw_without_rendering()  # computes the layout, so that the sizes of texts are final
    frame = axes.get_window_extent()
    extent = np.maximum(np.ptp(points, axis=0), 1e-12)
    named: list[FloatArray] = []
    boxes: list[Any] = []
    for point, title in zip(points, titles, strict=True):
        if len(named) == MAX_TITLES:
            return
        if any(np.linalg.norm((point - other) / extent) < MIN_DISTANCE for other in named):
            continue
        label = axes.annotate(
            _short(title),
            point,
            xytext=(0, 6),
            textcoords="offset points",
            horizontalalignment="center",
            fontsize=9.5,
            fontweight="bold",
            color=INK,
            path_effects=[withStroke(linewidth=3, foreground="white")],
        )
        box = label.get_window_extent().padded(3)
        inside = frame.x0 <= box.x0 and box.x1 <= frame.x1 and box.y1 <= frame.y1
        if not inside or any(box.overlaps(other) for other in boxes):
            label.remove()
            continue
        axes.plot(*point, "o", markersize=7, markerfacecolor="none", markeredgecolor=INK, markeredgewidth=1.5)
        named.append(point)
        boxes.append(box)


def _short(title: str) -> str:
    """The title without the year, shortened to fit."""
    name = re.sub(r"\s*\(\d{4}\)$", "", title)
    return name if len(name) <= TITLE_LENGTH else name[: TITLE_LENGTH - 1].rstrip() + "…"
