"""The names of methods and metrics in tables, pictures and the report.

In files a metric has one key, ``name`` or ``name@cutoff``; ``METRIC_NAMES`` has its name for people. To add a
metric: a function and its line in ``evaluation.metrics.METRICS``, a line here, and a test.
"""

from typing import NamedTuple

from data.item_words import FILMS, ItemWords

PINSAGE = "PinSage"  # our method, in tables and files


class MetricName(NamedTuple):
    """A metric as people read it.

    Attributes:
        label: its name in headings.
        meaning: one sentence for the legend of the report; k stands for the cut-off.
    """

    label: str
    meaning: str


METRIC_NAMES = {
    "hit_rate": MetricName("hit rate", "share of questions with a target among the first k films"),
    "mrr": MetricName("MRR", "mean reciprocal rank: the mean of 1 / rank"),
    "scaled_mrr": MetricName("scaled MRR", "the mean of 1 / ⌈rank / 100⌉, as in the paper"),
    "ndcg": MetricName(
        "NDCG",
        "sum of 1 / log₂(1 + rank) over the targets among the first k, divided by the largest possible sum",
    ),
    "recall": MetricName("recall", "share of a question's targets that are among the first k films"),
    "coverage": MetricName(
        "coverage", "share of the catalogue that is in the first k of some question: variety, not accuracy"
    ),
    "diversity": MetricName(
        "intra-list diversity",
        "1 - the mean cosine of the genres of two of the first k films: 0 if all have the same genres",
    ),
    "novelty": MetricName(
        "novelty", "−log₂ of the share of the training users who rated a film among the first k, on average"
    ),
    "personalisation": MetricName(
        "personalisation", "share of the first k films that two questions do not have in common, on average"
    ),
    "gini": MetricName(
        "Gini",
        "0 if all films of the catalogue are among the first k equally often, 1 if it is always one film",
    ),
    "siblings": MetricName(
        "siblings", "share of the items that belong to the query among the first k, of at most k"
    ),
    "mean_ratings": MetricName("ratings", "training ratings of a film among the first k, on average"),
}

VARIETY = ("diversity", "novelty", "personalisation", "gini")  # they say nothing of accuracy


def is_variety(metric: str) -> bool:
    """Whether a metric is about the variety of lists; it stands in a table of its own."""
    return metric.partition("@")[0] in VARIETY


def metric_label(metric: str) -> str:
    """A metric's name for people: ``hit_rate@10`` is ``hit rate @10``, ``ndcg@20`` is ``NDCG@20``.

    Args:
        metric: a key of ``metrics.json``; without an entry in ``METRIC_NAMES`` its own words are its name.
    """
    name, at, cutoff = metric.partition("@")
    label = METRIC_NAMES[name].label if name in METRIC_NAMES else name.replace("_", " ")
    return label + (" " if " " in label and at else "") + at + cutoff


def metric_meanings(metrics: list[str], words: ItemWords = FILMS) -> dict[str, str]:
    """Label to meaning of the metrics in a table, each once, whatever its cut-offs; items have ``words``."""
    names = dict.fromkeys(metric.partition("@")[0] for metric in metrics)
    known = [METRIC_NAMES[name] for name in names if name in METRIC_NAMES]
    return {metric.label: words.said(metric.meaning) for metric in known}
