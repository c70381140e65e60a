"""The items of own data: titles, genres and years, and the columns that their features are made of."""

from collections import Counter
from pathlib import Path

import numpy as np

from base.errors import UserError
from data.inspection.findings import Finding
from data.reading.columns import Columns
from data.reading.formats import NO_GENRES
from data.reading.item_content import add_content, content_columns
from data.reading.own_values import id_reader, year_reader
from data.reading.schema import ItemFeatures, ItemTable
from data.reading.source_files import bad_line, empty, shown, shown_path
from data.reading.tables import GIVE_DATA, is_parquet, open_parquet, parts_of, table_rows
from data.title_year import year_of_title

# What exports write where there is no value.
PLACEHOLDERS = frozenset(
    {"\\N", "NULL", "null", "None", "none", "NA", "N/A", "n/a", "NaN", "nan", "-", "?", "#N/A"}
)
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
    broken_lines: list[str] = []
    for part in parts_of(path):
        read_id = id_reader(part, table.id)
        read_year = year_reader(part, table.year, table) if table.year is not None else None
        for line, (item, title, genre_text, year, *others) in table_rows(part, "items", table, wanted):
            if item in row_of:
                raise bad_line(
                    part, line, f"{table.id} {shown(item)} occurs twice", "give each item one line"
                )
            row_of[read_id(line, item)] = len(row_of)
            if "\n" in title or "\r" in title:
                broken_lines.append(f"line {line}")
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
    add_content(columns, table, path.parent, row_of, shown_path(path))
    _report(columns, placeholders, broken_lines)
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
        wanted: dict[str, str | None] = {f"vectors {block.name}": block.column}
        lists: list[list[float] | None] = []
        for part in parts_of(path):
            if not is_parquet(part):
                raise UserError(
                    f"{shown_path(part)}: block {block.name} names the column {block.column} of lists, which only a "
                    "Parquet file can have; write the table as Parquet, or the vectors as a .npy file"
                )
            file = open_parquet(part, "items", wanted)
            for batch in file.iter_batches(columns=[block.column]):
                lists += batch.column(0).to_pylist()
        width = next((len(one) for one in lists if isinstance(one, list)), 0)
        for row, one in enumerate(lists):
            if one is not None and (not isinstance(one, list) or len(one) != width):
                got = f"{len(one)} values" if isinstance(one, list) else shown(str(one))
                raise UserError(
                    f"{shown_path(path)}: block {block.name} has {got} for the id {shown(ids[row])}, and {width} for "
                    "the first; each must be a list of as many numbers"
                )
        rows = [row for row, one in enumerate(lists) if one is not None]
        values = np.array([lists[row] for row in rows], dtype=np.float64).reshape(len(rows), width)
        columns.arrays[f"vector:{block.column}"] = values.astype(np.float32)
        columns.arrays[f"vector_rows:{block.column}"] = np.array(rows, dtype=np.int32)


def _report(columns: Columns, placeholders: Counter[tuple[str, str]], broken_lines: list[str]) -> None:
    findings = columns.texts.setdefault("findings", [])
    if placeholders:
        examples = tuple(f"{value} in {name}" for (name, value), _ in placeholders.most_common())
        findings.append(Finding("placeholders", sum(placeholders.values()), 0, examples[:LISTED]).as_text())
    if broken_lines:
        columns.note(len(broken_lines), "title", f"with a line break ({', '.join(broken_lines[:LISTED])})")
        findings.append(Finding("line_breaks", len(broken_lines), 0, tuple(broken_lines[:LISTED])).as_text())
