"""Relatedness in ``--mode evaluate``: do items that belong together find each other?"""

from collections.abc import Mapping
from typing import Any

from evaluation.related.measure import SHOWN, RelatedEvaluation, differences
from evaluation.related.questions import Kind, RelatedQuestions
from report.names import PINSAGE, metric_label
from report.tables import FigureBlock, FigureColumn, format_table, metric_columns
from report.words import counted

WORDS: dict[Kind, str] = {
    "series": "series: a film of a series is the query, the other films of its series are the targets",
    "pairs": "related: an item is the query, the items that the file of pairs names for it are the targets",
}
HOW_TO_READ = (
    "* best in its column; siblings: share of the targets among the first 10, of at most 10; MRR: of the "
    "first target; ratings@10: training ratings of a film shown",
    "< below PinSage, > above it: the 95 % interval of the difference over the {groups} does not contain 0",
)
TITLES_ARE_TEXT = "the words of titles are features of this model, so its figures here say nothing"
MARKS = {1: "<", -1: ">", 0: ""}


def report_related(
    dataset: str,
    questions: RelatedQuestions,
    ours: RelatedEvaluation,
    theirs: Mapping[str, RelatedEvaluation],
    seed: int,
    titles_are_text: bool,
) -> dict[str, Any]:
    """Print a table.

    Args:
        dataset: name of the data.
        questions: what was asked.
        ours: what PinSage answered.
        theirs: what the baselines answered, by name.
        seed: of the intervals.
        titles_are_text: whether the model has read the titles, by which series were found.

    Returns:
        The entry ``related`` of ``metrics.json``.
    """
    gaps = {name: differences(ours, one, seed) for name, one in theirs.items()}
    groups = f"{questions.num_groups:,} series"
    if questions.kind == "pairs":
        groups = counted(questions.num_groups, "item")
    asked = counted(len(questions), "question")
    print(f"\n{dataset}, {asked} about {groups}; only the query is no candidate")
    print(WORDS[questions.kind] + "\n")
    rows = {name: one.metrics() for name, one in theirs.items()} | {PINSAGE: ours.metrics()}
    metrics = [name for name in rows[PINSAGE] if name != SHOWN]
    columns = [
        *metric_columns(metrics),
        FigureColumn(SHOWN, metric_label(SHOWN), form=",.0f", starred=False),
    ]
    marks = {name: {metric: MARKS[gap.sign] for metric, gap in of.items()} for name, of in gaps.items()}
    notes = [note.format(groups=groups) for note in HOW_TO_READ]
    if titles_are_text and questions.kind == "series":
        notes.append(TITLES_ARE_TEXT)
    print(format_table(columns, [FigureBlock(rows, highlight=PINSAGE, marks=marks)], notes=notes))
    return {
        "protocol": questions.kind,
        "groups": questions.num_groups,
        "queries": len(questions),
        "metrics": rows.pop(PINSAGE),
        "baselines": rows,
        "differences": {
            name: {metric: {"mean": gap.mean, "interval": [gap.low, gap.high]} for metric, gap in of.items()}
            for name, of in gaps.items()
        },
    } | ({"titles_are_text": True} if titles_are_text else {})
