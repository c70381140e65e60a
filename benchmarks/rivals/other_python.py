"""A program in another Python environment that takes and gives messages, a line of JSON each."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

from base.errors import UserError, WorldError


class OtherPython:
    """A running script of another environment.

    Args:
        command: the Python of the environment, the script and its arguments.
        name: of the library that the environment is for; errors begin with it.
        install: what to install where the Python is not there.
        errors: the file that takes what the script writes to stderr.
        environment: variables beside those of this process.

    Raises:
        UserError: there is no such Python.
    """

    def __init__(
        self,
        command: list[str],
        name: str,
        install: str,
        errors: Path,
        environment: dict[str, str] | None = None,
    ):
        self.name = name
        self._errors = errors.open("w", encoding="utf-8")
        try:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._errors,
                text=True,
                env=os.environ | (environment or {}),
            )
        except OSError as error:
            self._errors.close()
            raise UserError(f"cannot run {command[0]} ({error.strerror}); {install}") from None

    def send(self, message: dict[str, Any]) -> None:
        """Send a message; if the script has ended, the next ``answer`` says why."""
        assert self._process.stdin is not None
        try:
            print(json.dumps(message), file=self._process.stdin, flush=True)
        except BrokenPipeError:
            pass  # the answer says why

    def answer(self) -> dict[str, Any]:
        """The next message of the script.

        Raises:
            UserError: it has ended with the exit code 2; its last line of stderr is the reason.
            WorldError: it has ended with another one.
        """
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if line:
            message: dict[str, Any] = json.loads(line)
            return message
        code = self._process.wait()
        said = Path(self._errors.name).read_text(encoding="utf-8", errors="replace").strip().splitlines()
        reason = said[-1].removeprefix("error: ") if said else f"exit code {code}"
        raise (UserError if code == 2 else WorldError)(f"{self.name}: {reason}")

    def end(self, at_once: bool) -> None:
        """Let the script end, which it does after its last message, or end it ``at_once``."""
        assert self._process.stdin is not None
        if at_once:
            self._process.terminate()
        try:
            self._process.stdin.close()
        except BrokenPipeError:
            pass
        self._process.wait()
        self._errors.close()
