"""The figures of a data set: what it contains, what is missing, and what a split holds out."""

from dataclasses import dataclass

import numpy as np

from data.dataset import MovieLens
from data.inspection.findings import DROPPED, EXAMPLES, TOTAL, Finding
from data.inspection.order import order_signs
from data.inspection.texts import text_signs
from data.inspection.times import Times, times_of
from data.reading.columns import STARS
from data.splits import LIKED, Split
from data.trainable import num_questions

FEW = 3  # a user with fewer interactions only trains; so few do not place an item either
MAX_VALUES = 20  # different ratings that are counted one by one; of more, ranges are counted
RANGES = 10
RATING_SAMPLE = 100_000


@dataclass(frozen=True)
class Ratings:
    """The ratings, on the scale of the data.

    Attributes:
        best: the declared best rating.
        lowest: the lowest rating found.
        highest: the highest rating found.
        liked: ratings that count as liked, .8 of the best one or more.
        counts: (from, to, number of ratings), one per value or per range of values.
    """

    best: float
    lowest: float
    highest: float
    liked: Finding
    counts: tuple[tuple[float, float, int], ...]


@dataclass(frozen=True)
class HeldOut:
    """What a split holds out.

    Attributes:
        split: its name.
        train: training interactions.
        validation: validation interactions.
        test: test interactions.
        validation_questions: questions that choose the epoch.
        test_questions: questions of the reported figures.
        weights: lowest and highest weight of the training interactions; None if all count the same.
    """

    split: str
    train: int
    validation: int
    test: int
    validation_questions: int
    test_questions: int
    weights: tuple[float, float] | None


@dataclass(frozen=True)
class Figures:
    """All figures; examples are ids as the data have them.

    Attributes:
        name: of the data.
        own: whether the ids are text, so a schema or a Python caller describes the data.
        rows: rows of the interactions that were read, those left out included.
        interactions: pairs of a user and an item.
        events: rows that count, where a pair may have several with different amounts; else None.
        users: number of users.
        items: number of items in the catalogue.
        per_user: median number of interactions of a user.
        per_item: median number of interactions of an item.
        few_users: users with fewer than three interactions.
        few_items: items with fewer than three interactions, those with none included.
        unused_items: items without interactions.
        busiest_user: the user with most interactions, of all interactions; the example is its id.
        times: unit, span and ties.
        ratings: scale and distribution; None without ratings.
        missing: items without a title, genres, ..., by name of what is missing.
        findings: what the reader counted.
        signs: patterns in texts and order that may be mistakes, see ``texts`` and ``order``.
        held_out: what the split holds out.
    """

    name: str
    own: bool
    rows: int
    interactions: int
    events: int | None
    users: int
    items: int
    per_user: float
    per_item: float
    few_users: Finding
    few_items: Finding
    unused_items: Finding
    busiest_user: Finding
    times: Times
    ratings: Ratings | None
    missing: tuple[Finding, ...]
    findings: tuple[Finding, ...]
    signs: tuple[Finding, ...]
    held_out: HeldOut

    def finding(self, name: str) -> Finding:
        """A finding of the reader, or a sign; one that counts nothing if there is none of this name."""
        found = (one for one in (*self.findings, *self.signs) if one.name == name)
        return next(found, Finding(name, 0))


def figures_of(movielens: MovieLens, split: Split) -> Figures:
    """Compute the figures; a second or two for 25 million interactions.

    Args:
        movielens: the data.
        split: split of these data.
    """
    interactions, movies = movielens.interactions, movielens.movies
    of_user = np.bincount(interactions.users, minlength=movielens.num_users)
    of_item = np.bincount(interactions.movies, minlength=movielens.num_movies)
    busiest = int(of_user.argmax())
    weights = split.train.weights
    events = None if movielens.events is None else len(movielens.events.edges)
    return Figures(
        name=movielens.name,
        own=movies.text_ids is not None,
        rows=_rows(movielens, events),
        interactions=len(interactions),
        events=events,
        users=movielens.num_users,
        items=movielens.num_movies,
        per_user=float(np.median(of_user)),
        per_item=float(np.median(of_item)),
        few_users=_users(movielens, "few_users", of_user < FEW),
        few_items=_items(movielens, "few_items", of_item < FEW),
        unused_items=_items(movielens, "unused_items", of_item == 0),
        busiest_user=Finding(
            "busiest_user", int(of_user[busiest]), len(interactions), (_user_id(movielens, busiest),)
        ),
        times=times_of(interactions, movielens.time_unit),
        ratings=_ratings(movielens),
        missing=_missing(movielens),
        findings=movielens.findings,
        signs=(*text_signs(movielens.facts), *order_signs(interactions, movies.years, movielens.time_unit)),
        held_out=HeldOut(
            split.name,
            len(split.train),
            len(split.validation),
            len(split.test),
            num_questions(split, "validation"),
            num_questions(split, "test"),
            None if weights is None else (_rounded(float(weights.min())), _rounded(float(weights.max()))),
        ),
    )


