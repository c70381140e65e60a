"""Titles while they are being typed: beginnings first, then words, then what is spelt alike."""

import difflib
import re

import numpy as np

from base.arrays import FloatArray
from data.dataset import Movies
from recommend.titles import normalise

SHORTEST_MISSPELT = 4  # letters from which on a query may be misspelt
CLOSE_ENOUGH = 0.7  # similarity from which on a misspelt title counts as meant (1 is equal)
LOOKED_AT = 30  # titles most alike by letter groups, which are then compared letter by letter
_ARTICLE = re.compile(r"^(the|a|an) ")


class TitleSearch:
    """Finds films by a part of their titles; case, accents, articles and typos are forgiven.

    Args:
        movies: the catalogue.
        popularity: ``[num_movies]``; of titles that match equally well, the more popular comes first.
    """

    def __init__(self, movies: Movies, popularity: FloatArray):
        from sklearn.feature_extraction.text import TfidfVectorizer

        self._names = [normalise(title) for title in movies.titles]
        self._popularity = popularity
        # Groups of two to four letters, as in approximate string matching: a typo leaves most of them.
        self._letters = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 4), dtype=np.float32)
        self._matrix = self._letters.fit_transform([name or "-" for name in self._names])

    def find(self, typed: str, limit: int) -> list[int]:
        """Rows of at most ``limit`` films, best first; none where nothing is like it."""
        query = normalise(typed)
        if not query:
            return []
        graded = [(grade, row) for row, name in enumerate(self._names) if (grade := _grade(query, name)) < 3]
        graded.sort(key=lambda pair: (pair[0], -self._popularity[pair[1]]))
        rows = [row for _, row in graded[:limit]]
        if not rows and len(query) >= SHORTEST_MISSPELT:
            likeness = (self._matrix @ self._letters.transform([query]).T).toarray().ravel()
            near = np.argsort(-likeness, kind="stable")[:LOOKED_AT]
            alike = {int(row): _similarity(query, self._names[row]) for row in near}
            close = [row for row, similarity in alike.items() if similarity >= CLOSE_ENOUGH]
            rows = sorted(close, key=lambda row: -alike[row])
        return rows[:limit]


def _similarity(query: str, name: str) -> float:
    """How alike what was typed and a title's words from some word on are spelt, from 0 to 1."""
    starts = [0, *(place + 1 for place, letter in enumerate(name) if letter == " ")]
    parts = {name[start : start + len(query) + extra] for start in starts for extra in (0, 1)}
    return max(difflib.SequenceMatcher(None, part, query).ratio() for part in parts)


def _grade(query: str, name: str) -> int:
    """0: the title begins so; 1: one of its words does; 2: each word typed begins one of its; 3: no match."""
    spaced = f" {name}"
    if f" {query}" in spaced:
        return 0 if name.startswith(query) or _ARTICLE.sub("", name).startswith(query) else 1
    words = query.split()
    return 2 if len(words) > 1 and all(f" {word}" in spaced for word in words) else 3
