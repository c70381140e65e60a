"""Finding a film by what a person types: case, accents, articles and typos forgiven."""

import difflib
import re
import unicodedata

from data.dataset import Movies

MOST_SHOWN = 10  # candidates listed when a title is ambiguous
CLOSE_ENOUGH = 0.72  # similarity from which a misspelt title counts as meant (1 is equal)
CLEARLY_BEST = 0.08  # lead over the next candidate that needs no question

_YEAR = re.compile(r"\s*\((\d{4})[^)]*\)\s*$")
_ARTICLE = re.compile(r"^(.*), (the|a|an|le|la|les|l'|il|el|der|die|das)$")


def normalise(title: str) -> str:
    """Lower case, no accents or punctuation, ``Matrix, The`` as ``the matrix``; a year stays at the end."""
    decomposed = unicodedata.normalize("NFKD", title)
    plain = "".join(mark for mark in decomposed if not unicodedata.combining(mark)).casefold().strip()
    year = _YEAR.search(plain)
    name = _YEAR.sub("", plain)
    article = _ARTICLE.match(name)
    if article:
        name = f"{article[2]} {article[1]}"
    words = re.findall(r"\w+", name.replace("'", ""))
    return " ".join(words + ([year[1]] if year else []))


def find_title(wanted: str, movies: Movies) -> list[int]:
    """Rows of the films that ``wanted`` can mean: one where it is clear, several where it is not, or none.

    Looks for, in this order: the whole title with or without its year, a title that holds all the
    words typed, and titles that are spelt much alike.
    """
    query = normalise(wanted)
    full = [normalise(title) for title in movies.titles]
    bare = [normalise(_YEAR.sub("", title)) for title in movies.titles]
    if not query:
        return []
    exact = [row for row in range(len(movies)) if query in (full[row], bare[row])]
    if exact:
        return exact
    words = set(query.split())
    holding = [row for row in range(len(movies)) if words <= set(full[row].split())]
    return holding or _spelt_alike(query, full, bare)


def _spelt_alike(query: str, full: list[str], bare: list[str]) -> list[int]:
    """The closest spellings, best first; one alone where it leads clearly."""
    rows_of: dict[str, list[int]] = {}
    for row, names in enumerate(zip(full, bare, strict=True)):
        for name in set(names):
            rows_of.setdefault(name, []).append(row)
    close = difflib.get_close_matches(query, rows_of, n=MOST_SHOWN, cutoff=CLOSE_ENOUGH)
    if not close:
        return []
    similarity = [difflib.SequenceMatcher(None, name, query).ratio() for name in close]
    rows = [
        list(dict.fromkeys(row for name in names for row in rows_of[name])) for names in (close[:1], close)
    ]
    rivals = [s for s, name in zip(similarity, close, strict=True) if set(rows_of[name]) - set(rows[0])]
    return rows[0] if not rivals or similarity[0] - rivals[0] >= CLEARLY_BEST else rows[1]
