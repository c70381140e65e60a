"""Relatedness of all methods: one table for the screen, plain values for files."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from base.arrays import IntArray
from data.dataset import MovieLens
from data.item_words import FILMS, ItemWords
from data.splits import Split
from evaluation.comparison.bootstrap import Estimate
from evaluation.comparison.screen import MARKS
from evaluation.ranking import Scorer
from evaluation.related.measure import (
    SHOWN,
    RelatedEvaluation,
    differences,
    evaluate_related,
    mean_evaluation,
)
from evaluation.related.questions import Kind, RelatedQuestions, related_questions
from report.names import PINSAGE, metric_label
from report.tables import FigureBlock, FigureColumn, format_table, metric_columns
from report.words import counted

Differences = dict[str, dict[str, Estimate]]  # baseline to metric to PinSage minus the baseline

WORDS: dict[Kind, str] = {
    "series": "series: a film of a series is the query, the other films of its series are the targets",
    "pairs": "related: an item is the query, the items that the file of pairs names for it are the targets",
}
HOW_TO_READ = (
    "* best in its column; siblings: share of the targets among the first 10, of at most 10",
    "MRR: of the first target; ratings@10: training ratings of a film that is shown, on average",
    "< below PinSage, > above it: the 95 % interval of the difference over {groups} does not contain 0",
)
TITLES_ARE_TEXT = "the words of titles are features of this model, so its figures here say nothing"


@dataclass
class RelatedComparison:
    """The answers of all methods to the questions about relatedness that the data allow.

    Attributes:
        questions: None if the data allow none.
        ratings: int ``[num_movies]``, training ratings of each film.
        titles_are_text: whether the model has read the titles, by which series were found.
        words: what the items are called.
        runs: method to its runs, one per seed.
    """

    questions: RelatedQuestions | None
    ratings: IntArray
    titles_are_text: bool
    words: ItemWords = FILMS
    runs: dict[str, list[RelatedEvaluation]] = field(default_factory=dict)

    @classmethod
    def of(cls, movielens: MovieLens, split: Split) -> "RelatedComparison":
        """A comparison without answers, on the training part of a split."""
        ratings = np.bincount(split.train.movies, minlength=split.num_movies)
        content = movielens.content
        titles_are_text = content is not None and content.title_is_text
        return cls(related_questions(movielens), ratings, titles_are_text, movielens.movies.words)

    def ask(self, method: str, scorer: Scorer) -> None:
        """Add a run of a method.

        Raises:
            WorldError: a score is NaN.
        """
        if self.questions is not None:
            run = evaluate_related(scorer, self.questions, self.ratings)
            self.runs.setdefault(method, []).append(run)

    def differences(self, seed: int) -> Differences:
        """Baseline to metric to PinSage minus the baseline, with intervals over groups."""
        ours = mean_evaluation(self.runs[PINSAGE])
        return {
            name: differences(ours, mean_evaluation(runs), seed)
            for name, runs in self.runs.items()
            if name != PINSAGE
        }

    def rows(self) -> dict[str, dict[str, float]]:
        """Method to metrics, means over its runs."""
        return {name: mean_evaluation(runs).metrics() for name, runs in self.runs.items()}


def related_table(dataset: str, comparison: RelatedComparison, gaps: Differences) -> str:
    """What was asked, the table, and how to read it.

    Args:
        dataset: name of the data.
        comparison: with questions, and with answers of PinSage.
        gaps: its ``differences``.
    """
    questions = comparison.questions
    assert questions is not None
    groups = f"{questions.num_groups:,} series"
    if questions.kind == "pairs":
        groups = counted(questions.num_groups, "item")
    rows = comparison.rows()
    columns = [
        *metric_columns([name for name in rows[PINSAGE] if name != SHOWN]),
        FigureColumn(SHOWN, metric_label(SHOWN), form=",.0f", starred=False),
    ]
    marks = {
        name: {metric: MARKS[gap.sign] for metric, gap in by_metric.items()}
        for name, by_metric in gaps.items()
    }
    words = comparison.words
    notes = [words.said(note.format(groups=groups)) for note in HOW_TO_READ]
    if comparison.titles_are_text and questions.kind == "series":
        notes.append(TITLES_ARE_TEXT)
    asked = counted(len(questions), "question")
    heading = f"{dataset}, {asked} about {groups}; only the query is no candidate"
    table = format_table(columns, [FigureBlock(rows, highlight=PINSAGE, marks=marks)], notes=notes)
    return f"{heading}\n{words.said(WORDS[questions.kind])}\n\n{table}"


def related_as_plain(comparison: RelatedComparison, gaps: Differences) -> dict[str, Any]:
    """The entry ``related`` of ``metrics.json`` and ``benchmark.json``; arguments as in ``related_table``."""
    questions = comparison.questions
    assert questions is not None
    rows = comparison.rows()
    plain = {
        "protocol": questions.kind,
        "groups": questions.num_groups,
        "queries": len(questions),
        "metrics": rows.pop(PINSAGE),
        "baselines": rows,
        "differences": {
            name: {metric: gap.as_plain() for metric, gap in by_metric.items()}
            for name, by_metric in gaps.items()
        },
    }
    return plain | ({"titles_are_text": True} if comparison.titles_are_text else {})
