"""The interactions of own data: from the blocks of a table to edges and events."""

import logging
from pathlib import Path

import numpy as np

from base.errors import UserError
from data.inspection.findings import Finding, newest_first
from data.reading.columns import STARS, Columns, joined
from data.reading.equal_rows import equal_rows
from data.reading.events import add_events
from data.reading.near_ids import NearIds
from data.reading.own_blocks import Block, Doubtful, fast_blocks, slow_blocks
from data.reading.own_values import MICROSECONDS
from data.reading.schema import InteractionTable
from data.reading.source_files import empty, shown_path
from data.reading.tables import GIVE_DATA, parts_of

logger = logging.getLogger("pinsage")

MAX_DROPPED_SHARE = 0.5  # of the rows; beyond, the two tables do not belong together
MAX_KEPT_IDS = 1000  # unknown ids that are remembered as examples
EXAMPLES = 3


def add_own_interactions(
    path: Path, table: InteractionTable, row_of: dict[str, int], grow: bool, columns: Columns
) -> None:
    """Add users and interactions, each item once per user, and the rows behind them.

    Args:
        path: the file, or the folder of its parts.
        table: of the schema.
        row_of: from items to rows.
        grow: give unknown items a row, instead of dropping their interactions.
        columns: what to add to.

    Raises:
        UserError: a line cannot be read, too many items are unknown, or nothing is left.
    """
    parts = parts_of(path)
    try:
        rows = _gathered(parts, table, dict(row_of) if grow else row_of, grow, fast_blocks)
    except Doubtful:
        logger.debug("%s is read row by row", shown_path(path))
        rows = _gathered(parts, table, dict(row_of) if grow else row_of, grow, slow_blocks)
    row_of.update(rows.row_of)
    rows.check(path)
    rows.add_to(columns, parts, table)


def _gathered(
    parts: list[Path], table: InteractionTable, row_of: dict[str, int], grow: bool, read
) -> "_Rows":
    rows = _Rows(row_of, grow)
    for part in parts:
        for block in read(part, table):
            rows.add(block)
    return rows


