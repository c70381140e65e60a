"""Query parameters for a wanted recall: the cheapest that reach it on a sample."""

from typing import NamedTuple

import numpy as np

from base.arrays import FloatArray
from base.checks import number
from search.base import VectorIndex
from search.exact import ExactIndex

SAMPLE = 1000  # queries
TOLERANCE = 1e-5  # of a score, so that rounding does not turn a tie into a miss


class Tuned(NamedTuple):
    """The result of ``tune``: recall on the sample, its size, and whether the target was reached."""

    recall: float
    queries: int
    reached: bool


def recall_by_score(found: FloatArray, best: FloatArray) -> float:
    """Share of the best k that was found, by score: a result that ties with the k-th counts as found.

    Args:
        found: ``[n, k]``, scores of the results.
        best: ``[n, k]``, scores of the exact best, best first.
    """
    worst = best[:, -1:]
    return float(np.mean(found >= worst - TOLERANCE * np.maximum(1, np.abs(worst))))


def tune(index: VectorIndex, queries: FloatArray, target_recall: float, k: int = 10, seed: int = 0) -> Tuned:
    """Set ``index.query`` to the first of its operating points that reaches ``target_recall``.

    A point reaches the target if its recall on the sample is at least one standard error above it, since
    other queries will not do exactly as well. If no point does, the most thorough one stays.

    Args:
        index: a built index that is not empty.
        queries: float32 ``[n, d]``, like those to be asked; at most ``SAMPLE`` are drawn.
        target_recall: recall of the k best, from 0 to 1.
        k: results per query.
        seed: of the sample.

    Raises:
        ValueError: an empty index, no queries, or an argument out of range.
    """
    number("target_recall", target_recall, 0, 1)
    if len(index) == 0 or len(queries) == 0:
        raise ValueError(f"tuning needs vectors and queries, got {len(index)} and {len(queries)}")
    if len(queries) > SAMPLE:
        chosen = np.random.default_rng(seed).choice(len(queries), SAMPLE, replace=False)
        queries = queries[np.sort(chosen)]
    best = ExactIndex().build(index.embeddings, index.ids).search(queries, k).scores
    recall, reached = 1.0, True
    for point in index.operating_points():
        index.query = point
        found = index.search(queries, k).scores
        each = np.array([recall_by_score(f[None], b[None]) for f, b in zip(found, best, strict=True)])
        recall = float(each.mean())
        reached = bool(recall - each.std() / len(each) ** 0.5 >= target_recall or recall == 1)
        if reached:
            break
    return Tuned(recall, len(queries), reached)
