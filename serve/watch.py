"""The thread that loads the models of a server and takes over new ones."""

import gc
import threading
from collections.abc import Callable, Sequence
from typing import Any

from serve.live import Live

CHECK_SECONDS = 1.0


class Watch:
    """Keeps models up to date with their files, each for itself: one that is refused holds up no other.

    Args:
        models: in the order in which they are loaded.
    """

    def __init__(self, models: Sequence[Live[Any]]):
        self.models = models
        self.failure: Exception | None = None
        self.tried = threading.Event()  # the first models are served, or `failure` says why not
        self._asked = threading.Event()

    def start(self, then: Callable[[], None]) -> None:
        """Load the first models and watch their files, in a thread that no exit waits for.

        Args:
            then: called when the first models are served, or when one could not be loaded: see ``failure``.
        """
        threading.Thread(target=self._run, args=(then,), daemon=True).start()

    def look_now(self) -> None:
        """Look at the files at once. May be called by a signal handler."""
        self._asked.set()

    def _run(self, then: Callable[[], None]) -> None:
        gc.freeze()  # modules stay; a collection need not look at them again and is ten times as fast
        try:
            for model in self.models:
                model.renew()
        except Exception as error:
            self.failure = error
        then()
        self.tried.set()
        while self.failure is None:
            asked = self._asked.wait(CHECK_SECONDS)
            self._asked.clear()
            for model in self.models:
                if asked or model.has_changed():
                    model.try_to_renew()
