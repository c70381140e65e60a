"""The text of ``--history``: ids as ``1:5,50:4.5,260``, or titles as ``Toy Story=5; Heat``.

A title that contains a semicolon is recognised if it is written as in the data, or stands in double quotes:
``"Tome 0; or, the Whale"=5; Heat``.
"""

import math
import re
from collections.abc import Callable, Collection, Iterator
from typing import NamedTuple

from base.errors import UserError
from data.reading.number_kinds import AMOUNT
from data.reading.source_files import shown

_NUMBER_ID = re.compile(r"[0-9]+")
_LETTER = re.compile(r"[^\W\d_]")
# Signs of ids among titles, ``Heat:5`` or ``Heat=5, Alien``. A search that forgives typos would ignore them.
_COLON_RATING = re.compile(r":\s*[0-9](\.[0-9]+)?\s*$")
_COMMA_AFTER_RATING = re.compile(r"=\s*[0-9](\.[0-9]+)?\s*,")
# A title in quotes, with a rating or without; two quotes inside are one.
_QUOTED = re.compile(r'\s*"(?P<title>(?:[^"]|"")+)"\s*(?:(?P<mark>=)(?P<rating>[^;]*))?(?:$|(?P<end>;))')
HOW_TO_WRITE = (
    "write ids as 1:5,50,260 or titles as 'Toy Story=5; Heat', a title that contains a semicolon in quotes"
)


class HistoryText(NamedTuple):
    """A history as it was typed, oldest film first.

    Attributes:
        are_ids: whether ``films`` are ids rather than titles.
        films: at least one.
        ratings: one per film, nan if none was typed.
    """

    are_ids: bool
    films: list[str]
    ratings: list[float]


def is_number_id(text: str) -> bool:
    """Whether a text can be a MovieLens id."""
    return _NUMBER_ID.fullmatch(text) is not None


def title_key(text: str) -> str:
    """A title as it is compared letter by letter, but for case and spaces."""
    return " ".join(text.casefold().split())


def parse_history(
    text: str,
    lowest: float,
    highest: float,
    is_id: Callable[[str], bool] = is_number_id,
    titles: Collection[str] = frozenset(),
) -> HistoryText:
    """Read a history.

    Args:
        text: ids separated by commas, each optionally with ``:`` and a rating; or titles separated by
            semicolons, each optionally with ``=`` and a rating.
        lowest: lowest rating allowed.
        highest: highest rating allowed.
        is_id: whether a text can be an id. The whole text is ids if each part between commas is an id or
            empty, followed by nothing or by ``:`` and something without letters (``2001: A Space Odyssey`` is
            a title).
        titles: ``title_key`` of the titles of the data, which may contain ``;`` and ``=``. Where one stands
            as a whole, it is meant; the longest one, if there are several.

    Raises:
        UserError: a film or a rating is missing, or a rating is not a number in the range.
    """
    pieces = text.split(",")
    are_ids = all(
        (not film.strip() or is_id(film.strip())) and not _LETTER.search(rating)
        for film, _, rating in map(_cut_id, pieces)
    )
    parts = [_Part(*_cut_id(piece)) for piece in pieces] if are_ids else list(_title_parts(text, titles))
    if not are_ids and not parts[-1].film and len(parts) > 1:
        parts.pop()  # a semicolon at the end
    films = [part.film.strip() for part in parts]
    if not all(films):
        raise UserError(
            f"--history {shown(text)} names no film at place {films.index('') + 1}; {HOW_TO_WRITE}"
        )
    if not are_ids:
        _refuse_signs_of_ids([part.film.strip() for part in parts if not part.exact], is_id)
    ratings = [
        _rating(film, rating.strip(), lowest, highest) if mark else math.nan
        for film, (_, mark, rating, _) in zip(films, parts, strict=True)
    ]
    return HistoryText(are_ids, films, ratings)


class _Part(NamedTuple):
    """A film as it was typed, the mark of a rating if there is one, and the text behind the mark.

    ``exact`` says that the film is a whole title of the data, or stood in quotes.
    """

    film: str
    mark: str
    rating: str
    exact: bool = False


def _title_parts(text: str, titles: Collection[str]) -> Iterator[_Part]:
    """The films of a text of titles. An empty one stands for nothing before a semicolon or at the end."""
    most = 1 + max((title.count(";") for title in titles), default=0)
    rest: str | None = text
    while rest is not None:
        part, rest = _first_part(rest, titles, most)
        yield part


def _first_part(text: str, titles: Collection[str], most: int) -> tuple[_Part, str | None]:
    """The first film of a text, and what is behind its semicolon; None if it has none.

    Args:
        text: titles separated by semicolons.
        titles: keys of whole titles.
        most: number of pieces between semicolons that a title can have.
    """
    pieces = text.split(";")
    for number in range(min(most, len(pieces)), 0, -1):
        typed = ";".join(pieces[:number]).strip()
        behind = ";".join(pieces[number:]) if number < len(pieces) else None
        for title, mark, rating in ((typed, "", ""), _cut_title(typed)):
            name = title.strip()
            for one in (name, name[1:-1]) if name.startswith('"') and name.endswith('"') else (name,):
                if ";" not in rating and title_key(one) in titles:
                    return _Part(one, mark, rating, True), behind
    if quoted := _QUOTED.match(text):
        part = _Part(quoted["title"].replace('""', '"'), quoted["mark"] or "", quoted["rating"] or "", True)
        return part, text[quoted.end() :] if quoted["end"] else None
    return _Part(*_cut_title(pieces[0].strip())), ";".join(pieces[1:]) if len(pieces) > 1 else None


def _cut_id(piece: str) -> tuple[str, str, str]:
    return piece.partition(":")


def _cut_title(piece: str) -> tuple[str, str, str]:
    """Title, mark and rating. The last ``=`` counts, since a title may contain one."""
    title, mark, rating = piece.rpartition("=")
    return (title, mark, rating) if mark else (piece, "", "")


def _refuse_signs_of_ids(titles: list[str], is_id: Callable[[str], bool]) -> None:
    if len(titles) > 1 and all(map(is_id, titles)):
        raise UserError(f"--history: ids are separated by commas, as in {shown(','.join(titles))}")
    for title in titles:
        if _COLON_RATING.search(title):
            raise UserError(
                f"--history: {shown(title)} is not an id; a title's rating follows '=', as in 'Heat=5'"
            )
        if _COMMA_AFTER_RATING.search(title):
            raise UserError(
                f"--history: titles are separated by ';', got {shown(title)}; write 'Toy Story=5; Heat=4'"
            )


def _rating(film: str, text: str, lowest: float, highest: float) -> float:
    rule = f"a rating must be a number from {lowest:g} to {highest:g}"
    try:
        value = AMOUNT.parse(text)
    except ValueError:
        raise UserError(f"--history: {rule}, got {shown(text)} for {shown(film)}") from None
    if not lowest <= value <= highest:
        raise UserError(f"--history: {rule}, got {shown(text)} for {shown(film)}")
    return value
