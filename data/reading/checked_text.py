"""Delimited text for pyarrow, watched for all that pyarrow and the csv module read differently."""

import codecs
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np

from data.reading.schema import Table
from data.reading.tables import open_bytes

BLOCK_BYTES = 16 << 20
CHUNK_BYTES = 1 << 20  # read at least
UTF8 = "utf-8-sig"
BOM = codecs.BOM_UTF8
NEWLINE, RETURN = b"\n", b"\r"


class Doubtful(Exception):
    """The fast reading cannot be trusted with this table."""


class CheckedText:
    """A text file for pyarrow: decompressed, in UTF-8, and checked on the way.

    Where quotes stand only around whole values, doubled inside, and no value has a line break, pyarrow takes
    the text apart as the csv module does.

    Args:
        path: the file.
        table: how it is written; its separator and quote are ASCII.

    Attributes:
        doubt: something was seen that must be read row by row.
        closed: whether the file is closed.
    """

    def __init__(self, path: Path, table: Table) -> None:
        self.doubt = False
        self.closed = False
        self.chunk_bytes = CHUNK_BYTES
        self._file: IO[bytes] = open_bytes(path)
        self._decoder = codecs.getincrementaldecoder("utf-8" if table.codec == UTF8 else table.codec)()
        self._is_utf8 = table.codec == UTF8
        self._escape = None if table.escape is None else table.escape.encode()
        self._quote = table.quote.encode() if table.quotes else None
        self._beside_quotes = np.zeros(256, dtype=bool)  # what may stand outside a value in quotes
        self._beside_quotes[list(NEWLINE + RETURN + (table.separator + table.quote).encode())] = True
        self._at_start = True
        self._before, self._unchecked = NEWLINE, b""
        self._inside = False  # of quotes, at the end of what was checked
        self._waiting = b""

    def read(self, size: int = -1) -> bytes:
        """At most ``size`` bytes; none at the end, or where there is doubt."""
        if self.doubt:
            return b""
        while not self._waiting:
            chunk = self._file.read(max(size, self.chunk_bytes))
            try:
                text = self._as_utf8(chunk)
            except UnicodeError:
                self.doubt = True
                return b""
            self._check(text, at_end=not chunk)
            if not chunk:
                break
            self._waiting = text
        part = self._waiting if size < 0 else self._waiting[:size]
        self._waiting = self._waiting[len(part) :]
        return part

    def close(self) -> None:
        """Close the file."""
        self._file.close()
        self.closed = True

    def readable(self) -> bool:
        """True: pyarrow asks."""
        return True

    def _as_utf8(self, chunk: bytes) -> bytes:
        if not self._is_utf8:
            text = self._decoder.decode(chunk, not chunk).encode()
        elif chunk.isascii() and chunk and not self._decoder.getstate()[0]:
            text = chunk
        else:
            self._decoder.decode(chunk, not chunk)
            text = chunk
        if self._at_start and text:
            self._at_start = False
            text = text.removeprefix(BOM) if self._is_utf8 else text
            self.doubt |= text.startswith(BOM)  # pyarrow would leave it out
        return text

    def _check(self, text: bytes, at_end: bool) -> None:
        """Check the text before the last byte, for which the next byte must be known."""
        seen = self._unchecked + text + (NEWLINE if at_end else b"")
        if len(seen) < 2:
            self._unchecked = seen
            return
        checked = seen[:-1]
        if b"\0" in checked or (self._escape is not None and self._escape in checked):
            self.doubt = True
        if RETURN in checked and checked.count(RETURN) != seen.count(RETURN + NEWLINE):
            self.doubt = True
        if self._inside or (self._quote is not None and self._quote in checked):
            self._check_quotes(np.frombuffer(self._before + seen, dtype=np.uint8))
        self.doubt |= at_end and self._inside
        self._before, self._unchecked = seen[-2:-1], seen[-1:]

    def _check_quotes(self, codes: np.ndarray) -> None:
        """Doubt quotes inside values that have none around them, and line breaks inside quotes.

        Args:
            codes: uint8; the first one was checked before, and the last one will be.
        """
        assert self._quote is not None
        places = np.flatnonzero(codes[1:-1] == self._quote[0]) + 1
        first_opening = int(self._inside)
        opening, closing = places[first_opening::2], places[1 - first_opening :: 2]
        breaks = np.flatnonzero(codes[1:-1] == NEWLINE[0]) + 1
        inside = (np.searchsorted(places, breaks) + first_opening) % 2 == 1
        if (
            not self._beside_quotes[codes[opening - 1]].all()
            or not self._beside_quotes[codes[closing + 1]].all()
            or inside.any()
        ):
            self.doubt = True
        self._inside = (len(places) + first_opening) % 2 == 1


def text_batches(
    path: Path, table: Table, width: int, header_lines: int, places: Sequence[int]
) -> Iterator[dict[int, Any]]:
    """Some columns of a text file as pyarrow strings, a block at a time.

    Args:
        path: the file.
        table: how it is written.
        width: number of its columns.
        header_lines: lines to skip.
        places: which columns.

    Yields:
        From place to array, the same number of values each.

    Raises:
        Doubtful: the file must be read row by row.
    """
    import pyarrow
    from pyarrow import csv as arrow_csv

    if not (table.separator + table.quote + (table.escape or "")).isascii():
        raise Doubtful
    names = [str(place) for place in sorted(set(places))]
    source = CheckedText(path, table)
    try:
        reader = arrow_csv.open_csv(
            source,
            arrow_csv.ReadOptions(
                block_size=BLOCK_BYTES,
                column_names=[str(place) for place in range(width)],
                skip_rows=header_lines,
            ),
            arrow_csv.ParseOptions(
                delimiter=table.separator, quote_char=table.quote if table.quotes else False
            ),
            arrow_csv.ConvertOptions(
                column_types=dict.fromkeys(names, pyarrow.string()),
                include_columns=names,
                null_values=[],  # by default an empty value or NA is a null
                strings_can_be_null=False,
            ),
        )
        for batch in reader:
            if source.doubt:
                break
            yield {place: batch.column(str(place)) for place in places}
    except (pyarrow.ArrowException, OSError, EOFError, ValueError) as error:
        raise Doubtful from error
    finally:
        source.close()
    if source.doubt:
        raise Doubtful
