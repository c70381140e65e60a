"""Signs of mistakes in titles, genres and other texts: placeholders, a wrong encoding, a wrong separator."""

import re
from collections import Counter
from collections.abc import Iterable

from data.dataset import Facts
from data.inspection.findings import EXAMPLES, Finding
from data.reading.placeholders import LOWER_PLACEHOLDERS

MIN_PLACEHOLDERS = 2  # one title may well be "None"
# UTF-8 that was read as Latin-1 or cp1252, and characters that no encoding had.
_BROKEN = re.compile(
    "[ÂÃ][\u0080-\u00bf\u0152\u0153\u0160\u0161\u0178\u017d\u017e\u2013-\u2122]|â[\u0080€]|\ufffd"
)
SEPARATORS = (",", ";", "/", "|", " - ")


def text_signs(facts: Facts) -> tuple[Finding, ...]:
    """The signs that occur, see the functions below; examples are texts of the data."""
    movies, content = facts.movies, facts.content
    columns: dict[str, Iterable[str]] = {
        "title": movies.titles,
        "genres": [genre for genres in movies.genres for genre in genres],
    }
    if content is not None:
        columns |= content.categories | content.kept
        if content.text is not None:
            columns["text"] = content.text
    ids = movies.text_ids or [str(one) for one in movies.ids.tolist()]
    signs = [
        *_placeholders(columns),
        *_broken(columns),
        *_line_breaks(movies.titles),
        *_equal_titles(movies.titles, ids),
        *_joined_genres(movies.genres),
    ]
    return tuple(signs)


def _placeholders(columns: dict[str, Iterable[str]]) -> list[Finding]:
    """``placeholder_values``: values that look like placeholders, twice or more in one column."""
    found: Counter[str] = Counter()
    total = 0
    for name, values in columns.items():
        counts = Counter(values)
        total += counts.total()
        for value, count in counts.items():
            if count >= MIN_PLACEHOLDERS and value.strip().lower() in LOWER_PLACEHOLDERS:
                found[f"{value} ({name})"] += count
    return _sign("placeholder_values", found.total(), total, [value for value, _ in found.most_common()])


def _broken(columns: dict[str, Iterable[str]]) -> list[Finding]:
    """``broken_characters``: texts whose encoding is not the one they were read with."""
    texts = {text for values in columns.values() for text in values}
    broken = sorted(text for text in texts if not text.isascii() and _BROKEN.search(text))
    return _sign("broken_characters", len(broken), len(texts), broken)


def _line_breaks(titles: list[str]) -> list[Finding]:
    """``line_breaks``: titles of several lines, which a forgotten quote makes."""
    broken = [title for title in titles if "\n" in title or "\r" in title]
    return _sign("line_breaks", len(broken), len(titles), broken)


def _equal_titles(titles: list[str], ids: list[str]) -> list[Finding]:
    """``equal_titles``: items whose title another item has, case and outer spaces aside."""
    plain = [title.strip().casefold() for title in titles]
    counts = Counter(plain)
    members: dict[str, list[str]] = {}
    for title, known in zip(plain, ids, strict=True):
        if counts[title] > 1 and title:
            members.setdefault(title, []).append(known)
    shown = {title.strip().casefold(): title.strip() for title in reversed(titles)}
    examples = [f"{shown[title]} ({', '.join(some[:EXAMPLES])})" for title, some in members.items()]
    return _sign("equal_titles", sum(map(len, members.values())), len(titles), examples)


def _joined_genres(genres: list[tuple[str, ...]]) -> list[Finding]:
    """``joined_genres``: different genres with one of the usual separators inside."""
    names = sorted({genre for some in genres for genre in some})
    best = max(SEPARATORS, key=lambda separator: sum(separator in name for name in names))
    joined = [name for name in names if best in name]
    return _sign("joined_genres", len(joined), len(names), joined)


def _sign(name: str, count: int, total: int, examples: list[str]) -> list[Finding]:
    return [Finding(name, count, total, tuple(examples[:EXAMPLES]))] if count else []
