"""The ablation in words and figures: table, sentences, and the report for other programs."""

from collections.abc import Mapping, Sequence
from typing import Any

from evaluation.ablation.variants import Block
from evaluation.statistics import Difference, deviation_metrics, difference, mean_metrics

Runs = Mapping[str, Sequence[Mapping[str, float]]]

COLUMNS = {
    "hit_rate@10": "hit rate @10",
    "hit_rate@100": "hit rate @100",
    "mrr": "MRR",
    "scaled_mrr": "scaled MRR",
}
COMPARED = ("hit_rate@10", "mrr")  # what the sentences look at; the others follow them closely
CELL_WIDTH = len("0.123 ±0.012*")


def ablation_table(blocks: Sequence[Block], runs: Runs) -> str:
    """An aligned table, block by block, a star at each block's best value.

    Args:
        blocks: the rows.
        runs: variant's name to metrics, one entry a seed.
    """
    shown = [name for name in COLUMNS if name in next(iter(runs.values()))[0]]
    name_width = max(map(len, runs))
    header = "variant".ljust(name_width) + "".join(f"  {COLUMNS[m]:>{CELL_WIDTH - 1}} " for m in shown)
    lines = [header.rstrip(), "=" * len(header.rstrip())]
    for block in blocks:
        lines += [block.title, "-" * len(header.rstrip())]
        names = [variant.name for variant in block.variants]
        best = {m: max(_shown(mean_metrics(runs[name])[m]) for name in names) for m in shown}
        for name in names:
            mean, deviation = mean_metrics(runs[name]), deviation_metrics(runs[name])
            cells = (_cell(mean[m], deviation[m], _shown(mean[m]) == best[m]) for m in shown)
            lines.append((name.ljust(name_width) + "".join(f"  {cell}" for cell in cells)).rstrip())
        lines.append("-" * len(header.rstrip()))
    seeds = len(next(iter(runs.values())))
    spread = "the standard deviation over them behind ±" if seeds > 1 else "so no deviation is known"
    lines.append(f"* best in its block; means over {_counted(seeds, 'seed')}, {spread}")
    return "\n".join(lines)


def comparison_lines(blocks: Sequence[Block], runs: Runs) -> list[str]:
    """A line for each pair that the blocks name, and one on what seed noise means."""
    pairs = [pair for block in blocks for pair in block.pairs]
    heads = [f"{name} against {reference}" for name, reference in pairs]
    gaps = {m: [_in_words(_difference(runs, *pair, m)) for pair in pairs] for m in COMPARED}
    widths = {m: max(map(len, (COLUMNS[m], *gaps[m]))) for m in COMPARED}
    head_width = max(map(len, heads))
    lines = ["difference".ljust(head_width) + "".join(f"  {COLUMNS[m]:<{widths[m]}}" for m in COMPARED)]
    for row, head in enumerate(heads):
        lines.append(head.ljust(head_width) + "".join(f"  {gaps[m][row]:<{widths[m]}}" for m in COMPARED))
    if len(next(iter(runs.values()))) > 1:
        lines.append(
            "±: half the 95 % interval over seeds (Student's t); within seed noise, that interval holds 0"
        )
    else:
        lines.append("one seed tells nothing of seed noise; use --num_seeds 3 or more")
    return [line.rstrip() for line in lines]


def ablation_report(blocks: Sequence[Block], runs: Runs) -> dict[str, Any]:
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


def _difference(runs: Runs, name: str, reference: str, metric: str) -> Difference:
    return difference([run[metric] for run in runs[name]], [run[metric] for run in runs[reference]])


def _in_words(gap: Difference) -> str:
    return f"{gap.mean:+.4f}" + ("" if gap.noise is None else f" ±{gap.noise:.4f} {gap.verdict}")


def _metrics_only(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name not in ("best_epoch", "seconds")}


def _shown(value: float) -> str:
    return f"{value:.3f}"


def _cell(mean: float, deviation: float | None, best: bool) -> str:
    spread = "" if deviation is None else f" ±{deviation:.3f}"
    return (f"{_shown(mean)}{spread}" + ("*" if best else " ")).rjust(CELL_WIDTH)


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