def _rows(movielens: MovieLens, events: int | None) -> int:
    """Rows of the source: as the reader's findings say, else those that count and those left out."""
    counted = next((one.count for one in movielens.findings if one.name == TOTAL), None)
    if counted is not None:
        return counted
    dropped = [one for one in movielens.findings if one.name in DROPPED]
    kept = len(movielens.interactions) if events is None else events
    return max([kept + sum(one.count for one in dropped), *(one.total for one in dropped)])


def _user_id(movielens: MovieLens, row: int) -> int | str:
    texts = movielens.user_text_ids
    return int(movielens.user_ids[row]) if texts is None else texts[row]


def _users(movielens: MovieLens, name: str, chosen: np.ndarray) -> Finding:
    rows = np.flatnonzero(chosen)
    ids = tuple(_user_id(movielens, int(row)) for row in rows[:EXAMPLES])
    return Finding(name, len(rows), len(chosen), ids)


def _items(movielens: MovieLens, name: str, chosen: np.ndarray) -> Finding:
    """The items with a true value, bool ``[num_movies]``."""
    rows = np.flatnonzero(chosen)
    ids = tuple(movielens.movies.public_id(int(row)) for row in rows[:EXAMPLES])
    return Finding(name, len(rows), len(chosen), ids)


def _missing(movielens: MovieLens) -> tuple[Finding, ...]:
    """What items lack; a title that is the id is none."""
    movies, content = movielens.movies, movielens.content
    ids = movies.text_ids or map(str, movies.ids.tolist())
    lacks = {
        "title": [title.strip() in ("", known) for title, known in zip(movies.titles, ids, strict=True)],
        "genres": [not genres for genres in movies.genres],
        "year": np.isnan(movies.years),
    }
    if movielens.tags is not None:
        lacks["tags"] = _without(movielens.tags.movies, len(movies))
    if movielens.genome is not None:
        lacks["tag genome"] = _without(movielens.genome.movies, len(movies))
    if content is not None:
        if content.text is not None:
            lacks["text"] = [not text.strip() for text in content.text]
        lacks |= {f"vectors {block.name}": _without(block.movies, len(movies)) for block in content.vectors}
        lacks |= {f"number {name}": np.isnan(values) for name, values in content.numbers.items()}
        columns = [("category", content.categories), ("kept", content.kept)]
        lacks |= {
            f"{kind} {name}": [not value for value in values]
            for kind, column in columns
            for name, values in column.items()
        }
    return tuple(_items(movielens, name, np.asarray(lack, dtype=bool)) for name, lack in lacks.items())


def _without(rows: np.ndarray, num_movies: int) -> np.ndarray:
    lacks = np.ones(num_movies, dtype=bool)
    lacks[rows] = False
    return lacks


def _ratings(movielens: MovieLens) -> Ratings | None:
    if not movielens.rated:
        return None
    stars = movielens.interactions.ratings
    liked = int(np.count_nonzero(stars >= LIKED))
    scale = movielens.best_rating / STARS
    return Ratings(
        best=_rounded(movielens.best_rating),
        lowest=_rounded(float(stars.min()) * scale),
        highest=_rounded(float(stars.max()) * scale),
        liked=Finding("liked", liked, len(stars)),
        counts=tuple(
            (_rounded(low * scale), _rounded(high * scale), count) for low, high, count in _counts(stars)
        ),
    )


def _counts(stars: np.ndarray) -> list[tuple[float, float, int]]:
    """Ratings per value where there are few values, else per range; rising."""
    values = np.unique(stars[:: max(1, len(stars) // RATING_SAMPLE)])
    if len(values) <= MAX_VALUES:
        counts = [(float(value), float(value), int(np.count_nonzero(stars == value))) for value in values]
        if sum(count for _, _, count in counts) == len(stars):  # the sample had every value
            return counts
        values = np.unique(stars)
        if len(values) <= MAX_VALUES:
            return [(float(value), float(value), int(np.count_nonzero(stars == value))) for value in values]
    counts_of, edges = np.histogram(stars, RANGES)
    return [
        (float(low), float(high), int(count))
        for low, high, count in zip(edges[:-1], edges[1:], counts_of, strict=True)
    ]


def _rounded(value: float) -> float:
    """Six digits: ratings are float32, and 8 of 10 is 7.9999998 again after scaling."""
    return float(f"{value:.6g}")
