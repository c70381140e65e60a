"""Every command in the documents is one that works; those that take seconds are run."""

import csv
import importlib
import io
import json
import re
import subprocess
import sys
from dataclasses import fields
from importlib.util import find_spec

import pytest

from commands.entry import main_train
from config import Config
from tests.commands.test_commands import FAST
from tests.documents.commands import (
    OTHER_FLAGS,
    PARSE_PROGRAMS,
    commands_of,
    in_blocks,
    is_known,
    parse_script,
    program_flags,
    script_flags,
    split_line,
)
from tests.documents.pages import ROOT, pages, parse
from tests.planted import planted_movielens

NEEDS = {"examples.load_qdrant": "qdrant_client"}  # of requirements-stores.txt
LANGUAGES = {"bash", "python", "text", "json", "yaml"}
# Films of ml-100k that the documents ask for, with their ids.
TITLES = {
    1: "Toy Story (1995)",
    50: "Star Wars (1977)",
    71: "Lion King, The (1994)",
    127: "Godfather, The (1972)",
    183: "Alien (1979)",
    195: "Terminator, The (1984)",
    273: "Heat (1995)",
}
SETTINGS = {
    f"--{setting.name}" for part in fields(Config) for setting in fields(getattr(Config(), part.name))
}


@pytest.mark.parametrize("page", pages(), ids=str)
def test_every_block_says_its_language(page):
    assert {(block.line, block.language) for block in page.blocks if block.language not in LANGUAGES} == set()
    for text in page.in_language("json"):
        json.loads(text)


def assert_works(command, monkeypatch):
    """A command is a script of ours with right flags, a program that another test parses, or on the list."""
    if ours := script_flags(command.words):
        try:
            parse_script(*ours, monkeypatch)
        except SystemExit as stop:
            assert stop.code == 0, command.line
    elif not program_flags(command.words):
        assert is_known(command.words), f"not on the list: {command.line}"


@pytest.mark.parametrize("page", pages(), ids=str)
def test_every_command_is_known_and_its_flags_are_right(page, monkeypatch, capsys):
    for command in commands_of(page):
        assert_works(command, monkeypatch)


def test_the_commands_of_benchmarks_and_examples_parse():
    found = [flags for page in pages() for c in commands_of(page) if (flags := program_flags(c.words))]
    programs = {
        ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for folder in ("benchmarks", "examples")
        for path in (ROOT / folder).rglob("*.py")
        if "def main(" in path.read_text(encoding="utf-8")
    }
    assert programs == {name for name, _ in found}, "a document shows how to run each of them, and no other"
    commands = [*found, *((name, ["--help"]) for name in sorted(programs))]
    missing = {name for name, package in NEEDS.items() if find_spec(package) is None}
    done = parsed([command for command in commands if command[0] not in missing])
    assert done.returncode == 0, done.stderr


def parsed(commands):
    """The process that parses commands, of which each is a module and its flags."""
    code = [sys.executable, "-c", PARSE_PROGRAMS]
    return subprocess.run(code, input=json.dumps(commands), cwd=ROOT, capture_output=True, text=True)


@pytest.mark.parametrize("page", pages(), ids=str)
def test_every_flag_that_is_named_exists(page):
    named = {word for code in page.codes for word in re.findall(r"(?<!\S)--\w[\w-]*", code)}
    assert named <= SETTINGS | OTHER_FLAGS


@pytest.mark.parametrize(
    "text",
    [
        "```bash\npython train.py --epoch 3\n```",
        "```bash\npython main.py --mode evaluates\n```",
        "```bash\npython main.py --mode train --epochs 0\n```",
        "```bash\npython trains.py\n```",
        "```bash\nconda install torch\n```",
        "```bash\npip install x && condo install torch\n```",
        "```bash\nprintf '1' | python inference.py --movie 1\n```",
        "```bash\nX=1 python inference.py \\\n  --movie 1\n```",
        "see `python inference.py --movie 1`",
        "see `main.py --mode\ninferences`",
        "see `conda install -y torch`",
        "see `python -m benchmark.walks`",
    ],
)
def test_a_wrong_command_is_found(text, monkeypatch, capsys):
    with pytest.raises(AssertionError):
        for command in commands_of(parse(ROOT / "x.md", text)):
            assert_works(command, monkeypatch)


