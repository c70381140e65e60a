"""The folder in which several processes add up their metrics; it ends with the server, however that ends."""

import contextlib
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import filelock

from serve.metrics import FOLDER

PREFIX = "pinsage-metrics-"
LOCK = "lock"
NEW_SECONDS = 60.0  # a server may not have locked its folder yet


@contextlib.contextmanager
def metrics_folder() -> Iterator[Path]:
    """A folder that the environment names for the processes started meanwhile.

    The operating system holds its lock until this process ends. So folders without a holder are those of
    servers that were killed, and are removed first.
    """
    _remove_left()
    with (
        tempfile.TemporaryDirectory(prefix=PREFIX) as name,
        filelock.FileLock(Path(name) / LOCK),
    ):
        os.environ[FOLDER] = name
        try:
            yield Path(name)
        finally:
            del os.environ[FOLDER]


def _remove_left() -> None:
    """Remove the folders of servers that were killed; those of other users, and without a lock, stay."""
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError, filelock.Timeout):
            lock = (folder / LOCK).stat()
            # Systems without such owners keep the temporary files of each user apart.
            is_own = not hasattr(os, "getuid") or lock.st_uid == os.getuid()
            if is_own and time.time() - lock.st_mtime > NEW_SECONDS:
                with filelock.FileLock(folder / LOCK, timeout=0):
                    shutil.rmtree(folder, ignore_errors=True)
