"""What kind of file it is, by its first bytes: kinds that are not text are named instead of read as such."""

import codecs
import re
from dataclasses import dataclass

START_BYTES = 4096  # as many of them tell all kinds
TAR_PLACE = 257
MIN_NULS = 0.3  # UTF-16 of Latin script: half of the bytes, fewer with other characters among them
MIN_BYTES = 8

UNPACK = "unpack it"
EXPORT = "export the table as CSV in UTF-8"


@dataclass(frozen=True)
class FileKind:
    """A kind of file that is not delimited text in UTF-8.

    Attributes:
        name: as ``named_format`` gives it.
        what: in an error, after "is".
        advice: what to do.
    """

    name: str
    what: str
    advice: str = EXPORT


UTF_16 = FileKind("utf-16", "text in UTF-16", "save the file as UTF-8")
_BY_START = (
    (rb"SQLite format 3\0", FileKind("sqlite", "an SQLite database")),
    (rb"PK\x03\x04.*(\[Content_Types\]\.xml|_rels/\.rels|xl/)", FileKind("xlsx", "an Excel workbook")),
    (rb"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", FileKind("xls", "an Excel workbook or another old Office file")),
    (
        rb"PK\x03\x04.*application/vnd\.oasis\.opendocument",
        FileKind("ods", "an OpenDocument spreadsheet"),
    ),
    (rb"PK(\x03\x04|\x05\x06)", FileKind("zip", "a zip archive", UNPACK)),
    (rb"%PDF-", FileKind("pdf", "a PDF document", "ask its source for the table as CSV")),
    (rb"\x1f\x8b", FileKind("gzip", "compressed by gzip", "unpack it, for instance by zcat FILE > NEW")),
    (rb"\x28\xb5\x2f\xfd", FileKind("zstd", "compressed by Zstandard", UNPACK)),
    (rb"BZh[1-9](1AY&SY|\x17\x72\x45\x38\x50\x90)", FileKind("bzip2", "compressed by bzip2", UNPACK)),
    (rb"\xfd7zXZ\0", FileKind("xz", "compressed by xz", UNPACK)),
    (rb"7z\xbc\xaf\x27\x1c", FileKind("7z", "a 7-Zip archive", UNPACK)),
    (rb"Rar!\x1a\x07", FileKind("rar", "a RAR archive", UNPACK)),
    (rb"\x04\x22\x4d\x18", FileKind("lz4", "compressed by LZ4", UNPACK)),
    (rb".{%d}ustar" % TAR_PLACE, FileKind("tar", "a tar archive", UNPACK)),
    (rb"PAR1[^ -~\t\r\n]", FileKind("parquet", "a Parquet file")),  # a header may begin with these letters
    (rb"ARROW1\0\0|FEA1[^ -~\t\r\n]", FileKind("feather", "an Arrow (Feather) file")),
    (rb"Obj\x01", FileKind("avro", "an Avro file")),
    (rb"\x93NUMPY", FileKind("npy", "an array of NumPy")),
    (rb"\x89HDF\r\n\x1a\n", FileKind("hdf5", "an HDF5 file")),
    (rb"\x80[\x02-\x05]", FileKind("pickle", "a pickle of Python")),
    (
        rb"\s*<(!DOCTYPE html|html)\b",
        FileKind("html", "a web page", "it may be the page of an error; download the file itself"),
    ),
    (
        rb"version https://git-lfs\.github\.com/spec",
        FileKind("git-lfs", "only the pointer to a file in Git LFS", "fetch the file by git lfs pull"),
    ),
    (rb"\xff\xfe\0\0|\0\0\xfe\xff", FileKind("utf-32", "text in UTF-32", "save the file as UTF-8")),
    (rb"\xff\xfe|\xfe\xff", UTF_16),
)
KINDS = {kind.name: kind for _, kind in _BY_START}
_PATTERNS = tuple((re.compile(start, re.DOTALL | re.IGNORECASE), kind.name) for start, kind in _BY_START)


def named_format(start: bytes) -> str | None:
    """The name of the format that a file's first bytes tell, a key of ``KINDS``; None if it may be text.

    Args:
        start: the first ``START_BYTES`` bytes, or the whole file if it has fewer.
    """
    start = start[:START_BYTES]
    for pattern, name in _PATTERNS:
        if pattern.match(start):
            return name
    nuls = max(start[0::2].count(0), start[1::2].count(0))
    return UTF_16.name if len(start) >= MIN_BYTES and nuls >= MIN_NULS * len(start) else None


def unicode_name(start: bytes) -> str:
    """The encoding of a file that ``named_format`` takes for UTF-16 or UTF-32, as Python names it."""
    if start.startswith((b"\xff\xfe\0\0", b"\0\0\xfe\xff")):
        return "utf-32"
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    return "utf-16-le" if start[1::2].count(0) > start[0::2].count(0) else "utf-16-be"


def without_mark(encoding: str, start: bytes) -> str:
    """The encoding that leaves out the byte order mark of a file, if it begins with one.

    Args:
        encoding: as Python names it. UTF-16 and UTF-32 of a given byte order take the mark for text.
        start: the first bytes of the file.
    """
    marks = {"utf-16-le": codecs.BOM_UTF16_LE, "utf-16-be": codecs.BOM_UTF16_BE}
    marks |= {"utf-32-le": codecs.BOM_UTF32_LE, "utf-32-be": codecs.BOM_UTF32_BE}
    return encoding[:6] if encoding in marks and start.startswith(marks[encoding]) else encoding
