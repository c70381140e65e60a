"""Documents that list files list all of them."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def modules(folder: Path) -> set[str]:
    return {path.stem for path in folder.glob("*.py")} - {"__init__"}


def test_architecture_has_every_module_where_it_is():
    listed: dict[str, set[str]] = {}
    folder = ""
    for row in (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8").splitlines():
        if match := re.match(r"\| (?:`([\w/]+)/` )?\| (`[^|]*`) \|", row):
            folder = match[1] or folder
            listed.setdefault(folder, set()).update(re.findall(r"`(\w+)`", match[2]))
    packages = {path.parent for path in ROOT.glob("[a-z]*/**/__init__.py")}
    there = {package.relative_to(ROOT).as_posix(): modules(package) for package in packages}
    assert listed == {name: names for name, names in there.items() if name not in ("tests", "benchmarks")}


def test_the_benchmarks_are_all_listed():
    rows = (ROOT / "benchmarks" / "README.md").read_text(encoding="utf-8").splitlines()
    listed = {name for row in rows if row.startswith("| `") for name in re.findall(r"`(\w+)(?:\.py)?`", row)}
    assert modules(ROOT / "benchmarks") - listed == set()
