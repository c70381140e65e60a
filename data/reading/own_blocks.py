"""Blocks of interactions of own data: fast where all is well, exact where something is not.

pyarrow parses a table block by block. Where it refuses, or where it might accept more than we do, the table
is read again row by row. That second reading alone decides: it gives the same values, or the error that names
the line.
"""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from data.reading.arrow_values import amounts_of, stars_of, times_of
from data.reading.checked_text import Doubtful, text_batches
from data.reading.own_values import (
    amounts,
    id_reader,
    rating_reader,
    time_reader,
    weight_reader,
)
from data.reading.schema import InteractionTable
from data.reading.tables import (
    advice_of,
    dialect_of,
    is_parquet,
    open_parquet,
    parquet_batches,
    table_rows,
)
from data.reading.text_tables import csv_header
from data.reading.vocabulary import Vocabulary

SLOW_ROWS = 1 << 16


@dataclass(frozen=True)
class Ids:
    """The users and items of a table, which blocks refer to by number."""

    users: Vocabulary
    items: Vocabulary


@dataclass(frozen=True)
class Block:
    """Some rows of a table.

    Attributes:
        users: int32 ``[n]``, numbers of ``Ids.users``.
        items: int32 ``[n]``, numbers of ``Ids.items``.
        ratings: float32 ``[n]`` stars; None without ratings.
        times: int64 or, where some are fractional, float64 ``[n]``; None without times.
        amounts: float32 ``[n]``, what each row counts, 0 for nothing; None if all count the same.
        dated: whether the times are dates, in microseconds since 1970.
    """

    users: np.ndarray
    items: np.ndarray
    ratings: np.ndarray | None
    times: np.ndarray | None
    amounts: np.ndarray | None
    dated: bool = False

    def __len__(self) -> int:
        return len(self.users)


Reading = Callable[[Path, InteractionTable, Ids], Iterator[Block]]


def wanted_columns(table: InteractionTable) -> dict[str, str | None]:
    """From the keys of the schema to the columns."""
    return {
        "user": table.user,
        "item": table.item,
        "rating": table.rating,
        "timestamp": table.timestamp,
        "weight": table.weight,
        "kind.column": None if table.kind is None else table.kind.column,
    }


def fast_blocks(path: Path, table: InteractionTable, ids: Ids) -> Iterator[Block]:
    """The blocks of a part by pyarrow.

    Raises:
        Doubtful: the part must be read row by row.
        UserError: the file cannot be read, or a column is missing.
    """
    import pyarrow

    wanted = wanted_columns(table)
    for batch in _batches(path, table, wanted):
        try:
            users, items = ids.users.add_array(batch["user"]), ids.items.add_array(batch["item"])
            times = batch.get("timestamp")
            yield Block(
                _sure(users),
                _sure(items),
                stars_of(batch.get("rating"), table),
                times_of(times, table),
                amounts_of(batch.get("weight"), batch.get("kind.column"), table),
                times is not None and _is_dated(times.type, table),
            )
        except (pyarrow.ArrowException, ValueError, OverflowError) as error:
            raise Doubtful from error


def slow_blocks(path: Path, table: InteractionTable, ids: Ids) -> Iterator[Block]:
    """The blocks of a part, read row by row.

    Raises:
        UserError: the file or a line of it cannot be read.
    """
    wanted = wanted_columns(table)
    dated = table.timestamp_format == "iso"
    if table.timestamp is not None and is_parquet(path):
        column = open_parquet(path, "interactions", wanted).schema_arrow.field(table.timestamp)
        dated = _is_dated(column.type, table)
    read_user, read_item = id_reader(path, table.user), id_reader(path, table.item)
    read_rating, read_time = rating_reader(path, table), time_reader(path, table, dated)
    read_weight = weight_reader(path, table)
    rows = iter(table_rows(path, "interactions", table, wanted, (table.user, table.item)))
    while chunk := list(itertools.islice(rows, SLOW_ROWS)):
        parsed = [
            (
                read_user(line, user),
                read_item(line, item),
                read_rating(line, rating),
                read_time(line, time),
                read_weight(line, weight, kind),
            )
            for line, (user, item, rating, time, weight, kind) in chunk
        ]
        users, items, ratings, times, weights = zip(*parsed, strict=True)
        whole = all(isinstance(time, int) for time in times)
        yield Block(
            ids.users.add(users),
            ids.items.add(items),
            None if table.rating is None else np.array(ratings, dtype=np.float32),
            None if table.timestamp is None else np.array(times, dtype=np.int64 if whole else np.float64),
            amounts(
                None if table.weight is None else np.array([one for one, _ in weights]),
                None if table.kind is None else np.array([one for _, one in weights]),
            ),
            dated,
        )


def _sure(numbers: np.ndarray | None) -> np.ndarray:
    if numbers is None:
        raise Doubtful
    return numbers


def _is_dated(kind: Any, table: InteractionTable) -> bool:
    """Whether times of an Arrow type are dates."""
    from pyarrow import types

    return table.timestamp_format == "iso" or types.is_timestamp(kind) or types.is_date(kind)


def _batches(path: Path, table: InteractionTable, wanted: dict[str, str | None]) -> Iterator[dict[str, Any]]:
    """The wanted columns, a block at a time: from key to a pyarrow array."""
    if is_parquet(path):
        yield from parquet_batches(path, "interactions", wanted)
        return
    columns = {key: column for key, column in wanted.items() if column is not None}
    advice = advice_of("interactions", table, wanted)
    places, lines, header = csv_header(path, list(columns.values()), dialect_of(table), advice)
    for batch in text_batches(path, table, len(header), lines, places):
        yield {key: batch[place] for key, place in zip(columns, places, strict=True)}
