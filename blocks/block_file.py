"""The file of one block: arrays that are mapped instead of read, written whole or not at all.

The arrays stand one after the other, each at a multiple of ``ALIGNMENT`` bytes. Then comes a JSON text that
names them, and in the last bytes of the file stands where that text begins. So a file that was cut short has
no valid end. The text also has the block's key, which says what the content was made from, and a digest
of the arrays. The digest is for damage and mistakes: XXH3 of 128 bits, many times as fast as a cryptographic
one. Whoever can write the file can write its digest too, so the other kind would not keep out more.
"""

import hashlib
import json
import math
import mmap
import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
import xxhash

from base.files import replacing

ALIGNMENT = 64  # a cache line
END = struct.Struct("<Q8s")  # where the JSON text begins, and MAGIC
MAGIC = b"PSBLOCK2"
MAX_TEXT_BYTES = 1 << 20

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Parts:
    """A large array that is written part by part and is never in memory as a whole.

    Attributes:
        dtype: of the array.
        shape: of the array.
        parts: consecutive rows of it, in any type that numpy turns into ``dtype``.
    """

    dtype: Any
    shape: tuple[int, ...]
    parts: Iterable[Array]


class BadBlockError(ValueError):
    """A file that is torn, damaged or not the block that was expected; the text is one line."""


def write_block(path: Path, key: str, arrays: Mapping[str, Array | Parts]) -> None:
    """Write the arrays of a block.

    Args:
        path: its file. Its folder exists.
        key: of the content, see ``blocks.stage``.
        arrays: by name.

    Raises:
        OSError: the file could not be written; an older one is unchanged.
        ValueError: the parts of an array do not add up to its shape.
    """
    digest = xxhash.xxh3_128()
    places: dict[str, Any] = {}
    with replacing(path) as file:
        for name, array in arrays.items():
            whole = array if isinstance(array, Parts) else Parts(array.dtype, array.shape, [array])
            dtype, start = np.dtype(whole.dtype), _aligned(file.tell())
            file.write(bytes(start - file.tell()))
            places[name] = [dtype.str, list(whole.shape), start]
            for part in whole.parts:
                content = np.ascontiguousarray(part, dtype=dtype).reshape(-1).view(np.uint8).data
                digest.update(content)
                file.write(content)
            if file.tell() - start != math.prod(whole.shape) * dtype.itemsize:
                raise ValueError(f"the parts of {name} do not add up to the shape {whole.shape}")
        text = {"key": key, "arrays": places, "digest": digest.hexdigest()}
        start = file.tell()
        file.write(json.dumps(text).encode())
        file.write(END.pack(start, MAGIC))


def read_block(path: Path, key: str | None = None, verify: bool = False) -> dict[str, Array]:
    """Map the arrays of a block. Writing into them changes no file.

    Args:
        path: its file.
        key: that it must have; None for any.
        verify: read everything and compare it with the digest.

    Raises:
        FileNotFoundError: there is no such file.
        BadBlockError: the file is torn, has another key or, with ``verify``, was changed.
    """
    with path.open("rb") as file:
        try:
            text, start = _read_end(file)
            if key is not None and text["key"] != key:
                raise ValueError("it was made from something else")
            # Copy on write: for compiled code and PyTorch the same type as an array in memory.
            mapped = np.frombuffer(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY), np.uint8)
            arrays = {name: _array(mapped[:start], *place) for name, place in text["arrays"].items()}
        except (OSError, ValueError, KeyError, TypeError, struct.error) as error:
            raise BadBlockError(f"{path} is torn or not a block of this work ({error})") from error
    if verify and _digest(arrays) != text["digest"]:
        raise BadBlockError(f"{path} is damaged: its digest is wrong")
    return arrays


def block_digest(path: Path) -> str:
    """The digest that a sound file says it has."""
    with path.open("rb") as file:
        return _read_end(file)[0]["digest"]


def file_digest(path: Path) -> str:
    """A digest of a whole file of any kind.

    Raises:
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, xxhash.xxh3_128).hexdigest()


def _read_end(file: BinaryIO) -> tuple[dict[str, Any], int]:
    """The JSON text at the end of a block file, and where it begins.

    Raises:
        OSError, ValueError, struct.error: the file has no such end.
    """
    file.seek(-END.size, 2)
    size = file.tell()
    start, magic = END.unpack(file.read(END.size))
    if magic != MAGIC or not size - MAX_TEXT_BYTES <= start <= size:
        raise ValueError("it has no end")
    file.seek(start)
    return json.loads(file.read(size - start)), start


def _aligned(place: int) -> int:
    return -(-place // ALIGNMENT) * ALIGNMENT


def _array(mapped: npt.NDArray[np.uint8], dtype: str, shape: list[int], start: int) -> Array:
    stop = start + math.prod(shape) * np.dtype(dtype).itemsize
    if not 0 <= start <= stop <= len(mapped):
        raise ValueError("an array lies outside the file")
    return mapped[start:stop].view(dtype).reshape(shape)


def _digest(arrays: Mapping[str, Array]) -> str:
    digest = xxhash.xxh3_128()
    for array in arrays.values():
        digest.update(array.reshape(-1).view(np.uint8).data)
    return digest.hexdigest()
