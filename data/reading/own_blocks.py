"""Blocks of interactions of own data: fast where all is well, exact where something is not.

pyarrow parses a table block by block. Where it refuses, or where it might accept more than we do, the table is read
again row by row. That second reading alone decides: it gives the same values, or the error that names the line.
"""

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np

from base.errors import UserError
from data.reading.columns import STARS
from data.reading.own_values import (
    MAX_EXACT,
    MICROSECONDS,
    id_reader,
    rating_reader,
    time_reader,
    weight_reader,
)
from data.reading.schema import InteractionTable
from data.reading.tables import advice_of, dialect_of, is_parquet, open_bytes, parquet_batches, table_rows
from data.reading.text_tables import csv_header

BLOCK_BYTES = 16 << 20
SLOW_ROWS = 1 << 16
UTF8 = "utf-8-sig"


class Doubtful(Exception):
    """The fast reading cannot be trusted with this table."""


@dataclass(frozen=True)
class Block:
    """Some rows of a table.

    Attributes:
        users: the ids that occur, and int ``[n]``: which of them each row has.
        items: the same of the items.
        ratings: float32 ``[n]`` stars, None without ratings.
        times: int64 or, where some are fractional, float64 ``[n]``; None without times.
        amounts: float64 ``[n]``, what each row counts; None if all count the same.
    """

    users: tuple[list[str], np.ndarray]
    items: tuple[list[str], np.ndarray]
    ratings: np.ndarray | None
    times: np.ndarray | None
    amounts: np.ndarray | None

    def __len__(self) -> int:
        return len(self.users[1])


def wanted_columns(table: InteractionTable) -> dict[str, str | None]:
    """From the keys of the schema to the columns."""
    return {
        "user": table.user,
        "item": table.item,
        "rating": table.rating,
        "timestamp": table.timestamp,
        "weight": table.weight,
        "kind.column": None if table.kind is None else table.kind.column,
    }


def fast_blocks(path: Path, table: InteractionTable) -> Iterator[Block]:
    """The blocks of a part by pyarrow.

    Raises:
        Doubtful: the part must be read row by row.
        UserError: the file cannot be read, or a column is missing.
    """
    wanted = wanted_columns(table)
    batches = (
        parquet_batches(path, "interactions", wanted)
        if is_parquet(path)
        else _text_batches(path, table, wanted)
    )
    nothing = frozenset(text.strip() for text in table.empty)
    for batch in batches:
        yield Block(
            _distinct_ids(batch["user"], nothing),
            _distinct_ids(batch["item"], nothing),
            _stars(batch.get("rating"), table),
            _times(batch.get("timestamp"), table),
            _amounts(batch.get("weight"), batch.get("kind.column"), table),
        )


def slow_blocks(path: Path, table: InteractionTable) -> Iterator[Block]:
    """The blocks of a part, read row by row.

    Raises:
        UserError: the file or a line of it cannot be read.
    """
    wanted = wanted_columns(table)
    read_user, read_item = id_reader(path, table.user), id_reader(path, table.item)
    has_dates = table.timestamp is not None and is_parquet(path) and _has_dates(path, wanted, table.timestamp)
    dated = table.model_copy(update={"timestamp_format": "iso"}) if has_dates else table
    read_rating, read_time = rating_reader(path, table), time_reader(path, dated)
    read_weight = weight_reader(path, table)
    rows = iter(table_rows(path, "interactions", table, wanted))
    while chunk := list(itertools.islice(rows, SLOW_ROWS)):
        parsed = [
            (
                read_user(line, user),
                read_item(line, item),
                read_rating(line, rating),
                read_time(line, time),
                read_weight(line, weight, kind),
            )
            for line, (user, item, rating, time, weight, kind) in chunk
        ]
        users, items, ratings, times, amounts = zip(*parsed, strict=True)
        whole = all(isinstance(time, int) for time in times)
        weighted = table.weight is not None or table.kind is not None
        yield Block(
            _numbered(users),
            _numbered(items),
            None if table.rating is None else np.array(ratings, dtype=np.float32),
            None if table.timestamp is None else np.array(times, dtype=np.int64 if whole else np.float64),
            np.array(amounts) if weighted else None,
        )


