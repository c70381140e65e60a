"""The ranking metrics of questions with one target each: one function and one line in ``METRICS`` per metric.

To add a metric:

1. Write a function of the ranks here, and add its line to ``METRICS``.
2. Give it a name for people in ``report.names.METRIC_NAMES``.
3. Test it by hand in ``tests/evaluation/test_evaluation.py``.

Tables, the report and the files then have it. The user protocol has several targets per question; its metrics
are in ``evaluation.users``.
"""

from collections.abc import Callable
from functools import partial
from typing import Literal, NamedTuple

import numpy as np

from base.arrays import FloatArray

ProtocolName = Literal["next_item", "pairs"]

HIT_RATE_CUTOFFS = (10, 100, 500)
NEXT_ITEM_DEPTH = 20  # cut-off of recall and NDCG in the next-item protocol
SCALED_MRR_UNIT = 100  # the paper's scaling of the rank in its MRR (section 4.1)


class Metric(NamedTuple):
    """A metric that is a mean over questions.

    Attributes:
        key: its name in files and rows, for instance ``hit_rate@10``.
        values: ranks ``[num_questions]`` to what each question contributes, float64 ``[num_questions]``.
        protocols: the protocols that report it.
    """

    key: str
    values: Callable[[FloatArray], FloatArray]
    protocols: tuple[ProtocolName, ...] = ("next_item", "pairs")


def hits(ranks: FloatArray, cutoff: int) -> FloatArray:
    """1 where the target is among the first ``cutoff``; a half rank is a hit at k if it is at most k."""
    return (ranks <= cutoff).astype(np.float64)


def reciprocal_ranks(ranks: FloatArray) -> FloatArray:
    """1 / rank."""
    return 1 / ranks


def scaled_reciprocal_ranks(ranks: FloatArray) -> FloatArray:
    """1 / ceil(rank / 100): the paper's MRR (section 4.1), for catalogues where ranks are large."""
    return 1 / np.ceil(ranks / SCALED_MRR_UNIT)


def discounted_gains(ranks: FloatArray, cutoff: int) -> FloatArray:
    """NDCG at ``cutoff``: with one target the ideal DCG is 1."""
    return hits(ranks, cutoff) / np.log2(1 + ranks)


METRICS: tuple[Metric, ...] = (
    *(Metric(f"hit_rate@{k}", partial(hits, cutoff=k)) for k in HIT_RATE_CUTOFFS),
    Metric("mrr", reciprocal_ranks),
    Metric("scaled_mrr", scaled_reciprocal_ranks, ("pairs",)),
    Metric(f"ndcg@{NEXT_ITEM_DEPTH}", partial(discounted_gains, cutoff=NEXT_ITEM_DEPTH), ("next_item",)),
    # With one target, recall is the hit rate.
    Metric(f"recall@{NEXT_ITEM_DEPTH}", partial(hits, cutoff=NEXT_ITEM_DEPTH), ("next_item",)),
)


def question_values(ranks: FloatArray, protocol: ProtocolName) -> dict[str, FloatArray]:
    """What each question contributes to each metric; a metric is the mean of them.

    Args:
        ranks: float ``[num_questions]``, from 1.
        protocol: decides the metrics.

    Returns:
        Metric's key to float64 ``[num_questions]``, in the order of ``METRICS``.
    """
    return {metric.key: metric.values(ranks) for metric in METRICS if protocol in metric.protocols}
