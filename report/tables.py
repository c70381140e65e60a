"""Figures as plain-text tables: a star at each column's best value, and notes on how to read them."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby

from data.item_words import FILMS, ItemWords
from report.names import is_variety, metric_label
from report.text_table import TableColumn, TableSection, render_table

MISSING = "-"
HOW_TO_READ = "* best in its column; all are shares or means between 0 and 1, higher is better"
HOW_TO_READ_VARIETY = (
    "these say how varied the first films are, not how good: lists of random films have the most variety",
    "novelty is in bits; the lower the Gini index, the more evenly films are recommended",
)

Rows = Mapping[str, Mapping[str, float]]
Marks = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True)
class FigureColumn:
    """One column of figures.

    Attributes:
        key: where the rows keep its values.
        heading: the text above it.
        group: a heading that it shares with its neighbours of the same group; empty for none.
        form: how a value is printed.
        starred: whether the greatest value deserves a star.
    """

    key: str
    heading: str
    group: str = ""
    form: str = ".3f"
    starred: bool = True


@dataclass(frozen=True)
class FigureBlock:
    """Rows that are compared with each other: one star per column.

    Attributes:
        rows: row's name to column's key to value; a value that is missing or nan is a dash.
        title: a line above the rows; empty for none.
        highlight: the row to set apart at the foot of the block.
        marks: row's name to column's key to one character behind the star.
        deviations: row's name to column's key to a standard deviation, printed behind the value.
        details: rows without stars at the very end; a missing value is a blank.
    """

    rows: Rows
    title: str = ""
    highlight: str | None = None
    marks: Marks = field(default_factory=dict)
    deviations: Rows = field(default_factory=dict)
    details: Rows = field(default_factory=dict)


def format_metrics_table(
    rows: Rows,
    highlight: str | None = None,
    marks: Marks | None = None,
    details: Rows | None = None,
    notes: Sequence[str] = (),
    form: str = ".3f",
    words: ItemWords = FILMS,
) -> str:
    """An aligned table of metrics with a star at each column's best value.

    Neighbouring columns of one metric at several cut-offs share a heading. Metrics of variety stand in a
    second table, without stars.

    Args:
        rows: method to metric to value; a method may lack a metric. Metric names are those of
            ``ranking_metrics``, columns come in the order in which the names first appear.
        highlight: the method to set apart at the foot of the table.
        marks: method to metric to one character behind the star.
        details: rows without stars below the highlighted method.
        notes: lines below the one on the stars.
        form: how a value is printed.
        words: what the items are called, in the notes.

    Returns:
        The lines of the table, ending with notes on how to read them; no newline at the end.

    Raises:
        ValueError: there is nothing to show.
    """
    every = list(dict.fromkeys(metric for values in rows.values() for metric in values))
    if not every:
        raise ValueError("a table needs at least one method with one metric, got none")
    details = details or {}
    variety = list(filter(is_variety, every))
    metrics = [metric for metric in every if metric not in variety]
    block = FigureBlock(rows, highlight=highlight, marks=marks or {}, details=details)
    table = format_table(metric_columns(metrics, form), [block], notes=(HOW_TO_READ, *notes))
    if not variety:
        return table
    columns = [replace(column, starred=False) for column in metric_columns(variety, form)]
    told = {name: row for name, row in details.items() if not row.keys().isdisjoint(variety)}
    block = FigureBlock(rows, highlight=highlight, details=told)
    return f"{table}\n\n{format_table(columns, [block], notes=[*map(words.said, HOW_TO_READ_VARIETY)])}"


def metric_columns(metrics: Sequence[str], form: str = ".3f") -> list[FigureColumn]:
    """One column per metric; neighbours that differ in their cut-off alone share a heading."""
    columns = []
    for name, group in groupby(metrics, key=lambda metric: metric.split("@")[0]):
        members = list(group)
        if len(members) == 1:
            columns.append(FigureColumn(members[0], metric_label(members[0]), form=form))
        else:
            columns += [FigureColumn(m, m[len(name) :], metric_label(name), form) for m in members]
    return columns


def format_table(
    columns: Sequence[FigureColumn],
    blocks: Sequence[FigureBlock],
    corner: str = "method",
    notes: Sequence[str] = (),
) -> str:
    """An aligned table of figures, block by block; values that print alike share the star.

    Args:
        columns: the columns behind the one with the rows' names.
        blocks: the rows.
        corner: the heading above the rows' names.
        notes: lines below the table.
    """
    tail = (
        2 if any(block.marks for block in blocks) else 1
    )  # room for a star, and for a mark if there are any
    layout = [TableColumn(c.heading, c.group, tail=tail) for c in columns]
    sections = [section for block in blocks for section in _sections(columns, block, tail)]
    return render_table([TableColumn(corner, numeric=False), *layout], sections, notes)


def best_as_printed(rows: Rows, column: FigureColumn) -> str:
    """The greatest value of a column as it is printed; empty where no value deserves a star."""
    values = [row[column.key] for row in rows.values() if not math.isnan(row.get(column.key, math.nan))]
    return format(max(values), column.form) if column.starred and values else ""


def _sections(columns: Sequence[FigureColumn], block: FigureBlock, tail: int) -> list[TableSection]:
    """The rows of a block as text, the highlighted one and the details apart."""
    best = {column.key: best_as_printed(block.rows, column) for column in columns}

    def line(name: str) -> list[str]:
        marks, deviations = block.marks.get(name, {}), block.deviations.get(name, {})
        cells = [name]
        for column in columns:
            text = _printed(block.rows[name], column)
            spread = f" ±{deviations[column.key]:{column.form}}" if text and column.key in deviations else ""
            star = "*" if text and text == best[column.key] else " "
            cells.append((text or MISSING) + spread + (star + marks.get(column.key, "")).ljust(tail))
        return cells

    others = [line(name) for name in block.rows if name != block.highlight]
    last = [line(name) for name in block.rows if name == block.highlight]
    last += [[name, *(_printed(row, c) + " " * tail for c in columns)] for name, row in block.details.items()]
    first, *rest = (rows for rows in (others, last) if rows)
    return [TableSection(first, block.title), *map(TableSection, rest)]


def _printed(row: Mapping[str, float], column: FigureColumn) -> str:
    """A value as printed; empty where it is missing or nan."""
    value = row.get(column.key, math.nan)
    return "" if math.isnan(value) else format(value, column.form)
