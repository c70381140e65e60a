"""Files that several processes may want: written whole or not at all, and by one process at a time."""

import contextlib
import errno
import json
import logging
import os
import secrets
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import filelock

from base.errors import UserError

logger = logging.getLogger("pinsage")

PATIENCE = 0.2  # seconds to wait for a lock: its holder may be just about to release it
DISK_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
NO_LOCKS = frozenset({errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP})  # of a file system, some network ones


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """Open a file for writing that takes the place of ``path`` at the end.

    Whoever reads ``path`` meanwhile finds the old file or the new one, never a part. A process that is killed
    leaves ``.<name>.<process>-<token>.tmp`` behind.

    Raises:
        OSError: the file could not be written. The old one is unchanged. The error names ``path`` and has the
            system's own reason, also where the library that writes hides it, as PyTorch does.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}-{secrets.token_hex(4)}.tmp")
    try:
        with temporary.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except (OSError, RuntimeError) as error:
        cause: BaseException | None = error
        while cause is not None and not (isinstance(cause, OSError) and cause.errno):
            cause = cause.__context__
        if cause is None:
            raise
        assert isinstance(cause, OSError)
        raise OSError(cause.errno, cause.strerror, str(path)) from error
    finally:
        temporary.unlink(missing_ok=True)


def write_problem(error: OSError) -> str:
    """Why a file could not be written, in words for an error message."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "the disk is full"
    if error.errno == errno.EFBIG:
        return "the disk is full or does not take files of this size"
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return "writing there is not allowed"
    return error.strerror or "the system gives no reason"


def write_json(report: dict[str, Any], path: Path) -> None:
    """Write a report for other programs. Its folder is created if it is missing.

    Raises:
        OSError: the file could not be written. The old one is unchanged.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as file:
        file.write(json.dumps(report, indent=2).encode() + b"\n")


@contextlib.contextmanager
def locked(folder: Path, name: str, doing: str, setting: str = "checkpoint_dir") -> Iterator[None]:
    """Hold the lock ``name`` of ``folder``. The folder is created if it is missing.

    The operating system holds the lock, so it ends with the process, however that ends. The file itself
    stays and means nothing. A second file, ``<name>.holder``, says who holds the lock; it is read only while
    somebody does. A file system without locks goes unguarded.

    Args:
        folder: what two processes must not write at once.
        name: name of the lock file.
        doing: what the holder does, for the process that is refused: ``a training``.
        setting: the one that names the folder.

    Raises:
        UserError: another process holds the lock. The message says which, and since when.
        OSError: the lock file could not be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    holder = folder / f"{name}.holder"
    lock = filelock.FileLock(folder / name, timeout=PATIENCE, fallback_to_soft=False)
    try:
        lock.acquire()
    except filelock.Timeout:
        raise UserError(
            f"{folder} is in use ({_read_holder(holder)}); wait for it to end, or give another `{setting}`"
        ) from None
    except OSError as error:
        if error.errno not in NO_LOCKS:
            raise
        logger.debug("%s cannot be locked: %s", folder / name, error)
    try:
        _write_holder(holder, doing)
        yield
    finally:
        with contextlib.suppress(OSError):
            holder.unlink()  # before the release: afterwards it may be the next holder's
        lock.release()


def _write_holder(path: Path, doing: str) -> None:
    """Say who holds the lock. The lock does not depend on it, so a full disk is not an error here."""
    since = time.strftime("%Y-%m-%d %H:%M:%S")
    try:
        path.unlink(missing_ok=True)  # of a process that was killed
        with replacing(path) as file:
            file.write(f"{doing}, process {os.getpid()} on {socket.gethostname()} since {since}".encode())
    except OSError as error:
        logger.debug("%s cannot be written: %s", path, error)


def _read_holder(path: Path) -> str:
    try:
        return path.read_bytes()[:500].decode(errors="replace") or "another process"
    except OSError:
        return "another process"
