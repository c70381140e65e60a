"""Rows of text files, one by one: CSV in any dialect, and lines that a rule of their own takes apart."""

import csv
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Protocol

from base.errors import UserError
from data.reading.formats import TextFile
from data.reading.source_files import (
    CORRECT,
    FETCH_AGAIN,
    OTHER_DATA,
    SAVE_AS_UTF8,
    bad_line,
    empty,
    open_source,
    open_text,
    read_text,
    shown,
)

Rows = Iterator[tuple[int, list[str]]]


@dataclass(frozen=True)
class CsvDialect:
    """How a CSV file is written.

    Attributes:
        separator: one character between values.
        quotes: whether a value may stand in quotes, with separators and line breaks inside.
        encoding: of the text.
        newline: what ends a line, as in ``open``.
        header: names of the columns; None if the first line has them.
        quote: the character of the quotes.
        escape: the character before a quote or separator that is part of a value; None for no such character.
        opened: opens the file for reading bytes.
        one_line: columns whose values have no line breaks: one is most often a quote that is not closed.
    """

    separator: str = ","
    quotes: bool = True
    encoding: str = "utf-8-sig"
    newline: str = ""
    header: Sequence[str] | None = None
    quote: str = '"'
    escape: str | None = None
    opened: Callable[[Path], IO[bytes]] = open_source
    one_line: Sequence[str] = ()

    def one_line_places(self, header: Sequence[str]) -> dict[str, int]:
        """Where the columns of ``one_line`` stand, those that the header has."""
        found = [name.strip() for name in header]
        return {name: found.index(name) for name in self.one_line if name in found}

    def reader(self, lines: Iterable[str]) -> Any:
        """The rows of such text, as a reader of the csv module."""
        return csv.reader(
            lines,
            delimiter=self.separator,
            quoting=csv.QUOTE_MINIMAL if self.quotes else csv.QUOTE_NONE,
            quotechar=self.quote,
            escapechar=self.escape,
            strict=True,
        )


@dataclass(frozen=True)
class CsvAdvice:
    """What the errors of a CSV file tell the user to do.

    Attributes:
        column: about a column, by its name, that is missing. None: the header must have them all.
        quotes: about quotes that do not pair.
        unquoted: about a line with quotes and too many or too few values, if quotes are ordinary characters.
        text: about bytes that are not text in the file's encoding.
        empty: about a file without a header or without rows.
    """

    column: Callable[[str], str] | None = None
    quotes: str = CORRECT
    unquoted: str = CORRECT
    text: str = SAVE_AS_UTF8
    empty: str = FETCH_AGAIN


# In MovieLens a carriage return alone does not end a line.
MOVIELENS = CsvDialect(newline="\n")
MOVIELENS_ADVICE = CsvAdvice()


def csv_rows(
    path: Path,
    names: Sequence[str | None] | None,
    dialect: CsvDialect = MOVIELENS,
    advice: CsvAdvice = MOVIELENS_ADVICE,
) -> Rows:
    """The named columns of a CSV file, each row with the number of its first line.

    Args:
        path: the file.
        names: of the columns wanted; None gives empty values. None alone: all columns.
        dialect: how the file is written.
        advice: what errors tell the user to do.

    Raises:
        UserError: the file cannot be read, a column is missing, or a row does not have as many values as
            the header.
    """
    with open_text(path, dialect.encoding, dialect.newline, advice.text, dialect.opened) as file:
        reader = dialect.reader(file)
        try:
            header = next(reader, []) if dialect.header is None else dialect.header
            width = len(header)
            if names is None:
                positions = list(range(width))
            else:
                given = [name for name in names if name is not None]
                named = iter(column_positions(path, header, given, advice))
                positions = [width if name is None else next(named) for name in names]
        except csv.Error as error:
            raise bad_csv(path, 1, error, advice=advice.quotes) from error
        yield from rows_of(path, reader, 0, header, positions, dialect, advice)


class LineReader(Protocol):
    """A reader of the csv module, or what is used as one."""

    def __iter__(self) -> Iterator[list[str]]:
        """The rows."""
        ...

    @property
    def line_num(self) -> int:
        """How many lines were read."""
        ...


def rows_of(
    path: Path,
    reader: LineReader,
    before: int,
    header: Sequence[str],
    positions: Sequence[int],
    dialect: CsvDialect,
    advice: CsvAdvice,
) -> Rows:
    """The rows of a CSV file from where its reader stands, each with the number of its first line.

    Args:
        path: the file.
        reader: its reader.
        before: how many lines of the file stand before those of the reader.
        header: names of the columns.
        positions: of the wanted values; the one after the last gives an empty one.
        dialect: how the file is written.
        advice: what errors tell the user to do.

    Raises:
        UserError: a row is not valid CSV, or does not have as many values as the header.
    """
    width, short = len(header), dialect.one_line_places(header)
    line = before + reader.line_num + 1
    try:
        for row in reader:
            last = before + reader.line_num
            if len(row) == width:
                if last > line:
                    if any(_has_rows(value, width, dialect) for value in row):
                        raise _swallowed_rows(path, line, last, advice)
                    for name, place in short.items():
                        if "\n" in row[place] or "\r" in row[place]:
                            raise _broken_value(path, line, last, name, row[place], advice)
                row.append("")  # for the columns of None
                yield line, [row[position] for position in positions]
            elif "".join(row).strip():
                raise _wrong_width(path, line, row, width, dialect, advice)
            line = last + 1
    except csv.Error as error:
        raise bad_csv(path, line, error, advice=advice.quotes) from error


