import pytest

from evaluation.metrics import METRICS
from report.names import METRIC_NAMES, metric_label, metric_meanings


@pytest.mark.parametrize(
    ("metric", "label"),
    [
        ("hit_rate@10", "hit rate @10"),
        ("mrr", "MRR"),
        ("ndcg@20", "NDCG@20"),
        ("coverage@10", "coverage@10"),
        ("mean_ratings@10", "ratings@10"),
    ],
)
def test_metrics_have_names_for_people(metric, label):
    assert metric_label(metric) == label


def test_every_metric_has_a_name_and_a_meaning():
    for metric in METRICS:
        assert metric.key.split("@")[0] in METRIC_NAMES
    assert all(name.label and name.meaning for name in METRIC_NAMES.values())


def test_meanings_come_once_per_metric_whatever_its_cutoffs():
    meanings = metric_meanings(["hit_rate@10", "hit_rate@100", "mrr", "something_else@5"])
    assert list(meanings) == ["hit rate", "MRR"]
