"""Rows that are equal to an earlier one in every column of their file: most often an export written twice."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from data.reading.events import equal_to_earlier, rows_with_equals
from data.reading.own_blocks import NAME, wanted_columns
from data.reading.schema import InteractionTable
from data.reading.tables import (
    advice_of,
    as_text_array,
    dialect_of,
    is_parquet,
    open_parquet,
    parquet_batches,
)
from data.reading.text_blocks import Doubtful, TextBlocks
from data.reading.text_tables import csv_header

Name = tuple[str, int]  # of a column, and how many columns of that name stand before it


def equal_rows(
    values: Sequence[np.ndarray], kept: np.ndarray, parts: list[Path], table: InteractionTable
) -> np.ndarray:
    """Find the rows that are equal to an earlier one in every column.

    Args:
        values: the columns that were read, ``[n]`` each; the first two are user and item.
        kept: bool ``[rows of all parts]``, which rows of the files these are; n are true.
        parts: the files.
        table: how they are written. The columns that were not read, and those of which only an amount was
            made, are read now, if there are suspects.

    Returns:
        Positions in ``values``, ascending; the first of equal rows is not among them. Empty where nothing
        could tell repeats: where the schema names all columns and none is of times, every row is an event.
    """
    if table.timestamp is None and not _has_unread_columns(parts, table):
        return np.empty(0, dtype=np.int64)
    suspects = rows_with_equals(values)
    if not len(suspects):
        return suspects
    texts = _texts_at(np.flatnonzero(kept)[suspects], parts, table)
    return suspects[equal_to_earlier([*(column[suspects] for column in values), *texts])]


def _texts_at(places: np.ndarray, parts: list[Path], table: InteractionTable) -> list[np.ndarray]:
    """What rows have in the columns that the values do not tell exactly.

    Args:
        places: int ``[n]``, ascending: the numbers of the rows among those of all parts.
        parts: the files.
        table: how they are written.

    Returns:
        For each such column int ``[n]``, equal where the texts are equal; a part without the column has ""
        there.
    """
    import pyarrow

    others = [_other_columns(part, table) for part in parts]
    names = list(dict.fromkeys(name for own in others for name in own))
    if not names:
        return []
    found: dict[Name, list[Any]] = {name: [] for name in names}
    start = 0
    for part, own in zip(parts, others, strict=True):
        for texts in _texts(part, table, own):
            size = len(texts[0])
            here = places[slice(*np.searchsorted(places, [start, start + size]))] - start
            nothing = pyarrow.array([""] * len(here), pyarrow.string())
            text_of = dict(zip(own, texts[1:], strict=True))
            for name, chunks in found.items():
                chunks.append(text_of[name].take(here) if name in text_of else nothing)
            start += size
    return [_codes(pyarrow.chunked_array(chunks)) for chunks in found.values()]


def _other_columns(part: Path, table: InteractionTable) -> dict[Name, int]:
    """The columns other than those whose values are known exactly, and where they stand in the file."""
    if is_parquet(part):
        every = open_parquet(part, NAME, {}).schema_arrow.names
        names = [name for name in every if every.count(name) == 1]  # others cannot be named
    else:
        names = csv_header(part, [], dialect_of(table), advice_of(NAME, table, {}))[2]
    known = {table.user, table.item, table.rating, table.timestamp}
    found: dict[Name, int] = {}
    for place, name in enumerate(name.strip() for name in names):
        if name not in known:
            found[name, sum(name == other for other, _ in found)] = place
    return found


def _has_unread_columns(parts: list[Path], table: InteractionTable) -> bool:
    read = set(wanted_columns(table).values())
    return any(name not in read for part in parts for name, _ in _other_columns(part, table))


def _texts(part: Path, table: InteractionTable, others: dict[Name, int]) -> Iterator[list[Any]]:
    """Blocks of the column of users and of other ones, as arrays of texts."""
    import pyarrow

    if is_parquet(part):
        wanted = {name: name for name in (table.user, *(name for name, _ in others))}
        for batch in parquet_batches(part, NAME, wanted):
            yield [as_text_array(array) for array in batch.columns]
        return
    blocks = TextBlocks(part, [table.user], dialect_of(table), advice_of(NAME, table, {"user": table.user}))
    blocks.positions = (*blocks.positions, *others.values())
    for block in blocks:
        try:
            yield block.columns([pyarrow.string()] * len(blocks.positions))
        except Doubtful:
            rows = [values for _, values in block.rows()]
            if rows:
                yield [pyarrow.array(texts, pyarrow.string()) for texts in zip(*rows, strict=True)]


def _codes(texts: Any) -> np.ndarray:
    """Numbers that are equal where texts are equal."""
    encoded = texts.dictionary_encode().unify_dictionaries()
    return np.concatenate([chunk.indices.to_numpy() for chunk in encoded.chunks])
