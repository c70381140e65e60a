"""Index files: arrays and plain values only, written whole or not at all, refused when in doubt.

A file is a NumPy archive (``.npz``) without pickled objects or compression, whose arrays begin at multiples
of ``ALIGNMENT``: so they can be mapped instead of read. Its header, a JSON text, names format, version,
kind, parameters, the fingerprint of the vectors, and type and shape of every array. At every opening the
archive's checksums are compared for all but the ``LARGE`` arrays. These are only multiplied or compared,
so damage there changes answers and nothing else; a digest over everything finds it on demand.
"""

import contextlib
import hashlib
import json
import mmap
import struct
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from base.arrays import FloatArray, IntArray
from base.checks import MAX_INT64, MIN_INT64, real_numbers, whole_numbers
from base.files import replacing

FORMAT = "pinsage-index"
VERSION = 2  # version 1 had unaligned arrays and no list of them; it is read whole
HEADER, DIGEST = "header", "digest"
# No value in them says where something else is.
LARGE = frozenset(("embeddings", "codes", "fine", "list.details", "row.signatures", "list.columns"))
FAR_APART = frozenset(("fine",))  # few rows are read, and not one after the other
ALIGNMENT = 64  # a cache line
LOCAL_HEADER = struct.Struct("<4s22xHH")  # in a zip archive: signature, lengths of name and extra field


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
    settings: dict[str, Any]
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
    rising = bool((ids[1:] > ids[:-1]).all())
    order = np.arange(len(ids)) if rising else np.argsort(ids, kind="stable")
    digest = hashlib.blake2b(digest_size=16)
    digest.update(str(embeddings.shape).encode())
    digest.update(ids[order].data)
    for start in range(0, len(order), 65_536):  # in parts: a sorted copy of everything would be large
        part = slice(start, start + 65_536)
        digest.update(embeddings[part if rising else order[part]].data)
    return digest.hexdigest()


def write_index(content: IndexContent, path: Path) -> None:
    """Write ``content`` to ``path`` atomically: a reader finds the old file or the new one.

    Raises:
        OSError: the file could not be written; an older file is unchanged.
    """
    arrays = {name: np.asarray(array, order="C") for name, array in content.arrays.items()}
    header = json.dumps(
        {
            "format": FORMAT,
            "version": VERSION,
            "kind": content.kind,
            "settings": content.settings,
            "query": content.query,
            "fingerprint": content.fingerprint,
            "arrays": {name: _described(array) for name, array in arrays.items()},
        }
    )
    texts = {HEADER: np.array(header), DIGEST: np.array(_digest(header, arrays))}
    with replacing(path) as file, zipfile.ZipFile(file, "w") as archive:
        for name, array in (texts | arrays).items():
            with archive.open(zipfile.ZipInfo(f"{name}.npy"), "w", force_zip64=True) as member:
                member.write(_array_header(array, file.tell()))
                member.write(array.reshape(-1).view(np.uint8).data)


def read_index(path: Path, kind: str, expected: str | None = None, verify: bool = False) -> IndexContent:
    """Open a file that ``write_index`` wrote. Its arrays are mapped; writing into them changes no file.

    Args:
        path: the file.
        kind: the kind of index that it must contain.
        expected: the fingerprint that it must have, if known.
        verify: read everything and compare it with the digest.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is torn, foreign, of another kind or version, or stale; the message says which.
    """
    try:
        arrays, intact = _mapped(path)
        text, digest = str(arrays.pop(HEADER)), str(arrays.pop(DIGEST))
        header = json.loads(text)
        found = (header["format"], header["version"], header["kind"])
        of_index = (header["settings"], header["query"], header["fingerprint"])
    except FileNotFoundError:
        raise
    except Exception as error:  # a torn or foreign file can fail anywhere in zip, header or JSON
        reason = (str(error) or type(error).__name__).splitlines()[0][:120]
        raise ValueError(
            f"{path} is torn or not an index of this program ({reason}); build it again"
        ) from error
    if found[0] != FORMAT:
        raise ValueError(f"{path} is not an index of this program (format {found[0]!r}); build it again")
    if found[1] not in (1, VERSION):
        raise ValueError(
            f"{path} is an index of version {found[1]}, but this program reads 1 to {VERSION}; build it again"
        )
    described = {name: _described(array) for name, array in arrays.items()}
    if not intact or header.get("arrays", described) != described:
        raise ValueError(f"{path} is damaged (its checksums do not match its content); build it again")
    if (verify or found[1] == 1) and digest != _digest(text, arrays):
        raise ValueError(f"{path} is damaged (its digest does not match its content); build it again")
    if found[2] != kind:
        raise ValueError(f"{path} contains a {found[2]} index, not {kind}; build it again")
    if expected is not None and of_index[2] != expected:
        raise ValueError(f"{path} is stale (it contains other embeddings than those given); build it again")
    return IndexContent(kind, *of_index, arrays)


