"""Find a film by what a person types. Case, accents, articles and typos do not matter.

The web page shows the matches while somebody types, and the command line needs to know which film is meant.
Both take the same order, so they agree on the first film.
"""

import re
import unicodedata
from collections.abc import Sequence
from enum import IntEnum
from functools import cached_property
from math import ceil

import numpy as np
from rapidfuzz import fuzz, process
from rapidfuzz.distance import LCSseq

from base.arrays import FloatArray, IntArray
from data.title_article import ARTICLES

# Likeness is from 0 to 100, where 100 is equal (``rapidfuzz.fuzz.ratio``).
MIN_LIKENESS = 72.0  # from here on, a misspelt title counts as meant
CLEAR_LEAD = 8.0  # lead over the next title that makes a question unnecessary
BEGINNING_FACTOR = 0.9  # the beginning of a title counts less than a whole one that is as much alike
INSIDE_FACTOR = 0.85  # a later part counts less again
MIN_LETTERS = 4  # a shorter text is not compared with parts of titles
MAX_CLOSE = 10  # misspelt titles between which somebody may choose


class Match(IntEnum):
    """How a typed text matches a title, best first."""

    SAME = 0
    SAME_BUT_ARTICLE = 1
    BEGINS = 2  # the title begins with the text
    HAS_WORDS = 3  # it has all words of the text, in any order
    BEGINS_IN_WORD = 4  # it begins with the text, whose last word is not complete
    HAS_BEGINNING = 5  # the text stands at the beginning of one of its words
    HAS_BEGINNINGS = 6  # each word of the text is the beginning of one of its words


# Titles of one group can all be meant; those of a later group only if there are none before.
GROUPS = (
    (Match.SAME,),
    (Match.SAME_BUT_ARTICLE,),
    (Match.BEGINS, Match.HAS_WORDS),
    (Match.BEGINS_IN_WORD, Match.HAS_BEGINNING, Match.HAS_BEGINNINGS),
)

_YEAR = re.compile(r"\s*\((\d{4})[^)]*\)\s*$")
_ENDS_WITH_YEAR = re.compile(r"\b\d{4}$")
_ARTICLE_BEHIND = re.compile(rf"^(.*), ({ARTICLES}|l')$")
_ARTICLE_IN_FRONT = re.compile(rf"^({ARTICLES}|l) ")


def normalise(title: str) -> str:
    """Lower case, no accents or punctuation, ``Matrix, The`` as ``the matrix``; a year stays at the end."""
    return " ".join(filter(None, _name_and_year(title)))


def _name_and_year(title: str) -> tuple[str, str]:
    """The words of a title, its article in front, and its year; the year is empty if it has none."""
    decomposed = unicodedata.normalize("NFKD", title)
    plain = "".join(mark for mark in decomposed if not unicodedata.combining(mark)).casefold().strip()
    year = _YEAR.search(plain)
    name = _YEAR.sub("", plain)
    if article := _ARTICLE_BEHIND.match(name):
        name = f"{article[2]} {article[1]}"
    return " ".join(re.findall(r"\w+", name.replace("'", ""))), year[1] if year else ""


