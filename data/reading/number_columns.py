"""Columns of numbers out of large delimited files: fast where all is well, exact where something is not.

A file is read in blocks of whole lines. pyarrow parses a block; where it refuses, or where it is known
to be more lenient than we are, the block is read again line by line, and that reading alone decides:
it gives the same columns or the error that names the line and the value.
"""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from base.errors import UserError
from data.reading.number_rules import Column
from data.reading.source_files import bad_line, empty, not_utf8, open_source, shown

BLOCK_BYTES = 16 << 20
MAX_LINE_BYTES = 1 << 20  # a file without line ends must not fill the memory


@dataclass(frozen=True)
class Layout:
    """Where the wanted columns lie in the lines of one file."""

    path: Path
    separator: str
    width: int
    columns: tuple[Column, ...]
    positions: tuple[int, ...]


def header_positions(path: Path, header: Sequence[str], names: Sequence[str]) -> tuple[int, ...]:
    """Where the named columns stand in the header; their order is free and others may stand between.

    Raises:
        UserError: a column is missing or stands there twice.
    """
    found = [name.strip() for name in header]
    for name in names:
        if found.count(name) != 1:
            problem = "no column" if name not in found else "more than one column"
            raise bad_line(
                path,
                1,
                f"{problem} {name} in the header {shown(','.join(found))}",
                f"the header must name {','.join(names)} once each",
            )
    return tuple(found.index(name) for name in names)


def read_number_columns(
    path: Path, columns: tuple[Column, ...], separator: str = ","
) -> Iterator[tuple[np.ndarray, ...]]:
    r"""Read the wanted columns of a file, block by block.

    Args:
        path: the file. With commas it is CSV whose first line names the columns; with another
            separator (``\t`` or ``::``) it has no header and exactly these columns.
        columns: what to read.
        separator: what stands between values.

    Yields:
        One array a column, ``[lines of the block]`` each, of the columns' types.

    Raises:
        UserError: the file or a line of it cannot be read.
    """
    with open_source(path) as file:
        if separator == ",":
            layout, first_line = _csv_layout(path, file, columns), 2
        else:
            count = len(columns)
            layout, first_line = Layout(path, separator, count, columns, tuple(range(count))), 1
        for line, block in _blocks(path, file, first_line):
            arrays = _parse_block(layout, block)
            yield arrays if arrays is not None else _parse_lines(layout, block, line)


def _csv_layout(path: Path, file: BinaryIO, columns: tuple[Column, ...]) -> Layout:
    line = file.readline(MAX_LINE_BYTES)
    if not line:
        raise empty(path)
    try:
        text = line.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise not_utf8(path, 1, error) from error
    header = _split_csv(path, 1, text.rstrip("\r\n"))
    names = [column.name for column in columns]
    return Layout(path, ",", len(header), columns, header_positions(path, header, names))


def _blocks(path: Path, file: BinaryIO, line: int) -> Iterator[tuple[int, bytes]]:
    """Whole lines, some MiB at a time, each block with the number of its first line."""
    rest = b""
    while chunk := file.read(BLOCK_BYTES):
        chunk = rest + chunk
        end = chunk.rfind(b"\n") + 1
        rest = chunk[end:]
        if end:
            yield line, chunk[:end]
            line += chunk.count(b"\n", 0, end)
        if len(rest) > MAX_LINE_BYTES:
            problem = f"longer than {MAX_LINE_BYTES} bytes, beginning {shown(rest[:MAX_LINE_BYTES])}"
            raise bad_line(path, line, problem, "check that lines end in a newline")
    if rest:
        yield line, rest + b"\n"


def _pyarrow_too_lenient(layout: Layout, block: bytes) -> bool:
    """Whether pyarrow might accept what is no value here, or differ about where a line or value ends.

    It reads 0x10 as 16, '"1"2' as 12, a lone carriage return as a line end, and a quoted value over
    several lines as one; and it does not look at the encoding of columns that nobody asked for.
    """
    return (
        b'"' in block
        or b"x" in block
        or b"X" in block
        or block.count(b"\r") != block.count(b"\r\n")
        or not block.isascii()
        or (layout.separator == "::" and b"\t" in block)
    )


