"""Rows that are equal to an earlier one in every column of their file: most often an export written twice."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from data.reading.events import rows_with_equals
from data.reading.own_blocks import wanted_columns
from data.reading.schema import InteractionTable
from data.reading.tables import (
    advice_of,
    as_texts,
    dialect_of,
    is_parquet,
    open_parquet,
    parquet_batches,
)
from data.reading.text_tables import csv_header, csv_rows


def equal_rows(
    values: Sequence[np.ndarray], places: np.ndarray, parts: list[Path], table: InteractionTable
) -> np.ndarray:
    """Find the rows that are equal to an earlier one in every column.

    Args:
        values: the columns that were read, ``[n]`` each; the first two are user and item.
        places: int ``[n]``, ascending: the number of each row among the rows of all parts.
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
        rest = _texts_at(places[suspects], parts, table)
        keys = list(zip(keys, rest, strict=True))
    seen: set[Any] = set()
    equal = [row for row, key in zip(suspects.tolist(), keys, strict=True) if key in seen or seen.add(key)]
    return np.array(equal, dtype=np.int64)


def _names(part: Path, table: InteractionTable) -> list[str]:
    """The columns of a file, in order."""
    if is_parquet(part):
        return list(open_parquet(part, "interactions", {}).schema_arrow.names)
    return csv_header(part, [], dialect_of(table), advice_of("interactions", table, {}))[2]


def _has_other_columns(part: Path, table: InteractionTable) -> bool:
    wanted = {column for column in wanted_columns(table).values() if column is not None}
    return len(_names(part, table)) > len(wanted)


def _texts_at(places: np.ndarray, parts: list[Path], table: InteractionTable) -> list[tuple[str, ...]]:
    """All values of the rows at ``places``, as text."""
    found: list[tuple[str, ...]] = []
    wanted = iter(places.tolist())
    place = next(wanted)
    for number, row in enumerate(_all_rows(parts, table)):
        if number == place:
            found.append(row)
            place = next(wanted, -1)
            if place < 0:
                break
    return found


def _all_rows(parts: list[Path], table: InteractionTable) -> Iterator[tuple[str, ...]]:
    for part in parts:
        names = _names(part, table)
        if is_parquet(part):
            wanted = {name: name for name in names}
            for batch in parquet_batches(part, "interactions", wanted):
                yield from zip(*(as_texts(batch[name]) for name in names), strict=True)
        else:
            advice = advice_of("interactions", table, {})
            for _, row in csv_rows(part, None, dialect_of(table), advice):
                yield tuple(row)
