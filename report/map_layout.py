"""The embeddings laid out flat: where each of the most-rated films lies, and which genre colours it."""

from collections import Counter
from dataclasses import dataclass

import numpy as np

from base.arrays import FloatArray, IntArray
from data.dataset import Movies
from report.plot_style import PALETTE

MAX_FILMS = 1000  # more would hide each other, and t-SNE takes its time
ITERATIONS = 500  # of t-SNE; the second half of its usual 1,000 changes little to the eye


@dataclass(frozen=True)
class FilmMap:
    """Films on a plane.

    Attributes:
        rows: int64 ``[n]``, rows of the films, the most-rated first.
        points: float32 ``[n, 2]``, their places; the unit has no meaning.
        genres: the commonest genres, at most as many as there are colours.
        main_genre: int64 ``[n]``, each film's position in ``genres``; past its end: none of them.
    """

    rows: IntArray
    points: FloatArray
    genres: list[str]
    main_genre: IntArray


def lay_out_films(
    embeddings: FloatArray, movies: Movies, popularity: IntArray | FloatArray, seed: int
) -> FilmMap:
    """A t-SNE map (van der Maaten and Hinton, JMLR 2008) of the most-rated films.

    Near each other on the map means close in the embedding; distances across it mean little.

    Args:
        embeddings: float32 ``[num_movies, dim]``.
        movies: the catalogue.
        popularity: ``[num_movies]``, training ratings; decides which films are shown.
        seed: decides the layout.
    """
    rows = np.argsort(-popularity, kind="stable")[:MAX_FILMS]
    genres, main_genre = _main_genres([movies.genres[row] for row in rows])
    return FilmMap(rows, _flatten(embeddings[rows], seed), genres, main_genre)


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
