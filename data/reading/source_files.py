"""Opening the files that data are read from, and the one-line errors for what may be wrong with them."""

import codecs
import contextlib
import io
import stat
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

from base.errors import UserError
from data.reading.file_kinds import KINDS, START_BYTES, named_format, unicode_name, without_mark

SHOWN_CHARACTERS = 60
LIBRARY_CHARACTERS = 120  # of the message of a library
CHUNK_BYTES = 1 << 20
CONTEXT_BYTES = 10  # shown on either side of what is not text
CORRECT = "correct or remove the line"
FETCH_AGAIN = "remove the folder and fetch the dataset with download_dataset.py"
SAVE_AS_UTF8 = "save the file as UTF-8"
DAMAGE = (EOFError, zlib.error, OSError)  # of compressed files; gzip.BadGzipFile is an OSError
OTHER_DATA = "describe the files in a schema.json, as docs/own_data.md explains"


def shown(value: str | bytes) -> str:
    """A value as an error may quote it: on one line, control characters escaped, shortened."""
    if len(value) <= SHOWN_CHARACTERS:
        return repr(value)
    unit = "characters" if isinstance(value, str) else "bytes"
    return f"{value[:SHOWN_CHARACTERS]!r}... ({len(value)} {unit})"


def said(error: Exception) -> str:
    """What an error of a library says, on one line, shortened, without signs that no terminal shows."""
    text = " ".join(str(error).split())[:LIBRARY_CHARACTERS]
    return "".join(sign if sign.isprintable() else "?" for sign in text)


def shown_path(path: Path) -> str:
    """A path as typed, or quoted where it contains characters that would break the line."""
    return str(path) if str(path).isprintable() else repr(str(path))


def bad_line(path: Path, line: int, problem: str, advice: str = CORRECT) -> UserError:
    """The error for one line of a file: where, which rule and value, what to do."""
    return UserError(f"{shown_path(path)}, line {line}: {problem}; {advice}")


def empty(path: Path, advice: str = FETCH_AGAIN) -> UserError:
    """The error for a file with nothing below its header."""
    return UserError(f"{shown_path(path)} is empty: no row of data in it; {advice}")


def exists(path: Path) -> bool:
    """Whether something of that name is there. A link that leads nowhere does not count.

    Raises:
        UserError: the folder may not be searched.
    """
    try:
        path.stat()
        return True
    except (FileNotFoundError, NotADirectoryError):
        return False
    except PermissionError as error:
        raise _no_permission(path) from error


def must_exist(path: Path, advice: str) -> None:
    """Refuse a path where nothing is.

    Raises:
        UserError: nothing is there, or one may not look.
    """
    if not exists(path):
        raise UserError(f"{shown_path(path)} is missing; {advice}")


def open_source(path: Path) -> io.BufferedReader:
    """Open a source file for reading bytes.

    Raises:
        UserError: it is missing, is not a regular file (opening a pipe would wait for ever), or may not
            be read.
    """
    try:
        mode = path.stat().st_mode
        if not stat.S_ISREG(mode):
            kind = "a folder" if stat.S_ISDIR(mode) else "not a regular file"
            raise UserError(f"{shown_path(path)} is {kind}; put the data file of that name there")
        return path.open("rb")
    except (FileNotFoundError, NotADirectoryError) as error:
        raise UserError(
            f"{shown_path(path)} is missing; download_dataset.py fetches a complete dataset"
        ) from error
    except PermissionError as error:
        raise _no_permission(path) from error


def open_plain(path: Path) -> io.BufferedReader:
    """Open a source file that must be text for reading bytes.

    Raises:
        UserError: as ``open_source`` and ``refuse_format``.
    """
    file = open_source(path)
    try:
        refuse_format(path, file.peek(START_BYTES))
    except UserError:
        file.close()
        raise
    return file


def refuse_format(path: Path, start: bytes, encoding: str = "utf-8", advice: str = SAVE_AS_UTF8) -> None:
    """Refuse a file whose first bytes say that it is not delimited text.

    Args:
        path: the file.
        start: its first ``START_BYTES`` bytes, after decompression where that is possible.
        encoding: that the text is said to have.
        advice: what to do if the text has another encoding.

    Raises:
        UserError: the file is of a kind that is not read here; one line with the kind and what to do.
    """
    name = named_format(start)
    if name is None or encoding.lower().replace("_", "-").startswith(("utf-16", "utf-32")):
        return
    kind = KINDS[name]
    if name.startswith("utf") and advice != SAVE_AS_UTF8:  # there is a setting for it
        raise UserError(f'{shown_path(path)} is {kind.what}; {advice} to "{unicode_name(start)}"')
    raise UserError(f"{shown_path(path)} is {kind.what}; {kind.advice}")


