"""Blocks of interactions of own data: fast where all is well, exact where something is not.

pyarrow parses a table block by block. A block that it refuses, or of which it might accept more than we do,
is read row by row. That reading alone decides: it gives the same values, or the error that names the line.
"""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from data.reading.arrow_values import distinct_texts, finite_numbers, is_date, stars, time_types, times_in
from data.reading.number_kinds import finite_number
from data.reading.own_values import (
    date_in,
    id_reader,
    rating_reader,
    time_reader,
    weight_reader,
)
from data.reading.schema import InteractionTable
from data.reading.tables import (
    ParquetBatch,
    advice_of,
    dialect_of,
    is_parquet,
    nothing_of,
    parquet_batches,
    without_empty,
)
from data.reading.text_blocks import Doubtful, TextBlock, TextBlocks, WrongType

FAST = True  # with False every block is read row by row, for tests and benchmarks
SLOW_ROWS = 1 << 16
NAME = "interactions"


@dataclass(frozen=True)
class Block:
    """Some rows of a table.

    Attributes:
        users: the ids that occur, an array of texts in pyarrow, and int ``[n]``: which of them each row has.
        items: the same of the items.
        ratings: float32 ``[n]`` stars, None without ratings.
        times: int64 or, where some are fractional, float64 ``[n]``; None without times.
        dated: whether the times are dates, in microseconds since 1970.
        amounts: float32 ``[n]``, what each row counts; None if all count the same.
    """

    users: tuple[Any, np.ndarray]
    items: tuple[Any, np.ndarray]
    ratings: np.ndarray | None
    times: np.ndarray | None
    dated: bool
    amounts: np.ndarray | None

    def __len__(self) -> int:
        return len(self.users[1])


def wanted_columns(table: InteractionTable) -> dict[str, str]:
    """From the keys of the schema to the columns that it names."""
    columns = {
        "user": table.user,
        "item": table.item,
        "rating": table.rating,
        "timestamp": table.timestamp,
        "weight": table.weight,
        "kind.column": None if table.kind is None else table.kind.column,
    }
    return {key: column for key, column in columns.items() if column is not None}


def read_blocks(path: Path, table: InteractionTable) -> Iterator[Block]:
    """The blocks of a part of a table.

    Args:
        path: of the part.
        table: how it is written.

    Raises:
        UserError: the file or a line of it cannot be read.
    """
    values = _Values(path, table)
    for batch in _batches(path, table, wanted_columns(table)):
        block = values.of(batch) if FAST else None
        if block is None:
            yield from values.row_by_row(batch)
        else:
            yield block


def _batches(
    path: Path, table: InteractionTable, wanted: dict[str, str]
) -> Iterator[TextBlock | ParquetBatch]:
    """The wanted columns of a part of a table, not yet parsed.

    Args:
        path: of the part.
        table: how it is written.
        wanted: from the keys of the schema to the columns.

    Raises:
        UserError: the file cannot be read, or a column is missing.
    """
    if is_parquet(path):
        yield from parquet_batches(path, NAME, wanted)
    else:
        advice = advice_of(NAME, table, wanted)
        yield from TextBlocks(path, list(wanted.values()), dialect_of(table), advice)


