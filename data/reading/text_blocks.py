"""Text tables in blocks of whole lines: most are parsed fast, and only what is unusual row by row.

pyarrow parses a block. It reads a few things differently from the csv module, whose rules hold here; a block
in which one of them might occur is *doubtful* and read row by row. So both ways give the same rows, or an
error that names the line.
"""

import codecs
import io
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from base.errors import UserError
from data.reading.file_kinds import START_BYTES, without_mark
from data.reading.source_files import reading_errors, refuse_format, shown, shown_path
from data.reading.text_tables import CsvAdvice, CsvDialect, Rows, csv_header, rows_of

BLOCK_BYTES = 16 << 20
MAX_LINE_BYTES = 64 << 20  # a file without line ends must not fill the memory
MAX_VALUE_BYTES = 1 << 16  # a value of more might be too long for the csv module
NEWLINE, RETURN = ord("\n"), ord("\r")


class Doubtful(Exception):
    """Something must be read row by row."""


class WrongType(Doubtful):
    """A value is not of the type that its column should have."""


class TextBlocks:
    """A text table, block by block.

    Args:
        path: the file.
        names: of the wanted columns.
        dialect: how the file is written.
        advice: what errors tell the user to do.

    Raises:
        UserError: the file cannot be read, or a column is missing.
    """

    def __init__(self, path: Path, names: Sequence[str], dialect: CsvDialect, advice: CsvAdvice):
        self.path, self.dialect, self.advice = path, dialect, advice
        self.positions, header_lines, self.header = csv_header(path, names, dialect, advice)
        self._contents = _contents(path, dialect, advice, header_lines)

    def __iter__(self) -> Iterator["TextBlock"]:
        """The blocks in order.

        Raises:
            UserError: the file is damaged, or is not text of its encoding.
        """
        for line, content in self._contents:
            yield TextBlock(self, line, content)

    def next_content(self) -> bytes | None:
        """The lines of the next block, which is not given by the iteration then; None at the end."""
        return next((content for _, content in self._contents), None)


class TextBlock:
    """Some whole lines of a text table.

    Args:
        table: which they belong to.
        line: number of the first one in the file.
        content: the lines, as UTF-8.
    """

    def __init__(self, table: TextBlocks, line: int, content: bytes):
        self.table, self.line, self.content = table, line, content

    def columns(self, types: Sequence[Any], decimal: str = ".") -> list[Any]:
        """The wanted columns by pyarrow, an array of each.

        Args:
            types: of the columns, in pyarrow.
            decimal: what stands before the fraction of a number.

        Raises:
            WrongType: a value is not of its type.
            Doubtful: the block must be read row by row.
        """
        import pyarrow
        from pyarrow import csv

        dialect, width = self.table.dialect, len(self.table.header)
        if not _is_plain(self.content, dialect):
            raise Doubtful
        wanted: dict[str, Any] = {}
        for place, kind in zip(self.table.positions, types, strict=True):
            if wanted.setdefault(str(place), kind) != kind:
                raise Doubtful  # one column with two meanings
        has_quotes = dialect.quotes and dialect.quote.encode() in self.content
        try:
            parsed = csv.read_csv(
                pyarrow.BufferReader(self.content),
                csv.ReadOptions(
                    block_size=len(self.content) + 1, column_names=[str(place) for place in range(width)]
                ),
                csv.ParseOptions(
                    delimiter=dialect.separator,
                    quote_char=dialect.quote if has_quotes else False,
                    escape_char=dialect.escape or False,
                ),
                csv.ConvertOptions(
                    column_types=wanted,
                    include_columns=list(wanted),
                    null_values=[],  # by default an empty field or NA is a null, here it is an error
                    strings_can_be_null=False,
                    check_utf8=False,  # it was made by decoding
                    decimal_point=decimal,
                ),
            )
        except pyarrow.ArrowException as error:
            raise (WrongType if "conversion error" in str(error) else Doubtful) from error
        if not parsed.num_rows or parsed.num_rows != _lines_with_text(self.content, parsed.num_rows):
            raise Doubtful  # a value has line breaks
        columns = parsed.combine_chunks().columns
        arrays = dict(zip(wanted, (column.chunk(0) for column in columns), strict=True))
        return [arrays[str(place)] for place in self.table.positions]

    def rows(self) -> Rows:
        """The wanted columns row by row, by the csv module, each with the number of its first line.

        If a value goes on in the next block, the rows of that block follow.

        Raises:
            UserError: a line does not follow the rules of CSV, or does not have as many values as the header.
        """
        table = self.table
        reader = _Stretch(self.content, table)
        header, positions = table.header, table.positions
        return rows_of(table.path, reader, self.line - 1, header, positions, table.dialect, table.advice)


class _Stretch:
    """The rows of a block, and of the next one while a value goes on: used as a reader of the csv module.

    Args:
        content: the lines of the block.
        table: which has the next ones.
    """

    def __init__(self, content: bytes, table: TextBlocks):
        self._reader = table.dialect.reader(self._lines(content, table))
        self._inside_row = False

    def _lines(self, content: bytes | None, table: TextBlocks) -> Iterator[str]:
        while content is not None:
            for line in io.StringIO(content.decode(), newline=""):
                self._inside_row = True
                yield line
            if not self._inside_row:
                return
            content = table.next_content()

    def __iter__(self) -> "_Stretch":
        return self

    def __next__(self) -> list[str]:
        self._inside_row = False
        row: list[str] = next(self._reader)
        return row

    @property
    def line_num(self) -> int:
        """How many lines were read."""
        return int(self._reader.line_num)


