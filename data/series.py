"""Series of films, found in their titles: *Scream*, *Scream 2*; *Star Trek: Generations*, *Star Trek IV*.

Two films can be of one series if their titles begin with the same name. The name ends before a colon and
before the number of a part. To be one series, such films also need a sign that they are:

- a number of a part (``2``, ``III``, ``Part II``), if the film without a number is not much older;
- or a colon, if the films share a genre. The genre keeps *Robin Hood: Men in Tights* apart from *Robin Hood:
  Prince of Thieves*.

Films with the very same title are remakes or namesakes. At most one of them is of the series: the last one
before the second part. A film that is listed twice counts once. Titles without a year are not those of films.
"""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from base.arrays import FloatArray, IntArray
from data.title_article import ARTICLES
from data.title_year import split_year

MAX_PART = 20  # larger numbers at the end of a title are years or amounts
MAX_YEARS_BEFORE = 30  # from the first film to the first with a number; older ones are of other people

_ROMAN = ("ii", "iii", "iv", "v", "vi", "vii", "viii", "ix", "x", "xi", "xii", "xiii")
_ARTICLE_BEHIND = re.compile(rf",\s+(?:{ARTICLES}|l')$")
_IN_BRACKETS = re.compile(r"\s*\([^()]*\)")  # other titles
_NUMBER = re.compile(rf"[\s,]+(?:(?:part|chapter|episode|vol|volume)\.?\s+)?(\d{{1,3}}|{'|'.join(_ROMAN)})$")
_PART = re.compile(rf"^(?:part|chapter|episode|vol|volume)\.?\s+(?:\d+|one|two|three|{'|'.join(_ROMAN)})\b")


class Title(NamedTuple):
    """What a title says about the series of its film.

    Attributes:
        name: what films of the series share; lower case, without article, accents and punctuation.
        is_part: whether it has the number of a part.
        has_colon: whether the name ends at a colon.
    """

    name: str
    is_part: bool
    has_colon: bool


class _Film(NamedTuple):
    row: int
    title: Title
    year: float
    genres: tuple[str, ...]


@dataclass(frozen=True)
class Series:
    """Films of one series.

    Attributes:
        name: what their titles share.
        rows: int64 ``[n]`` film rows, at least two, ascending.
    """

    name: str
    rows: IntArray


def parse_title(title: str) -> Title:
    """Take a title apart."""
    text = _plain(split_year(title)[0])
    text = _ARTICLE_BEHIND.sub("", _IN_BRACKETS.sub("", text).strip())
    head, colon, tail = (part.strip() for part in text.partition(":"))
    head = _ARTICLE_BEHIND.sub("", head)
    is_part = bool(colon and _PART.match(tail))
    found = _NUMBER.search(head)
    if found and (found[1] in _ROMAN or int(found[1]) <= MAX_PART):
        head, is_part = head[: found.start()], True
    name = " ".join(re.findall(r"\w+", head.replace("'", "")))
    return Title(name, is_part, bool(colon))


def find_series(titles: Sequence[str], years: FloatArray, genres: Sequence[tuple[str, ...]]) -> list[Series]:
    """The series in a catalogue, by name.

    Args:
        titles: one per film, as MovieLens writes them.
        years: float ``[num_movies]``, nan where unknown.
        genres: one tuple per film.
    """
    films: dict[str, list[_Film]] = defaultdict(list)
    seen = set()  # a film that is listed twice counts once
    for row, text in enumerate(titles):
        title = parse_title(text)
        if title.name and text not in seen and not np.isnan(years[row]):
            films[title.name].append(_Film(row, title, float(years[row]), genres[row]))
        seen.add(text)
    members = {name: _members(films[name]) for name in sorted(films)}
    return [
        Series(name, np.sort([film.row for film in chosen]))
        for name, chosen in members.items()
        if len(chosen) > 1
    ]


def _members(films: list[_Film]) -> list[_Film]:
    """Those of one series, among films whose titles share a name."""
    parts = [film for film in films if film.title.is_part]
    with_colon = [film for film in films if film.title.has_colon and not film.title.is_part]
    first = min((film.year for film in parts + with_colon), default=np.nan)  # the first after the original
    plain = [film for film in films if not (film.title.is_part or film.title.has_colon)]
    possible = [film for film in plain if first - MAX_YEARS_BEFORE <= film.year <= first]
    chosen = parts + with_colon + sorted(possible, key=lambda film: film.year)[-1:]
    if parts:
        earliest = min(film.year for film in parts) - MAX_YEARS_BEFORE
        return [film for film in chosen if film.title.is_part or film.year >= earliest]
    common = set.intersection(*(set(film.genres) for film in chosen)) if chosen else set()
    return chosen if common else []


def _plain(text: str) -> str:
    """Lower case without accents."""
    decomposed = unicodedata.normalize("NFKD", text)
    return "".join(mark for mark in decomposed if not unicodedata.combining(mark)).casefold().strip()
