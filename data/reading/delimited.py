"""Rows of a delimited text file, written in whatever way its schema says."""

import csv
import io
from collections.abc import Iterator, Sequence
from pathlib import Path

from base.errors import UserError
from data.reading.schema import Table
from data.reading.source_files import bad_line, open_source, shown, shown_path


def table_rows(
    path: Path, name: str, table: Table, wanted: dict[str, str | None]
) -> Iterator[tuple[int, list[str]]]:
    """The wanted columns of a table, without outer spaces, each row with the number of its first line.

    Args:
        path: the file.
        name: of the table in the schema, for errors.
        table: how the file is written.
        wanted: key of the schema to column; a column of None gives empty values.

    Raises:
        UserError: the file cannot be read, a column is missing, or a row is not as wide as the header.
    """
    line = 1
    with open_source(path) as raw:
        # A byte order mark, which spreadsheets write, is no part of the first name.
        encoding = "utf-8-sig" if table.encoding.lower() in ("utf-8", "utf8") else table.encoding
        reader = csv.reader(
            io.TextIOWrapper(raw, encoding=encoding, newline=""),
            delimiter=table.separator,
            quoting=csv.QUOTE_MINIMAL if table.quotes else csv.QUOTE_NONE,
            strict=True,
        )
        try:
            header = next(reader, []) if table.header is None else table.header
            places = _places(path, name, header, wanted)
            line = reader.line_num + 1
            for row in reader:
                if len(row) == len(header):
                    yield line, ["" if place is None else row[place].strip() for place in places]
                elif "".join(row).strip():
                    text = shown(table.separator.join(row))
                    raise bad_line(path, line, f"expected {len(header)} values, got {len(row)} in {text}")
                line = reader.line_num + 1
        except csv.Error as error:
            advice = f'correct it, or set "quotes" of "{name}" in the schema to false'
            raise bad_line(path, line, f"not valid CSV ({error})", advice) from error
        except UnicodeDecodeError as error:
            raise UserError(
                f"{shown_path(path)}: no {table.encoding} text somewhere after line {line}; "
                f'set "encoding" of "{name}" in the schema'
            ) from error


def _places(path: Path, name: str, header: Sequence[str], wanted: dict[str, str | None]) -> list[int | None]:
    """Where the wanted columns stand in the header; None for those that are not there by the schema."""
    names = [column.strip() for column in header]
    for key, column in wanted.items():
        if column is not None and names.count(column) != 1:
            problem = f"no column {shown(column)}" if column not in names else f"two columns {shown(column)}"
            raise bad_line(
                path,
                1,
                f"{problem} in the header {shown(','.join(names))}",
                f'name a column that stands there once as "{key}" of "{name}" in the schema, '
                'and check its "separator"',
            )
    return [None if column is None else names.index(column) for column in wanted.values()]