def _array_header(array: npt.NDArray[Any], place: int) -> bytes:
    """NumPy's header for an array, written at ``place`` and so long that the array is aligned."""
    text = repr({"descr": array.dtype.str, "fortran_order": False, "shape": array.shape})
    start = len(np.lib.format.magic(1, 0)) + 2
    text += " " * (-(place + start + len(text) + 1) % ALIGNMENT) + "\n"
    return np.lib.format.magic(1, 0) + struct.pack("<H", len(text)) + text.encode("latin1")


def _mapped(path: Path) -> tuple[dict[str, npt.NDArray[Any]], bool]:
    """The arrays of an archive by name, and whether the checksums of all but the large ones are right.

    Raises:
        Exception: of many kinds, if the file is not such an archive.
    """
    arrays, intact = {}, True
    with path.open("rb") as file, zipfile.ZipFile(file) as archive:
        # Copy on write: to compiled code the same type as an array in memory, and the file stays as it is.
        mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
        whole = np.frombuffer(mapped, np.uint8)
        for member in archive.infolist():
            name = member.filename.removesuffix(".npy")
            file.seek(member.header_offset)
            signature, name_length, extra_length = LOCAL_HEADER.unpack(file.read(LOCAL_HEADER.size))
            same_name = file.read(name_length) == member.filename.encode()
            if signature != b"PK\3\4" or not same_name or member.compress_type != zipfile.ZIP_STORED:
                raise ValueError(f"{name} is not where the archive says")
            start = file.seek(extra_length, 1)
            stop = start + member.file_size
            if stop > len(whole):
                raise ValueError(f"{name} is cut short")
            if name not in LARGE:
                intact &= zlib.crc32(whole[start:stop].data) == member.CRC
            if np.lib.format.read_magic(file) != (1, 0):
                raise ValueError(f"{name} has an unknown header")
            shape, by_column, dtype = np.lib.format.read_array_header_1_0(file)
            if dtype.hasobject:
                raise ValueError(f"{name} contains objects")
            if name in FAR_APART:
                _no_reading_ahead(mapped, start, stop)
            array = whole[file.tell() : stop].view(dtype).reshape(shape, order="F" if by_column else "C")
            arrays[name] = array if array.flags.aligned and not by_column else array.copy()
    return arrays, intact


def _no_reading_ahead(mapped: mmap.mmap, start: int, stop: int) -> None:
    """Tell the system that these bytes are read here and there, where it can be told."""
    with contextlib.suppress(AttributeError):  # Windows has no advice
        page = start - start % mmap.PAGESIZE
        mapped.madvise(mmap.MADV_RANDOM, page, stop - page)


def _described(array: npt.NDArray[Any]) -> list[Any]:
    return [array.dtype.str, list(array.shape)]


def _digest(header: str, arrays: dict[str, npt.NDArray[Any]]) -> str:
    digest = hashlib.blake2b(header.encode(), digest_size=16)
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        digest.update(f"|{name}|{array.dtype.str}|{arrays[name].shape}|".encode())
        digest.update(array.reshape(-1).view(np.uint8).data)
    return digest.hexdigest()