class TitleSearch:
    """Finds films by their titles or parts of them.

    The titles are prepared at the first question.

    Args:
        titles: one per film, as in ``Movies``.
        popularity: ``[num_films]``. Of titles that match equally well, the more popular comes first. None
            leaves them in the order given.
    """

    def __init__(self, titles: Sequence[str], popularity: FloatArray | None = None):
        self._titles = titles
        self._popularity = np.zeros(len(titles)) if popularity is None else np.asarray(popularity)

    def find(self, typed: str, limit: int) -> list[int]:
        """Rows of at most ``limit`` films, best first: what to show while somebody types."""
        query = normalise(typed)
        rows, _ = self._matches(query)
        if len(rows) == 0:
            rows, _ = self._misspelt(query)
        return rows[:limit].tolist()

    def same(self, typed: str) -> list[int]:
        """Rows of all films whose whole title ``typed`` is, with or without the year."""
        rows, matches = self._matches(normalise(typed))
        return rows[matches == Match.SAME].tolist()

    def meant(self, typed: str) -> list[int]:
        """Rows of all films that ``typed`` can mean, best first.

        One film if it is clear which is meant, none if no title is like the text.
        """
        query = normalise(typed)
        rows, matches = self._matches(query)
        for group in GROUPS:
            if (possible := np.isin(matches, group)).any():
                return rows[possible].tolist()
        rows, likeness = self._misspelt(query)
        best = likeness == likeness.max(initial=0)
        if likeness[~best].max(initial=0) > likeness.max(initial=0) - CLEAR_LEAD:
            return rows[:MAX_CLOSE].tolist()
        return rows[best].tolist()

    @cached_property
    def _names_and_years(self) -> list[tuple[str, str]]:
        return [_name_and_year(title) for title in self._titles]

    @cached_property
    def _names(self) -> list[str]:
        """Titles without years."""
        return [name for name, _ in self._names_and_years]

    @cached_property
    def _bare_names(self) -> list[str]:
        """Titles without years and articles."""
        return [_ARTICLE_IN_FRONT.sub("", name) for name in self._names]

    @cached_property
    def _spaced(self) -> list[str]:
        """Titles with years, between spaces, so that each word stands between two."""
        return [f" {' '.join(filter(None, parts))} " for parts in self._names_and_years]

    def _matches(self, query: str) -> tuple[IntArray, IntArray]:
        """Rows of the titles in which every typed word begins a word, best first, and how each matches."""
        words = [f" {word}" for word in query.split()]
        longest = max(words, key=len, default="\0")  # rules out most titles
        rows = [row for row, spaced in enumerate(self._spaced) if longest in spaced]
        if len(words) > 1:
            rows = [row for row in rows if all(word in self._spaced[row] for word in words)]
        found = np.array(rows, dtype=np.int64)
        matches = np.array([self._match(query, words, row) for row in rows], dtype=np.int64)
        order = np.lexsort((found, -self._popularity[found], matches))
        return found[order], matches[order]

    def _match(self, query: str, words: list[str], row: int) -> Match:
        """How the text matches a title in which each of its words begins a word."""
        spaced, name, bare = self._spaced[row], self._names[row], self._bare_names[row]
        begins = spaced.startswith(f" {query}") or bare.startswith(query)
        if begins:
            if query in (name, spaced[1:-1]):
                return Match.SAME
            bare_spaced = spaced[1 + len(name) - len(bare) :]
            if query in (bare, bare_spaced[:-1]):
                return Match.SAME_BUT_ARTICLE
            if spaced.startswith(f" {query} ") or bare_spaced.startswith(f"{query} "):
                return Match.BEGINS
        if all(f"{word} " in spaced for word in words):
            return Match.HAS_WORDS
        if begins:
            return Match.BEGINS_IN_WORD
        return Match.HAS_BEGINNING if f" {query}" in spaced else Match.HAS_BEGINNINGS

    def _misspelt(self, query: str) -> tuple[IntArray, FloatArray]:
        """Rows of titles that are spelt like ``query``, best first, and their likeness."""
        likeness = np.zeros(len(self._titles))
        if query and self._titles:
            names = [self._names, self._bare_names]
            if _ENDS_WITH_YEAR.search(query):
                names.append(self._spaced)
            for texts in names:
                np.maximum(likeness, _alike(query, texts, MIN_LIKENESS), out=likeness)
        if len(query) >= MIN_LETTERS:
            # A part that is alike has most letters of the text in their order, which is quick to find out.
            needed = len(query) * MIN_LIKENESS / BEGINNING_FACTOR / 100
            promising = np.flatnonzero(_letters_in_order(query, self._names, needed))
            owners, factors, parts = self._parts(promising, len(query))
            np.maximum.at(likeness, owners, factors * _alike(query, parts))
        rows = np.flatnonzero(likeness >= MIN_LIKENESS)
        rows = rows[np.lexsort((rows, -self._popularity[rows], -likeness[rows]))]
        return rows, likeness[rows]

    def _parts(self, rows: IntArray, length: int) -> tuple[IntArray, FloatArray, list[str]]:
        """Parts of titles that begin with a word and are about ``length`` characters long.

        Returns:
            For each part: the row of its title, how much it counts, and the part.
        """
        owners, factors, parts = [], [], []
        for row in rows.tolist():
            name = self._names[row]
            after_article = len(name) - len(self._bare_names[row])
            for start in (0, *(space.end() for space in re.finditer(" ", name))):
                for end in (start + length, start + length + 1):
                    if end <= len(name):
                        owners.append(row)
                        factors.append(BEGINNING_FACTOR if start in (0, after_article) else INSIDE_FACTOR)
                        parts.append(name[start:end])
        return np.array(owners, dtype=np.int64), np.array(factors), parts


def _alike(query: str, texts: list[str], min_score: float = 0) -> FloatArray:
    """How alike each text is to ``query``, from 0 to 100; 0 below ``min_score``."""
    return process.cdist([query], texts, scorer=fuzz.ratio, score_cutoff=min_score)[0]


def _letters_in_order(query: str, texts: list[str], min_letters: float) -> IntArray:
    """How many letters of ``query`` each text has in their order; 0 below ``min_letters``."""
    return process.cdist([query], texts, scorer=LCSseq.similarity, score_cutoff=ceil(min_letters))[0]
