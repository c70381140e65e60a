"""Rows that are equal to an earlier one in every column of their file: most often an export written twice."""

import itertools
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from data.reading.checked_text import Doubtful, text_batches
from data.reading.events import rows_with_equals
from data.reading.own_blocks import SLOW_ROWS, wanted_columns
from data.reading.schema import InteractionTable
from data.reading.tables import advice_of, as_texts, dialect_of, is_parquet, open_parquet, parquet_batches
from data.reading.text_tables import csv_header, csv_rows


def equal_rows(
    values: Sequence[np.ndarray],
    places: Callable[[], np.ndarray],
    parts: list[Path],
    table: InteractionTable,
) -> np.ndarray:
    """Find the rows that are equal to an earlier one in every column.

    Args:
        values: the columns that were read, ``[n]`` each.
        places: gives int ``[n]``, ascending: the number of each row among the rows of all parts.
        parts: the files.
        table: how they are written. The columns that were not read are read for suspects only.

    Returns:
        Positions in ``values``, ascending; the first of equal rows is not among them.
    """
    suspects = rows_with_equals(values)
    if not len(suspects):
        return suspects
    keys: list[Any] = list(zip(*(column[suspects].tolist() for column in values), strict=True))
    if any(_has_other_columns(part, table) for part in parts):
        wanted = places()[suspects]
        try:
            rest = list(_rows_at(wanted, parts, table, _fast_rows))
        except Doubtful:
            rest = list(_rows_at(wanted, parts, table, _slow_rows))
        keys = list(zip(keys, rest, strict=True))
    seen: set[Any] = set()
    equal = []
    for row, key in zip(suspects.tolist(), keys, strict=True):
        if key in seen:
            equal.append(row)
        seen.add(key)
    return np.array(equal, dtype=np.int64)


def _has_other_columns(part: Path, table: InteractionTable) -> bool:
    wanted = {column for column in wanted_columns(table).values() if column is not None}
    if is_parquet(part):
        return len(open_parquet(part, "interactions", {}).schema_arrow.names) > len(wanted)
    return len(_header(part, table)[1]) > len(wanted)


def _header(part: Path, table: InteractionTable) -> tuple[int, list[str]]:
    """The lines of the header, and the names of the columns."""
    return csv_header(part, [], dialect_of(table), advice_of("interactions", table, {}))[1:]


def _rows_at(
    places: np.ndarray,
    parts: list[Path],
    table: InteractionTable,
    read: Callable[[Path, InteractionTable], Iterator[Any]],
) -> Iterator[tuple[str, ...]]:
    """All values of the rows at ``places``, as text.

    Args:
        places: int ``[n]``, ascending, among the rows of all parts.
        parts: the files.
        table: how they are written.
        read: gives the columns of a part, a block at a time, as arrays that pyarrow can take rows from.
    """
    import pyarrow

    start = 0
    for part in parts:
        for columns in read(part, table):
            size = len(columns[0])
            first, end = np.searchsorted(places, (start, start + size))
            if end > first:
                rows = pyarrow.array(places[first:end] - start)
                yield from zip(*(as_texts(column.take(rows)) for column in columns), strict=True)
            start += size
            if end == len(places):
                return


def _fast_rows(part: Path, table: InteractionTable) -> Iterator[list[Any]]:
    if is_parquet(part):
        names = open_parquet(part, "interactions", {}).schema_arrow.names
        if len(set(names)) < len(names):
            raise Doubtful
        for batch in parquet_batches(part, "interactions", {name: name for name in names}):
            yield [batch[name] for name in names]
        return
    lines, header = _header(part, table)
    for columns in text_batches(part, table, len(header), lines, range(len(header))):
        yield [columns[place] for place in range(len(header))]


def _slow_rows(part: Path, table: InteractionTable) -> Iterator[list[Any]]:
    import pyarrow

    if is_parquet(part):  # only the values that were read count
        for batch in parquet_batches(part, "interactions", wanted_columns(table)):
            yield list(batch.values())
        return
    rows = csv_rows(part, None, dialect_of(table), advice_of("interactions", table, {}))
    while block := [row for _, row in itertools.islice(rows, SLOW_ROWS)]:
        yield [pyarrow.array(column) for column in zip(*block, strict=True)]
