"""Plain values in block files: a JSON text as an array of bytes."""

import json
from typing import Any

import numpy as np

from blocks.block_file import Array


def as_json(value: Any) -> Array:
    """A value of dictionaries, lists, tuples, texts and numbers as uint8 ``[n]``."""
    return np.frombuffer(json.dumps(value).encode(), np.uint8)


def from_json(text: bytes | Array) -> Any:
    """The value of ``as_json``, or of a JSON file; lists in dictionaries come back as tuples."""
    return json.loads(bytes(text), object_pairs_hook=_with_tuples)


def _with_tuples(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in pairs}
