"""The ablation in words and figures: table, sentences, and the report for other programs."""

from collections.abc import Mapping, Sequence
from typing import Any

from evaluation.ablation.variants import NAMES, AblationBlock
from evaluation.statistics import Difference, deviation_metrics, difference, mean_metrics
from report.names import metric_label
from report.tables import FigureBlock, FigureColumn, format_table
from report.text_table import TableColumn, TableSection, render_table
from report.words import counted

Runs = Mapping[str, Sequence[Mapping[str, float]]]

SHOWN = ("hit_rate@10", "hit_rate@100", "mrr", "scaled_mrr")  # those of them that the protocol has
COMPARED = ("hit_rate@10", "mrr")  # what the comparisons look at; the others follow them closely
NOT_METRICS = ("best_epoch", "seconds")  # what a run notes beside its metrics


def ablation_table(blocks: Sequence[AblationBlock], runs: Runs) -> str:
    """An aligned table, block by block, with a star at each block's best value.

    Args:
        blocks: the rows.
        runs: variant's name to metrics, one entry per seed.
    """
    metrics = next(iter(runs.values()))[0]
    seeds = len(next(iter(runs.values())))
    columns = [FigureColumn(name, metric_label(name)) for name in SHOWN if name in metrics]
    spread = "± is the standard deviation over them" if seeds > 1 else "so no standard deviation is known"
    return format_table(
        columns,
        [_figures(block, runs) for block in blocks],
        corner="variant",
        notes=[NAMES, f"* best in its block and column; means over {counted(seeds, 'seed')}, {spread}"],
    )


def comparison_table(blocks: Sequence[AblationBlock], runs: Runs) -> str:
    """One row for each pair that the blocks name, and a note on what seed noise means."""
    pairs = [pair for block in blocks for pair in block.pairs]
    rows = [
        [f"{name} minus {reference}", *(_in_words(_difference(runs, name, reference, m)) for m in COMPARED)]
        for name, reference in pairs
    ]
    headings = ["difference", *map(metric_label, COMPARED)]
    note = (
        "±: half the 95 % interval over seeds (Student's t); within seed noise: that interval contains 0"
        if len(next(iter(runs.values()))) > 1
        else "one seed says nothing about seed noise; compare three or more"
    )
    return render_table(
        [TableColumn(heading, numeric=False) for heading in headings], [TableSection(rows)], [note]
    )


def ablation_report(blocks: Sequence[AblationBlock], runs: Runs) -> dict[str, Any]:
    """Plain values: ``blocks`` with their rows, and ``comparisons``."""
    return {
        "blocks": [
            {
                "title": block.title,
                "rows": [
                    {
                        "name": variant.name,
                        "settings": variant.recipe | variant.settings,
                        "mean": _metrics_only(mean_metrics(runs[variant.name])),
                        "deviation": _metrics_only(deviation_metrics(runs[variant.name])),
                        "runs": [dict(run) for run in runs[variant.name]],
                    }
                    for variant in block.variants
                ],
            }
            for block in blocks
        ],
        "comparisons": [
            {
                "variant": name,
                "reference": reference,
                "metric": metric,
                "difference": gap.mean,
                "noise": gap.noise,
                "verdict": gap.verdict,
            }
            for block in blocks
            for name, reference in block.pairs
            for metric in COMPARED
            for gap in [_difference(runs, name, reference, metric)]
        ],
    }


def _figures(block: AblationBlock, runs: Runs) -> FigureBlock:
    """Means and deviations of a block's variants."""
    names = [variant.name for variant in block.variants]
    deviations = {name: deviation_metrics(runs[name]) for name in names}
    return FigureBlock(
        {name: mean_metrics(runs[name]) for name in names},
        block.title,
        deviations={
            name: {metric: value for metric, value in of_variant.items() if value is not None}
            for name, of_variant in deviations.items()
        },
    )


def _difference(runs: Runs, name: str, reference: str, metric: str) -> Difference:
    return difference([run[metric] for run in runs[name]], [run[metric] for run in runs[reference]])


def _in_words(gap: Difference) -> str:
    return f"{gap.mean:+.4f}" + ("" if gap.noise is None else f" ±{gap.noise:.4f} {gap.verdict}")


def _metrics_only(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name not in NOT_METRICS}
