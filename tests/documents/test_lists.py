"""Documents that list something list all of it, and the front page stays one."""

import ast
import re
from functools import cache

import pytest
from packaging.version import Version

from tests.documents.pages import ROOT, pages
from tests.test_rooms import ORDER

ROOMS = (*ORDER[1:], "utils")  # config.py is no folder


def modules(folder):
    return {path.stem for path in folder.glob("*.py")} - {"__init__"}


def test_the_readme_is_a_front_page():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 200
    assert len(text.split()) <= 2_500
    assert max(map(len, text.splitlines())) <= 130


def test_architecture_has_every_module_where_it_is():
    listed = []
    folder = ""
    for row in (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8").splitlines():
        if match := re.match(r"\| (?:`([\w/]+)/` )?\| (`[^|]*`) \|", row):
            folder = match[1] or folder
            listed += [f"{folder}/{name}.py" for name in re.findall(r"`(\w+)`", match[2])]
    files = {path.relative_to(ROOT).as_posix() for room in ROOMS for path in (ROOT / room).rglob("*.py")}
    there = {file for file in files if not file.endswith("__init__.py")}
    assert sorted(there - set(listed)) == [], "modules that the table lacks"
    assert sorted(set(listed) - there) == [], "modules of the table that do not exist"
    assert len(listed) == len(set(listed)), "a module is listed once"


def test_the_benchmarks_are_all_listed():
    rows = (ROOT / "benchmarks" / "README.md").read_text(encoding="utf-8").splitlines()
    listed = {
        name
        for row in rows
        if row.startswith("| `")
        for name in re.findall(r"`(?:\w+/)?(\w+)(?:\.py)?`", row)
    }
    folders = [path.parent for path in (ROOT / "benchmarks").rglob("__init__.py")]
    assert len(folders) > 1 and set().union(*map(modules, folders)) - listed == set()


def pins(name):
    """The version of each package of a requirements file."""
    rows = (ROOT / name).read_text(encoding="utf-8").splitlines()
    return {row.split("==")[0]: Version(row.split("==")[1].split()[0]) for row in rows if "==" in row}


def test_the_oldest_versions_are_of_the_same_packages():
    oldest, tested = pins("requirements-oldest.txt"), pins("requirements.txt")
    assert oldest.keys() == tested.keys() and len(oldest) > 10
    assert [name for name in oldest if oldest[name] > tested[name]] == []


@cache
def texts_in_the_code():
    """Every text in the source, with ``…`` for what is filled in, and a setting in backticks as its flag."""
    found = []
    for path in (path for room in ROOMS for path in (ROOT / room).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.JoinedStr):
                parts = [str(part.value) if isinstance(part, ast.Constant) else "…" for part in node.values]
                found.append("".join(parts))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.append(node.value)
    plain = [re.sub(r"`(\w+)`", r"--\1", text) for text in found]
    return [re.sub(r"\{[^{}]*\}", "…", text) for text in plain]


def quoted_errors():
    """The errors of the table in the installation guide."""
    page = next(page for page in pages() if page.path.name == "SETUP_INSTRUCTIONS.md")
    return [code.removeprefix("error: ").strip("… ") for code in page.codes if code.startswith("error: ")]


@pytest.mark.parametrize("error", quoted_errors())
def test_the_errors_that_the_guide_explains_exist(error):
    assert any(error in text for text in texts_in_the_code())


def test_the_guide_explains_the_errors_that_people_meet():
    assert len(quoted_errors()) >= 8
    assert not any("no such text anywhere" in text for text in texts_in_the_code())
