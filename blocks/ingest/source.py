"""Ratings of any size in pieces that can be read alone: parts of a folder, and spans of large files."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet

from base.errors import UserError
from data.dataset import SCHEMA_FILE
from data.reading.formats import CSV, FORMATS, RATING_COLUMNS, RATINGS_FOLDER
from data.reading.movielens import FETCH, MovieLensFolder, release_of
from data.reading.number_columns import NumberColumn, read_number_columns
from data.reading.number_kinds import AMOUNT, ID, SECONDS
from data.reading.source_files import exists, shown_path

ROWS_PER_PIECE = 4_000_000
BYTES_PER_PIECE = 128 << 20
KINDS = (ID, ID, AMOUNT, SECONDS)


@dataclass(frozen=True)
class Piece:
    """A part of the ratings.

    Attributes:
        name: of a Parquet file or a delimited one, from the folder of the source on.
        first, end: its row groups, or its bytes: every line that begins there.
        separator: of the values of a delimited file.
    """

    name: str
    first: int
    end: int
    separator: str = ","


@dataclass(frozen=True)
class Source:
    """A folder of ratings.

    Attributes:
        folder: where it lies.
        release: how its films, and its ratings if they are one file, are written, and what else it has.
        pieces: the ratings, in the order that counts where a user rated a film twice.
        fingerprint: hex digest of all files.
    """

    folder: Path
    release: MovieLensFolder
    pieces: tuple[Piece, ...]
    fingerprint: str


def find_source(folder: Path) -> Source:
    """The pieces of a folder: ``ratings/*.parquet``, ``ratings/*.csv``, or the one file of a release.

    Raises:
        UserError: there is no such folder, it has none of these, it is read by a schema, or its
            ``features.json`` is wrong.
    """
    where = shown_path(folder)
    if not folder.is_dir():
        raise UserError(f"no folder {where}; {FETCH}")
    if exists(folder / SCHEMA_FILE):
        raise UserError(
            f"{where} has {SCHEMA_FILE}, which --mode prepare does not read yet; use --mode train without "
            "`work_dir`"
        )
    form = next((form for form in FORMATS if exists(folder / form.ratings)), CSV)
    parts: list[Path] = []
    if not exists(folder / form.ratings):
        several = folder / RATINGS_FOLDER
        parts = sorted(several.glob("*.parquet")) or sorted(several.glob("*.csv"))
    ratings = parts or [folder / form.ratings]
    if not exists(ratings[0]) or not exists(folder / form.movies.name):
        forms = " or ".join(" with ".join(form.required) for form in FORMATS)
        raise UserError(
            f"{where} has no MovieLens ratings ({forms}, or {RATINGS_FOLDER}/*.parquet or "
            f"{RATINGS_FOLDER}/*.csv with {CSV.movies.name}); {FETCH}"
        )
    pieces = [piece for path in ratings for piece in _pieces(folder, path, form.separator)]
    release = release_of(folder, form)
    return Source(folder, release, tuple(pieces), release.fingerprint(parts))


def _pieces(folder: Path, path: Path, separator: str) -> Iterator[Piece]:
    name = path.relative_to(folder).as_posix()
    if path.suffix != ".parquet":
        for first in range(0, max(path.stat().st_size, 1), BYTES_PER_PIECE):
            yield Piece(name, first, first + BYTES_PER_PIECE, separator)
        return
    try:
        described = pa.parquet.ParquetFile(path).metadata
    except pa.ArrowInvalid as error:
        raise UserError(f"{shown_path(path)} is not a Parquet file or is damaged; write it again") from error
    first = rows = 0
    for group in range(described.num_row_groups):
        rows += described.row_group(group).num_rows
        if rows >= ROWS_PER_PIECE or group == described.num_row_groups - 1:
            yield Piece(name, first, group + 1)
            first, rows = group + 1, 0


def read_piece(folder: Path, piece: Piece) -> tuple[np.ndarray, ...]:
    """The ratings of a piece of the source in ``folder``.

    Returns:
        Ids of users and films int64, ratings float32 and times int64, ``[n]`` each, in the order of the file.

    Raises:
        UserError: the file or a line of it cannot be read, or has a value that is not allowed.
    """
    path = folder / piece.name
    if path.suffix == ".parquet":
        return _read_parquet(path, piece)
    wanted = tuple(NumberColumn(name, kind) for name, kind in zip(RATING_COLUMNS, KINDS, strict=True))
    blocks = list(read_number_columns(path, wanted, piece.separator, (piece.first, piece.end)))
    if not blocks:
        return tuple(np.zeros(0, kind.dtype) for kind in KINDS)
    return tuple(np.concatenate(column) for column in zip(*blocks, strict=True))


def _read_parquet(path: Path, piece: Piece) -> tuple[np.ndarray, ...]:
    columns = []
    try:
        file = pa.parquet.ParquetFile(path)
        table = file.read_row_groups(range(piece.first, piece.end), columns=list(RATING_COLUMNS))
        for name, kind in zip(RATING_COLUMNS, KINDS, strict=True):
            column = table.column(name)
            if column.null_count:
                raise UserError(f"{shown_path(path)} has empty values in {name}; drop these rows")
            columns.append(column.cast(pa.from_numpy_dtype(kind.dtype)).to_numpy())
            if not kind.holds_for(columns[-1]):
                raise UserError(f"{shown_path(path)} has values in {name} that are not {kind.rule}")
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, KeyError, OSError) as error:
        reason = str(error).splitlines()[0][:100]
        raise UserError(
            f"{shown_path(path)} must have the columns {', '.join(RATING_COLUMNS)} as numbers ({reason}); "
            "write it again"
        ) from error
    return tuple(columns)
