"""Figures of films unseen in training: table, sentences, and the report for other programs."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from evaluation.statistics import deviation_metrics, mean_metrics, paired_difference

# question group -> method -> ratings folded in -> metric -> value
Result = dict[str, dict[str, dict[int, dict[str, float]]]]

COLUMNS = {"hit_rate@10": "hit rate @10", "hit_rate@100": "hit rate @100", "mrr": "MRR"}
CORNER = "ratings folded in"
OURS = "PinSage"
UNSEEN_GROUPS = ("target unseen", "query unseen", "either unseen")
GAP = "   "
CELL = len("0.123*")


@dataclass(frozen=True)
class SeedResult:
    """What one seed gave.

    Attributes:
        seed: that seed.
        num_films: films held out.
        num_questions: questions in each group.
        metrics: by group, method, number of folded-in ratings and metric.
    """

    seed: int
    num_films: int
    num_questions: dict[str, int]
    metrics: Result


def cold_start_table(results: Sequence[SeedResult], counts: Sequence[int]) -> str:
    """An aligned table, a block for each group of questions, a star at each column's best in its block.

    Args:
        results: one entry a seed.
        counts: numbers of folded-in ratings, the columns under each metric.
    """
    groups = results[0].metrics
    name_width = max(len(name) for name in (CORNER, *(m for methods in groups.values() for m in methods)))
    span = len(counts) * (CELL + 1) - 1
    top = " " * name_width + "".join(f"{GAP}{f' {COLUMNS[m]} '.center(span - 1, '-')} " for m in COLUMNS)
    cells = " ".join(f"{count:>{CELL - 1}} " for count in counts)
    header = CORNER.ljust(name_width) + f"{GAP}{cells}" * len(COLUMNS)
    rule = "-" * len(top.rstrip())
    lines = [top.rstrip(), header.rstrip(), rule]
    for group, methods in groups.items():
        numbers = [result.num_questions[group] for result in results]
        lines.append(f"{group}: {_range(numbers)} questions{' a seed' if len(numbers) > 1 else ''}")
        rows = {method: _means(results, group, method, counts) for method in methods}
        best = [max(column) for column in zip(*rows.values(), strict=True)]
        for method, values in rows.items():
            line = method.ljust(name_width)
            for place, (value, top_value) in enumerate(zip(values, best, strict=True)):
                line += (" " if place % len(counts) else GAP) + value + ("*" if value == top_value else " ")
            lines.append(line.rstrip())
        lines.append(rule)
    seeds = "one seed" if len(results) == 1 else f"means over {len(results)} seeds"
    lines.append(
        f"* best in its column and block; {seeds}; a film with fewer training ratings has them all in"
    )
    return "\n".join(lines)


def verdict_lines(results: Sequence[SeedResult], bar: int) -> list[str]:
    """How PinSage's hit rate @10 compares with each rival where ``bar`` ratings are folded in.

    Both answer for the same films with the same ratings in each seed, so differences are paired.
    """
    lines = []
    for group in UNSEEN_GROUPS:
        for method in results[0].metrics[group]:
            if method == OURS:
                continue
            gap = paired_difference(
                *(_runs(results, group, name, bar, "hit_rate@10") for name in (OURS, method))
            )
            word = "above" if gap.mean > 0 else "below" if gap.mean < 0 else "from"
            noise = "" if gap.noise is None else f" ±{gap.noise:.3f}"
            lines.append(
                f"{group}, {bar} ratings: {OURS}'s hit rate @10 is {abs(gap.mean):.3f}{noise} {word} "
                f"{method}, {gap.verdict}"
            )
    return lines


def cold_start_report(results: Sequence[SeedResult]) -> dict[str, Any]:
    """Plain values: films and questions of each seed, and ``results`` by group, method and ratings."""
    return {
        "films": [result.num_films for result in results],
        "questions": {
            group: [result.num_questions[group] for result in results] for group in results[0].metrics
        },
        "results": {
            group: {
                method: {
                    str(count): _summary([result.metrics[group][method][count] for result in results])
                    for count in by_count
                }
                for method, by_count in methods.items()
            }
            for group, methods in results[0].metrics.items()
        },
    }


def _summary(runs: Sequence[dict[str, float]]) -> dict[str, Any]:
    return {"mean": mean_metrics(runs), "deviation": deviation_metrics(runs), "runs": list(runs)}


def _runs(results: Sequence[SeedResult], group: str, method: str, count: int, metric: str) -> list[float]:
    return [result.metrics[group][method][count][metric] for result in results]


def _means(results: Sequence[SeedResult], group: str, method: str, counts: Sequence[int]) -> list[str]:
    """The row's figures as printed, metric by metric and count by count."""
    means = [mean_metrics([r.metrics[group][method][count] for r in results]) for count in counts]
    return [f"{mean[metric]:.3f}" for metric in COLUMNS for mean in means]


def _range(numbers: Sequence[int]) -> str:
    low, high = min(numbers), max(numbers)
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"
