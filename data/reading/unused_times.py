"""A column of times that a schema does not name: the log is then read in the order of its file."""

import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np

from data.inspection.findings import EXAMPLES, Finding, newest_first
from data.inspection.times import guess_unit
from data.reading.own_values import whole_number_in
from data.reading.schema import InteractionTable
from data.reading.tables import advice_of, dialect_of, is_parquet, open_parquet, table_rows
from data.reading.text_tables import csv_header

LOOKED_AT = 1000  # rows; a column shows what it is soon
# 2024-05-31, perhaps with a time behind it. Such texts are in the order of time.
_ISO = re.compile(r"[12][0-9]{3}-[01][0-9]-[0-3][0-9]([T ].*)?")
# 31.05.2024 or 5/31/24, perhaps with a time behind it. The schema cannot read these, but may be told of them.
_OTHER = re.compile(r"[0-3]?[0-9]([./-])[0-3]?[0-9]\1([12][0-9])?[0-9]{2}\b.*")
# Parts of names. A whole number of the right size may also be an id, so its column must have such a name.
_NAME = re.compile(r"time|date|stamp|\bts\b|created|updated|when", re.IGNORECASE)


def unused_times(parts: list[Path], table: InteractionTable) -> list[Finding]:
    """``unused_times`` with the names of such columns; and ``newest_first`` if the first one falls.

    Args:
        parts: the files of the table; the first one is looked at.
        table: a table whose schema names no times.

    Raises:
        UserError: the file cannot be read.
    """
    named = {table.user, table.item, table.rating, table.weight, table.kind.column if table.kind else None}
    columns = [name for name in _columns(parts[0], table) if name and name not in named]
    if not columns:
        return []
    rows = table_rows(parts[0], "interactions", table, {name: name for name in columns})
    values = list(zip(*(values for _, values in islice(rows, LOOKED_AT)), strict=True))
    times = {
        name: numbers
        for name, texts in zip(columns, values, strict=False)
        if (numbers := _times(name, texts))
    }
    if not times:
        return []
    found = [Finding("unused_times", len(times), len(columns), tuple(times)[:EXAMPLES])]
    falling = newest_first(np.unique(next(iter(times.values())), return_inverse=True)[1])
    return found if falling is None else [*found, falling]


def _columns(path: Path, table: InteractionTable) -> list[str]:
    """The names that the file has once: only these can be asked for."""
    if is_parquet(path):
        names = open_parquet(path, "interactions", {}).schema_arrow.names
    else:
        names = csv_header(path, [], dialect_of(table), advice_of("interactions", table, {}))[2]
    stripped = [name.strip() for name in names]
    return [name for name in stripped if stripped.count(name) == 1]


def _times(name: str, texts: tuple[str, ...]) -> list[str] | list[int] | None:
    """Values in the order of time, if all that are not empty are times; dates of another form as they are."""
    given = [text for text in texts if text]
    if not given:
        return None
    if all(_ISO.fullmatch(text) for text in given):
        return given
    if all(_OTHER.fullmatch(text) for text in given):
        return [""] * len(given)  # their order is not compared
    numbers = list(_whole_numbers(given)) if _NAME.search(name) else []
    if len(numbers) < len(given) or guess_unit(np.array(numbers)) is None:
        return None
    return numbers


def _whole_numbers(texts: list[str]) -> Iterator[int]:
    for text in texts:
        number = whole_number_in(text)
        if number is None:
            return
        yield number
