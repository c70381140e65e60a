"""Varied lists: films that suit the question and are unlike each other.

Maximal marginal relevance (Carbonell and Goldstein, SIGIR 1998) chooses one film after the other. The next
one is the candidate c with the greatest

    (1 - diversity) * relevance(c) - diversity * max over the chosen films s of similarity(c, s)

- The candidates are the best films of a search: ten times as many as are wanted, at least 100, but at most
  1,000 more than are wanted.
- Relevance is the score of a candidate, scaled so that the best one has 1 and the last one 0.
- Similarity is the mean of two cosines: of what is known about both films apart from their raters (genres,
  year, tags, content), and of their embeddings less the mean embedding. The first makes genres and years
  more mixed; the second also works where nothing is known.

The first film is the best one, whatever the diversity.
"""

import numpy as np

from base.arrays import FloatArray, IntArray, unit_rows
from data.feature_extractor import FeatureBasis, described_parts

TIMES_AS_MANY = 10
MIN_CANDIDATES = 100
MAX_MORE = 1_000  # time grows with the product of both lengths


def num_candidates(k: int) -> int:
    """How many films a search must find so that ``k`` of them can be chosen."""
    return max(MIN_CANDIDATES, min(TIMES_AS_MANY * k, k + MAX_MORE))


class FilmChooser:
    """Chooses varied films among candidates.

    Args:
        basis: of the features.
        features: float32 ``[num_movies, num_features]``.
        embeddings: float32 ``[num_movies, dim]``, films as candidates.
    """

    def __init__(self, basis: FeatureBasis, features: FloatArray, embeddings: FloatArray):
        self.basis = basis
        self.features = features
        self.embeddings = embeddings
        self.mean = embeddings.mean(axis=0)

    def choose(self, rows: IntArray, scores: FloatArray, k: int, diversity: float) -> IntArray:
        """The places of ``k`` varied films among the candidates, in their new order; all if there are fewer.

        Args:
            rows: int ``[n]``, the candidates, best first.
            scores: float ``[n]``, falling.
            k: films wanted.
            diversity: as in ``maximal_marginal_relevance``.
        """
        return maximal_marginal_relevance(self.vectors(rows), min_max(scores), k, diversity)

    def vectors(self, rows: IntArray) -> FloatArray:
        """Vectors of the films ``rows`` ``[n]`` whose inner products are similarities: float32 ``[n, d]``."""
        described = unit_rows(described_parts(self.basis, self.features[rows]))
        learned = unit_rows(self.embeddings[rows] - self.mean)
        return np.concatenate([described, learned], axis=1) / np.float32(2**0.5)


def min_max(scores: FloatArray) -> FloatArray:
    """Scores ``[n]`` scaled to 0 for the lowest and 1 for the highest, float64; all 0 if they are equal."""
    above = scores.astype(np.float64) - scores.min(initial=np.inf)
    highest = above.max(initial=0)
    return above / highest if highest > 0 else above


def maximal_marginal_relevance(
    vectors: FloatArray, relevance: FloatArray, k: int, diversity: float
) -> IntArray:
    """The candidates that maximal marginal relevance chooses, in O(n k d).

    Args:
        vectors: float ``[n, d]``, whose inner products are the similarities.
        relevance: float64 ``[n]``, falling.
        k: how many are wanted.
        diversity: from 0, only relevance counts, to 1, only dissimilarity counts (from the second on).

    Returns:
        int64 ``[min(k, n)]``, distinct places, in the order in which they were chosen; of equals the first.
    """
    chosen = np.arange(min(k, len(vectors)))
    worth = (1 - diversity) * relevance
    nearest = np.full(len(vectors), -np.inf)  # the greatest similarity to a chosen one
    last = 0
    for place in range(1, len(chosen)):
        worth[last] = -np.inf
        np.maximum(nearest, vectors @ vectors[last], out=nearest)
        last = chosen[place] = int(np.argmax(worth - diversity * nearest))
    return chosen
