"""JSON files that a person wrote: whatever is wrong with one is a line that says what to do."""

import json
from pathlib import Path
from typing import Any, NoReturn

from base.errors import UserError
from data.reading.source_files import SHOWN_CHARACTERS, shown, shown_path

MAX_FILE_BYTES = 64 * 2**20  # a film with a million ratings takes less
CONTEXT_CHARACTERS = 20


def read_json(path: Path, max_bytes: int = MAX_FILE_BYTES) -> Any:
    """The value in a JSON file, stricter than ``json``: no key twice, no NaN, no infinity.

    Args:
        path: the file.
        max_bytes: a larger file is refused; a multiple of 1,024.

    Raises:
        UserError: the file cannot be read or does not contain such a value.
    """
    where = shown_path(path)
    content = _content(path, where, max_bytes)
    try:
        text = content.decode("utf-8-sig")
        return json.loads(
            text,
            object_pairs_hook=_without_repeats,
            parse_constant=_refuse_constant,
            parse_int=_whole_number,
        )
    except UnicodeDecodeError as error:
        raise UserError(f"{where} is not UTF-8 text at byte {error.start}; save it as UTF-8") from error
    except json.JSONDecodeError as error:
        rest = text[error.pos : error.pos + CONTEXT_CHARACTERS]
        problem = f"not valid JSON at {shown(rest)}" if rest.strip() else "the JSON ends too early"
        place = f"line {error.lineno}, column {error.colno}"
        raise UserError(f"{where}, {place}: {problem}; correct it") from error
    except _NotAllowed as error:
        raise UserError(f"{where}: not valid JSON ({error}); correct it") from error
    except RecursionError as error:
        raise UserError(f"{where}: not valid JSON (nested too deeply); correct it") from error


def shown_json(value: Any) -> str:
    """A value as an error may quote it: as JSON writes it, texts as ``shown``."""
    if isinstance(value, str):
        return shown(value)
    try:
        text = json.dumps(value).replace(
            "\x7f", "\\u007f"
        )  # the one such character that JSON leaves as it is
    except RecursionError:
        return "a value that is nested too deeply"
    long = len(text) > SHOWN_CHARACTERS
    return f"{text[:SHOWN_CHARACTERS]}... ({len(text)} characters)" if long else text


class _NotAllowed(Exception):
    """What JSON or its reader would take, and we do not."""


def _content(path: Path, where: str, max_bytes: int) -> bytes:
    try:
        if path.exists() and not path.is_file():
            raise UserError(f"{where} is not a regular file; name a JSON file")
        with path.open("rb") as file:
            content = file.read(max_bytes + 1)
    except UserError:
        raise
    except OSError as error:
        raise UserError(f"{where} cannot be read ({error.strerror}); name a JSON file") from error
    except ValueError as error:  # a zero byte, for instance
        raise UserError(f"{where} cannot be the name of a file; name a JSON file") from error
    if len(content) > max_bytes:
        size = f"{max_bytes >> 20} MiB" if max_bytes >> 20 else f"{max_bytes >> 10} KiB"
        raise UserError(f"{where} is larger than {size}; name a smaller one")
    return content


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) < len(pairs):
        names = [key for key, _ in pairs]
        repeated = next(key for key in names if names.count(key) > 1)
        raise _NotAllowed(f"the key {shown(repeated)} occurs twice")
    return fields


def _refuse_constant(name: str) -> NoReturn:
    raise _NotAllowed(f"{name} is not a number")


def _whole_number(digits: str) -> int:
    try:
        return int(digits)
    except ValueError:  # Python refuses some thousand digits, since reading them takes long
        raise _NotAllowed(f"a number of {len(digits)} digits") from None
