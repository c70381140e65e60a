"""Blocks of vectors: their files, the item of each vector, and values that are numbers."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from base.checks import MAX_MAGNITUDE
from base.errors import UserError
from data.content.facts import MAX_WIDTH
from data.reading.source_files import must_exist, open_source, read_text, shown, shown_path

if TYPE_CHECKING:
    from data.reading.features_json import FeatureTable
    from data.reading.schema import ItemTable, VectorBlock

TYPES = ("float16", "float32", "float64")
CHECKED_VALUES = 1 << 22  # at a time


def vector_files(table: "ItemTable | FeatureTable", folder: Path) -> list[Path]:
    """The files of vectors and of their ids.

    Raises:
        UserError: one is missing.
    """
    names = [name for block in table.vectors for name in (block.file, block.ids) if name is not None]
    files = [folder / name for name in names]
    for file in files:
        must_exist(file, f"items.vectors in {table.place} must name files")
    return files


def open_vectors(block: "VectorBlock", folder: Path) -> np.ndarray:
    """The vectors of a ``.npy`` file, mapped from disk.

    Raises:
        UserError: the file has no vectors.
    """
    path = folder / str(block.file)
    with open_source(path) as file:
        start = file.read(6)
    if start != b"\x93NUMPY":
        raise UserError(f"{shown_path(path)} is not a .npy file; write block {block.name} by numpy.save")
    try:
        values = np.load(path, mmap_mode="r", allow_pickle=False)
    except Exception:  # NumPy parses the header as Python, which fails in many ways
        raise UserError(
            f"{shown_path(path)} cannot be read as an array of numbers; write block {block.name} by "
            "numpy.save"
        ) from None
    check_vectors(values, f"{shown_path(path)}: block {block.name}")
    return np.asarray(values) if values.size == 0 else values


def check_vectors(values: np.ndarray, what: str) -> None:
    """Refuse arrays that are not vectors; ``what`` names the array.

    Raises:
        UserError: the type or the shape is wrong.
    """
    if values.ndim != 2 or values.dtype.name not in TYPES or not 1 <= values.shape[1] <= MAX_WIDTH:
        raise UserError(
            f"{what} must be float16, float32 or float64 of shape [n, width] with a width of at most "
            f"{MAX_WIDTH}, got {values.dtype.name} of shape {list(values.shape)}; save it like this"
        )


def rows_of_file(block: "VectorBlock", folder: Path, find: Callable[[str], int | None]) -> np.ndarray:
    """The item of each vector of a file, int32 ``[n]``; checks the vectors.

    Args:
        block: with a file of vectors and a file of their ids.
        folder: of the data.
        find: gives the row of an item's id, or None.

    Raises:
        UserError: a file cannot be read, or vectors and ids do not belong together.
    """
    path = folder / str(block.ids)
    lines = read_text(path, ("utf-8-sig",), f"give each vector of {block.file} one line").splitlines()
    ids = [line.strip() for line in lines]
    while ids and not ids[-1]:
        ids.pop()
    values = open_vectors(block, folder)
    if len(ids) != len(values):
        raise UserError(
            f"block {block.name} has {len(values)} vectors in {block.file} and {len(ids)} ids in "
            f"{block.ids}; give each vector one line with its id"
        )
    rows = rows_of_ids(block.name, ids, find, path)
    check_values(block.name, values, ids)
    return rows


def rows_of_ids(
    name: str, ids: list[Any], find: Callable[[Any], int | None], path: Path | None = None
) -> np.ndarray:
    """The item of each vector, int32 ``[n]``.

    Args:
        name: of the block.
        ids: of the vectors.
        find: gives the row of an item's id, or None.
        path: of the file with an id per line; None for ids in memory.

    Raises:
        UserError: an id is of no item, or two are of one.
    """
    line_of: dict[int, int] = {}  # from the item's row: an id may be spelled in two ways
    for line, one in enumerate(ids, start=1):
        row = find(one)
        if row is not None and row not in line_of:
            line_of[row] = line
            continue
        where = "" if path is None else f"{shown_path(path)}, line {line}: "
        quoted = repr(one) if path is None else shown(one)
        if row is None:
            raise UserError(
                f"{where}block {name} has a vector for the id {quoted}, which no item has; remove the vector "
                "or add the item"
            )
        first = "" if path is None else f", first on line {line_of[row]}"
        raise UserError(f"{where}block {name} has the id {quoted} twice{first}; give each item one vector")
    return np.array(list(line_of), dtype=np.int32)


def check_values(name: str, values: np.ndarray, ids: list[str], rows: np.ndarray | None = None) -> None:
    """Refuse NaN, infinity and huge values.

    Args:
        name: of the block.
        values: float ``[n, width]``.
        ids: of the vectors, or of all items if ``rows`` says which item each vector belongs to.
        rows: int ``[n]``.

    Raises:
        UserError: there is such a value.
    """
    step = max(1, CHECKED_VALUES // max(values.shape[1], 1))
    for start in range(0, len(values), step):
        block = np.asarray(values[start : start + step])
        # false for NaN, too; as a float16 the bound would be infinite
        with np.errstate(invalid="ignore"):
            finite = np.abs(block.astype(np.float64, copy=False)) <= MAX_MAGNITUDE
        if not finite.all():
            row, column = np.argwhere(~finite)[0]
            one = ids[start + row if rows is None else rows[start + row]]
            raise UserError(
                f"block {name} has the value {block[row, column]} at position {column} of the vector of id "
                f"{shown(one)}; every value must be a number of at most {MAX_MAGNITUDE:g} in size; correct "
                "the vector, or leave it out"
            )
