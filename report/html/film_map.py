"""The film map as inline SVG, with a title on every film.

It is written by hand: it has no axes, scales or labels that matplotlib could lay out. ``fit_into`` places the
films, on the web page too.
"""

import numpy as np
from markupsafe import Markup, escape

from base.arrays import FloatArray
from data.dataset import Movies
from report.map_layout import FilmLayout

WIDTH, HEIGHT, MARGIN = 1000, 640, 14


def map_svg(film_map: FilmLayout, movies: Movies) -> Markup:
    """One circle per film, the most-rated on top; the classes ``c0`` to ``c7`` and ``other`` colour them.

    Args:
        film_map: the places of the films.
        movies: the catalogue.
    """
    places = fit_into(film_map.points, WIDTH, HEIGHT, MARGIN)
    items = escape(movies.words.items)
    label = f"map of the {len(places):,} most-rated {items}; similar embeddings are near each other"
    classes = [*(f"c{place}" for place in range(len(film_map.genres))), "other"]
    parts = [f'<svg class="map" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{label}">']
    for position in reversed(range(len(places))):
        row = film_map.rows[position]
        words = f"{movies.shown_title(row)}\n{', '.join(movies.genres[row]) or 'no genres'}"
        x, y = places[position]
        parts.append(
            f'<circle class="{classes[film_map.main_genre[position]]}" cx="{x:.1f}" cy="{y:.1f}" r="6">'
            f"<title>{escape(words)}</title></circle>"
        )
    return Markup("".join(parts) + "</svg>")


def fit_into(points: FloatArray, width: float, height: float, margin: float) -> FloatArray:
    """Points scaled to a frame, float ``[n, 2]``; points without extent are put in its middle."""
    low, extent = points.min(axis=0), np.ptp(points, axis=0)
    share = np.where(extent > 0, (points - low) / np.where(extent > 0, extent, 1), 0.5)
    return margin + share * (np.array([width, height]) - 2 * margin)
