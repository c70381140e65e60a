"""Columns of numbers from large delimited files: fast where all is well, exact where something is not.

A file is read in blocks of whole lines. pyarrow parses a block. Where it refuses, or where it is known to
accept more than we do, the block is read again line by line. That second reading alone decides: it gives
the same columns, or the error that names the line and the value.
"""

import csv
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from data.reading.number_kinds import NumberKind
from data.reading.source_files import CORRECT, bad_line, bad_text, empty, open_plain, shown
from data.reading.text_tables import bad_csv, column_positions

BLOCK_BYTES = 16 << 20
MAX_LINE_BYTES = 1 << 20  # a file without line ends must not fill the memory
LOOK_AHEAD = 100  # lines that tell a fault of a column from one of a line


@dataclass(frozen=True)
class NumberColumn:
    """A wanted column: its name in the header and the rule for its values."""

    name: str
    kind: NumberKind


@dataclass(frozen=True)
class Layout:
    """Where the wanted columns lie in the lines of one file."""

    path: Path
    separator: str
    width: int
    columns: tuple[NumberColumn, ...]
    positions: tuple[int, ...]


def read_number_columns(
    path: Path,
    columns: tuple[NumberColumn, ...],
    separator: str = ",",
    span: tuple[int, int] | None = None,
) -> Iterator[tuple[np.ndarray, ...]]:
    r"""Read the wanted columns of a file, block by block.

    Args:
        path: the file. With commas it is CSV whose first line names the columns; with another
            separator (``\t`` or ``::``) it has no header and exactly these columns.
        columns: what to read.
        separator: what stands between values.
        span: the first byte of a part of the file and the one behind it; the lines that begin there are read.

    Yields:
        One array per column, ``[lines of the block]`` each, of the columns' types.

    Raises:
        UserError: the file or a line of it cannot be read.
    """
    with open_plain(path) as file:
        if separator == ",":
            layout, first_line = _csv_layout(path, file, columns), 2
        else:
            count = len(columns)
            layout, first_line = Layout(path, separator, count, columns, tuple(range(count))), 1
        num_bytes = None
        if span is not None:
            first_line, num_bytes = _go_to(file, *span, first_line)
        for line, block in _blocks(path, file, first_line, num_bytes):
            arrays = _parse_block(layout, block)
            yield arrays if arrays is not None else _parse_lines(layout, block, line)


def _csv_layout(path: Path, file: BinaryIO, columns: tuple[NumberColumn, ...]) -> Layout:
    line = file.readline(MAX_LINE_BYTES)
    if not line:
        raise empty(path)
    try:
        text = line.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise bad_text(path, 1, line, error.start) from error
    header = _split_csv(path, 1, text.rstrip("\r\n"))
    names = [column.name for column in columns]
    return Layout(path, ",", len(header), columns, column_positions(path, header, names))


def _go_to(file: BinaryIO, first: int, end: int, line: int) -> tuple[int, int]:
    """Go to the first line that begins in a span.

    Args:
        file: at its first line of data.
        first: first byte of the span.
        end: the byte behind it.
        line: number of the line where the file is.

    Returns:
        The number of the line, and the bytes of the lines that begin in the span.
    """
    start = file.tell()
    places = []
    for place in (first, end):
        if place > start:  # a line that began before it is of the span before
            file.seek(place - 1)
            file.readline()
        places.append(file.tell() if place > start else start)
    file.seek(start)
    left = places[0] - start
    while chunk := file.read(min(BLOCK_BYTES, left)):
        line += chunk.count(b"\n")
        left -= len(chunk)
    file.seek(places[0])
    return line, places[1] - places[0]


def _blocks(path: Path, file: BinaryIO, line: int, num_bytes: int | None) -> Iterator[tuple[int, bytes]]:
    """Blocks of whole lines, some MiB each, with the number of the block's first line.

    Args:
        path: of the file, for errors.
        file: at the first line.
        line: its number.
        num_bytes: how much is read; None for the rest of the file.
    """
    rest = b""
    left = sys.maxsize if num_bytes is None else num_bytes
    while chunk := file.read(min(BLOCK_BYTES, left)):
        left -= len(chunk)
        chunk = rest + chunk
        end = chunk.rfind(b"\n") + 1
        rest = chunk[end:]
        if end:
            yield line, chunk[:end]
            line += chunk.count(b"\n", 0, end)
        if len(rest) > MAX_LINE_BYTES:
            problem = f"longer than {MAX_LINE_BYTES} bytes, beginning {shown(rest[:MAX_LINE_BYTES])}"
            raise bad_line(path, line, problem, "check that each line ends in a newline")
    if rest:
        yield line, rest + b"\n"


