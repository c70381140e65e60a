"""The interactions of own data: from the blocks of a table to edges and events."""

import logging
from pathlib import Path

import numpy as np

from base.errors import UserError
from data.inspection.findings import Finding
from data.inspection.times import guess_unit
from data.reading.checked_text import Doubtful
from data.reading.columns import STARS, Columns, joined
from data.reading.equal_rows import equal_rows
from data.reading.events import add_events
from data.reading.near_ids import NearIds
from data.reading.own_blocks import Block, Ids, Reading, fast_blocks, slow_blocks
from data.reading.own_values import MAX_TIME, MICROSECONDS, PLACEHOLDERS
from data.reading.schema import InteractionTable
from data.reading.source_files import empty, shown_path
from data.reading.tables import GIVE_DATA, parts_of
from data.reading.vocabulary import Vocabulary

logger = logging.getLogger("pinsage")

MAX_DROPPED_SHARE = 0.5  # of the rows; beyond, the two tables do not belong together
EXAMPLES = 3
MAX_COMPARED = 10_000  # unknown ids that are compared with the catalogue, for examples
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
    catalogue = None if grow else row_of
    try:
        rows = _gathered(parts, table, catalogue, fast_blocks)
    except Doubtful as doubt:
        logger.debug(
            "%s is read row by row: %s", shown_path(path), doubt.__cause__ or "its quotes or line ends"
        )
        rows = _gathered(parts, table, catalogue, slow_blocks)
    rows.check(path)
    rows.add_to(columns, parts)
    if grow:
        row_of.update((text, row) for row, text in enumerate(rows.item_ids))


def _gathered(
    parts: list[Path], table: InteractionTable, catalogue: dict[str, int] | None, read: Reading
) -> "_Rows":
    rows = _Rows(table, catalogue)
    for part in parts:
        for block in read(part, table, rows.ids):
            rows.add(block, part)
    return rows


