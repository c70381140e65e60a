"""The interactions of own data: from the blocks of a table to edges and events."""

from pathlib import Path

import numpy as np

from base.errors import UserError
from data.inspection.findings import Finding
from data.reading.columns import STARS, Columns, joined
from data.reading.equal_rows import equal_rows
from data.reading.events import add_events
from data.reading.id_rows import IdRows
from data.reading.moments import MAX_TIME, MICROSECONDS
from data.reading.near_ids import NearIds
from data.reading.own_blocks import Block, read_blocks
from data.reading.placeholders import PLACEHOLDERS
from data.reading.schema import InteractionTable
from data.reading.source_files import empty, shown_path
from data.reading.tables import GIVE_DATA, parts_of

MAX_DROPPED_SHARE = 0.5  # of the rows; beyond, the two tables do not belong together
MAX_KEPT_IDS = 1000  # unknown ids that are remembered as examples
EXAMPLES = 3
MAX_SECONDS = 10**11  # of times; larger numbers count something else, such as milliseconds
NAMES = ("users", "items", "ratings", "times", "amounts")


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
    rows = _Rows(table, row_of, grow)
    for part in parts:
        for block in read_blocks(part, table):
            rows.add(block, part)
    rows.check(path)
    rows.add_to(columns, parts)


class _Rows:
    """The rows of a table under construction. Rows of unknown items, or that count nothing, are left out.

    Args:
        table: of the schema.
        row_of: from items to rows.
        grow: give unknown items a row.
    """

    def __init__(self, table: InteractionTable, row_of: dict[str, int], grow: bool):
        self.table = table
        self.grow = grow
        self.items, self.users = IdRows(row_of), IdRows({})
        self.total = self.unknown = self.weightless = 0
        self.unknown_ids: dict[str, None] = {}
        self.columns: dict[str, list[np.ndarray]] = {name: [] for name in NAMES}
        self.kept: list[np.ndarray] = []
        self.unit: str | None = None  # of the times
        self.largest = 0  # the largest time so far, in size

    def add(self, block: Block, part: Path) -> None:
        """Add the rows of a block of a part.

        Raises:
            UserError: some parts have dates and others numbers, or times with fractions are too large.
        """
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
            "times": None
            if block.times is None
            else self._in_one_unit(block.times, block.dated, part)[chosen],
            "amounts": None if block.amounts is None else block.amounts[chosen],
        }
        for name, column in values.items():
            if column is not None:
                self.columns[name].append(column)
        self.kept.append(kept)
        self.total += len(block)

    def _in_one_unit(self, times: np.ndarray, dated: bool, part: Path) -> np.ndarray:
        """Times as whole numbers: in millionths once a number has a fraction, else as they are."""
        if self.unit is not None and dated != (self.unit == "microseconds"):
            raise UserError(
                f"{shown_path(part)} has {'dates' if dated else 'numbers'} in {self.table.timestamp}, other "
                "files of the folder do not; write the times of all in one way"
            )
        if dated:
            self.unit = "microseconds"
            return times
        if times.dtype == np.float64 and self.unit != "millionths":
            self.columns["times"] = [_in_millionths(earlier) for earlier in self.columns["times"]]
            self.unit = "millionths"
        self.unit = self.unit or "number"
        self.largest = max(self.largest, int(np.abs(times).max(initial=0)))
        if self.unit == "number":
            return times
        if self.largest > MAX_TIME:
            raise UserError(
                f"{shown_path(part)}: {self.table.timestamp} has fractions, and values up to {self.largest}, "
                "which are too large for these; round the column to whole numbers"
            )
        return _in_millionths(times)

    def check(self, path: Path) -> None:
        """Refuse a table of which too little is left.

        Raises:
            UserError: no row is left, or most are of unknown items.
        """
        if self.total == 0:
            raise empty(path, GIVE_DATA)
        if self.unknown > MAX_DROPPED_SHARE * self.total:
            left = self.total - self.unknown
            raise UserError(
                f"{shown_path(path)}: {left or 'none'} of its {self.total} rows "
                f"{'is' if left < 2 else 'are'} of items in the catalogue; it does not have "
                f"{', '.join(self._unknown_examples())}; check "
                "interactions.item and items.id in the schema, and write ids in both files in the same way"
            )
        if self.unknown + self.weightless == self.total:
            raise UserError(
                f"{shown_path(path)}: none of its {self.total} rows counts, all have a weight of 0 or less; "
                "check interactions.weight and interactions.kind in the schema"
            )

    def _unknown_examples(self) -> list[str]:
        """Some unknown ids, those first that look like one of the catalogue."""
        near = NearIds(self.items.row_of)
        unknown = list(self.unknown_ids)
        alike = [text for text in unknown if near.near(text) is not None]
        return [near.with_near(text) for text in (alike or unknown)[:EXAMPLES]]

    def add_to(self, columns: Columns, parts: list[Path]) -> None:
        """Add edges, events, users, notes and findings."""
        table = self.table
        values = {name: joined(blocks) for name, blocks in self.columns.items() if blocks}
        placeholders = self._placeholders(values["users"], values["items"])
        num = len(values["users"])
        extra = equal_rows(list(values.values()), joined(self.kept), parts, table)
        if "times" not in values:
            values["times"] = np.arange(num, dtype=np.int64)
        if "ratings" not in values:
            values["ratings"] = np.full(num, STARS, dtype=np.float32)
        columns.texts["time_unit"] = [self._unit_of(values["times"])]
        if len(extra):
            stays = np.ones(num, dtype=bool)
            stays[extra] = False
            for name in values:
                values[name] = values[name][stays]
        # The arrays are given away: with a second copy of each, 25 million rows would take too much memory.
        repeated = add_events(
            columns,
            values.pop("users"),
            values.pop("items"),
            values.pop("ratings"),
            values.pop("times"),
            values.pop("amounts", None),
            table.counted,
        )
        columns.arrays["user_ids"] = np.arange(len(self.users.row_of), dtype=np.int64)
        columns.texts["user_text_ids"] = list(self.users.row_of)
        self._report(columns, len(extra), repeated, placeholders)

    def _unit_of(self, times: np.ndarray) -> str:
        """The unit as ``MovieLens.time_unit`` names it."""
        if self.unit != "millionths":
            return self.unit or "row"
        # Millionths of seconds are microseconds; whether they are seconds shows in their size.
        return "microseconds" if int(np.abs(times).max(initial=0)) < MAX_SECONDS * MICROSECONDS else "number"

    def _placeholders(self, users: np.ndarray, items: np.ndarray) -> list[tuple[str, str, int]]:
        """Ids that usually stand for no id: column, id and number of rows.

        Args:
            users: int32 ``[n]``, rows.
            items: int32 ``[n]``, rows.
        """
        found = [(self.table.user, text, users, self.users.row_of.get(text)) for text in sorted(PLACEHOLDERS)]
        if self.grow:
            found += [
                (self.table.item, text, items, self.items.row_of.get(text)) for text in sorted(PLACEHOLDERS)
            ]
        return [
            (column, text, int(np.count_nonzero(rows == row)))
            for column, text, rows, row in found
            if row is not None
        ]

    def _report(
        self, columns: Columns, equal: int, repeated: int, placeholders: list[tuple[str, str, int]]
    ) -> None:
        examples = tuple(self._unknown_examples())
        named = f": {', '.join(examples)}" if examples else ""
        columns.note(self.unknown, "interaction", f"of unknown items dropped{named}")
        columns.note(self.weightless, "interaction", "with a weight of 0 or less left out")
        columns.note(equal, "row", "equal to another in every column left out")
        counted = self.table.counted
        if counted == "count":
            columns.note(repeated, "repeated interaction", "counted in the weight of the first")
        else:
            columns.note(repeated, "repeated interaction", f"dropped, the {counted} of each kept")
        for column, text, count in placeholders:
            columns.note(
                count, "interaction", f"with {text!r} in {column}, which usually stands for no value"
            )
        texts = tuple(f"{text} in {column}" for column, text, _ in placeholders[:EXAMPLES])
        findings = [
            Finding("rows", self.total, self.total),
            Finding("unknown_items", self.unknown, self.total, examples),
            Finding("zero_weight", self.weightless, self.total),
            Finding("equal_rows", equal, self.total),
            Finding("counted_repeats" if counted == "count" else "repeats", repeated, self.total),
            Finding("placeholders", sum(count for *_, count in placeholders), self.total, texts),
        ]
        if not self.table.quotes:
            sign = self.table.quote
            ids = [text for text in self.items.row_of if len(text) > 1 and text[0] == text[-1] == sign]
            findings.append(Finding("quoted_ids", len(ids), len(self.items.row_of), tuple(ids[:EXAMPLES])))
        columns.texts.setdefault("findings", []).extend(one.as_text() for one in findings)


def _in_millionths(times: np.ndarray) -> np.ndarray:
    """Times as whole millionths; the whole part of each is exact."""
    whole = times.astype(np.int64)
    millionths = whole * MICROSECONDS
    if times.dtype == np.float64:
        millionths += np.rint((times - whole) * MICROSECONDS).astype(np.int64)
    return millionths