def test_a_benchmark_with_a_wrong_flag_is_found():
    done = parsed([("benchmarks.swap_roles", ["a", "b"]), ("benchmarks.swap_roles", ["a"])])
    assert done.returncode == 1 and "refused: benchmarks.swap_roles a\n" in done.stderr


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder as ``run.py`` leaves it, with few films, those of the documents among them."""
    folder = tmp_path_factory.mktemp("documents")
    data = planted_movielens(folder / "data" / "ml-100k", num_users=330, num_movies=510, per_user=24)
    with (data / "movies.csv").open(newline="", encoding="utf-8") as file:
        header, *rows = csv.reader(file)
    with (data / "movies.csv").open("w", newline="", encoding="utf-8") as file:
        named = [[movie, TITLES.get(int(movie), title), genres] for movie, title, genres in rows]
        csv.writer(file, lineterminator="\n").writerows([header, *named])
    argv = ["--data_dir", str(data), "--epochs", "1", "--checkpoint_dir", str(folder / "checkpoints")]
    assert main_train([*argv, "--output_dir", str(folder / "output"), *FAST]) == 0
    (folder / "ids.txt").write_text("1\n50\n")
    (folder / "orders.csv").write_text(
        (data / "ratings.csv").read_text().replace("userId,movieId", "customer,product")
    )
    for text in (text for page in pages() for text in page.in_language("json")):
        if title := json.loads(text).get("title"):
            (folder / f"{title.lower()}.json").write_text(text)
    return folder


def is_quick(words):
    """Whether a command asks a trained model something and ends, with what ``folder`` has."""
    script, flags = script_flags(words) or ("", [])
    mode = "inference" if script == "inference" else flags[1] if flags[:1] == ["--mode"] else None
    data = {word for word in flags if word.startswith("data/")}
    there = (
        {"data/ml-100k"} if mode == "evaluate" else {"data/ml-100k", "data/ml-25m"}
    )  # inference needs none
    return mode in ("inference", "export", "evaluate") and data <= there


def skip_without_extras(page):
    """Skip the page of the other stores where their packages are not installed."""
    if page.path.name == "stores.md":
        for package in ("usearch", "lancedb", "qdrant_client", "onnx", "onnxscript", "onnxruntime"):
            pytest.importorskip(
                package, reason=f"{package} is missing: pip install -r requirements-stores.txt"
            )


@pytest.mark.parametrize("page", [page for page in pages() if page.path.name != "own_data.md"], ids=str)
def test_the_commands_that_take_seconds_run(page, folder, monkeypatch, capsys):
    skip_without_extras(page)
    monkeypatch.chdir(folder)
    for line in in_blocks(page):
        *before, words = split_line(line)
        if words[0] == "echo":
            subprocess.run(line, shell=True, check=True)
        elif words[:2] == ("python", "-c"):
            exec(words[2], {})
        elif is_quick(words):
            if before and before[-1][0] == "printf":
                typed = subprocess.run(before[-1], capture_output=True, check=True).stdout
                monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(typed)))
            script, flags = script_flags(words)
            assert importlib.import_module(script).main([*flags, "--quiet"]) == 0, line
            assert capsys.readouterr().out, line


@pytest.mark.parametrize("page", [page for page in pages() if page.in_language("python")], ids=str)
def test_the_python_in_the_documents_runs(page, folder, monkeypatch, capsys):
    skip_without_extras(page)
    monkeypatch.chdir(folder)
    typed = [flags for command in commands_of(page) if (flags := script_flags(command.words))]
    exports = [flags for _, flags in typed if flags[:2] == ["--mode", "export"]]
    for flags in [["--mode", "export"], *exports]:
        assert importlib.import_module("main").main([*flags, "--quiet"]) == 0
    names = {}
    for text in page.in_language("python"):
        exec(compile(text, str(page), "exec"), names)