class _Rows:
    """The rows of a table under construction. Rows of unknown items, or that count nothing, are left out.

    Args:
        table: of the schema.
        catalogue: from items to rows; None if the items of the rows are the catalogue.
    """

    def __init__(self, table: InteractionTable, catalogue: dict[str, int] | None) -> None:
        self.table = table
        self.catalogue = catalogue
        self.ids = Ids(Vocabulary(table.empty), Vocabulary(table.empty))
        self.item_ids: list[str] = []
        self.total = self.unknown = self.weightless = 0
        self.unit: str | None = None  # of the times
        self.most = 0  # the greatest time so far, in size
        self.columns: dict[str, list[np.ndarray]] = {name: [] for name in NAMES}
        self._kept: list[np.ndarray] = []
        self._item_rows = np.empty(0, dtype=np.int32)  # by number in ``ids``; -1 for unknown ones

    def add(self, block: Block, part: Path) -> None:
        """Add the rows of a block of a part.

        Raises:
            UserError: some parts have dates and others numbers, or times with fractions are too large.
        """
        items = block.items
        if self.catalogue is None:
            kept = np.ones(len(block), dtype=bool)
        else:
            new = self.ids.items.texts[len(self._item_rows) :]
            rows = np.array([self.catalogue.get(text, -1) for text in new], dtype=np.int32)
            self._item_rows = np.append(self._item_rows, rows)
            items = self._item_rows[items]
            kept = items >= 0
            self.unknown += len(block) - int(np.count_nonzero(kept))
        if block.amounts is not None:
            counts = block.amounts > 0
            self.weightless += int(np.count_nonzero(kept & ~counts))
            kept &= counts
        values = {
            "users": block.users,
            "items": items,
            "ratings": block.ratings,
            "times": None if block.times is None else self._in_one_unit(block.times, block.dated, part),
            "amounts": block.amounts,
        }
        chosen = slice(None) if kept.all() else kept
        for name, column in values.items():
            if column is not None:
                self.columns[name].append(column[chosen])
        self._kept.append(kept)
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
        self.most = max(self.most, int(np.abs(times).max(initial=0)))
        if self.unit == "number":
            return times
        if self.most > MAX_TIME:
            raise UserError(
                f"{shown_path(part)}: {self.table.timestamp} has fractions, and values up to {self.most}, "
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
        if not self.unknown or self.catalogue is None:
            return []
        near = NearIds(self.catalogue)
        numbers = np.flatnonzero(self._item_rows < 0)[:MAX_COMPARED]
        unknown = [self.ids.items.texts[number] for number in numbers]
        alike = [text for text in unknown if near.near(text) is not None]
        return [near.with_near(text) for text in (alike or unknown)[:EXAMPLES]]

    def add_to(self, columns: Columns, parts: list[Path]) -> None:
        """Add edges, events, users, notes and findings."""
        table = self.table
        placeholders = self._placeholders()
        values = {name: joined(blocks) for name, blocks in self.columns.items() if blocks}
        values["users"], user_ids = _in_order(values["users"], self.ids.users)
        if self.catalogue is None:
            values["items"], self.item_ids = _in_order(values["items"], self.ids.items)
        num, extra = len(values["users"]), np.empty(0, dtype=np.int64)
        if "times" in values:
            extra = equal_rows(list(values.values()), self._places, parts, table)
        else:  # rows at different places are of different times
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
        columns.arrays["user_ids"] = np.arange(len(user_ids), dtype=np.int64)
        columns.texts["user_text_ids"] = user_ids
        self._report(columns, len(extra), repeated, placeholders)

    def _places(self) -> np.ndarray:
        """The number of each kept row among the rows of all parts."""
        return np.flatnonzero(np.concatenate(self._kept))

    def _unit_of(self, times: np.ndarray) -> str:
        """The unit as ``MovieLens.time_unit`` names it."""
        if self.unit == "millionths":
            return "microseconds" if guess_unit(times) == "microseconds" else "number"
        return self.unit or "row"

    def _placeholders(self) -> list[tuple[str, str, int]]:
        """Ids that usually stand for no id: column, id and number of rows."""
        found = []
        for column, ids, name in (
            (self.table.user, self.ids.users, "users"),
            (self.table.item, self.ids.items, "items"),
        ):
            numbers = [number for number, text in enumerate(ids.texts) if text in PLACEHOLDERS]
            if numbers and (name == "users" or self.catalogue is None):
                counts = [sum(int((one == number).sum()) for one in self.columns[name]) for number in numbers]
                found += [
                    (column, ids.texts[number], count)
                    for number, count in zip(numbers, counts, strict=True)
                    if count
                ]
        return found

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
        columns.texts.setdefault("findings", []).extend(one.as_text() for one in findings)


def _in_order(numbers: np.ndarray, ids: Vocabulary) -> tuple[np.ndarray, list[str]]:
    """Number again: rows in the order in which ids first occur, without those that do not occur.

    Returns:
        int32 ``[n]`` and the ids by row.
    """
    first = np.full(len(ids), len(numbers), dtype=np.int64)
    # Of equal places the last assignment stays, which is the first occurrence.
    first[numbers[::-1]] = np.arange(len(numbers) - 1, -1, -1)
    order = np.argsort(first, kind="stable")
    order = order[: np.count_nonzero(first < len(numbers))]
    rows = np.empty(len(ids), dtype=np.int32)
    rows[order] = np.arange(len(order), dtype=np.int32)
    return rows[numbers], [ids.texts[number] for number in order]


def _in_millionths(times: np.ndarray) -> np.ndarray:
    """Times as whole millionths; the whole part of each is exact."""
    whole = times.astype(np.int64)
    millionths = whole * MICROSECONDS
    if times.dtype == np.float64:
        millionths += np.rint((times - whole) * MICROSECONDS).astype(np.int64)
    return millionths