@contextlib.contextmanager
def open_text(
    path: Path,
    encoding: str,
    newline: str,
    advice: str,
    opened: Callable[[Path], IO[bytes]] = open_source,
) -> Iterator[io.TextIOWrapper]:
    """Open a source file for reading text.

    Args:
        path: the file.
        encoding: of its text.
        newline: what ends a line, as in ``open``.
        advice: what to do if the file is not text of this encoding.
        opened: opens the file for reading bytes.

    Raises:
        UserError: as ``open_source``, the file is of another format, or, while it is read, bytes that are not
            such text.
    """
    with opened(path) as raw, reading_errors(path, encoding, advice, opened):
        start = raw.peek(START_BYTES)  # type: ignore[attr-defined]
        refuse_format(path, start, encoding, advice)
        yield io.TextIOWrapper(raw, encoding=without_mark(encoding, start), newline=newline)


@contextlib.contextmanager
def reading_errors(
    path: Path, encoding: str, advice: str, opened: Callable[[Path], IO[bytes]] = open_source
) -> Iterator[None]:
    """Errors of reading text, as a ``UserError``; the arguments are those of ``open_text``.

    Raises:
        UserError: bytes that are not text of this encoding, or damaged compression.
    """
    try:
        yield
    except UnicodeError as error:
        try:
            found = _first_bad_text(path, encoding, advice, opened)
        except DAMAGE as damage:  # what was unpacked is no text, since it is damaged
            raise _damaged(path, damage) from error
        raise found from error
    except DAMAGE as error:
        raise _damaged(path, error) from error


def read_text(path: Path, encodings: tuple[str, ...], advice: str = FETCH_AGAIN) -> str:
    """The whole file as text, by the first encoding that fits it.

    Args:
        path: the file.
        encodings: tried in this order; ``latin-1`` fits every file.
        advice: what to do if the file is empty.

    Raises:
        UserError: as ``open_plain``, or the file is empty or fits none of the encodings.
    """
    with open_plain(path) as file:
        content = file.read()
    for encoding in encodings:
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError as error:
            failure = error
            continue
        if not text.strip():
            raise empty(path, advice)
        return text
    raise bad_text(path, content.count(b"\n", 0, failure.start) + 1, content, failure.start)


def bad_text(
    path: Path,
    line: int,
    content: bytes,
    start: int,
    encoding: str = "utf-8",
    advice: str = SAVE_AS_UTF8,
) -> UserError:
    """The error for bytes that are not text in the file's encoding.

    Args:
        path: the file.
        line: where they are.
        content: the bytes and some around them.
        start: where in ``content`` they begin.
        encoding: of the file.
        advice: what to do.
    """
    before = content[max(0, start - CONTEXT_BYTES) : start].rpartition(b"\n")[2]
    after = content[start : start + CONTEXT_BYTES].partition(b"\n")[0]
    return bad_line(path, line, f"not {_name(encoding)} text near {shown(before + after)}", advice)


def _first_bad_text(path: Path, encoding: str, advice: str, opened: Callable[[Path], IO[bytes]]) -> UserError:
    """The error for the first bytes of a file that its encoding does not know."""
    decoder = codecs.getincrementaldecoder(encoding)()
    line, before = 1, b""
    with opened(path) as file:
        while True:
            chunk, state = file.read(CHUNK_BYTES), decoder.getstate()
            try:
                line += decoder.decode(chunk, final=not chunk).count("\n")
            except UnicodeDecodeError as failure:
                bad_bytes = len(failure.object) - failure.start  # from the first one to the end of the chunk
                decoder.setstate(state)
                with contextlib.suppress(UnicodeError):  # nothing before it was text either
                    line += decoder.decode(chunk[: max(0, len(chunk) - bad_bytes)]).count("\n")
                start = len(before) + len(chunk) - bad_bytes
                content = before + chunk + _next_bytes(file)
                return bad_text(path, line, content, start, encoding, advice)
            except UnicodeError:  # UTF-16 without a byte order mark, for instance
                break
            if not chunk:  # the file has changed in the meantime
                break
            before = (before + chunk)[-CONTEXT_BYTES:]
    return UserError(f"{shown_path(path)}: not {_name(encoding)} text; {advice}")


def _damaged(path: Path, error: Exception) -> UserError:
    return UserError(f"{shown_path(path)} is damaged: {said(error)}; copy it again")


def _next_bytes(file: IO[bytes]) -> bytes:
    """What follows in a file, as far as it can be read: a damaged one is not the point here."""
    try:
        return file.read(CONTEXT_BYTES)
    except DAMAGE:
        return b""


def _name(encoding: str) -> str:
    return encoding.upper().removesuffix("-SIG")


def _no_permission(path: Path) -> UserError:
    return UserError(f"no permission to read {shown_path(path)}; chmod u+rX it, or use a copy of it")
