"""A model that is served, kept up to date with the files of its folder."""

import gc
import hashlib
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Generic, NamedTuple, TypeVar

from starlette.types import ASGIApp

from base.errors import UserError, WorldError
from model.checkpoint import BEST, Checkpoint, load_checkpoint, read_checkpoint_file
from recommend.added_films import ADDED, with_added_films

logger = logging.getLogger("pinsage")

S = TypeVar("S")


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


class Live(Generic[S]):
    """What is served of a model now. Whoever reads ``served`` once has one model from then on.

    ``best.pt`` is read whole and never mapped: a copy that is written over it in place would change mapped
    vectors, or end the process.

    Args:
        folder: of ``best.pt`` and ``added.json``.
        load: makes what is served of a model and its fingerprint.
        served: what is served until the first model is there.
        noted: called after each attempt with ``taken`` or ``refused``, the fingerprint served before and the
            one served then.
    """

    def __init__(
        self,
        folder: Path,
        load: Callable[[Checkpoint, str], S],
        served: S,
        noted: Callable[[str, str, str], None] | None = None,
    ):
        self.folder = folder
        self.served = served
        self.fingerprint = ""
        self._load = load
        self._noted = noted or (lambda outcome, before, now: None)
        self._marks = self._current_marks()

    def has_changed(self) -> bool:
        """Whether somebody has written the files since they were last read."""
        return self._current_marks() != self._marks

    def renew(self) -> bool:
        """Serve what the files hold now; false if that is the model served already.

        Raises:
            UserError: a file is missing, damaged or of another program.
        """
        self._marks = self._current_marks()
        while True:
            best, added = read_checkpoint_file(self.folder / BEST), _content(self.folder / ADDED)
            fingerprint = model_fingerprint(best, added)
            if fingerprint == self.fingerprint:
                return False
            checkpoint = with_added_films(load_checkpoint(self.folder / BEST, best), self.folder)
            if _content(self.folder / ADDED) == added:  # else the fingerprint would be that of other films
                break
        self.served = self._load(checkpoint, fingerprint)
        self._noted("taken", self.fingerprint, fingerprint)
        self.fingerprint = fingerprint
        gc.collect()  # an application has cycles; without this, the model before would stay for long
        return True

    def try_to_renew(self) -> None:
        """The same; a model that cannot be served is refused with a line in the log."""
        try:
            renewed = self.renew()
        except Exception as error:
            known = isinstance(error, UserError | WorldError)
            reason = error if known else f"unexpected {type(error).__name__}: {error}"
            logger.error("the new model is refused, the one before still answers: %s", reason)
            logger.debug("details:", exc_info=not known)
            self._noted("refused", self.fingerprint, self.fingerprint)
        else:
            if renewed:
                logger.info("new model %s from %s", self.fingerprint, self.folder)

    def _current_marks(self) -> list[tuple[int, int, int] | None]:
        """What changes if somebody writes the files."""
        return [_mark(self.folder / name) for name in (BEST, ADDED)]


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
