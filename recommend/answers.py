"""What a trained model answers, as plain records: who asked, and which films come back, in order.

Commands make these; ``recommend/formats.py`` shows them as tables, JSON or CSV.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from data.dataset import Movies
from data.histories import History
from recommend.taste import Suggestion

SCORE_DIGITS = 6  # what a float32 has to give
LIKED = 3.0  # stars from which a rating is a reason to recommend; below, the film is only near
MOST_NAMED = 3  # films of a history that the heading names


@dataclass(frozen=True)
class Question:
    """What was asked.

    Attributes:
        kind: ``film``, ``history`` or ``user``.
        id: id of the film or user; None where the question has none.
        title: the film's title, the latest films of the history, or ``user 42``.
    """

    kind: str
    id: int | str | None
    title: str

    def heading(self) -> str:
        """What stands over the table of its answer."""
        if self.kind == "user":
            return f"films for {self.title}"
        if self.kind == "history":
            return f"films for someone who has seen {self.title}"
        known_as = "" if self.id is None else f" (id {self.id})"
        return f"films that go with {self.title}{known_as}"


@dataclass(frozen=True)
class RecommendedFilm:
    """One line of an answer.

    Attributes:
        rank: 1 for the best.
        score: what ordered the films: an inner product, for a person ``Suggestion.score``.
        movie_id: id as the data has it.
        title: as the data has it.
        year: of release; None when it is unknown.
        genres: names, none when the film has none.
        reason: why it is recommended, where the command can say so.
    """

    rank: int
    score: float
    movie_id: int | str
    title: str
    year: int | None
    genres: tuple[str, ...]
    reason: str | None = None

    def as_plain(self) -> dict[str, Any]:
        """The record under its public names, of types that JSON has."""
        return {
            "rank": self.rank,
            "score": round(self.score, SCORE_DIGITS),
            "movieId": self.movie_id,
            "title": self.title,
            "year": self.year,
            "genres": list(self.genres),
            "reason": self.reason,
        }


@dataclass(frozen=True)
class Answer:
    """A question and its films, best first.

    Attributes:
        question: what was asked.
        films: the films, ranks from 1.
        wanted: how many were asked for.
        explanation: what people read below the table; empty for nothing.
    """

    question: Question
    films: tuple[RecommendedFilm, ...]
    wanted: int
    explanation: str = ""

    @property
    def shortfall(self) -> str | None:
        """Why there are fewer films than wanted; None where there are not."""
        if len(self.films) >= self.wanted:
            return None
        return f"{len(self.films)} instead of {self.wanted}: the catalogue has no other films"

    def as_plain(self) -> dict[str, Any]:
        """The answer under its public names, of types that JSON has."""
        question = {"kind": self.question.kind, "id": self.question.id, "title": self.question.title}
        return {"query": question, "recommendations": [film.as_plain() for film in self.films]}


def film_question(movies: Movies, row: int) -> Question:
    """The question that film ``row`` asks."""
    return Question("film", movies.public_id(row), movies.titles[row])


def history_question(movies: Movies, history: History) -> Question:
    """The question that a typed history asks; the latest films stand for it."""
    latest = [movies.titles[row] for row in history.rows[::-1][:MOST_NAMED]]
    more = len(history.rows) - len(latest)
    return Question("history", None, " and ".join([", ".join(latest)] + [f"{more} more"] * (more > 0)))


def make_answer(
    question: Question,
    movies: Movies,
    rows: Sequence[int],
    scores: Sequence[float],
    wanted: int,
    reasons: Sequence[str | None] | None = None,
) -> Answer:
    """The records of found films.

    Args:
        question: what was asked.
        movies: the catalogue.
        rows: film rows, best first.
        scores: one a row.
        wanted: how many films were asked for.
        reasons: one a row, where there are reasons.
    """
    films = [
        RecommendedFilm(
            rank,
            float(score),
            movies.public_id(row),
            movies.titles[row],
            movies.year(row),
            movies.genres[row],
            reason,
        )
        for rank, (row, score, reason) in enumerate(
            zip(rows, scores, reasons or [None] * len(rows), strict=True), start=1
        )
    ]
    return Answer(question, tuple(films), wanted)


def answer_for_person(question: Question, movies: Movies, found: Sequence[Suggestion], wanted: int) -> Answer:
    """The records of films for a person, each with its reason; arguments as in ``make_answer``."""
    reasons = [_reason(movies, suggestion) for suggestion in found]
    return make_answer(question, movies, [s.row for s in found], [s.score for s in found], wanted, reasons)


def _reason(movies: Movies, suggestion: Suggestion) -> str:
    """``because you rated Toy Story (1995) 5``, or ``because of`` it where there is no rating."""
    title, rating = movies.titles[suggestion.because], suggestion.rating
    if rating is None:
        return f"because of {title}"
    if rating < LIKED:
        return f"near {title}, which you rated {rating:g}"
    return f"because you rated {title} {rating:g}"
