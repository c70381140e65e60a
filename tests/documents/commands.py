"""The command lines in the documents, and whether each is one that works."""

import argparse
import importlib
import re
import shlex
from collections.abc import Iterator
from typing import NamedTuple

from commands.cli import to_config
from tests.documents.pages import Page

SCRIPTS = ("download_dataset", "train", "inference", "main", "run")
# What a document may tell somebody to type besides our own scripts: program and first words.
KNOWN = (
    "pip install", "pip uninstall", "pip download", "pre-commit install", "../rectools/bin/pip install",
    "../dgl/bin/pip install",
    "python -m pip", "python -m venv", "python -m pytest", "python -m commands.settings_table",
    ". .venv/bin/activate", "bash .ci/run", "bash .ci/oldest",
    "ruff check", "ruff format", "mypy", "jupyter lab", "echo", "printf", "mkdir", "export",
    "psql",
    "python -m serve.health", "docker build", "docker run", "sha256sum",
    "ip netns", "ip link", "ip -n", "ray get-auth-token", "ray start", "ray stop", "ray up",
    "tensorboard --logdir",
)  # fmt: skip
# Flags in the documents that are not settings.
OTHER_FLAGS = {
    "--mode", "--help", "--no-build-isolation", "--nproc_per_node", "--skip", "--methods",
    "--rectools_python", "--dgl_python", "--no-deps", "--nnodes", "--node_rank", "--master_addr", "--logdir",
    "--url", "--against", "--read-only", "--tmpfs",
}  # fmt: skip

_ASSIGNMENT = re.compile(r"[A-Z_]+=\S*")
_PROGRAM = re.compile(r"[a-z][\w-]*(\.py)?")
_SEPARATORS = {"&&", "||", "|", ";", "&"}


class Command(NamedTuple):
    """One command of a command line."""

    page: Page
    line: str
    words: tuple[str, ...]


class Parsed(Exception):
    """A command line whose flags are right."""


def in_blocks(page: Page) -> list[str]:
    """The command lines of a page's shell blocks, a continued line joined."""
    text = "\n".join(page.in_language("bash")).replace("\\\n", " ")
    return [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]


def in_prose(page: Page) -> list[str]:
    """Inline code that is a command line: a known program and more words, or any word followed by a flag."""
    return [code for code in page.codes if _is_command(code)]


def _is_command(code: str) -> bool:
    words = code.split()
    while words and _ASSIGNMENT.fullmatch(words[0]):
        words = words[1:]
    if len(words) < 2 or not _PROGRAM.fullmatch(words[0]):
        return False
    known = words[0].endswith(".py") or words[0].startswith("python") or any(map(code.startswith, KNOWN))
    return known or any(re.match(r"--?[a-z]", word) for word in words[1:])


def commands_of(page: Page) -> Iterator[Command]:
    """Every command of a page."""
    for line in in_blocks(page) + in_prose(page):
        for words in split_line(line):
            yield Command(page, line, words)


def split_line(line: str) -> list[tuple[str, ...]]:
    """The commands of a line, without comments, redirections and assignments of environment variables."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars="|&;>")
    lexer.whitespace_split = True
    commands: list[list[str]] = [[]]
    words = iter(lexer)
    for word in words:
        if word in _SEPARATORS:
            commands.append([])
        elif word == ">":
            next(words)
        elif commands[-1] or not _ASSIGNMENT.fullmatch(word):
            commands[-1].append(word)
    return [tuple(words) for words in commands if words]


def script_flags(words: tuple[str, ...]) -> tuple[str, list[str]] | None:
    """Which of the five scripts a command runs, and its flags; None for another command."""
    if words[:3] == ("ip", "netns", "exec"):  # in a network namespace
        words = words[4:]
    names = [word.removesuffix(".py") if word.endswith(".py") else None for word in words]
    place = 1 if words[0] == "python" else 0
    if words[0] == "torchrun":  # its own flags come first, as --name=value
        place = next(place for place in range(1, len(words)) if not words[place].startswith("--"))
    if place >= len(words) or names[place] not in SCRIPTS:
        return None
    return str(names[place]), list(words[place + 1 :])


def program_flags(words: tuple[str, ...]) -> tuple[str, list[str]] | None:
    """Which benchmark or example a command runs, as a module, and its flags; None for another command."""
    if words[:2] == ("python", "-m") and words[2].startswith("benchmarks."):
        return words[2], list(words[3:])
    if words[0] == "python" and re.fullmatch(r"(benchmarks|examples)/\w+\.py", words[1]):
        return words[1].removesuffix(".py").replace("/", "."), list(words[2:])
    return None


def is_known(words: tuple[str, ...]) -> bool:
    """Whether a command is on the list of those that are not ours."""
    if words[:2] == ("python", "-c"):
        compile(words[2], "<document>", "exec")
        return True
    typed = " ".join(("python", *words[1:]) if words[0].startswith("python3") else words)
    return any(typed == known or typed.startswith(known + " ") for known in KNOWN)


def parse_script(script: str, flags: list[str], monkeypatch) -> None:
    """Send flags through a script's own parser, without running it.

    Raises:
        SystemExit: they are wrong (code 2), or they ask for help (code 0).
        UserError: they do not fit together.
    """
    original = argparse.ArgumentParser.parse_args

    def parse_only(self, args=None, namespace=None):
        raise Parsed(original(self, args, namespace))

    main = importlib.import_module(script).main
    with monkeypatch.context() as patch:
        patch.setattr(argparse.ArgumentParser, "parse_args", parse_only)
        try:
            main(flags)
        except Parsed as parsed:
            typed = vars(parsed.args[0])
            if typed.get("preset", "").endswith(".json"):  # it is not there yet
                del typed["preset"]
            to_config(typed)
        else:
            raise AssertionError(f"{script}.py ran without a parser")


# The same for benchmarks and examples, in a process of its own: some set the threads as they are imported.
PARSE_PROGRAMS = """
import argparse, importlib, json, sys

class Parsed(Exception):
    pass

original = argparse.ArgumentParser.parse_args

def parse_only(self, args=None, namespace=None):
    original(self, args, namespace)
    raise Parsed

argparse.ArgumentParser.parse_args = parse_only
for module, flags in json.load(sys.stdin):
    sys.argv = [module, *flags]
    try:
        importlib.import_module(module).main()
    except Parsed:
        continue
    except SystemExit as stop:
        if stop.code == 0 and "--help" in flags:
            continue
    except Exception as error:
        print(repr(error), file=sys.stderr)
    sys.exit(" ".join(["refused:", *sys.argv]))
"""
