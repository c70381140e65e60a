"""The interactions of own data: from the blocks of a table to edges and events."""

import logging
from pathlib import Path

import numpy as np

from base.errors import UserError
from data.inspection.findings import Finding
from data.reading.columns import STARS, Columns, joined
from data.reading.equal_rows import equal_rows
from data.reading.events import add_events
from data.reading.near_ids import NearIds
from data.reading.id_rows import IdRows
from data.reading.own_blocks import Block, read_blocks
from data.reading.number_columns import INT64
from data.reading.own_values import MICROSECONDS
from data.reading.schema import InteractionTable
from data.reading.source_files import empty, shown_path
from data.reading.tables import GIVE_DATA, parts_of

logger = logging.getLogger("pinsage")

MAX_DROPPED_SHARE = 0.5  # of the rows; beyond, the two tables do not belong together
MAX_KEPT_IDS = 1000  # unknown ids that are remembered as examples
EXAMPLES = 3
MAX_SECONDS = 10**11  # of times; larger numbers count something else, such as milliseconds


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
    rows = _Rows(row_of, grow)
    for part in parts:
        for block in read_blocks(part, table):
            rows.add(block)
    rows.check(path)
    rows.add_to(columns, parts, table)


class _Rows:
    """The rows of a table under construction: of items of the catalogue, and those that count nothing left out.

    Args:
        row_of: from items to rows.
        grow: give unknown items a row.
    """

    def __init__(self, row_of: dict[str, int], grow: bool):
        self.grow = grow
        self.items, self.users = IdRows(row_of), IdRows({})
        self.total = self.unknown = self.weightless = 0
        self.unknown_ids: dict[str, None] = {}
        self.columns: dict[str, list[np.ndarray]] = {
            name: [] for name in ("users", "items", "ratings", "times", "amounts", "kept")
        }
        self.dated = self.scaled = False

    def add(self, block: Block) -> None:
        """Add the rows of a block."""
        times = self._times(block)
        item_ids, item_codes = block.items
        user_ids, user_codes = block.users
        item_rows, user_rows = self.items.find(item_ids), self.users.find(user_ids)
        kept = np.ones(len(block), dtype=bool)
        if not self.grow:
            unknown = item_rows < 0
            kept = ~unknown[item_codes]
            self.unknown += len(block) - int(kept.sum())
            if unknown.any() and len(self.unknown_ids) < MAX_KEPT_IDS:
                self.unknown_ids |= dict.fromkeys(item_ids.take(np.flatnonzero(unknown)).to_pylist())
        if block.amounts is not None:
            counts = block.amounts > 0
            self.weightless += int((kept & ~counts).sum())
            kept &= counts
        chosen = slice(None) if kept.all() else kept
        item_codes, user_codes = item_codes[chosen], user_codes[chosen]
        self.items.add(item_ids, item_rows, item_codes)
        self.users.add(user_ids, user_rows, user_codes)
        values = {
            "users": user_rows[user_codes],
            "items": item_rows[item_codes],
            "ratings": None if block.ratings is None else block.ratings[chosen],
            "times": None if times is None else times[chosen],
            "amounts": None if block.amounts is None else block.amounts[chosen],
            "kept": kept,
        }
        for name, column in values.items():
            if column is not None:
                self.columns[name].append(column)
        self.total += len(block)

    def _times(self, block: Block) -> np.ndarray | None:
        """Times as whole numbers: dates and whole numbers as they are, all in millionths once one is fractional.

        Raises:
            UserError: some parts have dates and others numbers.
        """
        if block.times is None:
            return None
        if block.dated != self.dated and self.columns["times"]:
            raise UserError(
                "interactions.timestamp has dates in some parts of the table and numbers in others; write all of "
                "them in one way"
            )
        self.dated = block.dated
        if block.times.dtype == np.float64 and not self.scaled:
            self.columns["times"] = [_scaled(earlier) for earlier in self.columns["times"]]
            self.scaled = True
        return _scaled(block.times) if self.scaled else block.times

    def _time_unit(self, times: np.ndarray | None) -> str:
        if times is None:
            return "row"
        # Millionths of seconds are microseconds; whether they are seconds shows in their size.
        seconds = self.scaled and int(np.abs(times).max(initial=0)) < MAX_SECONDS * MICROSECONDS
        return "microseconds" if self.dated or seconds else "number"

    def check(self, path: Path) -> None:
        """Refuse a table of which too little is left.

        Raises:
            UserError: no row is left, or most are of unknown items.
        """
        if self.total == 0:
            raise empty(path, GIVE_DATA)
        if self.unknown > MAX_DROPPED_SHARE * self.total:
            examples = NearIds(self.items.row_of).in_words(list(self.unknown_ids)[:EXAMPLES])
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
        users, items, kept = (joined(self.columns[name]) for name in ("users", "items", "kept"))
        ratings, times, amounts = (
            joined(self.columns[name]) if self.columns[name] else None
            for name in ("ratings", "times", "amounts")
        )
        columns.texts["time_unit"] = [self._time_unit(times)]
        read = [column for column in (ratings, times, amounts) if column is not None]
        extra = equal_rows([users, items, *read], kept, parts, table)
        del read, kept
        if times is None:
            times = np.arange(len(users), dtype=np.int64)
        if ratings is None:
            ratings = np.full(len(users), STARS, dtype=np.float32)
        if len(extra):
            stays = np.ones(len(users), dtype=bool)
            stays[extra] = False
            users, items, ratings, times = (column[stays] for column in (users, items, ratings, times))
            amounts = None if amounts is None else amounts[stays]
        repeated = add_events(columns, users, items, ratings, times, amounts, table.counted)
        columns.arrays["user_ids"] = np.arange(len(self.users.row_of), dtype=np.int64)
        columns.texts["user_text_ids"] = list(self.users.row_of)
        self._report(columns, len(extra), repeated, table)

    def _report(self, columns: Columns, equal: int, repeated: int, table: InteractionTable) -> None:
        near = NearIds(self.items.row_of)
        examples = tuple(near.with_near(text) for text in list(self.unknown_ids)[:EXAMPLES])
        named = f" ({'; '.join(examples)})" if examples else ""
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
        if not table.quotes:
            sign = table.quote
            ids = [text for text in self.items.row_of if len(text) > 1 and text[0] == text[-1] == sign]
            findings.append(Finding("quoted_ids", len(ids), len(self.items.row_of), tuple(ids[:EXAMPLES])))
        columns.texts.setdefault("findings", []).extend(one.as_text() for one in findings)


def _scaled(times: np.ndarray) -> np.ndarray:
    """Seconds, or another unit, in millionths; a time too far away for int64 stays at its end."""
    limit = INT64.max // MICROSECONDS
    if times.dtype == np.int64:
        return np.clip(times, -limit, limit) * MICROSECONDS
    whole = np.clip(np.floor(times), -limit, limit).astype(np.int64) * MICROSECONDS
    # A whole number is the same number of millionths whether or not its block has fractions.
    return np.where(times == np.floor(times), whole, np.rint(times * MICROSECONDS).astype(np.int64))
