"""Opening a release's files, and the one-line errors for what may be wrong with them."""

import stat
from io import BufferedReader
from pathlib import Path

from base.errors import UserError

SHOWN_CHARACTERS = 60


def shown(value: str | bytes) -> str:
    """A value as an error may quote it: on one line, control characters escaped, shortened."""
    if len(value) <= SHOWN_CHARACTERS:
        return repr(value)
    unit = "characters" if isinstance(value, str) else "bytes"
    return f"{value[:SHOWN_CHARACTERS]!r}... ({len(value)} {unit})"


def shown_path(path: Path) -> str:
    """A path as typed, or quoted where it holds what would break the line."""
    return str(path) if str(path).isprintable() else repr(str(path))


def bad_line(path: Path, line: int, problem: str, advice: str = "correct or remove the line") -> UserError:
    """The error for one line of a file: where, which rule and value, what to do."""
    return UserError(f"{shown_path(path)}, line {line}: {problem}; {advice}")


def exists(path: Path) -> bool:
    """Whether something of that name is there, dangling links aside.

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


def open_source(path: Path) -> BufferedReader:
    """Open a source file for reading bytes.

    Raises:
        UserError: it is missing, not a regular file (opening a pipe would wait for ever), or may not
            be read.
    """
    try:
        mode = path.stat().st_mode
        if not stat.S_ISREG(mode):
            kind = "a folder" if stat.S_ISDIR(mode) else "not a regular file"
            raise UserError(f"{shown_path(path)} is {kind}; put the release's file of that name there")
        return path.open("rb")
    except (FileNotFoundError, NotADirectoryError) as error:
        raise UserError(
            f"{shown_path(path)} is missing; download_dataset.py fetches a complete dataset"
        ) from error
    except PermissionError as error:
        raise _no_permission(path) from error


def read_text(path: Path, encodings: tuple[str, ...] = ("utf-8-sig",)) -> str:
    """The whole file as text, by the first encoding that fits it.

    Args:
        path: the file.
        encodings: tried in order; ``latin-1`` fits everything.

    Raises:
        UserError: as ``open_source``, or the file is empty or fits none of the encodings.
    """
    with open_source(path) as file:
        content = file.read()
    for encoding in encodings:
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError as error:
            failure = error
            continue
        if not text.strip():
            raise empty(path)
        return text
    raise not_utf8(path, content.count(b"\n", 0, failure.start) + 1, failure)


def not_utf8(path: Path, line: int, failure: UnicodeDecodeError) -> UserError:
    """The error for bytes that are no text."""
    around = failure.object[max(0, failure.start - 10) : failure.end + 10].split(b"\n")
    value = next((part for part in around if not _is_utf8(part)), failure.object[failure.start : failure.end])
    return bad_line(path, line, f"not UTF-8 text near {shown(bytes(value))}", "save the file as UTF-8")


def empty(path: Path) -> UserError:
    """The error for a file with nothing below its header."""
    return UserError(
        f"{shown_path(path)} is empty: no row of data in it; "
        "remove the folder and fetch the dataset with download_dataset.py"
    )


def _is_utf8(content: bytes) -> bool:
    try:
        content.decode("utf-8")
        return True
    except UnicodeDecodeError:
        return False


def _no_permission(path: Path) -> UserError:
    return UserError(f"no permission to read {shown_path(path)}; chmod u+rX it, or use a copy of it")
