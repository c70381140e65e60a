"""The embeddings on a plane: the place of each of the most-rated films, and the genre that colours it."""

from collections import Counter
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from base.arrays import FloatArray, IntArray
from data.dataset import Movies
from report.plot_style import PALETTE

MAX_FILMS = 1000  # more would hide each other and make t-SNE slow
ITERATIONS = 500  # of t-SNE: half of its default, with little visible difference
OTHER, OTHER_COLOR = "other", "#cccccc"  # films without a genre that has a colour


@dataclass(frozen=True)
class FilmLayout:
    """Films on a plane.

    Attributes:
        rows: int64 ``[n]``, rows of the films, the most-rated first.
        points: float32 ``[n, 2]``, their places; the unit has no meaning.
        genres: the most common genres, at most as many as there are colours.
        main_genre: int64 ``[n]``, each film's position in ``genres``; ``len(genres)`` for none of them.
    """

    rows: IntArray
    points: FloatArray
    genres: list[str]
    main_genre: IntArray

    def colored(self) -> list[tuple[str, str, npt.NDArray[np.bool_]]]:
        """The legend: genre, its colour in the pictures, and which films it has; "other" is the last."""
        named = zip([*self.genres, OTHER], [*PALETTE[: len(self.genres)], OTHER_COLOR], strict=True)
        groups = [(name, color, self.main_genre == place) for place, (name, color) in enumerate(named)]
        return [group for group in groups if group[2].any()]


def lay_out_films(
    embeddings: FloatArray, movies: Movies, popularity: IntArray | FloatArray, seed: int
) -> FilmLayout:
    """A t-SNE map (van der Maaten and Hinton, JMLR 2008) of the most-rated films.

    Films near each other on the map have similar embeddings; large distances mean little.

    Args:
        embeddings: float32 ``[num_movies, dim]``.
        movies: the catalogue.
        popularity: ``[num_movies]``, training ratings; decides which films are on the map.
        seed: decides the layout.
    """
    rows = np.argsort(-popularity, kind="stable")[:MAX_FILMS]
    genres, main_genre = _main_genres([movies.genres[row] for row in rows])
    return FilmLayout(rows, _flatten(embeddings[rows], seed), genres, main_genre)


def _flatten(embeddings: FloatArray, seed: int) -> FloatArray:
    """Positions ``[n, 2]`` by t-SNE, started from the first two principal components."""
    from sklearn.manifold import TSNE
    from threadpoolctl import threadpool_limits

    centred = embeddings - embeddings.mean(axis=0)
    left, values, _ = np.linalg.svd(centred, full_matrices=False)
    start = np.zeros((len(centred), 2), dtype=np.float32)
    width = min(2, len(values))
    start[:, :width] = left[:, :width] * values[:width]
    if len(centred) < 5:  # too few for the neighbourhoods of t-SNE
        return start
    start *= 1e-4 / max(start[:, 0].std(), 1e-12)  # the scale t-SNE expects of its start
    layout = TSNE(
        perplexity=min(30, (len(centred) - 1) / 3),
        init=start,
        metric="cosine",
        max_iter=ITERATIONS,
        random_state=seed,
    )
    # Threads would sum in varying order, and are slower here than a single one.
    with threadpool_limits(1):
        return layout.fit_transform(embeddings)


def _main_genres(genres: list[tuple[str, ...]]) -> tuple[list[str], IntArray]:
    """The most common genres, at most as many as colours, and each film's position in them.

    A film with several genres takes the rarest of them: it says most about the film.
    """
    common = [name for name, _ in Counter(g for names in genres for g in names).most_common(len(PALETTE))]
    main = [max((common.index(g) for g in names if g in common), default=len(common)) for names in genres]
    return common, np.array(main)
