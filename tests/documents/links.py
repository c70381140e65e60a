"""Links, paths and names of code in the documents that lead nowhere."""

import re
from pathlib import Path

from tests.documents.pages import ROOT, Page, pages, parse

# What only a run makes, or only somebody's own folder has.
_MADE = re.compile(r"(checkpoints|checkpoints-pairs|output|output-pairs|data|\.venv)/(?!.*\.py$).*")
_PATH = re.compile(r"[\w.-]+(/[\w.-]+)+/?|[\w-]+/|[\w.-]+\.(py|md|txt|toml|css|ipynb)")
_PLACED_NAMES = re.compile(r"`([\w/]+\.py)`(?:\]\([^)]*\))?((?:,? `(?![\w/]+\.py`)[\w.]+`)+)")


def broken_links(page: Page) -> list[str]:
    """Links to a file or a heading that does not exist."""
    return [
        link for link in page.links if not re.match(r"https?:", link) and not _leads_somewhere(page, link)
    ]


def _leads_somewhere(page: Page, link: str) -> bool:
    name, _, anchor = link.partition("#")
    path = (page.path.parent / name).resolve() if name else page.path
    if name and not path.exists():
        return False
    return not anchor or anchor in _page_of(page, path).anchors


def _page_of(page: Page, path: Path) -> Page:
    known = {other.path: other for other in (*pages(), page)}
    return known[path] if path in known else parse(path, path.read_text(encoding="utf-8"))


def missing_paths(page: Page) -> list[str]:
    """Paths in inline code that are neither in the project nor made by a run."""
    named = [code for code in page.codes if _PATH.fullmatch(code) and _means_ours(page, code)]
    return [code for code in named if not any((base / code).exists() for base in (ROOT, page.path.parent))]


def _means_ours(page: Page, code: str) -> bool:
    """A file of code or text, or something below one of our folders."""
    first = code.split("/")[0]
    is_file = re.search(r"\.(py|md|txt|toml|css|ipynb)$", code) is not None
    return not _MADE.fullmatch(code) and (is_file or (ROOT / first).is_dir() or code.endswith("/"))


def missing_names(page: Page) -> list[str]:
    """Names that a document places in a module, as in `model/loss.py` `softmax_loss`, and that it lacks."""
    missing = []
    for path, names in _PLACED_NAMES.findall(page.prose):
        file = ROOT / path
        source = file.read_text(encoding="utf-8") if file.is_file() else ""
        for name in re.findall(r"`([\w.]+)`", names):
            last = re.escape(name.split(".")[-1])
            if not re.search(rf"\b(def|class) {last}\b|^{last}\b.*=|\bself\.{last}\b", source, re.MULTILINE):
                missing.append(f"{path} {name}")
    return missing
