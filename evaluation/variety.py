"""How varied lists of recommendations are: within a list, beside what everybody knows, and between lists.

These figures say nothing of accuracy: lists of random films have the best of all. They look at the first
``COVERAGE_DEPTH`` films of each question, and take time in proportion to the number of lists.

- Intra-list diversity (Ziegler et al., WWW 2005, as a distance): 1 - the mean similarity of two films of a
  list. Similarity is the cosine of their genres, which no model chose: 1 for equal genres, 0 for none in
  common. Films without genres form a genre of their own.
- Novelty (Zhou et al., PNAS 2010): the mean self-information of the films, in bits: -log2 of the share of the
  training users who rated a film. A film that nobody rated counts as if one user had.
- Personalisation (the Hamming distance of Zhou et al.): 1 - the mean share of films that two lists have in
  common, over all pairs of lists. If c_i lists contain film i, then c_i (c_i - 1) / 2 pairs have it in
  common; so no pair is looked at.
- Gini index (Shani and Gunawardana, Recommender Systems Handbook, 2011) of c_i over the whole catalogue: 0 if
  all films are recommended equally often, 1 if all recommendations are one film.
"""

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from base.arrays import FloatArray, IntArray
from data.dataset import Movies
from data.splits import Split

COVERAGE_DEPTH = 10  # films of each question that coverage and the figures of this module look at


@dataclass(frozen=True)
class FilmFacts:
    """What the figures need to know about films.

    Attributes:
        genres: float64 ``[num_movies, num_genres]``, rows of unit length; None if no film has a genre.
        information: float64 ``[num_movies]``, self-information in bits.
    """

    genres: sp.csr_matrix | None
    information: FloatArray

    @classmethod
    def of(cls, movies: Movies, split: Split) -> "FilmFacts":
        """The facts of a catalogue, with the training ratings of a split."""
        ratings = np.bincount(split.train.movies, minlength=split.num_movies)
        users = len(np.unique(split.train.users))
        return cls(genre_rows(movies.genres), -np.log2(np.maximum(ratings, 1) / users))


def genre_rows(genres: list[tuple[str, ...]]) -> sp.csr_matrix | None:
    """Genres of films as rows of unit length, float64 ``[num_movies, num_genres]``; None if there are none.

    Args:
        genres: one tuple of distinct names per film. Empty ones form a genre of their own.
    """
    if not any(genres):
        return None
    named = [names or ("",) for names in genres]
    column = {name: place for place, name in enumerate(dict.fromkeys(name for row in named for name in row))}
    lengths = np.array([len(names) for names in named])
    columns = [column[name] for names in named for name in names]
    values = np.repeat(1 / np.sqrt(lengths), lengths)
    return sp.csr_matrix((values, columns, np.cumsum([0, *lengths])), shape=(len(named), len(column)))


def variety_metrics(lists: IntArray, facts: FilmFacts) -> dict[str, float]:
    """The four figures of lists of recommendations.

    Args:
        lists: int ``[n, COVERAGE_DEPTH]`` film rows, distinct within a list; -1 behind a list that has fewer.
        facts: about the films of the catalogue.

    Returns:
        Key to value. There is no ``diversity`` without genres or where no list has two films, and no
        ``personalisation`` of fewer than two lists.
    """
    counts = np.bincount(lists[lists >= 0], minlength=len(facts.information))
    if not counts.any():
        return {}
    figures = {
        "diversity": None if facts.genres is None else intra_list_diversity(lists, facts.genres),
        "novelty": float(counts @ facts.information / counts.sum()),
        "personalisation": personalisation(counts, len(lists)),
        "gini": gini_index(counts),
    }
    return {f"{name}@{COVERAGE_DEPTH}": value for name, value in figures.items() if value is not None}


def intra_list_diversity(lists: IntArray, vectors: sp.csr_matrix) -> float | None:
    """1 - the mean cosine of two films of a list, on average over lists; None if no list has two films.

    With one genre per film this is PyG's ``LinkPredDiversity``. The cosines of all pairs of a list,
    a film and itself among them, add up to the squared length of the sum of its vectors.

    Args:
        lists: int ``[n, k]`` film rows, -1 for none.
        vectors: float64 ``[num_movies, d]``, rows of unit length.
    """
    lengths = np.count_nonzero(lists >= 0, axis=1)
    chosen = lists[lists >= 0]
    ends = np.cumsum([0, *lengths])
    members = sp.csr_matrix((np.ones(len(chosen)), chosen, ends), shape=(len(lists), vectors.shape[0]))
    sums = members @ vectors
    squares = np.asarray(sums.multiply(sums).sum(axis=1)).ravel()
    several = lengths > 1
    if not several.any():
        return None
    lengths, squares = lengths[several], squares[several]
    cosines = (squares - lengths) / (lengths * (lengths - 1))
    return float(np.clip(1 - cosines, 0, 1).mean())


def personalisation(counts: IntArray, num_lists: int) -> float | None:
    """1 - the mean share of films that two lists have in common; None for fewer than two lists.

    For lists of equal length this is PyG's ``LinkPredPersonalization``. For others the share is of their mean
    length.

    Args:
        counts: int ``[num_movies]``, how many lists contain each film.
        num_lists: number of lists.
    """
    if num_lists < 2:
        return None
    counts = counts.astype(np.float64)
    return float(1 - counts @ (counts - 1) / (counts.sum() * (num_lists - 1)))


def gini_index(counts: IntArray) -> float:
    """The Gini index of counts, int ``[n]``, not all 0: 0 if they are equal, 1 if only one is not 0."""
    n = len(counts)
    if n == 1:
        return 0.0
    weights = 2 * np.arange(1, n + 1) - n - 1
    return float(weights @ np.sort(counts) / ((n - 1) * counts.sum()))
