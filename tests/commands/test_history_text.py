import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from base.errors import UserError
from commands.history_text import parse_history, title_key
from tests.fuzzing import fuzz

RATINGS = st.one_of(st.none(), st.integers(1, 10).map(lambda n: n / 2))
SPACE = st.sampled_from(["", " "])


def read(text):
    return parse_history(text, 0.5, 5)


def same(found, expected):
    return all((math.isnan(f) and e is None) or f == e for f, e in zip(found, expected, strict=True))


@fuzz()
@given(st.lists(st.tuples(st.integers(0, 10**9), RATINGS, SPACE), min_size=1))
def test_ids_with_and_without_ratings_are_read_back(films):
    text = ",".join(f"{i}{s}" + ("" if r is None else f":{s}{r:g}") for i, r, s in films)
    found = read(text)
    assert found.are_ids and found.films == [str(i) for i, _, _ in films]
    assert same(found.ratings, [r for _, r, _ in films])


TITLES = st.text(st.characters(exclude_characters=":;=", exclude_categories=["Cs"]), min_size=1).map(
    lambda t: "x" + t.strip()
)


@fuzz()
@given(st.lists(st.tuples(TITLES, RATINGS, SPACE), min_size=1), st.sampled_from(["", ";"]))
def test_titles_with_and_without_ratings_are_read_back(films, end):
    text = ";".join(f"{s}{t}" + ("" if r is None else f"={s}{r:g}") for t, r, s in films) + end
    found = read(text)
    assert not found.are_ids and found.films == [t.strip() for t, _, _ in films]
    assert same(found.ratings, [r for _, r, _ in films])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Heat:5", "'Heat:5' is not an id; a title's rating follows '='"),
        ("Toy Story; Heat: 4.5", "'Heat: 4.5' is not an id"),
        ("Heat=5, Alien=4", "titles are separated by ';', got 'Heat=5, Alien'"),
        ("1;50", "ids are separated by commas, as in '1,50'"),
    ],
)
def test_marks_of_ids_among_titles_are_refused_rather_than_lost(text, said):
    with pytest.raises(UserError, match=re.escape(said)):
        read(text)


@fuzz()
@given(st.text(st.sampled_from('12:;,=. "ab-\n\x1b'), max_size=20))
def test_any_text_is_a_history_or_one_line(text):
    try:
        found = read(text)
    except UserError as error:
        assert str(error).isprintable()
        return
    assert len(found.films) == len(found.ratings) >= 1 and all(found.films)
    assert all(math.isnan(r) or 0.5 <= r <= 5 for r in found.ratings)


@pytest.mark.parametrize(
    ("text", "are_ids", "films"),
    [
        ("1", True, ["1"]),
        ("1984", True, ["1984"]),
        ("2001: A Space Odyssey", False, ["2001: A Space Odyssey"]),
        ("Crouching Tiger, Hidden Dragon=4", False, ["Crouching Tiger, Hidden Dragon"]),
        ("i=2=5", False, ["i=2"]),
        ("12, Monkeys", False, ["12, Monkeys"]),
    ],
)
def test_ids_and_titles_are_told_apart(text, are_ids, films):
    assert read(text)[:2] == (are_ids, films)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "names no film at place 1"),
        ("1,,2", "names no film at place 2"),
        ("Heat;;Toy Story", "names no film at place 2"),
        ("=5", "names no film at place 1"),
        ("1:5,2:9", "a rating must be a number from 0.5 to 5, got '9' for '2'"),
        ("1:", "from 0.5 to 5, got '' for '1'"),
        ("1:0.4", "got '0.4'"),
        ("1:-1", "got '-1'"),
        ("1:4:5", "got '4:5'"),
        ("Heat=five", "got 'five' for 'Heat'"),
        ("Heat=nan", "got 'nan'"),
        ("Heat=1e999", "got '1e999'"),
    ],
)
def test_mistakes_say_what_to_do(text, message):
    with pytest.raises(UserError) as error:
        read(text)
    assert message in str(error.value)


TITLES_OF_DATA = [
    "Tome 0; or, the Whale (1850)", 'Tome 1; or, the "Whale"', "Heat", "i=2", "Part 2: 5", "Tome 1",
    "A; B; C", '"Great" Cats',
]  # fmt: skip
KEYS = {title_key(name) for title in TITLES_OF_DATA for name in (title, title.removesuffix(" (1850)"))}


@pytest.mark.parametrize(
    ("text", "films", "ratings"),
    [
        ("Tome 0; or, the Whale=5", ["Tome 0; or, the Whale"], [5]),
        ("Tome 0; or, the Whale (1850)", ["Tome 0; or, the Whale (1850)"], [None]),
        (
            "heat=4;  tome 0;  OR, the Whale = 5; Alien",
            ["heat", "tome 0;  OR, the Whale", "Alien"],
            [4, 5, None],
        ),
        ('Tome 1; or, the "Whale"=3;', ['Tome 1; or, the "Whale"'], [3]),
        ('"Tome 1; or, the "Whale""=3; Heat', ['Tome 1; or, the "Whale"', "Heat"], [3, None]),
        ("A; B; C=2; Heat", ["A; B; C", "Heat"], [2, None]),
        ("Tome 1; Heat", ["Tome 1", "Heat"], [None, None]),
        ("Part 2: 5", ["Part 2: 5"], [None]),
        ("i=2; i=2=5", ["i=2", "i=2"], [None, 5]),
        # Quotes also hold what is not a title of the data.
        ('"Moby; Dick"=4; "Heat"', ["Moby; Dick", "Heat"], [4, None]),
        ('"The ""Big""; Sleep" = 4.5 ; x', ['The "Big"; Sleep', "x"], [4.5, None]),
        ('"1984"=5', ["1984"], [5]),
        ('"Great" Cats=1', ['"Great" Cats'], [1]),
        ('"Great" Dogs=1', ['"Great" Dogs'], [1]),
        ('"Moby; Dick', ['"Moby', "Dick"], [None, None]),
    ],
)
def test_titles_with_semicolons(text, films, ratings):
    found = parse_history(text, 0.5, 5, titles=KEYS)
    assert not found.are_ids and found.films == films and same(found.ratings, ratings)


@fuzz()
@given(st.lists(st.tuples(st.sampled_from(TITLES_OF_DATA), RATINGS), min_size=1, max_size=4))
def test_whole_titles_of_the_data_are_read_back(typed):
    text = "; ".join(title + ("" if rating is None else f"={rating:g}") for title, rating in typed)
    found = parse_history(text, 0.5, 5, titles=KEYS)
    assert found.films == [title for title, _ in typed] and same(found.ratings, [r for _, r in typed])


@fuzz()
@given(st.lists(st.tuples(st.text(min_size=1).filter(str.strip), RATINGS), min_size=1, max_size=4))
def test_any_title_can_stand_in_quotes(typed):
    quoted = ('"' + title.replace('"', '""') + '"' for title, _ in typed)
    text = ";".join(q + ("" if r is None else f"={r:g}") for q, (_, r) in zip(quoted, typed, strict=True))
    found = parse_history(text, 0.5, 5)
    assert found.films == [title.strip() for title, _ in typed]


def test_text_ids_are_told_by_the_catalogue():
    known = {"a-1", "b:2"}.__contains__
    assert parse_history("a-1:3,a-1", 0, 10, known).are_ids
    assert not parse_history("a-2", 0, 10, known).are_ids
    with pytest.raises(UserError, match="'a-2:3' is not an id"):
        parse_history("a-2:3", 0, 10, known)
