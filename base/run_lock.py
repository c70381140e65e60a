"""One run at a time in a folder: a lock that the system gives back however its holder ends."""

import contextlib
import logging
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path

from base.errors import UserError

try:
    import fcntl
except ImportError:  # Windows: there two runs in one folder are not noticed
    fcntl = None  # type: ignore[assignment]

logger = logging.getLogger("pinsage")


@contextlib.contextmanager
def locked(folder: Path, name: str, doing: str) -> Iterator[None]:
    """Hold the lock ``name`` of ``folder``, which is made where it is missing.

    The lock is the system's (``flock``), not the file: what a killed run leaves behind is a file that
    nobody holds, and the next run takes it. Systems and file systems without locks go unguarded.

    Args:
        folder: what must not be written by two at once.
        name: the lock file's name.
        doing: what the holder does, for whoever is refused: ``a training``.

    Raises:
        UserError: another process holds it; the text says which, and since when.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if fcntl is None:
        yield
        return
    path = folder / name
    descriptor = _take(path)
    holder = f"{doing}, process {os.getpid()} on {socket.gethostname()} since {time.strftime('%F %T')}"
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, holder.encode(), 0)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)  # before it is let go: whoever opens the name now makes a new file
        os.close(descriptor)


def _take(path: Path) -> int:
    """Open and lock the file that has this name, also after its holder removed it meanwhile."""
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(descriptor, 500).decode(errors="replace") or "another run"
            os.close(descriptor)
            raise UserError(
                f"{path.parent} is in use ({holder}); wait for it to end, or give another --checkpoint_dir"
            ) from None
        except OSError as error:
            logger.debug("%s cannot be locked: %s", path, error)
        with contextlib.suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(descriptor), path.stat()):
                return descriptor
        os.close(descriptor)
