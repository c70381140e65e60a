"""A folder with data and a model trained on them, and what inference answers there.

Use it as ``from tests.workspaces import ask, trained``. Trainings are as fast as those of ``test_commands``.
"""

from pathlib import Path

import pytest

from commands.entry import main_inference, main_train
from tests.commands.test_commands import FAST, flags


def trained(folder: Path, *argv: str, data: str = "planted") -> Path:
    """The folder, after a training on its subfolder ``data``."""
    assert main_train([*flags(folder, data), *argv, *FAST]) == 0
    return folder


def ask(folder: Path, capsys: pytest.CaptureFixture[str], *argv: str, data: str = "planted") -> str:
    """What inference prints."""
    capsys.readouterr()
    assert main_inference([*flags(folder, data), *argv]) == 0
    return capsys.readouterr().out
