"""What ``--history`` says: ``1:5,50:4.5,260`` is ids, anything else titles, ``Toy Story=5; Heat``."""

import math
import re
from collections.abc import Callable
from typing import NamedTuple

from base.errors import UserError
from data.reading.number_columns import AMOUNT
from data.reading.source_files import shown

_NUMBER_ID = re.compile(r"[0-9]+")
_LETTER = re.compile(r"[^\W\d_]")
# Marks of ids among titles, ``Heat:5`` or ``Heat=5, Alien``, which a tolerant search would pass over.
_COLON_RATING = re.compile(r":\s*[0-9](\.[0-9]+)?\s*$")
_COMMA_AFTER_RATING = re.compile(r"=\s*[0-9](\.[0-9]+)?\s*,")


class HistoryText(NamedTuple):
    """A history as it was typed, oldest film first.

    Attributes:
        are_ids: whether ``films`` are ids rather than titles.
        films: at least one.
        ratings: one a film, nan where none was typed.
    """

    are_ids: bool
    films: list[str]
    ratings: list[float]


def is_number_id(text: str) -> bool:
    """Whether a text can be a MovieLens id."""
    return _NUMBER_ID.fullmatch(text) is not None


def parse_history(
    text: str, lowest: float, highest: float, is_id: Callable[[str], bool] = is_number_id
) -> HistoryText:
    """Read a history.

    Args:
        text: ids, each perhaps with ``:`` and a rating, separated by commas; or titles, each perhaps with
            ``=`` and a rating, separated by semicolons.
        lowest: least rating allowed.
        highest: greatest rating allowed.
        is_id: what can be an id. A text is ids if everything between its commas is one or empty, followed by
            nothing or by ``:`` and something without letters (``2001: A Space Odyssey`` is a title).

    Raises:
        UserError: a film or a rating is missing, or a rating is none.
    """
    pieces = text.split(",")
    are_ids = all(
        (not film.strip() or is_id(film.strip())) and not _LETTER.search(rating)
        for film, _, rating in map(_cut_id, pieces)
    )
    parts = (
        [_cut_id(piece) for piece in pieces]
        if are_ids
        else [_cut_title(piece.strip()) for piece in text.split(";")]
    )
    if not are_ids and not parts[-1][0] and len(parts) > 1:
        parts.pop()  # a semicolon at the end
    films = [film.strip() for film, _, _ in parts]
    if not all(films):
        raise UserError(
            f"--history {shown(text)} names no film at place {films.index('') + 1}; "
            "write ids as 1:5,50,260 or titles as 'Toy Story=5; Heat'"
        )
    if not are_ids:
        _refuse_marks_of_ids(films, is_id)
    ratings = [
        _rating(film, rating.strip(), lowest, highest) if mark else math.nan
        for film, (_, mark, rating) in zip(films, parts, strict=True)
    ]
    return HistoryText(are_ids, films, ratings)


def _cut_id(piece: str) -> tuple[str, str, str]:
    return piece.partition(":")


def _cut_title(piece: str) -> tuple[str, str, str]:
    """Title, mark and rating; the last ``=`` counts, as a title may hold one."""
    title, mark, rating = piece.rpartition("=")
    return (title, mark, rating) if mark else (piece, "", "")


def _refuse_marks_of_ids(titles: list[str], is_id: Callable[[str], bool]) -> None:
    if len(titles) > 1 and all(map(is_id, titles)):
        raise UserError(f"--history: ids are separated by commas, as in {shown(','.join(titles))}")
    for title in titles:
        if _COLON_RATING.search(title):
            raise UserError(
                f"--history: {shown(title)} is no id; a title's rating follows '=', as in 'Heat=5'"
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
