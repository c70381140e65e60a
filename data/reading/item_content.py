"""From the columns and vector files of a folder to the content of its items.

``add_content`` checks and belongs to the first reading, whose result the cache keeps. ``content_of`` makes
the content of what was kept, and maps the vectors of ``.npy`` files from disk.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from base.errors import UserError
from data.content.facts import MAX_GENRES, Content, ItemVectors
from data.reading.columns import Columns
from data.reading.number_kinds import FINITE, finite_number
from data.reading.source_files import shown
from data.reading.vector_blocks import check_values, open_vectors, rows_of_file

if TYPE_CHECKING:
    from data.reading.schema import ItemFeatures

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


def add_content(
    columns: Columns,
    features: "ItemFeatures",
    folder: Path,
    row_of: Mapping[str, int],
    where: str,
    decimal: str = ".",
) -> None:
    """Check the content and add what is computed from it.

    Args:
        columns: with the texts ``column:NAME`` of the item table.
        features: what the schema says of them.
        folder: of the data.
        row_of: from ids to rows.
        where: the item table, for errors.
        decimal: what stands before the fraction of a number.

    Raises:
        UserError: a column is not of numbers, or a block of vectors breaks a rule; one line with the block,
            the id and the value.
    """
    for name in features.numbers:
        columns.arrays[f"number:{name}"] = _numbers(columns, name, where, decimal)
    for block in features.vectors:
        if block.columns is not None:
            values = np.stack([_numbers(columns, name, where, decimal) for name in block.columns], axis=1)
            rows = np.flatnonzero(np.isfinite(values).all(axis=1))
            columns.arrays[f"vector:{block.name}"] = values[rows].astype(np.float32)
            columns.arrays[f"vector_rows:{block.name}"] = rows.astype(np.int32)
        elif block.column is not None:
            check_values(
                block.name,
                columns.arrays[f"vector:{block.column}"],
                list(row_of),
                columns.arrays[f"vector_rows:{block.column}"],
            )
        else:
            columns.arrays[f"vector_rows:{block.name}"] = rows_of_file(block, folder, row_of.get)


def content_of(columns: Columns, features: "ItemFeatures", folder: Path) -> Content | None:
    """The content that was read; None if the schema names none."""
    texts, arrays = columns.texts, columns.arrays
    vectors = []
    for block in features.vectors:
        name = block.name if block.column is None else block.column
        values = arrays.get(f"vector:{name}")
        if values is None:
            values = open_vectors(block, folder)
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


def _numbers(columns: Columns, name: str, where: str, decimal: str) -> np.ndarray:
    """The numbers of a column, float64 with nan for no value."""
    numbers = []
    for text in columns.texts[f"column:{name}"]:
        try:
            numbers.append(finite_number(text, decimal) if text else np.nan)
        except ValueError:
            raise UserError(
                f"{where}: {name} must be {FINITE.rule}, got {shown(text)}; correct it, name it in "
                "items.empty if it stands for no value, or check items.decimal"
            ) from None
    return np.array(numbers, dtype=np.float64)
