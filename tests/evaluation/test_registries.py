"""A new metric or baseline is a function or class with its registry line; all the rest follows from it."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest

from data.splits import held_out_queries, split_interactions
from evaluation import metrics
from evaluation.baselines import SEEDED, USER_BASELINES, fit_and_choose, registry
from evaluation.baselines.base import Baseline
from evaluation.baselines.fits import Fits
from evaluation.metrics import Metric
from evaluation.ranking import evaluate, ranking_metrics
from report import names
from report.html.report import write_report
from report.names import MetricName
from report.tables import format_metrics_table
from tests.factories import catalogue, random_interactions
from tests.report.test_html_report import a_run

NUM_USERS, NUM_MOVIES = 30, 40


@pytest.fixture
def toy_metric(monkeypatch):
    """The share of questions whose target is second or better."""
    toy = Metric("podium@2", lambda ranks: (ranks <= 2).astype(np.float64))
    monkeypatch.setattr(metrics, "METRICS", (*metrics.METRICS, toy))
    monkeypatch.setitem(names.METRIC_NAMES, "podium", MetricName("podium", "share of targets on a podium"))


def test_a_toy_metric_reaches_figures_tables_and_the_report(toy_metric, tmp_path):
    ranks = np.array([1.0, 2.0, 2.5, 9.0])
    for protocol in ("next_item", "pairs"):
        figures = ranking_metrics(ranks, protocol)
        assert figures["podium@2"] == 0.5
    assert "podium@2" in format_metrics_table({"PinSage": figures})
    run = a_run()
    for row in (run.metrics["metrics"], *run.metrics["baselines"].values()):
        row["podium@2"] = 0.5
    write_report(run, tmp_path / "report.html")
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert ">podium@2</th>" in text and "<b>podium</b>: share of targets on a podium" in text


@dataclass(frozen=True)
class OldestFirst:
    """Films by their row: a baseline that knows nothing."""

    factor: float = 1.0

    name: ClassVar[str] = "oldest first"
    GRID: ClassVar[tuple] = ({"factor": 1.0}, {"factor": 2.0}, {"factor": 3.0}, {"factor": -1.0})

    def fit(self, train, movies, num_users, num_movies, seed):
        return ByRow(np.arange(num_movies, dtype=np.float32) * -self.factor)


@dataclass(frozen=True)
class ByRow:
    scores: np.ndarray

    def score(self, queries):
        return np.broadcast_to(self.scores, (len(queries), len(self.scores)))


def test_a_toy_baseline_is_chosen_and_evaluated_like_the_others():
    split = split_interactions(random_interactions(NUM_USERS, NUM_MOVIES, 0.6), NUM_USERS, NUM_MOVIES)
    movies = catalogue(NUM_MOVIES)
    chosen = fit_and_choose([OldestFirst], split, movies, 0, 1000, Fits(split, movies, 0))["oldest first"]
    assert len(chosen.trials) == 4 and chosen.settings in OldestFirst.GRID
    found = evaluate(chosen.scorer, held_out_queries(split, "test"))
    assert {"hit_rate@10", "ndcg@20", "coverage@10"} <= found.metrics.keys()


def test_the_registry_is_consistent():
    baselines: tuple[type[Baseline], ...] = registry.BASELINES
    assert set(baselines) >= SEEDED and set(baselines) >= set(USER_BASELINES)
    assert len({baseline.name for baseline in baselines}) == len(baselines)