def _contents(
    path: Path, dialect: CsvDialect, advice: CsvAdvice, skipped: int
) -> Iterator[tuple[int, bytes]]:
    """Blocks of whole lines as UTF-8, after ``skipped`` lines, each with the number of its first line."""
    line = 1
    for content in _whole_lines(path, dialect, advice):
        if line <= skipped:
            lines = io.StringIO(content.decode(), newline="")
            line += sum(1 for _ in zip(range(skipped - line + 1), lines, strict=False))
            content = lines.read().encode()
        if content:
            yield line, content
            line += content.count(b"\n") + _lone_returns(content)


def _whole_lines(path: Path, dialect: CsvDialect, advice: CsvAdvice) -> Iterator[bytes]:
    with (
        dialect.opened(path) as file,
        reading_errors(path, dialect.encoding, advice.text, dialect.opened),
    ):
        start = file.peek(START_BYTES)  # type: ignore[attr-defined]
        refuse_format(path, start, dialect.encoding, advice.text)
        decoder = codecs.getincrementaldecoder(without_mark(dialect.encoding, start))()
        rest = b""
        while chunk := file.read(BLOCK_BYTES):
            block = rest + decoder.decode(chunk).encode()
            end = _end_of_lines(block)
            rest = block[end:]
            if end:
                yield block[:end]
            elif len(rest) > MAX_LINE_BYTES:
                raise UserError(
                    f"{shown_path(path)} has a line of more than {MAX_LINE_BYTES} bytes, beginning "
                    f"{shown(rest[:MAX_LINE_BYTES])}; check that each line ends in a newline"
                )
        rest += decoder.decode(b"", final=True).encode()
        if rest:
            yield rest


def _end_of_lines(block: bytes) -> int:
    """The end of the last whole line; a carriage return at the very end may be half a line end."""
    return block.rfind(b"\n") + 1 or block.rfind(b"\r", 0, -1) + 1


def _is_plain(content: bytes, dialect: CsvDialect) -> bool:
    """Whether pyarrow and the csv module split lines and values alike.

    pyarrow's separators are bytes, it leaves out a byte order mark, takes a carriage return alone for a line
    end in other places, reads '"1"2' as 12, and knows no longest value.
    """
    signs = dialect.separator + dialect.quote + (dialect.escape or "")
    if (
        not signs.isascii()
        or content.startswith(codecs.BOM_UTF8)
        or b"\0" in content
        or _lone_returns(content)
        or _has_long_line(content)
    ):
        return False
    escape = dialect.escape.encode() if dialect.escape else None
    if escape and re.search(re.escape(escape) + rb"([\r\n]|\Z|" + re.escape(escape) + rb")", content):
        return False
    return not dialect.quotes or _quotes_pair(content, dialect)


def _lone_returns(content: bytes) -> int:
    """How many carriage returns end a line alone."""
    returns = content.count(b"\r")
    return returns and returns - content.count(b"\r\n")


def _has_long_line(content: bytes) -> bool:
    starts = range(0, len(content) - MAX_VALUE_BYTES + 1, MAX_VALUE_BYTES)
    return any(content.find(b"\n", start, start + MAX_VALUE_BYTES) < 0 for start in starts)


def _quotes_pair(content: bytes, dialect: CsvDialect) -> bool:
    """Whether every quote that opens begins a value, and every one that closes ends a value.

    Quotes side by side are a run. Outside of quotes a run begins a value; it ends outside of quotes if the
    number of quotes so far is even, and then ends the value.
    """
    quote = dialect.quote.encode()
    if quote not in content:
        return True
    signs = np.frombuffer(b"\n" + content + b"\n", dtype=np.uint8)
    places = np.flatnonzero(signs == quote[0])
    if dialect.escape is not None:
        places = places[signs[places - 1] != ord(dialect.escape)]
    if len(places) == 0 or len(places) % 2:
        return len(places) == 0
    apart = np.diff(places) > 1
    opens = np.concatenate([[True], apart])
    opens[1::2] = False
    closes = np.concatenate([apart, [True]])
    closes[0::2] = False
    edges = np.zeros(256, dtype=bool)
    edges[[ord(dialect.separator), NEWLINE]] = True
    begin_well = edges[signs[places[opens] - 1]].all()
    edges[RETURN] = True
    return bool(begin_well and edges[signs[places[closes] + 1]].all())


def _lines_with_text(content: bytes, expected: int) -> int:
    """How many lines are not blank, if that may be ``expected``; the quick count comes first."""
    lines = content.count(b"\n") + (not content.endswith(b"\n"))
    if lines == expected:
        return lines
    signs = np.frombuffer(b"\n" + content, dtype=np.uint8)
    ends = np.flatnonzero(signs == NEWLINE)
    lengths = np.diff(ends)
    blank = (lengths == 1) | ((lengths == 2) & (signs[ends[1:] - 1] == RETURN))
    return lines - int(blank.sum())
