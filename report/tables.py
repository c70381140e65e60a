"""Figures as plain-text tables for the terminal."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

LABELS = {"hit_rate": "hit rate", "mrr": "MRR", "scaled_mrr": "scaled MRR", "ndcg": "NDCG"}
GAP = "  "
HOW_TO_READ = "* best in its column; all are shares or means between 0 and 1, higher is better"

Rows = Mapping[str, Mapping[str, float]]


@dataclass(frozen=True)
class Column:
    """One column of a table.

    Attributes:
        key: where the rows keep its values.
        heading: what stands over it.
        group: heading that it shares with its neighbours of the same group; empty for none.
        form: how a value is printed.
        starred: whether the greatest value deserves a star.
    """

    key: str
    heading: str
    group: str = ""
    form: str = ".3f"
    starred: bool = True


def metric_label(metric: str) -> str:
    """A metric's name for people: ``hit_rate@10`` is ``hit rate @10``, ``ndcg@20`` is ``NDCG@20``."""
    base, at, cutoff = metric.partition("@")
    label = LABELS.get(base, base.replace("_", " "))
    return label + (" " if " " in label and at else "") + at + cutoff


def format_metrics_table(
    rows: Rows,
    highlight: str | None = None,
    marks: Mapping[str, Mapping[str, str]] | None = None,
    details: Rows | None = None,
    notes: Sequence[str] = (),
) -> str:
    """An aligned table of metrics with a star at each column's best value.

    Neighbouring columns of one metric at several cut-offs share a heading.

    Args:
        rows: method to metric to value; a method may lack a metric. Metric names are those of
            ``ranking_metrics``, columns come in the order in which the names first appear.
        highlight: the method to set apart at the foot of the table.
        marks: method to metric to one character behind the star.
        details: rows without stars below the highlighted method.
        notes: lines below the one on the stars.

    Returns:
        The lines of the table, ending with notes on how to read them; no newline at the end.

    Raises:
        ValueError: there is nothing to show.
    """
    metrics = list(dict.fromkeys(metric for values in rows.values() for metric in values))
    if not metrics:
        raise ValueError("a table needs at least one method with one metric, got none")
    columns = []
    for base, group in groupby(metrics, key=lambda m: m.split("@")[0]):
        members = list(group)
        if len(members) == 1:
            columns.append(Column(members[0], metric_label(members[0])))
        else:
            columns += [Column(m, m[len(base) :], metric_label(base)) for m in members]
    return format_table(columns, rows, highlight, marks, details, (HOW_TO_READ, *notes))


def format_table(
    columns: Sequence[Column],
    rows: Rows,
    highlight: str | None = None,
    marks: Mapping[str, Mapping[str, str]] | None = None,
    details: Rows | None = None,
    notes: Sequence[str] = (),
) -> str:
    """An aligned table; values that print alike share the star. Arguments as in ``format_metrics_table``.

    A value that is missing or nan is a dash, in the details a blank.
    """
    details, marks = details or {}, marks or {}
    cells = {
        name: {c.key: format(v, c.form) for c in columns if (v := values.get(c.key, math.nan)) == v}
        for name, values in (*rows.items(), *details.items())
    }
    best = {
        c.key: max((cells[name][c.key] for name in rows if c.key in cells[name]), key=float, default="")
        for c in columns
        if c.starred
    }
    name_width = max(map(len, ("method", *cells)))
    widths = {
        c.key: max(len(c.heading), *(len(row.get(c.key, "-")) for row in cells.values())) for c in columns
    }
    tail = 2 if marks else 1  # room for the star, and for a mark where there are any

    def line(name: str, values: Mapping[str, str], behind: Callable[[str], str]) -> str:
        columns_text = (f"{GAP}{values[c.key]:>{widths[c.key]}}{behind(c.key):<{tail}}" for c in columns)
        return name.ljust(name_width) + "".join(columns_text)

    def body(name: str) -> str:
        missing = "-" if name in rows else ""
        row = {c.key: cells[name].get(c.key, missing) for c in columns}
        star = {key: "*" for key, winner in best.items() if row[key] == winner and name in rows}
        mark = marks.get(name, {})
        return line(name, row, lambda key: star.get(key, " ") + mark.get(key, ""))

    heading = line("method", {c.key: c.heading for c in columns}, lambda key: "").rstrip()
    top = _group_headings(columns, widths, tail, name_width)
    rule = "-" * len(heading)
    others = [body(name) for name in rows if name != highlight]
    last = [body(name) for name in (highlight, *details) if name is not None and name in cells]
    parts = [*others, rule, *last] if others and last else [*others, *last]
    lines = [*([top] if top else []), heading, rule, *parts, rule, *notes]
    return "\n".join(text.rstrip() for text in lines)


def _group_headings(columns: Sequence[Column], widths: Mapping[str, int], tail: int, indent: int) -> str:
    """The line above the headings; empty where no columns share one."""
    text = " " * indent
    for group, members in groupby(columns, key=lambda c: c.group):
        span = sum(widths[c.key] + len(GAP) + tail for c in members) - len(GAP) - tail
        text += GAP + (f" {group} ".center(span, "-") if group else " " * span) + " " * tail
    return text.rstrip()
