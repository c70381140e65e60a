"""Does the content of items say which items the same people take?

Content that does not is left out: a network would learn it by heart. Vectors of the wrong items, for
instance, say nothing.
"""

import numpy as np

from base.arrays import BoolArray, FloatArray, unit_rows
from data.graph_builder import ItemGraph

PAIRS = 20_000
MIN_AREA = 0.53
DEVIATIONS = 2  # content is left out only where the area is below by so many standard deviations


def is_informative(values: FloatArray, judged: BoolArray, graph: ItemGraph, seed: int) -> bool:
    """Whether items that one user takes one after the other are more alike than others, in content.

    Measured as the area under the ROC curve of their cosines, against pairs of the same items in random
    order. One half means that content says nothing. With few pairs, content is trusted.

    Args:
        values: content features of the items, float32 ``[num_movies, num_content]``.
        judged: bool ``[num_movies]``, the items whose content is judged.
        graph: training graph.
        seed: of the sample of pairs.
    """
    from sklearn.metrics import roc_auc_score  # takes a second, and few data have content

    rng = np.random.default_rng([seed, 2])
    # The last item of a user is followed by another user's first one: such pairs are no pairs.
    is_last = np.zeros(len(graph.user_movies), dtype=bool)
    is_last[graph.user_ptr[1:][np.diff(graph.user_ptr) > 0] - 1] = True
    first, second = graph.user_movies[:-1], graph.user_movies[1:]
    pairs = np.flatnonzero(~is_last[:-1] & judged[first] & judged[second])
    if len(pairs) > PAIRS:
        pairs = rng.choice(pairs, PAIRS, replace=False)
    one, other = first[pairs], second[pairs]
    shuffled = rng.permutation(other)
    different = one != shuffled
    vectors = unit_rows(values)
    alike = np.einsum("nd,nd->n", vectors[one], vectors[other])
    by_chance = np.einsum("nd,nd->n", vectors[one[different]], vectors[shuffled[different]])
    sizes = len(alike), len(by_chance)
    if min(sizes) == 0:
        return True
    area = roc_auc_score(np.repeat([True, False], sizes), np.concatenate([alike, by_chance]))
    # Of the Mann-Whitney statistic of two equal samples, which the area then is.
    deviation = np.sqrt((sum(sizes) + 1) / (12 * sizes[0] * sizes[1]))
    return bool(area + DEVIATIONS * deviation >= MIN_AREA)