def _pyarrow_too_lenient(layout: Layout, block: bytes) -> bool:
    """Whether pyarrow might accept what is not a number here, or disagree on where a line or value ends.

    pyarrow reads 0x10 as 16, '"1"2' as 12, a carriage return alone as a line end, and a quoted value on
    several lines as one. It does not look at the encoding of columns that are not wanted.
    """
    return (
        b'"' in block
        or b"x" in block
        or b"X" in block
        or block.count(b"\r") != block.count(b"\r\n")
        or not block.isascii()
        or (len(layout.separator) > 1 and b"\t" in block)
    )


def _parse_block(layout: Layout, block: bytes) -> tuple[np.ndarray, ...] | None:
    """The columns of a block by pyarrow; None if the block must be read line by line."""
    import pyarrow
    from pyarrow import csv as arrow_csv

    if _pyarrow_too_lenient(layout, block):
        return None
    separator = layout.separator
    if len(separator) > 1:  # pyarrow's separators have one character
        block, separator = block.replace(separator.encode(), b"\t"), "\t"
    wanted = [str(position) for position in layout.positions]

    def columns(arrow_types: dict[type, Any]) -> list[Any]:
        types = [arrow_types[column.kind.dtype] for column in layout.columns]
        table = arrow_csv.read_csv(
            pyarrow.BufferReader(block),
            arrow_csv.ReadOptions(column_names=[str(position) for position in range(layout.width)]),
            arrow_csv.ParseOptions(delimiter=separator, quote_char=False),
            arrow_csv.ConvertOptions(
                column_types=dict(zip(wanted, types, strict=True)),
                include_columns=wanted,
                null_values=[],  # by default an empty field or NA is a null, here it is an error
                strings_can_be_null=False,
            ),
        )
        return [table.column(name) for name in wanted]

    try:
        try:
            read = columns({np.int64: pyarrow.int64(), np.float32: pyarrow.float64()})
        except pyarrow.ArrowInvalid:
            read = columns({np.int64: pyarrow.string(), np.float32: pyarrow.float64()})
            read = [_whole_numbers(column) if column.type == pyarrow.string() else column for column in read]
    except pyarrow.ArrowInvalid:
        return None
    with np.errstate(over="ignore"):  # 1e39 becomes inf, which no rule allows
        arrays = tuple(
            values.to_numpy().astype(column.kind.dtype, copy=False)
            for values, column in zip(read, layout.columns, strict=True)
        )
    kept = all(column.kind.holds_for(array) for column, array in zip(layout.columns, arrays, strict=True))
    return arrays if kept else None


def _whole_numbers(texts: Any) -> Any:
    """The numbers of a pyarrow array of texts, some of which may be spelled like ``550.0``.

    Raises:
        pyarrow.ArrowInvalid: a text is not such a number.
    """
    import pyarrow
    from pyarrow import compute

    digits = compute.replace_substring_regex(texts, r"^(-?[0-9]+)\.0*$", r"\1")
    return digits.cast(pyarrow.int64())


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
            raise bad_text(layout.path, line, content, error.start) from error
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
                whole_column = _breaks_its_rule(layout, column, position, line)
                advice = column.kind.advice if whole_column else CORRECT
                raise bad_line(layout.path, line, problem, advice) from None
    return tuple(
        np.array(column_values, dtype=column.kind.dtype)
        for column, column_values in zip(layout.columns, values, strict=True)
    )


def _breaks_its_rule(layout: Layout, column: NumberColumn, position: int, line: int) -> bool:
    """Whether the column is at fault and not one line: most of its values below that line are wrong, too."""
    wrong = right = 0
    with open_plain(layout.path) as file:
        for _ in range(line):
            file.readline(MAX_LINE_BYTES)
        for _ in range(LOOK_AHEAD):
            content = file.readline(MAX_LINE_BYTES)
            fields = content.decode("utf-8", "replace").rstrip("\r\n").split(layout.separator)
            if len(fields) == layout.width:
                try:
                    column.kind.parse(fields[position])
                    right += 1
                except ValueError:
                    wrong += 1
    return wrong > right


def _split_csv(path: Path, line: int, text: str) -> list[str]:
    """The values of one CSV line; a quoted value must end on the same line.

    Raises:
        UserError: quotes that do not pair, or a carriage return inside a value.
    """
    try:
        rows = list(csv.reader([text], strict=True))
    except csv.Error as error:
        raise bad_csv(path, line, error, text) from error
    return rows[0] if rows else []
