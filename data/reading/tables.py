"""Tables of own data: text in any dialect, perhaps compressed, or Parquet; one file, or a folder of parts."""

import gzip
import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any

from base.errors import UserError
from data.reading.schema import Table
from data.reading.source_files import empty, open_source, shown_path
from data.reading.text_tables import CsvAdvice, CsvDialect, Rows, csv_rows

GIVE_DATA = "give the file of your data"
PARQUET, GZIP, ZSTD = b"PAR1", b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
BATCH_ROWS = 1 << 16


def parts_of(path: Path) -> list[Path]:
    """The files of a table: the file itself, or the files of the folder in the order of their names.

    Files whose names begin with a dot or an underscore are not data.

    Raises:
        UserError: the folder has no file of data.
    """
    if not path.is_dir():
        return [path]
    parts = sorted(part for part in path.iterdir() if part.is_file() and part.name[0] not in "._")
    if not parts:
        raise UserError(f"{shown_path(path)} is a folder without files; {GIVE_DATA}")
    return parts


def is_parquet(path: Path) -> bool:
    """Whether a file is Parquet, by its first bytes.

    Raises:
        UserError: as ``open_source``.
    """
    with open_source(path) as file:
        return file.read(len(PARQUET)) == PARQUET


def open_bytes(path: Path) -> IO[bytes]:
    """The content of a text file, decompressed if its first bytes say gzip or zstd.

    Raises:
        UserError: as ``open_source``.
    """
    file = open_source(path)
    start = file.peek(4)[:4]
    if start.startswith(GZIP):
        return gzip.open(file)  # type: ignore[return-value]
    if start == ZSTD:
        import pyarrow

        return io.BufferedReader(pyarrow.CompressedInputStream(file, "zstd"))
    return file


def dialect_of(table: Table) -> CsvDialect:
    """How the text of a table is written."""
    return CsvDialect(
        separator=table.separator,
        quotes=table.quotes,
        quote=table.quote,
        escape=table.escape,
        encoding=table.codec,
        header=table.header,
        opened=open_bytes,
    )


def advice_of(name: str, table: Table, wanted: dict[str, str | None]) -> CsvAdvice:
    """What the errors of a table tell the user to do.

    Args:
        name: of the table in the schema.
        table: how it is written.
        wanted: from the key in the schema to the column.
    """
    key_of = {column: key for key, column in wanted.items() if column is not None}
    return CsvAdvice(
        column=lambda column: (
            f"{name}.{key_of[column]} in {table.place} must name a column that the header has once; "
            f"check {name}.separator too"
        ),
        quotes=f"correct it, set {name}.escape in {table.place} to the character before quotes inside "
        f"values, or {name}.quotes to false",
        text=f"set {name}.encoding in {table.place}",
        empty=GIVE_DATA,
    )


def table_rows(
    path: Path,
    name: str,
    table: Table,
    wanted: dict[str, str | None],
    one_line: Sequence[str | None] = (),
) -> Rows:
    """The wanted columns of one part of a table, each row with the number of its first line.

    Args:
        path: of the part.
        name: of the table in the schema.
        table: how it is written.
        wanted: from the key in the schema to the column; a column of None gives empty values.
        one_line: columns of text files whose values have no line breaks.

    Yields:
        Values as text without spaces around them; the placeholders of ``table.empty`` are empty. In Parquet
        the number is that of the row.

    Raises:
        UserError: the file cannot be read, a column is missing, or a row does not have as many values as the
            header.
    """
    columns = list(wanted.values())
    if is_parquet(path):
        rows = _parquet_rows(path, name, wanted)
    else:
        advice = advice_of(name, table, wanted)
        rows = csv_rows(
            path, columns, dialect_of(table), advice, [one for one in one_line if one is not None]
        )
    nothing = frozenset(text.strip() for text in table.empty)
    for line, values in rows:
        stripped = [value.strip() for value in values]
        yield line, [("" if value in nothing else value) for value in stripped] if nothing else stripped


def open_parquet(path: Path, name: str, wanted: dict[str, str | None]) -> Any:
    """A Parquet file that has the wanted columns, as a ``pyarrow.parquet.ParquetFile``.

    Raises:
        UserError: it is damaged, or a column is missing.
    """
    import pyarrow
    from pyarrow import parquet

    try:
        file = parquet.ParquetFile(open_source(path))
    except (pyarrow.ArrowException, OSError) as error:
        raise UserError(f"{shown_path(path)} is a damaged Parquet file ({error}); {GIVE_DATA}") from error
    have = file.schema_arrow.names
    for key, column in wanted.items():
        if column is not None and have.count(column) != 1:
            raise UserError(
                f"{shown_path(path)}: no column {column!r} among {', '.join(have[:20])}; {name}.{key} in the "
                "schema must name a column of the file"
            )
    if file.metadata.num_rows == 0:
        raise empty(path, GIVE_DATA)
    return file


def parquet_batches(path: Path, name: str, wanted: dict[str, str | None]) -> Iterator[dict[str, Any]]:
    """The wanted columns of a Parquet file, a batch at a time: from key to a pyarrow array.

    Raises:
        UserError: as ``open_parquet``.
    """
    import pyarrow

    columns = {key: column for key, column in wanted.items() if column is not None}
    file = open_parquet(path, name, wanted)
    try:
        for batch in file.iter_batches(BATCH_ROWS, columns=sorted(set(columns.values()))):
            yield {key: _without_nanoseconds(batch.column(column)) for key, column in columns.items()}
    except (pyarrow.ArrowException, OSError) as error:
        raise UserError(f"{shown_path(path)} is a damaged Parquet file ({error}); {GIVE_DATA}") from error


def _parquet_rows(path: Path, name: str, wanted: dict[str, str | None]) -> Rows:
    number = 0
    for batch in parquet_batches(path, name, wanted):
        size = len(next(iter(batch.values())))
        values = [[""] * size if column is None else as_texts(batch[key]) for key, column in wanted.items()]
        for row in zip(*values, strict=True):
            number += 1
            yield number, list(row)


def _without_nanoseconds(array: Any) -> Any:
    """Times in nanoseconds become microseconds: pyarrow gives Python only these."""
    import pyarrow

    if pyarrow.types.is_timestamp(array.type) and array.type.unit == "ns":
        return array.cast(pyarrow.timestamp("us", array.type.tz), safe=False)
    return array


def as_texts(array: Any) -> list[str]:
    """The values of a pyarrow array as text: whole floats without a fraction, nothing for null."""
    import pyarrow

    if pyarrow.types.is_string(array.type) and not array.null_count:
        return array.to_pylist()
    try:
        values = array.to_pylist()
    except (ValueError, OverflowError, pyarrow.ArrowException):  # a date that Python does not know
        values = array.cast(pyarrow.string()).to_pylist()
    return [_as_text(value) for value in values]


def _as_text(value: Any) -> str:
    if value is None or value != value:
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, list):
        return "|".join(_as_text(one) for one in value)
    return str(value)
