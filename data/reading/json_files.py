"""JSON files that a person wrote: every way to be none is one line that says what to do."""

import json
from pathlib import Path
from typing import Any, NoReturn

from base.errors import UserError
from data.reading.source_files import shown, shown_path

LARGEST_FILE = 64 * 2**20  # bytes; a film with a million ratings takes less


def read_json(path: Path) -> Any:
    """The value in a JSON file, stricter than ``json``: no key twice, no NaN, nothing that is no text.

    Raises:
        UserError: the file cannot be read or holds no such value.
    """
    where = shown_path(path)
    try:
        if path.exists() and not path.is_file():
            raise UserError(f"{where} is not a regular file; name a JSON file")
        with path.open("rb") as file:
            content = file.read(LARGEST_FILE + 1)
    except UserError:
        raise
    except (OSError, ValueError) as error:  # ValueError: a name that no file can have
        reason = getattr(error, "strerror", None) or error
        raise UserError(f"{where} cannot be read ({reason}); name a JSON file") from error
    if len(content) > LARGEST_FILE:
        raise UserError(f"{where} is larger than {LARGEST_FILE >> 20} MiB; name a smaller one")
    try:
        return json.loads(
            content.decode("utf-8-sig"), object_pairs_hook=_without_repeats, parse_constant=_no_constant
        )
    except UnicodeDecodeError as error:
        raise UserError(f"{where} is not UTF-8 text at byte {error.start}; save it as UTF-8") from error
    except json.JSONDecodeError as error:
        raise UserError(
            f"{where}, line {error.lineno}, column {error.colno}: no JSON ({error.msg}); correct it"
        ) from error
    # A repeated key, NaN, a number of 5,000 digits; 1,000 brackets.
    except (ValueError, RecursionError) as error:
        reason = "nested too deeply" if isinstance(error, RecursionError) else str(error).split(";")[0]
        raise UserError(f"{where}: no JSON ({reason}); correct it") from error


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) < len(pairs):
        names = [key for key, _ in pairs]
        raise ValueError(f"the key {shown(next(key for key in names if names.count(key) > 1))} twice")
    return fields


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number")