class _Values:
    """Makes the values of a part of a table.

    Args:
        path: of the part.
        table: how it is written.
    """

    def __init__(self, path: Path, table: InteractionTable):
        self._path, self._table = path, table
        self._keys = list(wanted_columns(table))
        self._nothing = nothing_of(table)
        self._has_number_for_nothing = any(_is_number_or_date(text) for text in self._nothing)
        self._time_types = time_types(table)  # the one of the last block first

    def of(self, batch: TextBlock | ParquetBatch) -> Block | None:
        """A block by pyarrow; None if it must be read row by row."""
        import pyarrow

        if self._has_number_for_nothing:
            return None
        try:
            columns = dict(zip(self._keys, self._columns(batch), strict=True))
            times = columns.get("timestamp")
            return Block(
                distinct_texts(columns["user"], self._nothing),
                distinct_texts(columns["item"], self._nothing),
                stars(columns.get("rating"), self._table),
                times_in(times, self._table),
                times is not None and is_date(times.type),
                self._amounts(columns.get("weight"), columns.get("kind.column")),
            )
        except (Doubtful, pyarrow.ArrowException):
            return None

    def _columns(self, batch: TextBlock | ParquetBatch) -> list[Any]:
        if isinstance(batch, ParquetBatch):
            return batch.columns
        import pyarrow

        text, number = pyarrow.string(), pyarrow.float64()
        types = {"user": text, "item": text, "rating": number, "weight": number, "kind.column": text}
        for time_type in self._time_types:
            if pyarrow.types.is_integer(time_type) and (b"0x" in batch.content or b"0X" in batch.content):
                continue  # pyarrow reads 0x10 as 16
            types["timestamp"] = time_type
            try:
                columns = batch.columns([types[key] for key in self._keys], self._table.decimal)
            except WrongType:
                continue
            self._time_types.remove(time_type)
            self._time_types.insert(0, time_type)
            return columns
        raise Doubtful

    def _amounts(self, weights: Any, kinds: Any) -> np.ndarray | None:
        amounts = None if weights is None else np.log1p(np.maximum(finite_numbers(weights), 0))
        if self._table.kind is not None:
            texts, codes = distinct_texts(kinds, self._nothing)
            weight_of = self._table.kind.weights
            if not all(text in weight_of for text in texts.to_pylist()):
                raise Doubtful
            of_kind = np.array([weight_of[text] for text in texts.to_pylist()], dtype=np.float64)[codes]
            amounts = of_kind if amounts is None else amounts * of_kind
        return None if amounts is None else amounts.astype(np.float32)

    def row_by_row(self, batch: TextBlock | ParquetBatch) -> Iterator[Block]:
        """The blocks of a batch, read row by row.

        Raises:
            UserError: a line cannot be read.
        """
        path, table = self._path, self._table
        if (
            isinstance(batch, ParquetBatch)
            and "timestamp" in batch.by_key
            and is_date(batch.by_key["timestamp"].type)
        ):
            table = table.model_copy(update={"timestamp_format": "iso"})
        readers: dict[str, Callable[[int, str], Any]] = {
            "user": id_reader(path, table.user),
            "item": id_reader(path, table.item),
            "rating": rating_reader(path, table),
            "timestamp": time_reader(path, table),
        }
        read_amount = weight_reader(path, table)
        rows = without_empty(batch.rows(), table)

        def parse(row: tuple[int, list[str]]) -> list[Any]:
            line, texts = row
            text_of = dict(zip(self._keys, texts, strict=True))
            values = [readers[key](line, text) if key in readers else None for key, text in text_of.items()]
            return [*values, read_amount(line, text_of.get("weight", ""), text_of.get("kind.column", ""))]

        while parsed := list(map(parse, itertools.islice(rows, SLOW_ROWS))):
            values = dict(zip([*self._keys, "amount"], zip(*parsed, strict=True), strict=True))
            yield self._block(values, "timestamp" in readers and table.timestamp_format == "iso")

    def _block(self, values: dict[str, tuple[Any, ...]], dated: bool) -> Block:
        times = values.get("timestamp")
        whole = times is not None and all(isinstance(time, int) for time in times)
        weighted = self._table.weight is not None or self._table.kind is not None
        return Block(
            _numbered(values["user"]),
            _numbered(values["item"]),
            np.array(values["rating"], dtype=np.float32) if "rating" in values else None,
            None if times is None else np.array(times, dtype=np.int64 if whole else np.float64),
            dated,
            np.array(values["amount"], dtype=np.float64).astype(np.float32) if weighted else None,
        )


def _numbered(texts: tuple[str, ...]) -> tuple[Any, np.ndarray]:
    import pyarrow

    number: dict[str, int] = {}
    codes = np.array([number.setdefault(text, len(number)) for text in texts])
    return pyarrow.array(list(number), pyarrow.string()), codes


def _is_number_or_date(text: str) -> bool:
    try:
        finite_number(text, ",")
    except ValueError:
        return date_in(text) is not None
    return True