def csv_header(
    path: Path, names: Sequence[str], dialect: CsvDialect, advice: CsvAdvice
) -> tuple[tuple[int, ...], int, list[str]]:
    """Where the named columns stand.

    Returns:
        The positions of the named columns, the number of lines of the header, and the names of all columns.

    Raises:
        UserError: the file cannot be read, or a column is missing.
    """
    if dialect.header is not None:
        return column_positions(path, dialect.header, names, advice), 0, list(dialect.header)
    with open_text(path, dialect.encoding, dialect.newline, advice.text, dialect.opened) as file:
        reader = dialect.reader(file)
        try:
            header: list[str] = next(reader, [])
        except csv.Error as error:
            raise bad_csv(path, 1, error, advice=advice.quotes) from error
        return column_positions(path, header, names, advice), reader.line_num, header


def column_positions(
    path: Path, header: Sequence[str], names: Sequence[str], advice: CsvAdvice = MOVIELENS_ADVICE
) -> tuple[int, ...]:
    """Where the named columns stand in the header. Their order is free, and others may stand between.

    Raises:
        UserError: a column is missing or stands there twice, or the header is blank.
    """
    found = [name.strip() for name in header]
    if not any(found):
        raise empty(path, advice.empty)
    for name in names:
        if found.count(name) != 1:
            problem = "no column" if name not in found else "more than one column"
            every = f"the header must name {','.join(names)} once each; for other columns, {OTHER_DATA}"
            raise bad_line(
                path,
                1,
                f"{problem} {shown(name)} in the header {shown(','.join(found))}",
                advice.column(name) if advice.column else every,
            )
    return tuple(found.index(name) for name in names)


def text_rows(path: Path, file: TextFile, names: Sequence[str]) -> Rows:
    """The named columns of a release's file of films or tags, each row with the number of its first line.

    Args:
        path: where the file lies.
        file: how it is written.
        names: of the columns wanted.

    Raises:
        UserError: the file or a line of it cannot be read.
    """
    if file.split is None:
        yield from csv_rows(path, names)
        return
    positions = [file.columns.index(name) for name in names]
    for line, content in enumerate(read_text(path, file.encodings).split("\n"), start=1):
        text = content.rstrip("\r")
        if text.strip():
            try:
                fields = file.split(text)
            except ValueError:
                raise bad_line(path, line, f"expected {file.line_form}, got {shown(text)}") from None
            yield line, [fields[position] for position in positions]


def bad_csv(path: Path, line: int, error: csv.Error, text: str = "", advice: str = CORRECT) -> UserError:
    """The error for a line that breaks the rules of CSV.

    Args:
        path: the file.
        line: the number of the line.
        error: from the csv module, whose own words are for programmers.
        text: the line, where it is known.
        advice: what to do.
    """
    said = str(error)
    if "unexpected end" in said:
        reason = "a quote is opened and not closed"
    elif "expected after" in said:
        reason = "text follows a closing quote"
    elif "new-line character" in said:
        reason = "a carriage return stands inside a value"
    elif "field limit" in said:
        reason = f"a value has more than {csv.field_size_limit()} characters"
    else:
        reason = "it cannot be split into values"
    return bad_line(path, line, f"not valid CSV ({reason})" + (f" in {shown(text)}" if text else ""), advice)


def _has_rows(value: str, width: int, dialect: CsvDialect) -> bool:
    """Whether every whole line inside a value has as many separators as a row of the file."""
    inside = value.splitlines()[1:-1]
    return bool(inside) and all(line.count(dialect.separator) == width - 1 for line in inside)


def _swallowed_rows(path: Path, first: int, last: int, advice: CsvAdvice) -> UserError:
    """The error for a quote that is closed some rows later."""
    problem = f"a quote is opened here and closed on line {last}, and the lines between look like rows"
    return bad_line(path, first, problem, advice.quotes)


def _broken_value(path: Path, first: int, last: int, name: str, value: str, advice: CsvAdvice) -> UserError:
    """The error for a line break inside a short value."""
    problem = f"{name} {shown(value)} goes on to line {last}; a quote may be opened and not closed"
    return bad_line(path, first, problem, advice.quotes)


def _wrong_width(
    path: Path, line: int, row: list[str], width: int, dialect: CsvDialect, advice: CsvAdvice
) -> UserError:
    separator = dialect.separator
    text = separator.join(row)
    if dialect.quotes:
        do = f"quote values that contain {separator!r}, or remove the line"
    else:
        do = advice.unquoted if dialect.quote in text else CORRECT
    return bad_line(path, line, f"expected {width} values, got {len(row)} in {shown(text)}", do)
