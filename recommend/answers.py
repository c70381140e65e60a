"""What a trained model answers, as plain records: who asked, and which films come back, in order.

``recommend/formats.py`` prints them as tables, JSON or CSV.
"""

import html
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from base.json_ids import json_id
from data.dataset import Movies
from data.histories import History
from data.item_words import FILMS, ItemWords
from data.rating_scale import from_stars
from data.reading.columns import STARS
from data.title_article import shown_title
from recommend.formats import answer_table
from recommend.taste import Suggestion

if TYPE_CHECKING:
    import pandas

SCORE_DIGITS = 6  # as many as a float32 has
LIKED = 3.0  # stars (of 5) from which a rating is a reason to recommend; below, the film is only near
MAX_NAMED = 3  # films of a history that the heading names


class Record:
    """A result that turns into JSON or a DataFrame in one call."""

    def as_plain(self) -> dict[str, Any]:
        """The record under its public names, in types that JSON has."""
        raise NotImplementedError

    def to_json(self) -> str:
        """The record as one line of JSON."""
        return json.dumps(self.as_plain(), ensure_ascii=False)

    def to_frame(self) -> "pandas.DataFrame":
        """The record as a DataFrame."""
        raise NotImplementedError


@dataclass(frozen=True)
class Question:
    """What was asked.

    Attributes:
        kind: ``film``, ``history`` or ``user``.
        id: id of the film or user; None if the question has none.
        title: the film's title as the data have it, the latest films of the history, or ``user 42``.
        row: of the film; None if a history or a user asks.
        words: what the items are called.
    """

    kind: str
    id: int | str | None
    title: str
    row: int | None = field(default=None, compare=False, repr=False)
    words: ItemWords = field(default=FILMS, compare=False, repr=False)

    def heading(self) -> str:
        """The line above the table of its answer."""
        items = self.words.items
        if self.kind == "user":
            return f"{items} for {self.title}"
        if self.kind == "history":
            knows = "has seen" if self.words == FILMS else "knows"
            return f"{items} for someone who {knows} {self.title}"
        known_as = "" if self.id is None else f" (id {self.id})"
        return f"{items} that go with {shown_title(self.title)}{known_as}"


@dataclass(frozen=True)
class RecommendedFilm:
    """One line of an answer.

    Attributes:
        rank: 1 for the best.
        score: what orders the films: an inner product, for a person ``Suggestion.score``.
        movie_id: id as the data have it.
        title: as the data have it.
        year: of release; None if it is unknown.
        genres: names; empty if the film has none.
        reason: why it is recommended; None if that was not asked.
        row: of the film in the model.
        because: for a person, row of the film of theirs that speaks for it most.
    """

    rank: int
    score: float
    movie_id: int | str
    title: str
    year: int | None
    genres: tuple[str, ...]
    reason: str | None = None
    row: int | None = field(default=None, compare=False, repr=False)
    because: int | None = field(default=None, compare=False, repr=False)

    @property
    def shown_title(self) -> str:
        """The title as people say it: tables and pages show this one."""
        return shown_title(self.title)

    def as_plain(self) -> dict[str, Any]:
        """The record under its public names, in types that JSON has."""
        return {
            "rank": self.rank,
            "score": round(self.score, SCORE_DIGITS),
            "movieId": json_id(self.movie_id),
            "title": self.title,
            "year": self.year,
            "genres": list(self.genres),
            "reason": self.reason,
        }


