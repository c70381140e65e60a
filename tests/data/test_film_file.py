"""The JSON of a new film: what is read, and one line for whatever no film can be."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from base.errors import UserError
from data.reading.film_file import FilmFile, parse_film, read_film
from tests.fuzzing import fuzz


def read(tmp_path, content):
    path = tmp_path / "film.json"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_film(path)


def rated(rating):
    """A film with this rating."""
    return f'{{"title": "a", "ratings": [{rating}]}}'


def test_everything_a_film_can_have(tmp_path):
    text = """{"title": " Heat ", "year": 1995, "genres": ["Action", "Crime", "Action"],
        "tags": ["Heist", "heist "],
        "ratings": [{"userId": 7, "rating": 4.5}, {"rating": 0, "userId": 0}], "movieId": 12}"""
    ratings = ((7, 4.5), (0, 0.0))
    film = FilmFile("Heat (1995)", 1995, ("Action", "Crime"), ("heist",), ratings, 12)
    assert read(tmp_path, "\ufeff" + text) == film
    assert parse_film(json.loads(json.dumps(film.as_plain())), "again") == film


@pytest.mark.parametrize(
    ("text", "film"),
    [
        ('{"title": "Heat"}', FilmFile("Heat")),
        ('{"title": "Heat (1995)"}', FilmFile("Heat (1995)", 1995)),
        ('{"title": "Heat (1995)", "year": 1995, "genres": []}', FilmFile("Heat (1995)", 1995)),
        ('{"title": "2001", "year": null, "movieId": null}', FilmFile("2001")),
        ('{"title": "x", "movieId": "12"}', FilmFile("x", movie_id=12)),
        (
            '{"title": "x", "movieId": "9223372036854775807", "ratings": [{"userId": "007", "rating": 1}]}',
            FilmFile("x", movie_id=2**63 - 1, ratings=((7, 1.0),)),
        ),
    ],
)
def test_only_the_title_is_needed(tmp_path, text, film):
    assert read(tmp_path, text) == film


def test_large_ids_are_written_as_text_and_read_back():
    film = FilmFile("x", ratings=((2**53, 1.0), (2**53 - 1, 2.0)), movie_id=2**62)
    plain = json.loads(json.dumps(film.as_plain()))
    assert plain["movieId"] == str(2**62)
    assert [rating["userId"] for rating in plain["ratings"]] == [str(2**53), 2**53 - 1]
    assert parse_film(plain, "again") == film


@pytest.mark.parametrize("value", ["9223372036854775808", "-1", "1.0", "", "x", "9" * 5000])
def test_texts_that_are_no_ids_are_refused(value):
    with pytest.raises(UserError, match="movieId must be a whole number from 0 to 9223372036854775807, got "):
        parse_film({"title": "x", "movieId": value}, "film.json")


@pytest.mark.parametrize(
    ("typed", "title", "year"),
    [
        (
            {"title": "Twin Peaks (1989–1991)"},
            "Twin Peaks (1989–1991)",
            1989,
        ),  # as MovieLens's titles are read
        ({"title": "Columbus (1492)"}, "Columbus (1492)", None),
        ({"title": "Columbus (1492)", "year": 1992}, "Columbus (1492) (1992)", 1992),
        ({"title": "x" * 500, "year": 1992}, "x" * 500 + " (1992)", 1992),
        ({"title": "x" * 500 + " (1992)"}, "x" * 500 + " (1992)", 1992),
        ({"title": "a", "tags": ["İ" * 250]}, "a", None),  # a lower-case İ is two characters
    ],
)
def test_whatever_film_is_accepted_is_read_again(typed, title, year):
    film = parse_film(typed, "film.json")
    assert (film.title, film.year) == (title, year)
    assert parse_film(json.loads(json.dumps(film.as_plain())), "added.json") == film


def test_a_tag_or_title_that_is_too_long_is_refused():
    for typed in (
        {"title": "x" * 501},
        {"title": "a", "tags": ["İ" * 251]},
        {"title": "a", "genres": ["x" * 501]},
    ):
        with pytest.raises(UserError, match="must be .*1 to 500 printable characters"):
            parse_film(typed, "film.json")


def test_a_million_wrong_ratings_are_one_line_soon():
    with pytest.raises(UserError, match=r"ratings\[0\].userId is missing"):
        parse_film({"title": "a", "ratings": [{}] * 1_000_000}, "film.json")


def test_an_unknown_key_comes_before_the_key_that_it_misspells():
    with pytest.raises(UserError, match="unknown key 'titel'; did you mean title?"):
        parse_film({"year": "1995", "titel": "Heat"}, "film.json")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "line 1, column 1: the JSON ends too early; correct it"),
        ("{'title': 1}", "line 1, column 2: not valid JSON at \"'title': 1}\"; correct it"),
        ("[1]", r'film.json must be an object such as {"title": ...}, got \[1\]; correct it'),
        ("{}", 'title is missing; add it: 1 to 500 printable'),
        ('{"title": ""}', "title must be 1 to 500 printable characters on one line, got ''"),
        ('{"title": 7}', "title must be 1 to 500 printable characters on one line, got 7"),
        ('{"title": "a\\nb"}', "title must be 1 to 500 printable characters on one line, got 'a\\\\nb'"),
        ('{"title": "\\ud800"}', "title must be 1 to 500 printable characters on one line"),
        ('{"title": "a", "titel": "b"}', "unknown key 'titel'; did you mean title?"),
        ('{"title": "a", "xyz": "b"}', "unknown key 'xyz'; known keys are title, year, genres, tags"),
        ('{"title": "a", "title": "b"}', "the key 'title' occurs twice"),
        ('{"title": "a", "year": "1995"}', "year must be a whole number from 1800 to 2200, got '1995'"),
        ('{"title": "a", "year": true}', "year must be a whole number from 1800 to 2200, got true"),
        ('{"title": "a (1990)", "year": 1995}', "year is 1995, but the title says 'a \\(1990\\)'"),
        ('{"title": "a", "genres": "Action"}', "genres must be a list of genres, got 'Action'"),
        ('{"title": "a", "genres": ["A|B"]}', r"genres\[0\] must be one genre: .*, without \|, got 'A\|B'"),
        ('{"title": "a", "tags": [1]}', r"tags\[0\] must be 1 to 500 printable characters on .*, got 1"),
        ('{"title": "a", "movieId": -1}', "movieId must be a whole number from 0 to .*, got -1"),
        ('{"title": "a", "movieId": 9223372036854775808}', "got 9223372036854775808"),
        ('{"title": "a", "ratings": {}}', "ratings must be a list of ratings, got {}"),
        (rated('5'), r"ratings\[0\] must be an object .*, got 5"),
        (rated('{"userId": 1}'), r"ratings\[0\].rating is missing; add it: a finite number"),
        (rated('{"userId": 1.0, "rating": 1}'), r"ratings\[0\].userId must be a whole number"),
        (rated('{"userId": 1, "rating": -0.5}'), "finite number of 0 or more, got -0.5"),
        (rated('{"userId": 1, "rating": 1e999}'), "finite number of 0 or more, got Infinity"),
        (rated('{"userId": 1, "rating": NaN}'), "NaN is not a number"),
        ('{"title": "a", "year": ' + "9" * 5000 + "}", "a number of 5000 digits"),
        ("[" * 100_000, "nested too deeply"),
        ('{"title": ' + "[" * 900 + "]" * 900 + "}", "title must be 1 to 500"),
        (b'{"title": "\xff"}', "not UTF-8 text at byte 11"),
    ],
)  # fmt: skip
def test_every_mistake_is_one_line(tmp_path, content, message):
    with pytest.raises(UserError, match=message) as caught:
        read(tmp_path, content)
    assert_one_line(caught.value)


def assert_one_line(error):
    assert str(error).isprintable() and len(str(error)) < 500 and "; " in str(error)
    assert "pydantic" not in str(error) and "Input should" not in str(error)


@pytest.mark.parametrize("name", ["missing.json", ".", "a\0b", "x" * 5000])
def test_a_file_that_cannot_be_read_is_one_line(tmp_path, name):
    with pytest.raises(UserError, match="name a JSON file") as caught:
        read_film(tmp_path / name)
    if len(name) < 5000:
        assert_one_line(caught.value)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
NAMES = st.lists(st.text(max_size=8) | st.sampled_from(["Action", "a|b"]) | JSON, max_size=3)
RATING = st.fixed_dictionaries(
    {}, optional={"userId": st.integers() | JSON, "rating": st.floats() | JSON, "x": JSON}
)
FILM = st.fixed_dictionaries(
    {"title": st.text(max_size=12) | JSON},
    optional={
        "year": st.integers(1790, 2210) | JSON, "genres": NAMES | JSON, "tags": NAMES | JSON,
        "ratings": st.lists(RATING | JSON, max_size=3) | JSON, "movieId": st.integers() | JSON,
    },
)  # fmt: skip


@fuzz(300)
@given(FILM | JSON)
def test_any_json_is_a_film_or_one_line(value):
    try:
        film = parse_film(value, "film.json")
    except UserError as error:
        assert_one_line(error)
    else:
        assert film.title.isprintable()
        assert parse_film(json.loads(json.dumps(film.as_plain())), "again") == film
        assert parse_film(film.as_plain() | {"movieId": None}, "again") == replace(film, movie_id=None)


@fuzz(300)
@given(
    st.binary(max_size=40) | st.text('{}[]",:0123456789.eE-+truefalsn \\utitle', max_size=40).map(str.encode)
)
def test_any_bytes_are_a_film_or_one_line(tmp_path_factory, content):
    path = tmp_path_factory.getbasetemp() / "fuzzed.json"
    path.write_bytes(content)
    try:
        read_film(path)
    except UserError as error:
        assert_one_line(error)
