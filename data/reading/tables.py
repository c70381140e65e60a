"""Tables of own data: text in any dialect, perhaps compressed, or Parquet; one file, or a folder of parts."""

import gzip
import io
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any

from base.errors import UserError
from data.reading.file_kinds import START_BYTES, named_format
from data.reading.schema import Table
from data.reading.source_files import empty, open_source, said, shown_path
from data.reading.text_tables import CsvAdvice, CsvDialect, Rows, csv_rows

GIVE_DATA = "give the file of your data"
GZIP, ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
BATCH_ROWS = 1 << 19


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
    """Whether a file is Parquet, by its first bytes: the letters PAR1 alone may begin a header, too.

    Raises:
        UserError: as ``open_source``.
    """
    with open_source(path) as file:
        return named_format(file.read(START_BYTES)) == "parquet"


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
    """How the text of a table is written. An escape that is the quote itself means a doubled quote."""
    return CsvDialect(
        separator=table.separator,
        quotes=table.quotes,
        quote=table.quote,
        escape=None if table.quotes and table.escape == table.quote else table.escape,
        encoding=table.codec,
        header=table.header,
        opened=open_bytes,
        one_line=table.one_line,
    )


def quotes_advice(name: str, table: Table) -> str:
    """What to do about values in quotes where the schema takes quotes for ordinary characters."""
    return (
        f"set {name}.quotes in {table.place} to true, as its values are in quotes, and name columns without "
        f'them; if a character stands before quotes inside values, set {name}.escape to it, as in "\\\\"'
    )


def advice_of(name: str, table: Table, wanted: Mapping[str, str | None]) -> CsvAdvice:
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
        quotes=f"correct it, or set {name}.escape in {table.place} to the character before quotes inside "
        f'values, such as "\\\\"; if quotes are ordinary characters in the file, set {name}.quotes to false',
        unquoted=quotes_advice(name, table),
        text=f"set {name}.encoding in {table.place}",
        empty=GIVE_DATA,
    )


def table_rows(path: Path, name: str, table: Table, wanted: dict[str, str | None]) -> Rows:
    """The wanted columns of one part of a table, each row with the number of its first line.

    Args:
        path: of the part.
        name: of the table in the schema.
        table: how it is written.
        wanted: from the key in the schema to the column; a column of None gives empty values.

    Yields:
        Values as text without spaces around them; the placeholders of ``table.empty`` are empty. In Parquet
        the number is that of the row.

    Raises:
        UserError: the file cannot be read, a column is missing, or a row does not have as many values as the
            header.
    """
    if is_parquet(path):
        rows = _parquet_rows(path, name, wanted)
    else:
        rows = csv_rows(path, list(wanted.values()), dialect_of(table), advice_of(name, table, wanted))
    yield from without_empty(rows, table)


def nothing_of(table: Table) -> frozenset[str]:
    """The texts that stand for no value."""
    return frozenset(text.strip() for text in table.empty)


def without_empty(rows: Rows, table: Table) -> Rows:
    """The rows with values without spaces around them, and with empty ones for placeholders."""
    nothing = nothing_of(table)
    for line, values in rows:
        stripped = [value.strip() for value in values]
        yield line, [("" if value in nothing else value) for value in stripped] if nothing else stripped


def open_parquet(path: Path, name: str, wanted: Mapping[str, str | None]) -> Any:
    """A Parquet file that has the wanted columns, as a ``pyarrow.parquet.ParquetFile``.

    Raises:
        UserError: it is damaged, or a column is missing.
    """
    import pyarrow
    from pyarrow import parquet

    try:
        file = parquet.ParquetFile(open_source(path))
    except (pyarrow.ArrowException, OSError) as error:
        raise UserError(
            f"{shown_path(path)} is a damaged Parquet file ({said(error)}); {GIVE_DATA}"
        ) from error
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


class ParquetBatch:
    """Some rows of a Parquet file.

    Args:
        first: the number of the first row in the file, from 1.
        columns: from the keys of the schema to arrays of pyarrow.
    """

    def __init__(self, first: int, columns: Mapping[str, Any]):
        self.first = first
        self.by_key = columns

    @property
    def columns(self) -> list[Any]:
        """The columns, in the order of their keys."""
        return list(self.by_key.values())

    def rows(self) -> Rows:
        """The rows as text, each with its number."""
        texts = (as_text_array(array).to_pylist() for array in self.columns)
        for row, values in enumerate(zip(*texts, strict=True), start=self.first):
            yield row, list(values)


def parquet_batches(path: Path, name: str, wanted: Mapping[str, str]) -> Iterator[ParquetBatch]:
    """The wanted columns of a Parquet file, a batch at a time.

    Args:
        path: the file.
        name: of the table in the schema.
        wanted: from the keys of the schema to the columns.

    Raises:
        UserError: as ``open_parquet``.
    """
    import pyarrow
    from pyarrow import types

    file = open_parquet(path, name, wanted)
    first = 1
    try:
        for batch in file.iter_batches(BATCH_ROWS, columns=sorted(set(wanted.values()))):
            columns = {key: batch.column(column) for key, column in wanted.items()}
            yield ParquetBatch(
                first,
                {
                    key: array.dictionary_decode() if types.is_dictionary(array.type) else array
                    for key, array in columns.items()
                },
            )
            first += batch.num_rows
    except (pyarrow.ArrowException, OSError) as error:
        raise UserError(
            f"{shown_path(path)} is a damaged Parquet file ({said(error)}); {GIVE_DATA}"
        ) from error


def _parquet_rows(path: Path, name: str, wanted: dict[str, str | None]) -> Rows:
    named = {key: column for key, column in wanted.items() if column is not None}
    for batch in parquet_batches(path, name, named):
        for number, values in batch.rows():
            value_of = dict(zip(named, values, strict=True))
            yield number, [value_of.get(key, "") for key in wanted]


def as_text_array(array: Any) -> Any:
    """The values of an array as an array of texts: whole floats without a fraction, "" for null and NaN."""
    import pyarrow
    from pyarrow import types

    if types.is_string(array.type) and not array.null_count:
        return array
    if (types.is_integer(array.type) or types.is_large_string(array.type)) and not array.null_count:
        return array.cast(pyarrow.string())
    return pyarrow.array([_as_text(value) for value in _values(array)], pyarrow.string())


def _values(array: Any) -> list[Any]:
    import pyarrow

    try:
        return list(array.to_pylist())
    except (ValueError, OverflowError, pyarrow.ArrowException):  # dates beyond those of Python
        return list(array.cast(pyarrow.string()).to_pylist())


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
