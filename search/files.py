"""Index files: arrays and plain values only, written whole or not at all, refused when in doubt.

A file is a NumPy archive (``.npz``) without pickled objects. Its header, a JSON text, names format,
version, kind, parameters and the fingerprint of the vectors. A digest over header and arrays finds
damage that the archive's own checksums miss.
"""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from base.arrays import FloatArray, IntArray
from base.checks import MAX_INT64, MIN_INT64, real_numbers, whole_numbers
from base.files import replacing

FORMAT = "pinsage-index"
VERSION = 1
HEADER, DIGEST = "header", "digest"


@dataclass(frozen=True)
class IndexContent:
    """The content of a file.

    Attributes:
        kind: which index.
        settings: its build parameters.
        query: its query parameters.
        fingerprint: of the vectors and ids that it was built from.
        arrays: everything else, by name.
    """

    kind: str
    settings: dict[str, int]
    query: dict[str, Any]
    fingerprint: str
    arrays: dict[str, npt.NDArray[Any]]


def fingerprint(embeddings: FloatArray, ids: IntArray) -> str:
    """Hex digest of vectors with ids; it does not depend on their order.

    Args:
        embeddings: real numbers ``[n, d]``.
        ids: integers ``[n]``.

    Raises:
        ValueError: values or shapes that no index can be built from.
    """
    embeddings, ids = real_numbers("embeddings", embeddings), whole_numbers("ids", ids, MIN_INT64, MAX_INT64)
    if embeddings.ndim != 2 or ids.shape != embeddings.shape[:1]:
        raise ValueError(f"expected embeddings [n, d] and ids [n], got {embeddings.shape} and {ids.shape}")
    order = np.argsort(ids, kind="stable")
    digest = hashlib.blake2b(digest_size=16)
    digest.update(str(embeddings.shape).encode())
    digest.update(ids[order].data)
    for start in range(0, len(order), 65_536):  # in parts: a sorted copy of everything would be large
        digest.update(embeddings[order[start : start + 65_536]].data)
    return digest.hexdigest()


def write_index(content: IndexContent, path: Path) -> None:
    """Write ``content`` to ``path`` atomically: a reader finds the old file or the new one.

    Raises:
        OSError: the file could not be written; an older file is unchanged.
    """
    header = json.dumps(
        {
            "format": FORMAT,
            "version": VERSION,
            "kind": content.kind,
            "settings": content.settings,
            "query": content.query,
            "fingerprint": content.fingerprint,
        }
    )
    arrays: dict[str, Any] = {**content.arrays, HEADER: header, DIGEST: _digest(header, content.arrays)}
    with replacing(path) as file:
        np.savez(file, **arrays)


def read_index(path: Path, kind: str, expected: str | None = None) -> IndexContent:
    """Read a file that ``write_index`` wrote.

    Args:
        path: the file.
        kind: the kind of index that it must contain.
        expected: the fingerprint that it must have, if known.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is torn, foreign, of another kind or version, or stale; the message says which.
    """
    try:
        with np.load(path, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
        text, digest = str(arrays.pop(HEADER)), str(arrays.pop(DIGEST))
        header = json.loads(text)
        found = (header["format"], header["version"], header["kind"])
    except FileNotFoundError:
        raise
    except Exception as error:  # a torn or foreign file can fail anywhere in zip, header or JSON
        reason = (str(error) or type(error).__name__).splitlines()[0][:120]
        raise ValueError(
            f"{path} is torn or not an index of this program ({reason}); build it again"
        ) from error
    if found[0] != FORMAT:
        raise ValueError(f"{path} is not an index of this program (format {found[0]!r}); build it again")
    if found[1] != VERSION:
        raise ValueError(
            f"{path} is an index of version {found[1]}, but this program reads {VERSION}; build it again"
        )
    if digest != _digest(text, arrays):
        raise ValueError(f"{path} is damaged (its digest does not match its content); build it again")
    if found[2] != kind:
        raise ValueError(f"{path} contains a {found[2]} index, not {kind}; build it again")
    if expected is not None and header["fingerprint"] != expected:
        raise ValueError(f"{path} is stale (it contains other embeddings than those given); build it again")
    return IndexContent(kind, header["settings"], header["query"], header["fingerprint"], arrays)


def _digest(header: str, arrays: dict[str, npt.NDArray[Any]]) -> str:
    digest = hashlib.blake2b(header.encode(), digest_size=16)
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        digest.update(f"|{name}|{array.dtype.str}|{arrays[name].shape}|".encode())
        digest.update(array.reshape(-1).view(np.uint8).data)
    return digest.hexdigest()
