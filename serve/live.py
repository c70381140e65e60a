"""The model that is served, and the thread that keeps it up to date with the files of its folder."""

import gc
import hashlib
import logging
import threading
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from starlette.types import ASGIApp

from base.errors import UserError, WorldError
from model.checkpoint import BEST, read_checkpoint_file
from recommend.added_films import ADDED

logger = logging.getLogger("pinsage")

CHECK_SECONDS = 1.0


class Served(NamedTuple):
    """An application that answers from one model, which never changes.

    Attributes:
        app: the application.
        fingerprint: of the model's files; empty while no model is loaded.
        what: the model in a few words.
    """

    app: ASGIApp
    fingerprint: str = ""
    what: str = ""


class Live:
    """The application that answers now. Whoever reads ``served`` once has one model from then on.

    ``best.pt`` is read whole and never mapped: a copy that is written over it in place would change mapped
    vectors, or end the process.

    Args:
        folder: of ``best.pt`` and ``added.json``.
        load: makes an application from the content of ``best.pt``, the films of ``added.json`` in the folder
            and the fingerprint of both.
        loading: the application until the first model is there.
        noted: called in the thread after each attempt, with ``taken`` or ``refused`` and the fingerprint that
            is served then.
    """

    def __init__(
        self,
        folder: Path,
        load: Callable[[bytes, str], Served],
        loading: ASGIApp,
        noted: Callable[[str, str], None] | None = None,
    ):
        self.folder = folder
        self.served = Served(loading)
        self.failure: Exception | None = None
        self.tried = threading.Event()  # the first model is served, or `failure` says why not
        self._load = load
        self._noted = noted or (lambda outcome, fingerprint: None)
        self._asked = threading.Event()
        self._marks = self._current_marks()

    def start(self, then: Callable[[], None]) -> None:
        """Load the first model and watch the files, in a thread that no exit waits for.

        Args:
            then: called when the first model is served, or when it could not be loaded: see ``failure``.
        """
        threading.Thread(target=self._run, args=(then,), daemon=True).start()

    def look_now(self) -> None:
        """Look at the files at once. May be called by a signal handler."""
        self._asked.set()

    def _run(self, then: Callable[[], None]) -> None:
        try:
            self._renew()
        except Exception as error:
            self.failure = error
        then()
        self.tried.set()
        while self.failure is None:
            asked = self._asked.wait(CHECK_SECONDS)
            self._asked.clear()
            if asked or self._current_marks() != self._marks:
                self._try_to_renew()

    def _current_marks(self) -> list[tuple[int, int, int] | None]:
        """What changes if somebody writes the files."""
        return [_mark(self.folder / name) for name in (BEST, ADDED)]

    def _try_to_renew(self) -> None:
        try:
            renewed = self._renew()
        except Exception as error:
            known = isinstance(error, UserError | WorldError)
            reason = error if known else f"unexpected {type(error).__name__}: {error}"
            logger.error("the new model is refused, the one before still answers: %s", reason)
            logger.debug("details:", exc_info=not known)
            self._noted("refused", self.served.fingerprint)
        else:
            if renewed:
                logger.info("new model %s: %s", self.served.fingerprint, self.served.what)

    def _renew(self) -> bool:
        """Serve what the files hold now; false if that is the model served already."""
        self._marks = self._current_marks()
        while True:
            best, added = read_checkpoint_file(self.folder / BEST), _content(self.folder / ADDED)
            fingerprint = model_fingerprint(best, added)
            if fingerprint == self.served.fingerprint:
                return False
            served = self._load(best, fingerprint)
            if _content(self.folder / ADDED) == added:  # else the fingerprint would be that of other films
                break
        self.served = served
        self._noted("taken", fingerprint)
        gc.collect()  # an application has cycles; without this, the model before would stay for long
        return True


def model_fingerprint(best: bytes, added: bytes) -> str:
    """The first 16 hex digits of the SHA-256 of ``best.pt`` followed by ``added.json``."""
    return hashlib.sha256(best + added).hexdigest()[:16]


def _content(path: Path) -> bytes:
    return path.read_bytes() if path.exists() else b""


def _mark(path: Path) -> tuple[int, int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_ino, status.st_mtime_ns, status.st_size
