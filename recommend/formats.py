"""Answers as text: aligned tables for people, JSON and CSV for programs.

The keys of JSON and the columns of CSV are documented and do not change.
"""

import csv
import io
import json
import logging
import shutil
import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from report.text_table import TableColumn, TableSection, render_table

if TYPE_CHECKING:
    from recommend.answers import Answer

logger = logging.getLogger("pinsage")

CSV_COLUMNS = (
    "queryId", "queryTitle", "rank", "score", "movieId", "title", "year", "genres", "reason",
)  # fmt: skip
NO_VALUE = "-"


def print_answers(answers: "Iterable[Answer]", form: str) -> None:
    """Write answers to stdout as they come. JSON and CSV are UTF-8, and nothing else is written there.

    Args:
        answers: the answers.
        form: ``table``, ``json`` or ``csv``.
    """
    if form != "table" and hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(encoding="utf-8", newline="")
    for text in {"table": tables, "json": json_text, "csv": csv_text}[form](_noting(answers, form)):
        sys.stdout.write(text)


def _noting(answers: "Iterable[Answer]", form: str) -> "Iterator[Answer]":
    """The answers. The note that stands below a table goes to stderr if there is no table."""
    for answer in answers:
        if form != "table" and answer.shortfall:
            logger.info("%s (%s)", answer.shortfall, answer.question.heading())
        yield answer


def json_text(answers: "Iterable[Answer]") -> Iterator[str]:
    """A JSON array with one object per answer and one line per film, piece by piece."""
    separator = "[\n"
    for answer in answers:
        plain = answer.as_plain()
        films = ",\n  ".join(_json(film) for film in plain["recommendations"])
        yield f'{separator}{{"query": {_json(plain["query"])},\n "recommendations": [\n  {films}]}}'
        separator = ",\n"
    yield "[]\n" if separator == "[\n" else "\n]\n"


def _json(value: dict[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False)


def csv_text(answers: "Iterable[Answer]") -> Iterator[str]:
    """A header and one line per recommended film. Genres are joined by ``|``."""
    yield csv_line(CSV_COLUMNS)
    for answer in answers:
        question = {"queryId": answer.question.id, "queryTitle": answer.question.title}
        for film in answer.films:
            values = film.as_plain() | question | {"genres": "|".join(film.genres)}
            yield csv_line([values[column] for column in CSV_COLUMNS])


def csv_line(values: Sequence[Any]) -> str:
    """One row of a CSV file with its newline. None is an empty value."""
    buffer = io.StringIO(newline="")
    # The csv module quotes the characters of its line end, so with this one a carriage return in a title too.
    csv.writer(buffer, lineterminator="\r\n").writerow(values)
    return buffer.getvalue().removesuffix("\r\n") + "\n"


def tables(answers: "Iterable[Answer]") -> Iterator[str]:
    """A heading and an aligned table for each answer, on a terminal no wider than it."""
    width = terminal_width()
    for answer in answers:
        yield answer_table(answer, width)


def answer_table(answer: "Answer", width: int | None = None) -> str:
    """The heading of an answer, its films, and the notes below them. Arguments as in ``films_table``."""
    note = f"\n{answer.shortfall}\n" if answer.shortfall else ""
    table = films_table(answer, width)
    return f"\n{one_line(answer.question.heading())}:\n\n{table}\n{note}{answer.explanation}"


def terminal_width() -> int | None:
    """Columns of the terminal that shows stdout; None if that is a file or a pipe, so that nothing is cut."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def films_table(answer: "Answer", width: int | None = None) -> str:
    """The films of an answer. There is a column of reasons only if there are some.

    Args:
        answer: the answer.
        width: columns of the terminal. Long texts are cut to fit it; None cuts nothing.
    """
    number_ids = not any(isinstance(film.movie_id, str) for film in answer.films)
    columns = [
        TableColumn("rank"),
        TableColumn("score"),
        TableColumn("id", numeric=number_ids),  # never cut: people copy ids
        TableColumn("year"),
        TableColumn("title", numeric=False, may_be_cut=True),
        TableColumn("genres", numeric=False, may_be_cut=True),
    ]
    rows = [
        [
            str(film.rank),
            f"{film.score:.3f}",
            one_line(str(film.movie_id)),
            NO_VALUE if film.year is None else str(film.year),
            one_line(film.shown_title),
            one_line(", ".join(film.genres)) or NO_VALUE,
        ]
        for film in answer.films
    ]
    if any(film.reason for film in answer.films):
        columns.append(TableColumn("reason", numeric=False, may_be_cut=True))
        for row, film in zip(rows, answer.films, strict=True):
            row.append(one_line(film.reason or "") or NO_VALUE)
    return render_table(columns, [TableSection(rows)], max_width=width, closed=False)


def one_line(text: str) -> str:
    """Text on one line, without control characters that a terminal would obey."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())
