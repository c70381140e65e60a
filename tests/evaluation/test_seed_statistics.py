import pytest
from scipy.stats import ttest_ind, ttest_rel

from evaluation.statistics import deviation_metrics, difference, mean_metrics, paired_difference


def test_mean_and_sample_deviation_by_hand():
    runs = [{"mrr": 0.1}, {"mrr": 0.2}, {"mrr": 0.3}]
    assert mean_metrics(runs) == {"mrr": pytest.approx(0.2)}
    assert deviation_metrics(runs) == {"mrr": pytest.approx(0.1)}
    assert deviation_metrics(runs[:1]) == {"mrr": None}


@pytest.mark.parametrize(
    ("first", "second", "verdict"),
    [
        ((0.10, 0.11, 0.12), (0.105, 0.100, 0.110), "within seed noise"),
        ((0.10, 0.11, 0.12), (0.05, 0.06, 0.05), "outside seed noise"),
        ((0.05, 0.06, 0.05), (0.10, 0.11, 0.12), "outside seed noise"),
    ],
)
def test_the_interval_is_students(first, second, verdict):
    gap = difference(first, second)
    interval = ttest_ind(first, second).confidence_interval(0.95)
    assert (gap.mean - gap.noise, gap.mean + gap.noise) == pytest.approx((interval.low, interval.high))
    assert gap.verdict == verdict


def test_paired_differences_forget_what_both_share():
    first, second = (0.10, 0.20, 0.30), (0.09, 0.17, 0.28)
    gap = paired_difference(first, second)
    interval = ttest_rel(first, second).confidence_interval(0.95)
    assert (gap.mean - gap.noise, gap.mean + gap.noise) == pytest.approx((interval.low, interval.high))
    assert gap.noise < difference(first, second).noise
    assert paired_difference([0.2], [0.1]).noise is None


def test_one_seed_knows_no_noise_and_equal_figures_are_within_it():
    assert difference([0.2], [0.1]).noise is None
    assert difference([0.2], [0.1]).verdict == "seed noise unknown"
    assert difference([0.1, 0.1], [0.1, 0.1]).verdict == "within seed noise"