def _parse_block(layout: Layout, block: bytes) -> tuple[np.ndarray, ...] | None:
    """The columns of a block by pyarrow; None if it should be read line by line."""
    import pyarrow
    from pyarrow import csv as arrow_csv

    if _pyarrow_too_lenient(layout, block):
        return None
    if layout.separator == "::":  # pyarrow's separators have one character
        block = block.replace(b"::", b"\t")
    wanted = [str(position) for position in layout.positions]
    arrow_types = {np.int64: pyarrow.int64(), np.float32: pyarrow.float64()}
    types = [arrow_types[column.kind.dtype] for column in layout.columns]
    try:
        table = arrow_csv.read_csv(
            pyarrow.BufferReader(block),
            arrow_csv.ReadOptions(column_names=[str(position) for position in range(layout.width)]),
            arrow_csv.ParseOptions(delimiter="," if layout.separator == "," else "\t", quote_char=False),
            arrow_csv.ConvertOptions(
                column_types=dict(zip(wanted, types, strict=True)),
                include_columns=wanted,
                null_values=[],  # by default an empty field or NA is a null, here it is an error
                strings_can_be_null=False,
            ),
        )
    except pyarrow.ArrowInvalid:
        return None
    with np.errstate(over="ignore"):  # 1e39 becomes inf, which no rule allows
        arrays = tuple(
            table.column(name).to_numpy().astype(column.kind.dtype, copy=False)
            for name, column in zip(wanted, layout.columns, strict=True)
        )
    kept = all(column.kind.holds_for(array) for column, array in zip(layout.columns, arrays, strict=True))
    return arrays if kept else None


def _parse_lines(layout: Layout, block: bytes, first_line: int) -> tuple[np.ndarray, ...]:
    """The columns of a block, one line at a time.

    Raises:
        UserError: a line breaks a rule.
    """
    values: list[list[float]] = [[] for _ in layout.columns]
    for line, content in enumerate(block[:-1].split(b"\n"), start=first_line):
        try:
            text = content.decode("utf-8").rstrip("\r")
        except UnicodeDecodeError as error:
            raise not_utf8(layout.path, line, error) from error
        if not text.strip():
            continue
        if layout.separator == ",":
            fields = _split_csv(layout.path, line, text)
        else:
            fields = text.split(layout.separator)
        if len(fields) != layout.width:
            problem = f"expected {layout.width} values between {layout.separator!r}, got {len(fields)}"
            raise bad_line(layout.path, line, f"{problem} in {shown(text)}")
        for column, position, kept in zip(layout.columns, layout.positions, values, strict=True):
            try:
                kept.append(column.kind.parse(fields[position]))
            except ValueError as rule:
                problem = f"{column.name} must be {rule}, got {shown(fields[position])}"
                raise bad_line(layout.path, line, problem) from None
    return tuple(
        np.array(column_values, dtype=column.kind.dtype)
        for column, column_values in zip(layout.columns, values, strict=True)
    )


def _split_csv(path: Path, line: int, text: str) -> list[str]:
    """The values of one CSV line, which must end where the line does.

    Raises:
        UserError: quotes that do not pair, or a carriage return inside.
    """
    try:
        rows = list(csv.reader([text], strict=True))
    except csv.Error as error:
        raise unreadable_csv(path, line, error, text) from error
    return rows[0] if rows else []


def unreadable_csv(path: Path, line: int, error: csv.Error, text: str = "") -> UserError:
    """The error for a line that the rules of CSV do not allow."""
    reason = {
        "unexpected end of data": "a quote is opened and not closed",
    }.get(str(error), str(error).split(" - ")[0])
    return bad_line(path, line, f"not valid CSV ({reason})" + (f" in {shown(text)}" if text else ""))
