"""Figures of films unseen in training: table, sentences, and the report for other programs."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from evaluation.statistics import deviation_metrics, mean_metrics, paired_difference
from report.names import PINSAGE, metric_label
from report.tables import FigureBlock, FigureColumn, format_table
from report.text_table import TableColumn, TableSection, render_table
from report.words import number_range

# question group -> method -> ratings folded in -> metric -> value
Result = dict[str, dict[str, dict[int, dict[str, float]]]]

METRICS = ("hit_rate@10", "hit_rate@100", "mrr")
COMPARED = "hit_rate@10"
UNSEEN_GROUPS = ("target unseen", "query unseen", "either unseen")


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
    """An aligned table: one block for each group of questions, one star per column and block.

    Args:
        results: one entry per seed.
        counts: numbers of folded-in ratings, the columns under each metric.
    """
    columns = [
        FigureColumn(_key(metric, count), str(count), metric_label(metric))
        for metric in METRICS
        for count in counts
    ]
    blocks = [
        FigureBlock(
            {method: _means(results, group, method, counts) for method in methods}, _title(results, group)
        )
        for group, methods in results[0].metrics.items()
    ]
    seeds = "one seed" if len(results) == 1 else f"means over {len(results)} seeds"
    notes = [
        "target unseen: a known film asks for an unseen one; query unseen: an unseen film asks",
        f"* best in its block and column; {seeds}",
        "a film with fewer ratings in the training part has all of them folded in",
    ]
    return format_table(columns, blocks, corner="ratings folded in", notes=notes)


def verdict_table(results: Sequence[SeedResult], count: int) -> str:
    """PinSage minus each rival where ``count`` ratings are folded in.

    Both answer for the same films with the same ratings in each seed, so differences are paired.
    """
    rows = []
    for group in UNSEEN_GROUPS:
        for method in results[0].metrics[group]:
            if method == PINSAGE:
                continue
            gap = paired_difference(*(_runs(results, group, name, count) for name in (PINSAGE, method)))
            noise = "" if gap.noise is None else f" ±{gap.noise:.3f}"
            rows.append([group, method, f"{gap.mean:+.3f}{noise}", gap.verdict])
    headings = ("questions", "PinSage minus", metric_label(COMPARED), "verdict")
    note = f"{count} ratings of each unseen film folded in"
    if len(results) > 1:
        note += "; ±: half the 95 % interval over seeds (Student's t)"
    return render_table(
        [TableColumn(heading, numeric=False) for heading in headings], [TableSection(rows)], [note]
    )


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


def _runs(results: Sequence[SeedResult], group: str, method: str, count: int) -> list[float]:
    return [result.metrics[group][method][count][COMPARED] for result in results]


def _key(metric: str, count: int) -> str:
    return f"{metric}, {count} ratings"


def _means(results: Sequence[SeedResult], group: str, method: str, counts: Sequence[int]) -> dict[str, float]:
    """A row of the table."""
    means = {count: mean_metrics([r.metrics[group][method][count] for r in results]) for count in counts}
    return {_key(metric, count): means[count][metric] for metric in METRICS for count in counts}


def _title(results: Sequence[SeedResult], group: str) -> str:
    numbers = [result.num_questions[group] for result in results]
    return f"{group}: {number_range(numbers)} questions{' per seed' if len(numbers) > 1 else ''}"
