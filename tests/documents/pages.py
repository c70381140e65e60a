"""What the documents contain: fenced blocks, inline code, links and headings."""

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = (".", "docs", "benchmarks", "examples")

_FENCE = re.compile(r"^ {0,3}(`{3,})\s*(\w*)\s*$")
_CODE = re.compile(r"(?<!`)(`+)(?!`)(.+?)(?<!`)\1(?!`)", re.DOTALL)
_LINK = re.compile(r"\[(?:[^\[\]]|\[[^\]]*\])*\]\(([^()\s]+)\)")
_HEADING = re.compile(r"^#{1,6} +(.+?) *#*$", re.MULTILINE)
_ANCHOR = re.compile(r"""<a id="([^"]+)">""")


class Block(NamedTuple):
    """A fenced block: its language, its text, and the line of the page where its fence stands."""

    language: str
    text: str
    line: int


@dataclass(frozen=True)
class Page:
    """A document, taken apart.

    Attributes:
        path: where it is.
        blocks: its fenced blocks.
        prose: everything else; a fenced block leaves an empty line.
    """

    path: Path
    blocks: tuple[Block, ...]
    prose: str

    def __str__(self) -> str:
        return self.path.relative_to(ROOT).as_posix()

    def in_language(self, language: str) -> list[str]:
        """The texts of the blocks in one language."""
        return [block.text for block in self.blocks if block.language == language]

    @property
    def codes(self) -> list[str]:
        """Inline code; a line break inside is a space."""
        return [" ".join(match[2].split()) for match in _CODE.finditer(self.prose)]

    @property
    def links(self) -> list[str]:
        """Targets of links and pictures."""
        return _LINK.findall(_without_code(self.prose))

    @property
    def anchors(self) -> set[str]:
        """What a link's ``#`` may name, as GitHub makes it from headings."""
        found = set(_ANCHOR.findall(self.prose))
        for heading in _HEADING.findall(self.prose):
            words = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)
            slug = re.sub(r"[^\w\- ]", "", words.lower()).replace(" ", "-")
            name, count = slug, 0
            while name in found:
                count += 1
                name = f"{slug}-{count}"
            found.add(name)
        return found


def parse(path: Path, text: str) -> Page:
    """Take a Markdown text apart.

    Raises:
        ValueError: a fence is not closed.
    """
    blocks: list[Block] = []
    prose: list[str] = []
    fence = None
    for number, line in enumerate(text.splitlines(), start=1):
        match = _FENCE.match(line)
        if fence is None and match:
            fence, language, start, inside = match[1], match[2], number, []
        elif fence is None:
            prose.append(line)
        elif match and match[1] == fence and not match[2]:
            blocks.append(Block(language, "\n".join(inside), start))
            prose.append("")
            fence = None
        else:
            inside.append(line)
    if fence is not None:
        raise ValueError(f"{path}: the block of line {start} is not closed")
    return Page(path, tuple(blocks), "\n".join(prose))


def _without_code(prose: str) -> str:
    """The prose with inline code emptied, so that brackets inside it are not links."""
    return _CODE.sub("`code`", prose)


@cache
def pages() -> tuple[Page, ...]:
    """Every document of the project."""
    paths = sorted(path for folder in FOLDERS for path in (ROOT / folder).glob("*.md"))
    return tuple(parse(path, path.read_text(encoding="utf-8")) for path in paths)
