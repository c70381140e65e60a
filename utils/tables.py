"""Metrics as a plain-text table for the terminal."""

from itertools import groupby

LABELS = {"hit_rate": "hit rate", "mrr": "MRR", "scaled_mrr": "scaled MRR", "ndcg": "NDCG"}
GAP = "  "


def format_metrics_table(rows: dict[str, dict[str, float]], highlight: str | None = None) -> str:
    """An aligned table with a star at each column's best value.

    Neighbouring columns of one metric at several cut-offs share a heading. Values that print alike
    share the star.

    Args:
        rows: method to metric to value; a method may lack a metric. Metric names are those of
            ``ranking_metrics``, columns come in the order in which the names first appear.
        highlight: the method to set apart at the foot of the table.

    Returns:
        The lines of the table, ending with a note on how to read them; no newline at the end.

    Raises:
        ValueError: there is nothing to show.
    """
    columns = list(dict.fromkeys(metric for values in rows.values() for metric in values))
    if not columns:
        raise ValueError("a table needs at least one method with one metric, got none")
    cells = {name: {m: f"{v:.3f}" for m, v in values.items() if v == v} for name, values in rows.items()}
    best = {m: max((row[m] for row in cells.values() if m in row), key=float, default="") for m in columns}
    name_width = max(len("method"), *map(len, rows))
    groups = [(base, list(members)) for base, members in groupby(columns, key=lambda m: m.split("@")[0])]
    top, bottom = " " * name_width, "method".ljust(name_width)
    widths: dict[str, int] = {}
    for base, members in groups:
        label = LABELS.get(base, base.replace("_", " "))
        shared = len(members) > 1
        headings = ["@" + m.split("@")[1] if shared else label + m[len(base) :] for m in members]
        widths |= {m: max(len(h), len(best[m])) for m, h in zip(members, headings, strict=True)}
        bottom += "".join(f"{GAP}{h:>{widths[m]}} " for m, h in zip(members, headings, strict=True))
        span = sum(widths[m] + len(GAP) + 1 for m in members) - len(GAP) - 1
        top += GAP + (f" {label} ".center(span, "-") if shared else " " * span) + " "

    def line(name: str) -> str:
        row = [(cells[name].get(m, "-"), best[m], widths[m]) for m in columns]
        return name.ljust(name_width) + "".join(
            f"{GAP}{cell:>{width}}{'*' if cell == winner else ' '}" for cell, winner, width in row
        )

    rule = "-" * len(bottom.rstrip())
    body = [line(name) for name in rows if name != highlight]
    foot = [rule, line(highlight)] if highlight in rows and body else []
    note = "* best in its column; all are shares or means between 0 and 1, higher is better"
    header = [top] if top.strip() else []
    lines = [*header, bottom, rule, *(body or [line(name) for name in rows]), *foot, rule, note]
    return "\n".join(text.rstrip() for text in lines)