@dataclass(frozen=True, repr=False)
class Answer(Record):
    """A question and its films, best first. It works like a sequence of ``RecommendedFilm``.

    Attributes:
        question: what was asked.
        films: the films, ranks from 1.
        wanted: how many were asked for.
        explanation: text to print below the table; empty for none.
        conditioned: whether only films that fulfil a condition were asked for.
    """

    question: Question
    films: tuple[RecommendedFilm, ...]
    wanted: int
    explanation: str = ""
    conditioned: bool = False

    def __len__(self) -> int:
        return len(self.films)

    def __iter__(self) -> Iterator[RecommendedFilm]:
        return iter(self.films)

    def __getitem__(self, place: int) -> RecommendedFilm:
        return self.films[place]

    @property
    def shortfall(self) -> str | None:
        """Why there are fewer films than wanted; None if there are enough."""
        if len(self.films) >= self.wanted:
            return None
        items = self.question.words.items
        rest = (
            f"no other {items} fulfil the condition"
            if self.conditioned
            else f"the catalogue has no other {items}"
        )
        return f"{len(self.films)} instead of {self.wanted}: {rest}"

    def as_plain(self) -> dict[str, Any]:
        """The answer under its public names, in types that JSON has."""
        asked = None if self.question.id is None else json_id(self.question.id)
        question = {"kind": self.question.kind, "id": asked, "title": self.question.title}
        return {"query": question, "recommendations": [film.as_plain() for film in self.films]}

    def to_frame(self) -> "pandas.DataFrame":
        """One row per film, with the names of the JSON as columns. An unknown year is a missing value.

        Ids are as the data have them, however large.
        """
        import pandas

        names = ["rank", "score", "movieId", "title", "year", "genres", "reason"]
        frame = pandas.DataFrame(
            [film.as_plain() | {"movieId": film.movie_id} for film in self.films], columns=names
        )
        return frame.astype({"year": "Int64"})

    def __repr__(self) -> str:
        return answer_table(self).strip("\n")

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        shown = {"title": [film.shown_title for film in self.films]}
        frame = self.to_frame().assign(genres=[", ".join(film.genres) for film in self.films], **shown)
        table = frame.dropna(axis="columns", how="all").to_html(index=False, border=0)
        return f"<p>{html.escape(self.question.heading())}</p>{table}"


def film_question(movies: Movies, row: int) -> Question:
    """The question that film ``row`` asks."""
    return Question("film", movies.public_id(row), movies.titles[row], int(row), movies.words)


def history_question(movies: Movies, history: History) -> Question:
    """The question that a person's films ask. The latest ones stand for all."""
    latest = [movies.shown_title(row) for row in history.rows[::-1][:MAX_NAMED]]
    more = len(history.rows) - len(latest)
    named = " and ".join([", ".join(latest)] + [f"{more} more"] * (more > 0))
    return Question("history", None, named, words=movies.words)


def make_answer(
    question: Question,
    movies: Movies,
    rows: Sequence[int],
    scores: Sequence[float],
    wanted: int,
    reasons: Sequence[str | None] | None = None,
    because: Sequence[int] | None = None,
) -> Answer:
    """The records of found films.

    Args:
        question: what was asked.
        movies: the catalogue.
        rows: film rows, best first.
        scores: one per row.
        wanted: how many films were asked for.
        reasons: one per row, if there are reasons.
        because: one per row, for a person.
    """
    nothing = [None] * len(rows)
    found = zip(rows, scores, reasons or nothing, because or nothing, strict=True)
    films = [
        RecommendedFilm(
            rank=rank,
            score=float(score),
            movie_id=movies.public_id(row),
            title=movies.titles[row],
            year=movies.year(row),
            genres=movies.genres[row],
            reason=reason,
            row=int(row),
            because=source,
        )
        for rank, (row, score, reason, source) in enumerate(found, start=1)
    ]
    return Answer(question, tuple(films), wanted)


def answer_for_person(
    question: Question,
    movies: Movies,
    found: Sequence[Suggestion],
    wanted: int,
    best_rating: float = STARS,
) -> Answer:
    """The records of films for a person, each with its reason.

    Args:
        question: what was asked.
        movies: the catalogue.
        found: the films, best first, with the person's ratings in stars.
        wanted: how many films were asked for.
        best_rating: of the scale on which reasons name ratings.
    """
    return make_answer(
        question,
        movies,
        [suggestion.row for suggestion in found],
        [suggestion.score for suggestion in found],
        wanted,
        [_reason(movies, suggestion, best_rating) for suggestion in found],
        [suggestion.because for suggestion in found],
    )


def _reason(movies: Movies, suggestion: Suggestion, best_rating: float) -> str:
    """``because you rated Toy Story (1995) 5``, or ``because of`` it if there is no rating."""
    title, stars = movies.shown_title(suggestion.because), suggestion.rating
    if stars is None:
        return f"because of {title}"
    rating = f"{from_stars(stars, best_rating):g}"
    if stars < LIKED:
        return f"near {title}, which you rated {rating}"
    return f"because you rated {title} {rating}"
