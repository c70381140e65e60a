"""Parsed columns on disk, so that a second start does not parse again: .npy and JSON files, no code.

An entry is named after the content that it was parsed from, and has a digest of each of its files. It is
written under a temporary name and then renamed. If anything goes wrong here, the source is parsed again.
"""

import contextlib
import hashlib
import json
import logging
import os
import re
import secrets
import shutil
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import numpy as np

from base.errors import UserError
from data.reading.columns import Columns
from data.reading.source_files import open_source

logger = logging.getLogger("pinsage")

FORMAT = 4  # raise it whenever the same source gives other columns than before
FOLDER = ".cache"
USER_FOLDER = "pinsage-movielens"
MANIFEST = "manifest.json"
TEXTS = "texts.json"
DIGEST_BYTES = 16
STALE_SECONDS = 24 * 3600
HASHING_THREADS = 4  # hashing releases the interpreter's lock


def content_fingerprint(paths: Iterable[Path]) -> str:
    """Hex digest of the files' names and content.

    Raises:
        UserError: one of them cannot be opened.
    """
    ordered = sorted(paths, key=lambda path: path.name)
    listing = [[path.name, digest] for path, digest in zip(ordered, _digests(ordered), strict=True)]
    return hashlib.blake2b(json.dumps(listing).encode(), digest_size=DIGEST_BYTES).hexdigest()


def load_columns(data_dir: Path, fingerprint: str) -> Columns | None:
    """The entry of a fingerprint, its arrays memory-mapped read-only; None if there is no sound one."""
    for entry in _places(data_dir, fingerprint):
        try:
            return _read_entry(entry)
        except FileNotFoundError:
            continue
        except (OSError, ValueError, KeyError, TypeError, UserError) as error:
            logger.debug("cache %s is not usable, parsing again: %s", entry, error)
    return None


def store_columns(data_dir: Path, fingerprint: str, columns: Columns) -> None:
    """Keep the columns beside the data, or else in the user's cache directory, or else nowhere."""
    for entry in _places(data_dir, fingerprint):
        try:
            _write_entry(entry, columns)
            if entry.parent.parent == data_dir:
                _remove_others(entry)
            return
        except OSError as error:
            logger.debug("cannot keep the parsed columns in %s: %s", entry, error)


def _places(data_dir: Path, fingerprint: str) -> Iterator[Path]:
    name = f"{fingerprint}-{FORMAT}"
    yield data_dir / FOLDER / name
    base = os.environ.get("XDG_CACHE_HOME", "")
    with contextlib.suppress(RuntimeError):  # an account without a home
        yield (Path(base) if os.path.isabs(base) else Path.home() / ".cache") / USER_FOLDER / name


def _digests(paths: list[Path]) -> list[str]:
    def digest(path: Path) -> str:
        with open_source(path) as file:
            return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=DIGEST_BYTES)).hexdigest()

    with ThreadPoolExecutor(HASHING_THREADS) as pool:
        return list(pool.map(digest, paths))


def _read_json(path: Path) -> dict[str, Any]:
    content = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(content, dict):
        raise ValueError(f"{path.name} is not a JSON object")
    return content


def _read_entry(entry: Path) -> Columns:
    """The entry. Any error means that it differs from what was written."""
    manifest = _read_json(entry / MANIFEST)
    names = sorted(manifest)
    if sorted(os.listdir(entry)) != sorted([*names, MANIFEST]):
        raise ValueError("files are missing, or do not belong to it")
    if any((entry / name).stat().st_size != manifest[name]["bytes"] for name in names):
        raise ValueError("the size of a file has changed")
    for name, digest in zip(names, _digests([entry / name for name in names]), strict=True):
        if digest != manifest[name]["digest"]:
            raise ValueError(f"{name} has changed")
    arrays = {
        unquote(name.removesuffix(".npy")): np.asarray(
            np.load(entry / name, mmap_mode="r", allow_pickle=False)
        )
        for name in names
        if name != TEXTS
    }
    return Columns(arrays, _read_json(entry / TEXTS))


def _write_entry(entry: Path, columns: Columns) -> None:
    temporary = entry.parent / f".{entry.name}.{secrets.token_hex(8)}"
    temporary.mkdir(parents=True)
    try:
        for name, array in columns.arrays.items():
            np.save(temporary / f"{quote(name, safe='')}.npy", array, allow_pickle=False)
        (temporary / TEXTS).write_text(json.dumps(columns.texts, ensure_ascii=False), encoding="utf-8")
        files = sorted(temporary.iterdir())
        manifest = {
            file.name: {"bytes": file.stat().st_size, "digest": digest}
            for file, digest in zip(files, _digests(files), strict=True)
        }
        (temporary / MANIFEST).write_text(json.dumps(manifest, indent=1), encoding="utf-8")
        if entry.exists():  # it is damaged, or it would have been used
            shutil.rmtree(entry)
        temporary.rename(entry)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _remove_others(entry: Path) -> None:
    """Remove the older entries of a data folder, half a gigabyte each at 25 million ratings.

    What a killed process left is removed after a day; before that, the process might still be writing.
    """
    for other in entry.parent.iterdir():
        superseded = other != entry and re.fullmatch(r"[0-9a-f]{32}-[0-9]+", other.name)
        unfinished = re.fullmatch(r"\.[0-9a-f]{32}-[0-9]+\.[0-9a-f]{16}", other.name)
        if superseded or (unfinished and time.time() - other.stat().st_mtime > STALE_SECONDS):
            shutil.rmtree(other, ignore_errors=True)