class _Rows:
    """The rows of a table under construction: of items of the catalogue, and those that count nothing left out.

    Args:
        row_of: from items to rows.
        grow: give unknown items a row.
    """

    def __init__(self, row_of: dict[str, int], grow: bool):
        self.row_of = row_of
        self.grow = grow
        self.user_row: dict[str, int] = {}
        self.total = self.unknown = self.weightless = 0
        self.unknown_ids: dict[str, None] = {}
        self.columns: dict[str, list[np.ndarray]] = {
            name: [] for name in ("users", "items", "ratings", "times", "amounts", "places")
        }
        self.unit = "row"

    def add(self, block: Block) -> None:
        """Add the rows of a block."""
        item_texts, item_codes = block.items
        if self.grow:
            known = np.ones(len(item_texts), dtype=bool)
        else:
            rows = np.array([self.row_of.get(text, -1) for text in item_texts], dtype=np.int32)
            known = rows >= 0
            if not known.all() and len(self.unknown_ids) < MAX_KEPT_IDS:
                self.unknown_ids |= dict.fromkeys(item_texts[row] for row in np.flatnonzero(~known))
        kept = known[item_codes]
        self.unknown += len(block) - int(kept.sum())
        if block.amounts is not None:
            counts = block.amounts > 0
            self.weightless += int((kept & ~counts).sum())
            kept = kept & counts
        chosen = slice(None) if kept.all() else kept
        if self.grow:
            items = _rows_in_order(item_texts, item_codes[chosen], self.row_of)
        else:
            items = rows[item_codes[chosen]]
        values = {
            "users": _rows_in_order(block.users[0], block.users[1][chosen], self.user_row),
            "items": items,
            "ratings": None if block.ratings is None else block.ratings[chosen],
            "times": None if block.times is None else self._microseconds(block.times)[chosen],
            "amounts": None if block.amounts is None else block.amounts[chosen].astype(np.float32),
            "places": (np.arange(self.total, self.total + len(block)))[chosen],
        }
        for name, column in values.items():
            if column is not None:
                self.columns[name].append(column)
        self.total += len(block)

    def _microseconds(self, times: np.ndarray) -> np.ndarray:
        """Times as whole numbers: as they are, and in microseconds once one of the column is fractional."""
        if times.dtype == np.float64 and self.unit != "microseconds":
            self.columns["times"] = [_scaled(earlier) for earlier in self.columns["times"]]
            self.unit = "microseconds"
        if self.unit == "microseconds":
            return _scaled(times)
        self.unit = "number"
        return times

    def check(self, path: Path) -> None:
        """Refuse a table of which too little is left.

        Raises:
            UserError: no row is left, or most are of unknown items.
        """
        if self.total == 0:
            raise empty(path, GIVE_DATA)
        if self.unknown > MAX_DROPPED_SHARE * self.total:
            near = NearIds(self.row_of)
            examples = ", ".join(near.with_near(text) for text in list(self.unknown_ids)[:EXAMPLES])
            some = "none" if self.unknown == self.total else f"only {self.total - self.unknown}"
            raise UserError(
                f"{shown_path(path)}: {some} of the items of its {self.total} rows "
                f"{'is' if some == 'none' else 'are'} in the catalogue (not {examples}); check interactions.item "
                "and items.id in the schema, and that both write ids in the same way"
            )
        if self.unknown + self.weightless == self.total:
            raise UserError(
                f"{shown_path(path)}: none of its {self.total} rows counts, all have a weight of 0 or less; check "
                "interactions.weight and interactions.kind in the schema"
            )

    def add_to(self, columns: Columns, parts: list[Path], table: InteractionTable) -> None:
        """Add edges, events, users, notes and findings."""
        users, items, places = (joined(self.columns[name]) for name in ("users", "items", "places"))
        ratings, times, amounts = (
            joined(self.columns[name]) if self.columns[name] else None
            for name in ("ratings", "times", "amounts")
        )
        if table.timestamp_format == "iso" and times is not None or self.unit == "microseconds":
            columns.texts["time_unit"] = ["microseconds"]
        else:
            columns.texts["time_unit"] = ["number" if times is not None else "row"]
        if times is None:
            times = np.arange(len(users), dtype=np.int64)
        if ratings is None:
            ratings = np.full(len(users), STARS, dtype=np.float32)
        falling = newest_first(times)
        values = (
            (users, items, ratings, times) if amounts is None else (users, items, ratings, times, amounts)
        )
        extra = equal_rows(values, places, parts, table)
        if len(extra):
            stays = np.ones(len(users), dtype=bool)
            stays[extra] = False
            users, items, ratings, times = (column[stays] for column in (users, items, ratings, times))
            amounts = None if amounts is None else amounts[stays]
        repeated = add_events(columns, users, items, ratings, times, amounts, table.counted)
        columns.arrays["user_ids"] = np.arange(len(self.user_row), dtype=np.int64)
        columns.texts["user_text_ids"] = list(self.user_row)
        self._report(columns, len(extra), repeated, table)
        if falling is not None and columns.texts["time_unit"] == ["row"]:
            columns.texts["findings"].append(falling.as_text())

    def _report(self, columns: Columns, equal: int, repeated: int, table: InteractionTable) -> None:
        near = NearIds(self.row_of)
        examples = tuple(near.with_near(text) for text in list(self.unknown_ids)[:EXAMPLES])
        named = f" ({', '.join(examples)})" if examples else ""
        columns.note(self.unknown, "interaction", f"of unknown items dropped{named}")
        columns.note(self.weightless, "interaction", "with a weight of 0 or less left out")
        columns.note(equal, "row", "equal to another in every column left out")
        if table.counted == "count":
            columns.note(repeated, "repeated interaction", "counted in the weight of the first")
        else:
            columns.note(repeated, "repeated interaction", f"dropped, the {table.counted} of each kept")
        findings = [
            Finding("rows", self.total, self.total),
            Finding("unknown_items", self.unknown, self.total, examples),
            Finding("zero_weight", self.weightless, self.total),
            Finding("equal_rows", equal, self.total),
            Finding("counted_repeats" if table.counted == "count" else "repeats", repeated, self.total),
        ]
        columns.texts.setdefault("findings", []).extend(one.as_text() for one in findings)


def _rows_in_order(texts: list[str], codes: np.ndarray, row_of: dict[str, int]) -> np.ndarray:
    """The rows of coded texts, int32 ``[n]``; unknown texts get the next rows, in the order of the codes."""
    distinct, first = np.unique(codes, return_index=True)
    rows = np.zeros(len(texts), dtype=np.int32)
    for code in distinct[np.argsort(first)].tolist():
        rows[code] = row_of.setdefault(texts[code], len(row_of))
    return rows[codes]


def _scaled(times: np.ndarray) -> np.ndarray:
    """Seconds, or another unit, in millionths; a time too far away for int64 stays at its end."""
    if times.dtype == np.float64:
        return np.rint(times * MICROSECONDS).astype(np.int64)
    limit = np.iinfo(np.int64).max // MICROSECONDS
    return np.clip(times, -limit, limit) * MICROSECONDS