def _numbered(texts: tuple[str, ...]) -> tuple[list[str], np.ndarray]:
    number: dict[str, int] = {}
    codes = np.array([number.setdefault(text, len(number)) for text in texts])
    return list(number), codes


class _CheckedSource:
    """A text file for pyarrow: decompressed, as UTF-8, and watched for what pyarrow reads differently.

    Attributes:
        doubt: something was seen that must be read row by row.
        lines: how many lines with text went by.
    """

    def __init__(self, path: Path, table: InteractionTable):
        self.file: IO[bytes] = open_bytes(path)
        if table.codec != UTF8:
            import codecs

            self.file = codecs.EncodedFile(self.file, "utf-8", table.codec)  # type: ignore[assignment]
        quote, separator = (re.escape(one.encode()) for one in (table.quote, table.separator))
        edge = rb"\r\n" + separator + quote
        self.odd_quote = (
            re.compile(rb"[^" + edge + rb"]" + quote + rb"[^" + edge + rb"]") if table.quotes else None
        )
        self.escape = None if table.escape is None else table.escape.encode()
        self.doubt = False
        self.lines = 0
        self.tail = b""
        self.closed = False

    def read(self, size: int = -1) -> bytes:
        """The next bytes; a byte order mark at the start is left out."""
        chunk = self.file.read(size)
        if not chunk:
            self.lines += bool(self.tail.strip(b"\r\n")) and not self.tail.endswith(b"\n")
            self.tail = b""
            return b""
        seen = self.tail + chunk
        self.lines += chunk.count(b"\n")
        blank = seen.count(b"\n\n") + seen.count(b"\n\r\n")
        self.lines -= blank - self.tail.count(b"\n\n")
        lone_returns = seen.count(b"\r") - seen.count(b"\r\n") - seen.endswith(b"\r")
        if (
            lone_returns
            or b"\0" in chunk
            or (self.odd_quote and self.odd_quote.search(seen) and not self.escape)
        ):
            self.doubt = True
        self.tail = seen[-2:]
        return chunk

    def close(self) -> None:
        """Close the file."""
        self.file.close()
        self.closed = True

    def readable(self) -> bool:
        """Always."""
        return True


def _text_batches(
    path: Path, table: InteractionTable, wanted: dict[str, str | None]
) -> Iterator[dict[str, Any]]:
    """The wanted columns of a text file as strings, a block at a time."""
    import pyarrow
    from pyarrow import csv as arrow_csv

    for sign in (table.separator, table.quote, table.escape or "x"):
        if not sign.isascii():
            raise Doubtful
    columns = {key: column for key, column in wanted.items() if column is not None}
    dialect = dialect_of(table)
    advice = advice_of("interactions", table, wanted)
    positions, lines, header = csv_header(path, list(columns.values()), dialect, advice)
    places = dict(zip(columns, positions, strict=True))
    source = _CheckedSource(path, table)
    included = sorted({str(place) for place in positions})
    rows = 0
    try:
        reader = arrow_csv.open_csv(
            source,
            arrow_csv.ReadOptions(
                block_size=BLOCK_BYTES,
                column_names=[str(place) for place in range(len(header))],
                skip_rows=lines,
            ),
            arrow_csv.ParseOptions(
                delimiter=table.separator,
                quote_char=table.quote if table.quotes else False,
                escape_char=table.escape or False,
            ),
            arrow_csv.ConvertOptions(
                column_types=dict.fromkeys(included, pyarrow.string()),
                include_columns=included,
                null_values=[],
                strings_can_be_null=False,
            ),
        )
        for batch in reader:
            if source.doubt:
                raise Doubtful
            rows += batch.num_rows
            yield {key: batch.column(str(place)) for key, place in places.items()}
    except (pyarrow.ArrowException, OSError, EOFError, UnicodeError, ValueError) as error:
        if isinstance(error, UserError):
            raise
        raise Doubtful from error
    # Fewer rows than lines: a value spans several lines.
    if source.doubt or rows != source.lines - lines:
        raise Doubtful


