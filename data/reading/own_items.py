"""The items of own data: titles, genres and years, and the columns that their features are made of."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from base.errors import UserError
from data.inspection.findings import Finding
from data.reading.columns import Columns, joined
from data.reading.formats import NO_GENRES
from data.reading.item_content import add_content, content_columns
from data.reading.own_values import id_reader, year_reader
from data.reading.placeholders import PLACEHOLDERS
from data.reading.schema import ItemFeatures, ItemTable
from data.reading.source_files import bad_line, empty, shown, shown_path
from data.reading.tables import GIVE_DATA, is_parquet, parquet_batches, parts_of, table_rows
from data.title_year import year_of_title

LISTED = 3


def add_own_items(path: Path, table: ItemTable, columns: Columns) -> dict[str, int]:
    """Add titles, genres, years and content, in the order of the file.

    Args:
        path: the file, or the folder of its parts.
        table: of the schema.
        columns: what to add to.

    Returns:
        From ids to rows.

    Raises:
        UserError: there is no item, an id is empty or occurs twice, or a value breaks its rule.
    """
    kept = content_columns(table)
    wanted = {"id": table.id, "title": table.title, "genres": table.genres, "year": table.year}
    wanted |= kept
    row_of: dict[str, int] = {}
    titles, genres, years = [], [], []
    contents: list[list[str]] = [[] for _ in kept]
    placeholders: Counter[tuple[str, str]] = Counter()
    for part in parts_of(path):
        read_id = id_reader(part, table.id)
        read_year = year_reader(part, table.year, table) if table.year is not None else None
        for line, (item, title, genre_text, year, *others) in table_rows(part, "items", table, wanted):
            if item in row_of:
                raise bad_line(
                    part, line, f"{table.id} {shown(item)} occurs twice", "give each item one line"
                )
            row_of[read_id(line, item)] = len(row_of)
            titles.append(title or item)
            genres.append("|".join(_genres(genre_text, table.genre_separator)))
            years.append(read_year(line, year) if read_year else year_of_title(title))
            for column, value in zip(contents, others, strict=True):
                column.append(value)
            placeholders.update(
                (kept.get(key, key), value)
                for (key, _), value in zip(
                    wanted.items(), (item, title, genre_text, year, *others), strict=True
                )
                if value in PLACEHOLDERS
            )
    if not row_of:
        raise empty(path, GIVE_DATA)
    columns.texts |= {"titles": titles, "genres": genres}
    columns.arrays["years"] = np.array(years, dtype=np.float32)
    columns.texts |= {f"column:{name}": values for name, values in zip(kept.values(), contents, strict=True)}
    add_list_columns(path, table, columns, list(row_of))
    add_content(columns, table, path.parent, row_of, shown_path(path), table.decimal)
    _report(columns, placeholders)
    return row_of


def _genres(text: str, separator: str) -> list[str]:
    if text == NO_GENRES:
        return []
    own = (genre.strip().replace("|", "/") for genre in text.split(separator))
    return [genre for genre in own if genre]


def add_list_columns(path: Path, table: ItemFeatures, columns: Columns, ids: list[str]) -> None:
    """Add the vectors of list columns: ``vector:COLUMN`` and the rows of the table that have one.

    Args:
        path: the file, or the folder of its parts.
        table: which names the columns.
        columns: what to add to.
        ids: of the rows, for errors.

    Raises:
        UserError: the table is not Parquet, a value is not a list of numbers, or two have different lengths.
    """
    for block in table.vectors:
        if block.column is None:
            continue
        values: list[np.ndarray] = []
        rows: list[np.ndarray] = []
        start = 0
        for part in parts_of(path):
            for array in _list_column(part, block.name, block.column):
                lengths = array.value_lengths().fill_null(-1).to_numpy()
                given = np.flatnonzero(lengths >= 0)
                width = values[0].shape[1] if values else lengths[given].max(initial=0)
                other = given[lengths[given] != width]
                if len(other):
                    raise UserError(
                        f"{shown_path(part)}: block {block.name} has {lengths[other[0]]} values for the id "
                        f"{shown(ids[start + other[0]])}, and {width} for others; each must be a list of as "
                        "many numbers"
                    )
                if len(given):
                    numbers = array.flatten().to_numpy(zero_copy_only=False)
                    values.append(numbers.astype(np.float32).reshape(len(given), width))
                rows.append((start + given).astype(np.int32))
                start += len(array)
        columns.arrays[f"vector:{block.column}"] = joined(values or [np.empty((0, 1), dtype=np.float32)])
        columns.arrays[f"vector_rows:{block.column}"] = joined(rows)


def _list_column(part: Path, name: str, column: str) -> Iterator[Any]:
    """A column of lists of numbers, a batch at a time.

    Raises:
        UserError: the file is not Parquet, or the column is not of lists of numbers.
    """
    from pyarrow import types

    if not is_parquet(part):
        raise UserError(
            f"{shown_path(part)}: block {name} names the column {column} of lists, which only a Parquet file "
            "can have; write the table as Parquet, or the vectors as a .npy file"
        )
    key = f"vectors {name}"
    for batch in parquet_batches(part, "items", {key: column}):
        array = batch.by_key[key]
        is_list = (
            types.is_list(array.type)
            or types.is_large_list(array.type)
            or types.is_fixed_size_list(array.type)
        )
        kind = array.type.value_type if is_list else array.type
        if not is_list or not (types.is_floating(kind) or types.is_integer(kind)):
            raise UserError(
                f"{shown_path(part)}: block {name} needs lists of numbers, and the column {column} is of "
                f"type {array.type}; write it as lists of floats"
            )
        yield array


def _report(columns: Columns, placeholders: Counter[tuple[str, str]]) -> None:
    findings = columns.texts.setdefault("findings", [])
    if placeholders:
        examples = tuple(f"{value} in {name}" for (name, value), _ in placeholders.most_common())
        findings.append(Finding("placeholders", sum(placeholders.values()), 0, examples[:LISTED]).as_text())
