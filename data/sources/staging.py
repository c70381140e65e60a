"""A dataset folder appears whole or not at all, and a file in it says which dataset it is.

``staged`` starts anew after an interruption; ``resumed`` goes on, for data that take long to make.
"""

import contextlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from base.errors import UserError
from base.files import locked, write_json
from data.reading.formats import (
    CSV,
    FORMATS,
    MOVIE_COLUMNS,
    MOVIES_CSV,
    RATING_COLUMNS,
    RATINGS_CSV,
    RATINGS_FOLDER,
)

MARKER, LOCK = "dataset.json", ".lock"
HEADERS = {RATINGS_CSV: ",".join(RATING_COLUMNS), MOVIES_CSV: ",".join(MOVIE_COLUMNS)}
STALE_SECONDS = 24 * 3600


def write_marker(folder: Path, wanted: dict[str, Any], source: str) -> None:
    """Note beside the data which dataset it is, where it came from and how many bytes each file has."""
    sizes = {
        file.relative_to(folder).as_posix(): file.stat().st_size
        for file in sorted(folder.rglob("*"))
        if file.is_file() and file.name != MARKER and not file.name.startswith(LOCK)
    }
    note = {**wanted, "source": source, "files": sizes}
    (folder / MARKER).write_text(json.dumps(note, indent=1) + "\n", encoding="utf-8")


def _read_marker(folder: Path) -> dict[str, Any]:
    try:
        note = json.loads((folder / MARKER).read_text(encoding="utf-8"))
        return note if isinstance(note, dict) and isinstance(note.get("files"), dict) else {}
    except (OSError, ValueError):
        return {}


def _first_and_last_line(path: Path) -> tuple[str, str]:
    with path.open("rb") as file:
        first = file.readline(200)
        file.seek(max(0, path.stat().st_size - 1000))
        return first.decode("utf-8", "replace").strip(), file.read().decode("utf-8", "replace")


def _defect(folder: Path) -> str | None:
    """What is missing or damaged in a non-empty folder, as far as a few reads show it; None if nothing."""
    for form in FORMATS:
        if form is not CSV and all((folder / name).is_file() for name in form.required):
            return None  # a release as GroupLens ships it, which the reader takes as it is
    sizes = _read_marker(folder).get("files", {})
    in_parts = any(name.startswith(f"{RATINGS_FOLDER}/") for name in sizes)
    for name, header in HEADERS.items():
        path = folder / name
        if name == RATINGS_CSV and in_parts:
            continue
        if not path.is_file():
            return f"{name} is missing"
        first, tail = _first_and_last_line(path)
        if first.lstrip("\ufeff") != header:
            return f"{name} does not begin with {header}"
        if not tail.endswith("\n"):
            return f"{name} ends in the middle of a line"
    for name, size in sizes.items():
        if not (folder / name).is_file() or (folder / name).stat().st_size != size:
            return f"{name} has changed since it was made"
    return None


def is_complete(folder: Path, wanted: dict[str, Any]) -> bool:
    """Whether ``folder`` already has the dataset that is wanted.

    Args:
        folder: the dataset's folder; it need not exist.
        wanted: ``{"dataset": ...}``, for synthetic data with ``scale`` and ``seed``.

    Raises:
        UserError: something else is in the way; what to do with it is for the user to decide.
    """
    if not folder.exists():
        return False
    if not folder.is_dir():
        raise UserError(f"{folder} is a file; `data_dir` must name a folder")
    if not any(folder.iterdir()):
        return False
    if defect := _defect(folder):
        raise UserError(
            f"{folder} is not empty and not a complete dataset ({defect}); "
            "remove it or choose another `data_dir`"
        )
    note = _read_marker(folder)
    for name, value in wanted.items():
        if name in note and note[name] != value:
            raise UserError(
                f"{folder} has the {name} {note[name]}, not {value}; remove it or choose another `data_dir`"
            )
    return True


@contextlib.contextmanager
def staged(folder: Path) -> Iterator[Path]:
    """A temporary folder that becomes ``folder`` when the block ends well, and else disappears.

    It lies beside ``folder``, since renaming is atomic only within one file system. What a killed
    process left behind is removed after a day; before that, the process might still be running.
    """
    folder = folder.resolve()
    folder.parent.mkdir(parents=True, exist_ok=True)
    for old in folder.parent.glob(f".{folder.name}.*.partial"):
        if time.time() - old.stat().st_mtime > STALE_SECONDS:
            shutil.rmtree(old, ignore_errors=True)
    temporary = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", suffix=".partial", dir=folder.parent))
    try:
        yield temporary
        temporary.chmod(0o777 & ~_umask())  # mkdtemp's 0700 would hide the data from other accounts
        with contextlib.suppress(FileNotFoundError):
            folder.rmdir()  # is_complete has found it empty, or it is not there
        os.rename(temporary, folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


@contextlib.contextmanager
def resumed(folder: Path, wanted: dict[str, Any]) -> Iterator[Path]:
    """A folder ``<name>.partial`` that becomes ``folder`` when the block ends well, and else stays.

    The next run for the same dataset goes on with what is in it.

    Args:
        folder: the dataset's folder, empty or not there.
        wanted: as of ``is_complete``; the unfinished folder says it, too.

    Raises:
        UserError: the unfinished folder is of another dataset, or another process fills it.
    """
    folder = folder.resolve()
    partial = folder.with_name(f"{folder.name}.partial")
    with locked(partial, LOCK, "making a dataset", "data_dir"):
        found = _unfinished(partial)
        if found is None:
            write_json(wanted, partial / MARKER)
        elif found != wanted:
            raise UserError(
                f"{partial} is what an interrupted run left of another dataset ({_named(found)}, not "
                f"{_named(wanted)}); remove it or choose another `data_dir`"
            )
        yield partial
    (partial / LOCK).unlink(missing_ok=True)
    with contextlib.suppress(FileNotFoundError):
        folder.rmdir()  # is_complete has found it empty, or it is not there
    os.rename(partial, folder)


def _unfinished(partial: Path) -> dict[str, Any] | None:
    """What an unfinished folder says that it is to become; None if it is empty."""
    try:
        note = json.loads((partial / MARKER).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {} if any(not path.name.startswith(LOCK) for path in partial.iterdir()) else None
    # A run that is killed at its very end has noted the rest, too.
    return {name: value for name, value in note.items() if name not in ("source", "files")}


def _named(wanted: dict[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in wanted.items()) or "it does not say which"


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
