"""Checksums, and unpacking that never writes outside its folder, whatever the archive says."""

import errno
import hashlib
import re
import stat
import zipfile
import zlib
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from data.reading.source_files import shown

MAX_MEMBERS = 1_000
MAX_UNPACKED_BYTES = 4 * 2**30  # the largest release unpacks to a little more than 1 GiB
CHUNK_BYTES = 2**20


class BadArchive(Exception):
    """An archive that cannot be used; the text says why, and the caller decides which error that is."""


def file_digest(path: Path, algorithm: str) -> str:
    """Hex digest of a file, read in pieces.

    Args:
        path: the file.
        algorithm: ``md5`` or ``sha256``; MD5 is what GroupLens publishes.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.new(algorithm, usedforsecurity=False)).hexdigest()


def _check_member(info: zipfile.ZipInfo) -> None:
    """Refuse a member whose name or kind could write outside the target folder."""
    # orig_filename: ZipInfo.filename has already been cut at a null byte and had separators changed.
    name = info.orig_filename
    path = PurePosixPath(name.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or "\0" in name or re.match(r"[A-Za-z]:", name):
        raise BadArchive(f"its member {shown(name)} points outside the folder")
    kind = stat.S_IFMT(info.external_attr >> 16)
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise BadArchive(f"its member {shown(name)} is a link or a device, not a file")
    if info.flag_bits & 1:
        raise BadArchive(f"its member {shown(name)} is encrypted")
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise BadArchive(f"its member {shown(name)} is packed by method {info.compress_type}, not by deflate")


def _check_members(members: list[zipfile.ZipInfo]) -> None:
    """Refuse the whole archive if any member is hostile, even one that is not wanted."""
    if len(members) > MAX_MEMBERS:
        raise BadArchive(f"it has {len(members):,} members, more than {MAX_MEMBERS:,}")
    unpacked = sum(info.file_size for info in members)
    if unpacked > MAX_UNPACKED_BYTES:
        raise BadArchive(f"it would unpack to {unpacked:,} bytes, more than {MAX_UNPACKED_BYTES:,}")
    names = set()
    for info in members:
        _check_member(info)
        # Case folded: on Windows and macOS "A" and "a" are one file.
        folded = info.filename.casefold()
        if folded in names:
            raise BadArchive(f"its member {shown(info.filename)} occurs twice")
        names.add(folded)


def _extract_member(archive: zipfile.ZipFile, info: zipfile.ZipInfo, target: Path) -> None:
    """Write one member and count its bytes, since the size that the archive declares may be wrong."""
    written = 0
    with archive.open(info) as source, target.open("wb") as file:
        while chunk := source.read(CHUNK_BYTES):
            written += len(chunk)
            if written > info.file_size:
                raise BadArchive(f"its member {shown(info.filename)} is larger than declared")
            file.write(chunk)
    if written != info.file_size:
        raise BadArchive(f"its member {shown(info.filename)} is shorter than declared")


def extract(
    path: Path, folder: str, required: Iterable[str], optional: Iterable[str], target: Path
) -> list[str]:
    """Unpack the named files of one folder of a zip, flat into ``target``.

    Every member is checked, also those that are not wanted. Modes, owners and links of the archive are
    never applied.

    Args:
        path: the zip.
        folder: the folder inside it.
        required: files of that folder that must exist.
        optional: files of that folder that are taken where they exist.
        target: an existing folder.

    Returns:
        Names of the files written.

    Raises:
        BadArchive: not a zip, truncated, damaged, hostile, or without a required file.
    """
    required = list(required)
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            _check_members(members)
            found = {info.filename: info for info in members}
            missing = [name for name in required if f"{folder}/{name}" not in found]
            if missing:
                tops = sorted({name.split("/")[0] for name in found})
                contents = ", ".join(map(shown, tops[:3])) or "nothing"
                raise BadArchive(f"it has no {folder}/{missing[0]} (it contains {contents})")
            wanted = [name for name in [*required, *optional] if f"{folder}/{name}" in found]
            for name in wanted:
                _extract_member(archive, found[f"{folder}/{name}"], target / name)
            return wanted
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, UnicodeDecodeError) as error:
        raise BadArchive("it is damaged or not a zip file") from error
    except OSError as error:
        if error.errno != errno.EINVAL:  # a full disk, for instance, which is not the archive's fault
            raise
        raise BadArchive("it is damaged or not a zip file") from error  # an offset outside the file
