"""Plain-text tables: the one place that aligns columns, whatever their cells say."""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

GAP = "  "
ELLIPSIS = "…"
MIN_CUT_WIDTH = 16  # a column that may be cut keeps at least this width


@dataclass(frozen=True)
class TableColumn:
    """One column of a table.

    Attributes:
        heading: the text above it.
        group: a heading above that one, shared by neighbouring columns of the same group; empty for none.
        numeric: whether its cells stand to the right, as numbers do, or to the left.
        tail: characters at the end of each cell that the heading does not cover, for stars and marks.
        may_be_cut: whether long cells are cut where the table is too wide.
    """

    heading: str
    group: str = ""
    numeric: bool = True
    tail: int = 0
    may_be_cut: bool = False


@dataclass(frozen=True)
class TableSection:
    """Rows between two rules.

    Attributes:
        rows: one cell per column in each row.
        title: a line above them; empty for none.
    """

    rows: Sequence[Sequence[str]]
    title: str = ""


def render_table(
    columns: Sequence[TableColumn],
    sections: Sequence[TableSection],
    notes: Sequence[str] = (),
    max_width: int | None = None,
    closed: bool = True,
) -> str:
    """An aligned table: headings, then the sections with a rule above each, then notes.

    Args:
        columns: the columns, from left to right.
        sections: the rows.
        notes: lines below the table.
        max_width: width to keep to, for instance the terminal's; columns that may be cut give way, the widest
            first. None cuts nothing.
        closed: whether a rule ends the table.

    Returns:
        The lines of the table; no newline at the end.
    """
    headings = [column.heading + " " * column.tail for column in columns]
    cells = [headings, *(row for section in sections for row in section.rows)]
    widths = [max(map(display_width, texts)) for texts in zip(*cells, strict=True)]
    if max_width is not None:
        _narrow(columns, widths, max_width)
    _make_room_for_groups(columns, widths)

    def line(row: Sequence[str]) -> str:
        parts = zip(row, columns, widths, strict=True)
        return GAP.join(_aligned(text, width, column.numeric) for text, column, width in parts)

    rule = "-" * (sum(widths) + len(GAP) * (len(widths) - 1) - columns[-1].tail)
    lines = [_group_line(columns, widths)] if any(column.group for column in columns) else []
    lines.append(line(headings))
    for section in sections:
        lines += [rule, *([section.title] if section.title else []), *map(line, section.rows)]
    lines += [*([rule] if closed else []), *notes]
    return "\n".join(text.rstrip() for text in lines)


def display_width(text: str) -> int:
    """Columns of a terminal that ``text`` takes: two for a wide character, none for a combining one."""
    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text
    )


def shortened(text: str, width: int) -> str:
    """Text of at most ``width`` columns, with an ellipsis for what is cut."""
    if display_width(text) <= width:
        return text
    kept = ""
    for character in text:
        if display_width(kept + character) > width - 1:
            break
        kept += character
    return kept.rstrip() + ELLIPSIS


def _aligned(text: str, width: int, right: bool) -> str:
    text = shortened(text, width)
    space = " " * (width - display_width(text))
    return space + text if right else text + space


def _narrow(columns: Sequence[TableColumn], widths: list[int], max_width: int) -> None:
    """Take from the widest column that may be cut until the table fits, or none can give more."""
    excess = sum(widths) + len(GAP) * (len(widths) - 1) - max_width
    places = [place for place, column in enumerate(columns) if column.may_be_cut]
    while excess > 0 and places:
        widest = max(places, key=lambda place: widths[place])
        if widths[widest] <= MIN_CUT_WIDTH:
            return
        widths[widest] -= 1
        excess -= 1


def _groups(columns: Sequence[TableColumn]) -> list[tuple[str, list[int]]]:
    """Neighbours with the same group heading: the heading and the columns' places."""
    runs = groupby(range(len(columns)), key=lambda place: columns[place].group)
    return [(group, list(places)) for group, places in runs]


def _span(columns: Sequence[TableColumn], widths: Sequence[int], places: list[int]) -> int:
    """Width from the first to the last of some neighbours, without the last one's tail."""
    return sum(widths[p] for p in places) + len(GAP) * (len(places) - 1) - columns[places[-1]].tail


def _make_room_for_groups(columns: Sequence[TableColumn], widths: list[int]) -> None:
    """Widen the first column under a group heading that is longer than all its columns."""
    for group, places in _groups(columns):
        widths[places[0]] += max(0, display_width(group) - _span(columns, widths, places))


def _group_line(columns: Sequence[TableColumn], widths: Sequence[int]) -> str:
    """The headings that neighbouring columns share, each centred in a line of dashes."""
    parts = []
    for group, places in _groups(columns):
        width = _span(columns, widths, places)
        # Dashes show which columns belong to the heading, where there is room for them on both sides.
        dashed = f" {group} ".center(width, "-") if width >= display_width(group) + 4 else group.center(width)
        parts.append((dashed if group else " " * width) + " " * columns[places[-1]].tail)
    return GAP.join(parts)
