"""The film map as inline SVG, a title on every film."""

import numpy as np
from markupsafe import Markup, escape

from base.arrays import FloatArray
from data.dataset import Movies
from report.map_layout import FilmMap

WIDTH, HEIGHT, MARGIN = 1000, 640, 14


def map_svg(film_map: FilmMap, movies: Movies) -> Markup:
    """A circle a film, the most-rated on top, coloured by the classes ``c0`` to ``c7`` and ``other``.

    Args:
        film_map: where the films lie.
        movies: the catalogue.
    """
    places = fit_into(film_map.points, WIDTH, HEIGHT, MARGIN)
    label = f"map of the {len(places):,} most-rated films, near each other where their embeddings are"
    parts = [f'<svg class="map" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{label}">']
    for position in reversed(range(len(places))):
        row = film_map.rows[position]
        words = f"{movies.titles[row]}\n{', '.join(movies.genres[row]) or 'no genres'}"
        x, y = places[position]
        parts.append(
            f'<circle class="{genre_class(film_map, position)}" cx="{x:.1f}" cy="{y:.1f}" r="6">'
            f"<title>{escape(words)}</title></circle>"
        )
    return Markup("".join(parts) + "</svg>")


def genre_class(film_map: FilmMap, position: int) -> str:
    """Class name that gives a film its colour."""
    genre = int(film_map.main_genre[position])
    return f"c{genre}" if genre < len(film_map.genres) else "other"


def fit_into(points: FloatArray, width: float, height: float, margin: float) -> FloatArray:
    """Places stretched to a frame, float ``[n, 2]``; points without extent lie in its middle."""
    low, extent = points.min(axis=0), np.ptp(points, axis=0)
    share = np.where(extent > 0, (points - low) / np.where(extent > 0, extent, 1), 0.5)
    return margin + share * (np.array([width, height]) - 2 * margin)
