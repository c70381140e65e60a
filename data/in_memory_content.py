"""Content of items from arrays and mappings in memory; it follows the rules of content from files."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from base.errors import UserError
from data.content.facts import Content
from data.in_memory_frames import column_by_id
from data.reading.columns import Columns
from data.reading.item_content import add_content, content_of
from data.reading.vector_blocks import check_vectors, rows_of_ids

TEXT = "text"
HELP = "docs/python.md has an example"
Values = Mapping[Any, Any]  # item id -> value


def content_in_memory(
    columns: Columns,
    catalogue: Any,
    vectors: Mapping[str, tuple[Any, ...]],
    known: Mapping[str, Any],
    text_encoder: str = "tfidf",
) -> Content | None:
    """Add the content of items to columns, so that it is part of their fingerprint, and make it.

    Args:
        columns: with the items.
        catalogue: DataFrame of the items, whose columns ``known`` may name.
        vectors: name of a block -> ids ``[n]`` and vectors ``[n, width]``, of type float16, float32 or
            float64; perhaps also the number of features that they are reduced to, 128 by default.
        known: for ``text`` a mapping from item ids to texts; for ``numbers``, ``categories`` and ``keep`` one
            from names to such mappings. Each may also be a list of columns of the catalogue.
        text_encoder: as in a schema.

    Returns:
        The content; None if there is none.

    Raises:
        UserError: a vector or a number breaks a rule, or the ids of a column are no items.
    """
    named = {key: _mappings(key, value, catalogue) for key, value in known.items()}
    if not vectors and not any(named.values()):
        return None
    from data.reading.json_models import checked  # pydantic takes a while to load
    from data.reading.schema import ItemFeatures

    blocks = {name: _block(name, value) for name, value in vectors.items()}
    plain: dict[str, Any] = {
        "vectors": [{"name": name, "column": name, "dim": dim} for name, (_, _, dim) in blocks.items()],
        "text_encoder": text_encoder,
    }
    features = checked(
        ItemFeatures, plain | {key: list(some) for key, some in named.items()}, "the content of items", HELP
    )
    row_of = _row_of(columns)
    for name, (ids, values, _) in blocks.items():
        columns.arrays[f"vector_rows:{name}"] = _rows_of_vectors(name, ids, len(values), row_of)
        columns.arrays[f"vector:{name}"] = values.view()  # freezing it leaves the caller's array writeable
    for key, some in named.items():
        for name, by_id in some.items():
            texts = _texts(f"{key} {name!r}", by_id, row_of, number=key == "numbers")
            columns.texts[f"column:{name}"] = texts
    add_content(columns, features, Path(), {str(one): row for one, row in row_of.items()}, "the items")
    columns.freeze()
    return content_of(columns, features, Path())


def _mappings(key: str, value: Any, catalogue: Any) -> dict[str, Values]:
    """From names of columns to mappings from ids to values."""
    if isinstance(value, Mapping):
        return ({TEXT: value} if value else {}) if key == TEXT else dict(value)
    if not isinstance(value, Sequence) or isinstance(value, str):
        raise UserError(f"{key} must be a mapping, or a list of columns, got {value!r}")
    if value and not hasattr(catalogue, "columns"):
        raise UserError(f"{key} must be a mapping; a list of columns needs a DataFrame of items")
    return {name: column_by_id(catalogue, name) for name in value}


def _row_of(columns: Columns) -> dict[Any, int]:
    ids = columns.texts.get("movie_text_ids") or columns.arrays["movie_ids"].tolist()
    return {one: row for row, one in enumerate(ids)}


def _block(name: str, value: tuple[Any, ...]) -> tuple[list[Any], np.ndarray, Any]:
    """Ids, vectors and number of features of a block."""
    if not isinstance(value, tuple | list) or len(value) not in (2, 3):
        raise UserError(f"vectors[{name!r}] must be a pair of ids and vectors, got {type(value).__name__}")
    ids, vectors = np.asarray(value[0]), np.asarray(value[1])
    check_vectors(vectors, f"vectors[{name!r}]")
    return ids.tolist(), vectors, value[2] if len(value) == 3 else 128


def _rows_of_vectors(name: str, ids: list[Any], num: int, row_of: Mapping[Any, int]) -> np.ndarray:
    """The item of each vector, int32 ``[n]``."""
    if not isinstance(ids, list) or len(ids) != num:
        got = len(ids) if isinstance(ids, list) else 1
        raise UserError(f"block {name} has {num} vectors and {got} ids; give each vector its id")

    def find(one: Any) -> int | None:
        try:
            return row_of.get(one)
        except TypeError:  # a list, for instance
            return None

    return rows_of_ids(name, ids, find)


def _texts(what: str, known: Values, row_of: Mapping[Any, int], number: bool) -> list[str]:
    """One text per item, empty where there is no value."""
    if not isinstance(known, Mapping):
        raise UserError(f"{what} must be a mapping from item ids to values, got {type(known).__name__}")
    texts = [""] * len(row_of)
    found = 0
    for one, value in known.items():
        row = row_of.get(one)
        if row is None:
            continue
        found += 1
        if value is None or value != value:
            continue
        texts[row] = _number(what, one, value) if number else str(value).strip()
    if known and not found:
        raise UserError(
            f"{what}: none of its {len(known)} ids is an item, for instance {next(iter(known))!r}; use the "
            "same ids"
        )
    return texts


def _number(what: str, one: Any, value: Any) -> str:
    try:
        return repr(float(value))
    except (TypeError, ValueError):
        raise UserError(f"{what} must be numbers, got {value!r} for the id {one!r}") from None
