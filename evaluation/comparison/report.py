"""``output/benchmark.json``: all figures of the comparison, as plain values under stable keys."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from base.files import write_json
from config import Config
from evaluation.comparison.bootstrap import CONFIDENCE, RESAMPLES, Estimate
from evaluation.comparison.popularity import (
    DECILES,
    HEAD_MIDDLE_TAIL,
    PopularityGroup,
    popularity_groups,
    shown_popularity,
)
from evaluation.comparison.protocol import Contestant, ProtocolComparison
from evaluation.few_candidates import few_candidates
from report.names import PINSAGE

GROUP_METRICS = ("hit_rate@100", "mrr")  # the figures of each popularity group
SHOWN_POPULARITY = "mean_ratings@10"
NOT_STORED = ("split", "seed")  # one report holds both protocols and several seeds


def write_report(
    path: Path,
    config: Config,
    dataset: str,
    seeds: Sequence[int],
    comparisons: Mapping[str, ProtocolComparison],
    related: Mapping[str, Mapping[str, Any]],
) -> None:
    """Write the report of the protocols that were compared so far.

    Args:
        path: file to write.
        config: settings of the command.
        dataset: name of the data.
        seeds: seeds of the trainings.
        comparisons: protocol to what was found.
        related: protocol to its entry on relatedness; without those that have none.
    """
    settings = {k: v for k, v in config.model_settings().items() if k not in NOT_STORED}
    report = {
        "dataset": dataset,
        "seeds": list(seeds),
        "catalogue": len(next(iter(comparisons.values())).ratings),
        "confidence": CONFIDENCE,
        "resamples": RESAMPLES,
        "settings": settings,
        "protocols": {
            protocol: _protocol(comparison) | ({"related": related[protocol]} if protocol in related else {})
            for protocol, comparison in comparisons.items()
        },
    }
    write_json(report, path)


def _protocol(comparison: ProtocolComparison) -> dict[str, Any]:
    questions, ratings = comparison.questions, comparison.ratings
    groups, tenths = (
        popularity_groups(ratings, questions.targets, parts) for parts in (HEAD_MIDDLE_TAIL, DECILES)
    )

    few = few_candidates(questions, len(ratings))

    def method(name: str, contestant: Contestant) -> dict[str, Any]:
        values = contestant.question_values(questions)

        def by_group(group: PopularityGroup) -> dict[str, float | None]:
            return {metric: group.mean(values[metric]) for metric in GROUP_METRICS}

        return {
            "metrics": contestant.metrics(),
            "interval": {metric: _ends(e) for metric, e in comparison.means[name].items()},
            "spread": contestant.spread(),
            "per_seed": [run.metrics for run in contestant.runs],
            "validation_mrr": list(contestant.validation_mrr),
            SHOWN_POPULARITY: mean_shown_popularity(contestant, comparison),
            "popularity": {key: by_group(group) for key, group in groups.items()},
            "popularity_deciles": {key: by_group(group) for key, group in tenths.items()},
            "seconds": round(contestant.seconds, 1),
        }

    return {
        "split": comparison.split,
        "queries": len(questions),
        "queries_available": comparison.available,
        "users": len(np.unique(questions.users)),
        "pinsage": method(PINSAGE, comparison.ours),
        "baselines": {
            name: method(name, baseline)
            | {
                "settings": dict(baseline.settings),
                "difference": {metric: e.as_plain() for metric, e in comparison.differences[name].items()},
            }
            for name, baseline in comparison.baselines.items()
        },
        "best_baseline": comparison.best_baseline,
        "baselines_skipped": comparison.skipped,
        "popularity": {key: _group(group) for key, group in groups.items()},
        "popularity_deciles": {key: _group(group) for key, group in tenths.items()},
    } | ({"few_candidates": few} if few else {})


def mean_shown_popularity(contestant: Contestant, comparison: ProtocolComparison) -> float:
    """Training ratings of a film in a method's top-10 lists, on average over lists and runs."""
    return float(np.mean([shown_popularity(run.recommended, comparison.ratings) for run in contestant.runs]))


def _group(group: PopularityGroup) -> dict[str, int]:
    return {
        "films": group.films,
        "fewest_ratings": group.min_ratings,
        "most_ratings": group.max_ratings,
        "queries": group.queries,
    }


def _ends(estimate: Estimate) -> list[float]:
    return [estimate.low, estimate.high]
