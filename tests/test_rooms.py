"""The rooms of the code: each imports only rooms before it, and nobody inside uses the three doors."""

import ast
import re
from dataclasses import fields
from pathlib import Path

import pytest

from commands.modes import COMMANDS, RUN
from config import Config

ROOT = Path(__file__).resolve().parent.parent
ORDER = [
    "config",
    "base",
    "data",
    "model",
    "search",
    "blocks",
    "report",
    "recommend",
    "evaluation",
    "serve",
    "commands",
]
ALLOWED = {room: set(ORDER[: place + 1]) for place, room in enumerate(ORDER)}
ALLOWED |= {"search": {"config", "base", "search"}, "report": {"config", "base", "data", "report"}}
SETTINGS = {f.name for section in fields(Config) for f in fields(getattr(Config(), section.name))}
MODULES = [ROOT / "config.py", *(path for room in ORDER[1:] for path in sorted((ROOT / room).rglob("*.py")))]


def imported_modules(source: str) -> list[tuple[int, str]]:
    """Every imported module with its line, wherever it stands: in functions and under TYPE_CHECKING too."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found += [(node.lineno, alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"line {node.lineno}: imports are absolute"
            found += [(node.lineno, f"{node.module}.{alias.name}") for alias in node.names]
            found.append((node.lineno, str(node.module)))
    return found


def forbidden(room: str, source: str) -> list[str]:
    """The imports of a module of ``room`` that its walls do not allow."""
    ours = {*ORDER, "utils", "tests", "benchmarks", "examples", "pinsage"}
    return [
        f"line {line}: {name}"
        for line, name in imported_modules(source)
        if (top := name.split(".")[0]) in ours and top not in ALLOWED[room]
    ]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_a_room_imports_only_rooms_before_it(path):
    room = path.relative_to(ROOT).parts[0].removesuffix(".py")
    assert forbidden(room, path.read_text(encoding="utf-8")) == []


def test_the_check_finds_imports_wherever_they_stand():
    source = (
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from model.heads import Embeddings\n"
        "def f():\n    import utils.evaluation\n    from data import dataset\n"
    )
    assert forbidden("search", source) == [
        "line 3: model.heads.Embeddings",
        "line 3: model.heads",
        "line 5: utils.evaluation",
        "line 6: data.dataset",
        "line 6: data",
    ]
    assert forbidden("config", "import base.errors") == ["line 1: base.errors"]


def test_commands_do_not_import_commands():
    commands = {place.split(":")[0] for place in (*COMMANDS.values(), RUN)} | {"commands.download"}
    for path in sorted((ROOT / "commands").glob("*.py")):
        names = {name for _, name in imported_modules(path.read_text(encoding="utf-8"))}
        assert not names & commands, path.name


def test_the_doors_hold_what_they_always_held():
    from utils import evaluation, nearest_neighbors, random_walk

    for door in (evaluation, nearest_neighbors, random_walk):
        assert all(hasattr(door, name) for name in door.__all__)
    assert {"RandomWalkSampler"} <= set(random_walk.__all__)
    assert {"evaluate", "rank_targets", "EmbeddingScorer", "sample_questions"} <= set(evaluation.__all__)
    assert {"ExactIndex", "LSHIndex", "WeakANDIndex", "SearchResult"} <= set(nearest_neighbors.__all__)


def test_tests_stand_in_folders_named_like_the_rooms():
    folders = {path.parent.name for path in (ROOT / "tests").glob("*/test_*.py")}
    assert folders <= set(ORDER) | {"benchmarks", "documents", "examples"}


def texts(source: str) -> list[tuple[int, str]]:
    """The texts of a module with their lines, docstrings left out."""
    tree = ast.parse(source)
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    return [
        (node.lineno, node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings
    ]


@pytest.mark.parametrize("path", MODULES[1:], ids=lambda path: path.relative_to(ROOT).as_posix())
def test_only_commands_speak_of_flags(path):
    """Other rooms name a setting in backticks, and ``commands.cli.as_flags`` makes a flag of it."""
    if path.relative_to(ROOT).parts[0] == "commands":
        return
    flags = re.compile("--(?:" + "|".join(sorted(SETTINGS)) + r")\b")
    found = [(line, text) for line, text in texts(path.read_text(encoding="utf-8")) if flags.search(text)]
    assert [(line, text) for line, text in found if not flags.fullmatch(text)] == []  # pip has --quiet too