def _distinct_ids(array: Any, nothing: frozenset[str]) -> tuple[list[str], np.ndarray]:
    from data.reading.tables import as_texts

    encoded = array.dictionary_encode() if not _is_dictionary(array) else array
    if encoded.indices.null_count:
        raise Doubtful
    texts = [text.strip() for text in as_texts(encoded.dictionary)]
    if any(not text or text in nothing or "\n" in text for text in texts):
        raise Doubtful
    return texts, encoded.indices.to_numpy()


def _is_dictionary(array: Any) -> bool:
    import pyarrow

    return bool(pyarrow.types.is_dictionary(array.type))


def _numbers(array: Any, table: InteractionTable) -> np.ndarray:
    """Float64 values of an array of text or numbers."""
    import pyarrow
    from pyarrow import compute

    if pyarrow.types.is_string(array.type) or pyarrow.types.is_large_string(array.type):
        array = compute.utf8_trim_whitespace(array)
        if table.decimal == ",":
            array = compute.replace_substring(array, ",", ".", max_replacements=1)
    try:
        values = compute.cast(array, pyarrow.float64()).to_numpy(zero_copy_only=False)
    except pyarrow.ArrowException as error:
        raise Doubtful from error
    if not (np.abs(values) <= np.finfo(np.float32).max).all():  # false for NaN, too
        raise Doubtful
    return values


def _stars(array: Any, table: InteractionTable) -> np.ndarray | None:
    if array is None:
        return None
    ratings = _numbers(array, table)
    if len(ratings) and (ratings.min() < 0 or ratings.max() > table.best_rating):
        raise Doubtful
    return (ratings * STARS / table.best_rating).astype(np.float32)


def _times(array: Any, table: InteractionTable) -> np.ndarray | None:
    import pyarrow
    from pyarrow import compute, types

    if array is None:
        return None
    if array.null_count:
        raise Doubtful
    if types.is_temporal(array.type):
        return compute.cast(
            array.cast(pyarrow.timestamp("us", getattr(array.type, "tz", None)), safe=False), pyarrow.int64()
        ).to_numpy()
    is_text = types.is_string(array.type) or types.is_large_string(array.type)
    if table.timestamp_format == "iso":
        return _dates(array) if is_text else _refuse()
    if types.is_integer(array.type):
        return compute.cast(array, pyarrow.int64()).to_numpy()
    try:
        text = compute.utf8_trim_whitespace(array) if is_text else array
        if is_text and compute.any(compute.match_substring(text, "x", ignore_case=True)).as_py():
            raise Doubtful  # pyarrow reads 0x10 as 16
        return compute.cast(text, pyarrow.int64()).to_numpy()
    except pyarrow.ArrowException:
        values = _numbers(array, table)
    if (values == np.floor(values)).all() and (np.abs(values) <= MAX_EXACT).all():
        return values.astype(np.int64)
    if (np.abs(values) * MICROSECONDS >= np.iinfo(np.int64).max).any():
        raise Doubtful
    return values


def _refuse() -> np.ndarray:
    raise Doubtful


def _dates(array: Any) -> np.ndarray:
    """Microseconds since 1970 of texts that all have a zone, or all have none."""
    import pyarrow
    from pyarrow import compute

    text = compute.utf8_trim_whitespace(array)
    for zone in (None, "UTC"):
        try:
            return compute.cast(text.cast(pyarrow.timestamp("us", zone)), pyarrow.int64()).to_numpy()
        except pyarrow.ArrowException:
            continue
    raise Doubtful


def _amounts(weights: Any, kinds: Any, table: InteractionTable) -> np.ndarray | None:
    amounts = None if weights is None else np.log1p(np.maximum(_numbers(weights, table), 0))
    if table.kind is None:
        return amounts
    texts, codes = _distinct_ids(kinds, frozenset())
    if not set(texts) <= table.kind.weights.keys():
        raise Doubtful
    of_kind = np.array([table.kind.weights[text] for text in texts])[codes]
    return of_kind if amounts is None else amounts * of_kind


def _has_dates(path: Path, wanted: dict[str, str | None], column: str) -> bool:
    """Whether a Parquet column has the type of a date or time."""
    from pyarrow import types

    from data.reading.tables import open_parquet

    return bool(types.is_temporal(open_parquet(path, "interactions", wanted).schema_arrow.field(column).type))
