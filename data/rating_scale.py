"""The scale of the data's own ratings, and stars, which the program computes with.

Inside, 5 stars are the best rating, whatever scale the data have. People meet the data's own scale: what they
type is turned into stars where it comes in, and what they read is turned back. Where the best rating is 5,
every value stays as it is, to the bit.
"""

from math import isfinite

import numpy as np

from base.arrays import FloatArray
from base.errors import UserError
from data.reading.columns import STARS, Columns


def to_stars(rating: float, best_rating: float) -> float:
    """A rating of the data's own scale in stars."""
    return rating if best_rating == STARS else rating * STARS / best_rating


def in_stars(ratings: FloatArray, best_rating: float) -> FloatArray:
    """Ratings of the data's own scale in stars, float32."""
    if best_rating == STARS:
        return ratings
    with np.errstate(over="ignore"):  # infinite stars are above the best rating
        return (ratings.astype(np.float64) * STARS / best_rating).astype(np.float32)


def from_stars(stars: float, best_rating: float) -> float:
    """Stars as a rating of the data's own scale."""
    return stars if best_rating == STARS else stars * best_rating / STARS


def in_words(rating: float, best_rating: float) -> str:
    """A rating of the data's own scale as messages name it: ``4 stars``, or ``8 of 10``."""
    return f"{rating:g} stars" if best_rating == STARS else f"{rating:g} of {best_rating:g}"


def rating_choices(lowest: float, best_rating: float) -> list[float]:
    """The ratings that a list offers, best first.

    Halves where the best rating is 5; whole numbers where it is another one of 2 to 20; else tenths of it.

    Args:
        lowest: the lowest rating allowed; 0 is offered only if it is allowed.
        best_rating: the best rating.
    """
    whole = best_rating != STARS and best_rating == int(best_rating) and 2 <= best_rating <= 20
    parts = int(best_rating) if whole else 10
    choices = [float(f"{best_rating * part / parts:.6g}") for part in range(parts, 0, -1)]
    return choices + [0.0] * (lowest == 0)


def with_best_rating(columns: Columns, best_rating: float) -> Columns:
    """Columns with ratings of another scale, in stars.

    Args:
        columns: with ratings as the data have them.
        best_rating: the best rating of their scale.

    Raises:
        UserError: it is not a finite number above 0.
    """
    if isinstance(best_rating, bool) or not isinstance(best_rating, int | float | np.number):
        raise UserError(f"best_rating must be a finite number above 0, got {best_rating!r}")
    if not (isfinite(best_rating) and best_rating > 0):
        raise UserError(f"best_rating must be a finite number above 0, got {best_rating:g}")
    if best_rating == STARS or "unrated" in columns.texts:
        return columns
    scaled = Columns(
        columns.arrays | {"ratings": in_stars(columns.arrays["ratings"], best_rating)},
        columns.texts | {"best_rating": [repr(float(best_rating))]},
    )
    scaled.freeze()
    return scaled


def check_scale(columns: Columns, where: str, advice: str) -> None:
    """Refuse ratings above the best one: they are of another scale than the data are said to have.

    Args:
        columns: with ratings in stars.
        where: the data, for the message.
        advice: how to say what the best rating is; ``{}`` stands for the highest one found.

    Raises:
        UserError: a rating is above the best one.
    """
    check_highest(columns.arrays["ratings"], best_rating_of(columns), where, advice)


def check_highest(ratings: FloatArray, best_rating: float, where: str, advice: str) -> None:
    """The same of ratings in stars, float32 ``[n]``, and the best rating of the data's own scale."""
    highest = float(ratings.max(initial=0))
    if highest > STARS:
        found = f"{from_stars(highest, best_rating):g}"
        raise UserError(
            f"{where} has ratings up to {found}, above the best rating, {best_rating:g}; "
            f"{advice.format(found)}"
        )


def best_rating_of(columns: Columns) -> float:
    """The best rating of the scale of columns that a reader made."""
    return float(columns.texts.get("best_rating", [STARS])[0])
