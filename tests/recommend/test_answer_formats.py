"""Answers as tables, JSON and CSV: whatever a title holds, programs get it back and terminals stay whole."""

import csv
import io
import json
import logging
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from base.json_ids import json_id
from recommend.answers import Answer, Question, RecommendedFilm, film_question, make_answer
from recommend.formats import csv_text, films_table, json_text, one_line, print_answers, tables
from report.text_table import TableColumn, TableSection, display_width, render_table, shortened
from tests.factories import catalogue
from tests.fuzzing import fuzz

HOSTILE = st.text(st.characters(codec="utf-8") | st.sampled_from('",\n\r\t|;\x1b\x00字é\u0301'), max_size=30)
# A genre cannot hold the character that separates genres in MovieLens's files.
GENRE = HOSTILE.filter(lambda text: text and "|" not in text)
PATIENT = fuzz()
SCORE = st.floats(-1, 1, width=32)


@st.composite
def answers(draw):
    films = tuple(
        RecommendedFilm(
            rank,
            draw(SCORE),
            draw(st.integers(0, 2**63 - 1) | HOSTILE.filter(bool)),
            draw(HOSTILE),
            draw(st.none() | st.integers(1, 9999)),
            tuple(draw(st.lists(GENRE, max_size=3))),
            draw(st.none() | HOSTILE.filter(bool)),
        )
        for rank in range(1, draw(st.integers(0, 4)) + 1)
    )
    question = Question("film", draw(st.none() | st.integers(0, 99) | HOSTILE.filter(bool)), draw(HOSTILE))
    return Answer(question, films, 4)


@PATIENT
@given(st.lists(answers(), max_size=3))
def test_json_gives_back_what_went_in(given_answers):
    read = json.loads("".join(json_text(given_answers)))
    assert read == [answer.as_plain() for answer in given_answers]
    for answer, plain in zip(given_answers, read, strict=True):
        assert plain["query"].keys() == {"kind", "id", "title"}
        ids = [json_id(film.movie_id) for film in answer.films]
        assert [film["movieId"] for film in plain["recommendations"]] == ids
        for film in plain["recommendations"]:
            assert list(film) == ["rank", "score", "movieId", "title", "year", "genres", "reason"]


@PATIENT
@given(st.lists(answers(), max_size=3))
def test_csv_gives_back_what_went_in(given_answers):
    def text(value):
        return "" if value is None else str(value)

    rows = list(csv.reader(io.StringIO("".join(csv_text(given_answers)), newline=""), strict=True))
    assert rows[0] == "queryId queryTitle rank score movieId title year genres reason".split()
    expected = [
        [
            *(text(answer.question.id), answer.question.title),
            *(str(film.rank), str(round(film.score, 6)), str(film.movie_id), film.title),
            *(text(film.year), "|".join(film.genres), text(film.reason)),
        ]
        for answer in given_answers
        for film in answer.films
    ]
    assert rows[1:] == expected


@PATIENT
@given(answers())
def test_no_title_breaks_a_table_or_reaches_the_terminal_as_a_command(answer):
    text = "".join(tables([answer]))
    assert all(c.isprintable() for c in text.replace("\n", ""))
    heading, rule, *rows = films_table(answer).split("\n")
    assert len(rows) == len(answer.films) and set(rule) == {"-"}
    assert max(map(display_width, (heading, *rows))) == len(rule)
    assert ("reason" in heading) == any(film.reason for film in answer.films)


@PATIENT
@given(answers(), st.integers(60, 200))
def test_a_table_keeps_to_the_terminal_where_it_can(answer, width):
    full, cut, narrowest = (films_table(answer, most).split("\n") for most in (None, width, 0))
    assert len(cut) == len(full) and display_width(cut[1]) <= max(width, display_width(narrowest[1]))
    if display_width(full[1]) <= width:
        assert cut == full
    for line, film in zip(narrowest[2:], answer.films, strict=True):  # ids are whole however narrow it is
        assert " ".join(str(film.movie_id).split()) in line or not str(film.movie_id).isprintable()


def test_what_a_text_loses_takes_no_columns():
    assert one_line("\x1b a\x1b\x00 b\t\x1b") == "a b"
    film = RecommendedFilm(1, 0.5, 7, "Film", 1999, ("g" * 40,), "because\x1b")
    answer = Answer(Question("film", 1, "x"), (film,), 1)
    full = films_table(answer)
    assert films_table(answer, display_width(full.split("\n")[1])) == full


def test_the_longest_texts_give_way():
    film = RecommendedFilm(1, 0.5, 7, "A title of medium length", 1999, ("Action",) * 9, "because " * 9)
    answer = Answer(Question("film", 1, "x"), (film,), 1)
    table = films_table(answer, 100)
    assert 98 <= max(map(display_width, table.split("\n"))) <= 100
    assert "A title of medium length" in table and "Action, Action, A" in table and table.count("…") == 2
    assert shortened("七人の侍", 5) == "七人…" and shortened("七人の侍", 8) == "七人の侍"


def test_columns_stand_below_each_other_for_wide_and_combining_characters():
    titles = ["七人の侍", "Ame\u0301lie", "Plain"]
    columns = [TableColumn("title", numeric=False), TableColumn("n")]
    rows = [[title, "7"] for title in titles]
    lines = render_table(columns, [TableSection(rows)], closed=False).split("\n")
    assert [display_width(line) for line in lines] == [display_width(lines[0])] * 5
    assert unicodedata.east_asian_width("七") == "W" and lines[2] == "七人の侍  7"
    assert lines[3] == "Ame\u0301lie    7" and lines[4] == "Plain     7"


def test_records_are_the_films_of_the_catalogue():
    movies = catalogue(6)
    made = make_answer(film_question(movies, 3), movies, [4, 2], [0.5, 0.25], 2, ["because", None])
    assert made.question == Question("film", 13, "Film 3 (1953)") and made.shortfall is None
    assert made.films == (
        RecommendedFilm(1, 0.5, 14, "Film 4 (1954)", None, ("Drama",), "because"),
        RecommendedFilm(2, 0.25, 12, "Film 2 (1952)", 1952, ("Action", "Comedy"), None),
    )
    assert make_answer(film_question(movies, 0), movies, [1], [0.1], 9).shortfall.startswith("1 instead of 9")


@pytest.mark.parametrize("form", ["table", "json", "csv"])
def test_notes_stand_below_a_table_but_never_in_what_programs_read(form, capsys, caplog):
    movies = catalogue(3)
    with caplog.at_level(logging.INFO, logger="pinsage"):
        print_answers([make_answer(film_question(movies, 0), movies, [1], [0.1], 5)], form)
    shown = capsys.readouterr().out
    note = "1 instead of 5: the catalogue has no other films"
    assert (note in shown) == (form == "table") and (note in caplog.text) == (form != "table")
