"""Plain values in block files: as JSON in an array of bytes, with the arrays among them beside it."""

import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from blocks.block_file import Array

VALUE = "value"  # the name of the JSON text, beside the arrays
PLACE = "\0 array"  # the only key of what stands for an array in it


def as_json(value: Any) -> Array:
    """A value of dictionaries, lists, tuples, texts and numbers as uint8 ``[n]``."""
    return np.frombuffer(json.dumps(value).encode(), np.uint8)


def from_json(text: bytes | Array) -> Any:
    """The value of ``as_json``, or of a JSON file; lists in dictionaries come back as tuples."""
    return json.loads(bytes(text), object_pairs_hook=_with_tuples)


def _with_tuples(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in pairs}


def packed(value: Any) -> dict[str, Array]:
    """A value as of ``as_json``, which may also have arrays and NumPy's numbers, as the arrays of a block."""
    arrays: list[Array] = []

    def without_arrays(value: Any) -> Any:
        if isinstance(value, np.ndarray):
            arrays.append(value)
            return {PLACE: len(arrays) - 1}
        if isinstance(value, Mapping):
            return {name: without_arrays(part) for name, part in value.items()}
        if isinstance(value, list | tuple):
            return list(map(without_arrays, value))
        return value.item() if isinstance(value, np.generic) else value

    text = as_json(without_arrays(value))
    return {VALUE: text} | {str(number): array for number, array in enumerate(arrays)}


def unpacked(block: Mapping[str, Array]) -> Any:
    """The value of ``packed``; tuples come back as lists."""

    def with_array(plain: dict[str, Any]) -> Any:
        return block[str(plain[PLACE])] if plain.keys() == {PLACE} else plain

    return json.loads(bytes(block[VALUE]), object_hook=with_array)
