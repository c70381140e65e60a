"""The embeddings laid out flat, coloured by genre, with a few known films named."""

import re
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from data.dataset import FloatArray, IntArray, Movies
from utils.plot_style import INK, PALETTE, figure

MAX_FILMS = 1000  # more would hide each other, and t-SNE takes its time
ITERATIONS = 500  # of t-SNE; the second half of its usual 1,000 changes little to the eye
MAX_TITLES = 12
TITLE_LENGTH = 30
OTHER_COLOR = "#cccccc"
CLEARANCE = 0.11  # least distance of two named films, as a share of the map's width and height


def plot_embedding_map(
    embeddings: FloatArray, movies: Movies, popularity: IntArray, path: str | Path, seed: int
) -> None:
    """A t-SNE map (van der Maaten and Hinton, JMLR 2008) of the most-rated films.

    Near each other on the map means close in the embedding; distances across it mean little.

    Args:
        embeddings: float32 ``[num_movies, dim]``.
        movies: the catalogue.
        popularity: int ``[num_movies]``, training ratings; decides which films are shown and named.
        path: PNG to write.
        seed: decides the layout.
    """
    shown = np.argsort(-popularity, kind="stable")[:MAX_FILMS]
    points = _flatten(embeddings[shown], seed)
    genres, main_genre = _main_genres([movies.genres[row] for row in shown])
    colors = [*PALETTE[: len(genres)], OTHER_COLOR]
    with figure(path, 10, 7) as drawing:
        axes = drawing.subplots()
        for index, (color, label) in enumerate(zip(colors, [*genres, "other"], strict=True)):
            members = main_genre == index
            if members.any():
                axes.scatter(
                    points[members, 0],
                    points[members, 1],
                    s=32,
                    color=color,
                    alpha=0.85,
                    linewidths=0.4,
                    edgecolors="white",
                    zorder=1 if color == OTHER_COLOR else 2,
                    label=f"{label} ({members.sum()})",
                )
        axes.set(
            title=f"The {len(shown):,} most-rated films, near each other where their embeddings are",
            xlabel="t-SNE axis 1 (no unit)",
            ylabel="t-SNE axis 2 (no unit)",
            xticks=[],
            yticks=[],
        )
        axes.spines[:].set_visible(False)
        axes.legend(
            title="rarest genre of the film",
            alignment="left",
            loc="upper left",
            bbox_to_anchor=(1, 1),
            markerscale=1.6,
            handletextpad=0.2,
        )
        _name_films(drawing, axes, points, [movies.titles[row] for row in shown])


def _flatten(embeddings: FloatArray, seed: int) -> FloatArray:
    """Positions ``[n, 2]`` by t-SNE, started from the first two principal components."""
    from sklearn.manifold import TSNE
    from threadpoolctl import threadpool_limits

    centred = embeddings - embeddings.mean(axis=0)
    left, values, _ = np.linalg.svd(centred, full_matrices=False)
    start = np.zeros((len(centred), 2), dtype=np.float32)
    width = min(2, len(values))
    start[:, :width] = left[:, :width] * values[:width]
    if len(centred) < 5:  # too few for t-SNE's neighbourhoods, and few enough to see as they are
        return start
    start *= 1e-4 / max(start[:, 0].std(), 1e-12)  # the scale t-SNE expects of its start
    layout = TSNE(
        perplexity=min(30, (len(centred) - 1) / 3),
        init=start,
        metric="cosine",
        max_iter=ITERATIONS,
        random_state=seed,
    )
    # Threads add up in varying order, and lose more by waiting for each other than they win.
    with threadpool_limits(1):
        return layout.fit_transform(embeddings)


def _main_genres(genres: list[tuple[str, ...]]) -> tuple[list[str], IntArray]:
    """The commonest genres, at most as many as colours, and each film's position in them (the end: none).

    Of several, a film takes the rarest: what it shares with the fewest films says most about it.
    """
    common = [name for name, _ in Counter(g for names in genres for g in names).most_common(len(PALETTE))]
    main = [max((common.index(g) for g in names if g in common), default=len(common)) for names in genres]
    return common, np.array(main)


def _name_films(drawing: Any, axes: Any, points: FloatArray, titles: list[str]) -> None:
    """Name films from the top of the list, each some way from those already named."""
    from matplotlib.patheffects import withStroke

    drawing.draw_without_rendering()  # settles the layout, so that sizes of texts are final
    frame = axes.get_window_extent()
    extent = np.maximum(np.ptp(points, axis=0), 1e-12)
    named: list[FloatArray] = []
    boxes: list[Any] = []
    for point, title in zip(points, titles, strict=True):
        if len(named) == MAX_TITLES:
            return
        if any(np.linalg.norm((point - other) / extent) < CLEARANCE for other in named):
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
    """The title as one would say it: article first, no year, cut to fit."""
    name = re.sub(r"\s*\(\d{4}\)$", "", title)
    name = re.sub(r"^(.*), (The|A|An)$", r"\2 \1", name)
    return name if len(name) <= TITLE_LENGTH else name[: TITLE_LENGTH - 1].rstrip() + "…"
