"""From the columns and vector files of a folder to the content of its items.

``add_content`` checks and belongs to the first reading, whose result the cache keeps. ``content_of`` makes
the content of what was kept, and maps the vectors of ``.npy`` files from disk.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from base.checks import MAX_MAGNITUDE
from base.errors import UserError
from data.content.facts import MAX_GENRES, MAX_WIDTH, Content, ItemVectors
from data.reading.columns import Columns
from data.reading.number_kinds import FINITE
from data.reading.source_files import open_source, read_text, shown, shown_path

if TYPE_CHECKING:
    from data.reading.schema import ItemFeatures, VectorBlock

TYPES = ("float16", "float32", "float64")
CHECKED_VALUES = 1 << 22  # at a time
GENRES = "genres"


def content_columns(features: "ItemFeatures") -> dict[str, str]:
    """The columns of the item table that the features name, each once: from the place of the name."""
    keys = ("text", "numbers", "categories", "keep")
    named = {f"{key}[{i}]": name for key in keys for i, name in enumerate(getattr(features, key))}
    for block, one in enumerate(features.vectors):
        named |= {f"vectors[{block}].columns[{i}]": name for i, name in enumerate(one.columns or ())}
    places: dict[str, str] = {}
    for place, name in named.items():
        places.setdefault(name, place)
    return {place: name for name, place in places.items()}


def vector_files(features: "ItemFeatures", folder: Path) -> list[Path]:
    """The files of vectors and of their ids."""
    names = [name for block in features.vectors for name in (block.file, block.ids) if name is not None]
    return [folder / name for name in names]


def add_content(
    columns: Columns, features: "ItemFeatures", folder: Path, row_of: Mapping[str, int], where: str
) -> None:
    """Check the content and add what is computed from it.

    Args:
        columns: with the texts ``column:NAME`` of the item table.
        features: what the schema says of them.
        folder: of the data.
        row_of: from ids to rows.
        where: the item table, for errors.

    Raises:
        UserError: a column is not of numbers, or a block of vectors breaks a rule; one line with the block,
            the id and the value.
    """
    for name in features.numbers:
        columns.arrays[f"number:{name}"] = _numbers(columns, name, features, where)
    for block in features.vectors:
        if block.columns is not None:
            values = np.stack([_numbers(columns, name, features, where) for name in block.columns], axis=1)
            rows = np.flatnonzero(np.isfinite(values).all(axis=1))
            columns.arrays[f"vector:{block.name}"] = values[rows].astype(np.float32)
            columns.arrays[f"vector_rows:{block.name}"] = rows.astype(np.int32)
        elif block.column is not None:
            _check_values(
                block.name,
                columns.arrays[f"vector:{block.column}"],
                list(row_of),
                columns.arrays[f"vector_rows:{block.column}"],
            )
        else:
            columns.arrays[f"vector_rows:{block.name}"] = _rows_of_file(block, folder, row_of)


def content_of(columns: Columns, features: "ItemFeatures", folder: Path) -> Content | None:
    """The content that was read; None if the schema names none."""
    texts, arrays = columns.texts, columns.arrays
    vectors = []
    for block in features.vectors:
        name = block.name if block.column is None else block.column
        values = arrays.get(f"vector:{name}")
        if values is None:
            values = _open_vectors(block, folder)
        movies = arrays[f"vector_rows:{name}"]
        vectors.append(ItemVectors(block.name, values, np.arange(len(movies)), movies, block.dim))
    categories = {name: texts[f"column:{name}"] for name in features.categories}
    if len({genre for own in texts["genres"] for genre in own.split("|")}) > MAX_GENRES:
        categories[GENRES] = [own.replace("|", " ") for own in texts["genres"]]
    content = Content(
        vectors=tuple(vectors),
        text=_joined(texts, features.text) if features.text else None,
        text_columns=tuple(features.text),
        title_is_text=getattr(features, "title", "title") in features.text,
        text_encoder=features.text_encoder,
        numbers={name: arrays[f"number:{name}"] for name in features.numbers},
        categories=categories,
        kept={name: texts[f"column:{name}"] for name in features.keep},
    )
    return None if content == Content() else content


def _joined(texts: Mapping[str, list[str]], names: list[str]) -> list[str]:
    return [
        " ".join(filter(None, row)) for row in zip(*(texts[f"column:{name}"] for name in names), strict=True)
    ]


def _numbers(columns: Columns, name: str, features: "ItemFeatures", where: str) -> np.ndarray:
    """The numbers of a column, float64 with nan for no value."""
    decimal = getattr(features, "decimal", ".")
    numbers = []
    for text in columns.texts[f"column:{name}"]:
        try:
            numbers.append(
                FINITE.parse(text if decimal == "." else text.replace(",", ".")) if text else np.nan
            )
        except ValueError:
            raise UserError(
                f"{where}: {name} must be {FINITE.rule}, got {shown(text)}; correct it, name it in "
                "items.empty if it stands for no value, or check items.decimal"
            ) from None
    return np.array(numbers, dtype=np.float64)


def _open_vectors(block: "VectorBlock", folder: Path) -> np.ndarray:
    """The vectors of a ``.npy`` file, mapped from disk."""
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


def _rows_of_file(block: "VectorBlock", folder: Path, row_of: Mapping[str, int]) -> np.ndarray:
    """The item of each vector of a file, int32 ``[n]``."""
    path = folder / str(block.ids)
    lines = read_text(path, ("utf-8-sig",), f"give each vector of {block.file} one line").splitlines()
    ids = [line.strip() for line in lines]
    while ids and not ids[-1]:
        ids.pop()
    values = _open_vectors(block, folder)
    if len(ids) != len(values):
        raise UserError(
            f"block {block.name} has {len(values)} vectors in {block.file} and {len(ids)} ids in "
            f"{block.ids}; give each vector one line with its id"
        )
    first: dict[int, int] = {}  # from the item's row: an id may be spelled in two ways
    for line, one in enumerate(ids, start=1):
        if one not in row_of:
            raise UserError(
                f"{shown_path(path)}, line {line}: block {block.name} has a vector for the id {shown(one)}, "
                "which no item has; remove the vector or add the item"
            )
        if (row := row_of[one]) in first:
            raise UserError(
                f"{shown_path(path)}, line {line}: block {block.name} has the id {shown(one)} twice, "
                f"first on line {first[row]}; give each item one vector"
            )
        first[row] = line
    rows = np.array(list(first), dtype=np.int32)
    _check_values(block.name, values, ids)
    return rows


def _check_values(name: str, values: np.ndarray, ids: list[str], rows: np.ndarray | None = None) -> None:
    """Refuse NaN, infinity and huge values.

    Args:
        name: of the block.
        values: float ``[n, width]``.
        ids: of the vectors, or of all items if ``rows`` says which item each vector belongs to.
        rows: int ``[n]``.
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
