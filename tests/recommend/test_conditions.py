"""Conditions: text and trees, three-valued logic against a naive evaluator, hostile ones in one line."""

from enum import IntEnum, StrEnum

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from base.errors import UserError
from recommend.conditions import columns as columns_module
from recommend.conditions.evaluate import fulfilling, parse
from recommend.conditions.film_columns import FilmColumns
from recommend.conditions.parser import MAX_BYTES, parse_text
from recommend.conditions.tree import MAX_LEVELS
from tests.factories import catalogue
from tests.fuzzing import fuzz
from tests.recommend.naive_conditions import conditions, naive_rows, own_columns

NUM = 24
MOVIES = catalogue(NUM)
OWN, STORED = own_columns(NUM)
COLUMNS = FilmColumns(MOVIES, STORED)


def rows(condition, columns=COLUMNS):
    return fulfilling(parse(condition), columns).tolist()


def refusal(condition, columns=COLUMNS):
    """The line that a wrong condition ends in."""
    with pytest.raises(UserError) as caught:
        fulfilling(parse(condition), columns)
    line = str(caught.value)
    assert line.isprintable() and line.startswith("`where`") and len(line) < 400
    return line


# --- what holds ------------------------------------------------------------------------------------


@fuzz(400)
@given(conditions)
def test_any_condition_equals_the_naive_evaluator(tree):
    assert rows(tree) == naive_rows(tree, MOVIES, OWN)


@fuzz(200)
@given(conditions)
def test_a_tree_as_text_is_the_same_tree(tree):
    condition = parse(tree)
    again = parse_text(str(condition))
    assert again == condition and repr(again) == repr(condition)  # 1 and 1.0 differ


@fuzz(200)
@given(conditions)
def test_a_condition_its_opposite_and_the_unknown_make_all(tree):
    """Neither a comparison with an unknown value nor its opposite holds."""
    holds, opposite = rows(tree), rows({"not": tree})
    assert not set(holds) & set(opposite)
    assert rows({"or": [tree, {"not": tree}]}) == sorted({*holds, *opposite})
    assert rows({"not": {"not": tree}}) == holds


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("year >= 1970", [20, 21, 22, 23]),
        ("year<1952", [0, 1]),
        ("YEAR < 1952 OR Year = 1970", [0, 1, 20]),
        ("not year < 1972", [22, 23]),  # 1954, 1959, ... have no year
        ("year is unknown", [4, 9, 14, 19]),
        ("year is known and year < 1952", [0, 1]),
        ("genre = Comedy and year < 1960", [2, 5, 8]),
        ("genre in (Comedy, Drama) and year < 1953", [1, 2]),
        ("not genre = Comedy and year < 1956", [1]),  # films without genres are unknown
        ("genre != Comedy and year < 1956", [1]),
        ("genres is unknown and year < 1956", [0, 3]),
        ("genre = Film-Noir", []),
        ("id in (10, 12, 99)", [0, 2]),
        ("id not in (10) and id < 13", [1, 2]),
        ("id in ('10', '011')", [0, 1]),
        ("id in ()", []),
        ("not id in () and id < 12", [0, 1]),
        ("price = 0.5", [1]),
        ("price >= 11 and price <= 11", []),  # film 22 has none
        ("price = 1e0 or price = 3", [6]),
        ("brand = Acme and id < 20", [1, 7]),
        ("brand = 'it''s' and id < 20", [3, 9]),
        ('brand = "a ""b""" and id < 20', [4]),
        ("brand = 12 and id < 20", [5]),  # text: a whole number is its digits
        ("'shelf mark' = 'and' and id < 20", [1, 6]),
        ('"shelf mark" = "x y" and id < 20', [2, 7]),
        ("stock > 17", [22, 23]),
        ("stock = 7 or stock = '8'", [11, 12]),
        ("stock in (7, '8', '08')", [11, 12]),
        ("title = 'Film 3 (1953)'", [3]),
        ("title >= 'Film 9'", [9]),
        ("year = 1950 or year = 1951 and id = 11", [0, 1]),  # and binds before or
        ("(year = 1950 or year = 1951) and id = 11", [1]),
        ("not (year = 1950 or year = 1951) and id < 14", [2, 3]),
        ("not not year = 1950", [0]),
    ],
)
def test_conditions_by_hand(text, expected):
    assert rows(text) == expected


def test_ids_that_are_text_are_compared_letter_by_letter():
    ids = ["7", "07", "sea/000-X", "9007199254740993", *(f"i{row}" for row in range(NUM - 4))]
    books = FilmColumns(MOVIES.__class__(np.arange(NUM), MOVIES.titles, MOVIES.genres, MOVIES.years, ids), {})
    assert rows("id = 7", books) == rows("id = '7'", books) == [0]
    assert rows("id = 07", books) == [1]  # not a number, so a word
    assert rows("id in (sea/000-X, 9007199254740993, 9007199254740992)", books) == [2, 3]


def test_ids_beyond_the_numbers_that_floats_keep():
    ids = np.arange(NUM) + 2**53
    movies = MOVIES.__class__(ids, MOVIES.titles, MOVIES.genres, MOVIES.years)
    columns = FilmColumns(movies, {})
    assert rows(f"id = {2**53 + 1}", columns) == rows(f"id in ('{2**53 + 1}')", columns) == [1]
    assert rows({"column": "id", "op": "in", "value": [str(2**53 + 1), 2**53 + 3]}, columns) == [1, 3]


def test_names_of_columns():
    model = {
        "Price": ["1"] * NUM,
        "price": ["2"] * NUM,
        "year": ["x"] * NUM,
        "Year": ["3"] * NUM,
        "in": ["4"] * NUM,
    }
    columns = FilmColumns(MOVIES, model)
    everything = list(range(NUM))
    assert rows("Price = 1", columns) == rows("price = 2", columns) == rows("'in' = 4", columns) == everything
    assert rows("Year = 3", columns) == everything and rows("year = 1950", columns) == [0]
    assert "'PRICE' can be 'Price' or 'price'; write capitals" in refusal("PRICE = 1", columns)
    own_genre = FilmColumns(MOVIES, {"genre": ["pop"] * NUM})
    assert rows("genre = pop", own_genre) == everything and len(rows("genres = Drama", own_genre)) == 8


def test_arrays_of_numpy_are_lists():
    listed = np.array([10, 11], dtype=np.int32)
    assert rows({"column": "id", "op": "in", "value": listed}) == [0, 1]
    assert rows({"column": "year", "op": "=", "value": np.float32(1950)}) == [0]
    assert rows({"column": "id", "op": "in", "value": [np.int8(10), "11"]}) == [0, 1]
    known = {"column": "year", "op": "is", "value": np.array(["known", "unknown"])}
    assert refusal(known) == "`where`.value: must be known or unknown, got a ndarray"


def test_members_of_enumerations_are_their_values():
    class Genre(StrEnum):
        DRAMA = "Drama"

    class Id(IntEnum):
        FIRST, SECOND = 10, 11

    for op, value in (("=", Genre.DRAMA), ("in", [Genre.DRAMA])):
        condition = parse({"column": "genre", "op": op, "value": value})
        assert rows(condition) == rows("genre = Drama") and parse_text(str(condition)) == condition
    condition = parse({"column": "id", "op": "in", "value": [Id.FIRST, Id.SECOND]})
    assert rows(condition) == [0, 1] and str(condition) == "id in (10, 11)"
    flags = {"column": "id", "op": "in", "value": [*Id, True]}
    assert refusal(flags) == "`where`.value[2]: must be a number or a text, got true"
    wide = {"column": "year", "op": "in", "value": [np.longdouble(1950)]}
    assert "`where`.value[0]: must be a number or a text" in refusal(wide)


def test_files_of_values():
    def read(name):
        return (["10", "12"], [1, 4]) if name == "seen.txt" else (["x"], [3])

    condition = parse_text("id in @seen.txt and not id in @'my file'", read)
    assert rows(parse_text("not id in @seen.txt and id < 14", read)) == [1, 3]
    assert refusal(condition) == (
        "`where` @my file, line 3: an id must be a whole number from 0 to 9223372036854775807, got 'x'"
    )
    assert "character 7: @file is read on the command line only" in refusal("id in @seen.txt")


def test_lines_of_a_file_are_numbers_for_columns_of_numbers():
    def read(name):
        return (["1950", " 1.951e3"], [2, 3]) if name == "years" else (["1950", "'1951'"], [2, 3])

    assert rows(parse_text("year in @years", read)) == rows("year in (1950, 1951)") == [0, 1]
    line = "`where` @typed, line 3: 'year' must be compared with numbers, got \"'1951'\""
    assert refusal(parse_text("year in @typed", read)) == line
    assert "must be compared with numbers" in refusal("year = '1950'")


def test_summaries_offer_what_there_is():
    found = {one.pop("name"): one for one in COLUMNS.summaries()}
    assert list(found) == ["id", "title", "year", "genres", *STORED]
    assert found["id"] == {"kind": "number", "known": NUM} and found["title"] == {
        "kind": "text",
        "known": NUM,
    }
    assert found["year"] == {"kind": "number", "known": 20, "lowest": 1950.0, "highest": 1973.0}
    assert found["genres"]["kind"] == "set" and found["genres"]["values"][0] == {
        "value": "Action",
        "films": 8,
    }
    assert found["Stock"]["lowest"] == -4 and found["Stock"]["kind"] == "text"
    assert found["brand"]["values"][0] == {"value": "12", "films": 4} and found["brand"]["known"] == 20


# --- limits ----------------------------------------------------------------------------------------


def test_text_may_have_64_kib_and_32_levels():
    text = "id in (10" + ", 11" * ((MAX_BYTES - 10) // 4) + ")"
    assert len(text) <= MAX_BYTES < len(text) + 4 and rows(text) == [0, 1]
    assert "character 65537" in refusal(text + "    ")
    line = refusal("title = '" + "é" * (MAX_BYTES // 2) + "'")  # 9 bytes, then two for each letter
    assert line.startswith(f"`where`, character {9 + (MAX_BYTES - 9) // 2 + 1}: ") and "65,536 bytes" in line
    assert rows("(" * MAX_LEVELS + "id = 10" + ")" * MAX_LEVELS) == [0]
    assert "character 33: more than 32 levels" in refusal("(" * 33 + "id = 10" + ")" * 33)
    assert rows("not " * MAX_LEVELS + "id = 10") == [0]
    assert "character 129: more than 32 levels" in refusal("not " * 33 + "id = 10")
    flat = " or ".join(["id = 10"] * 5000)
    assert rows(flat) == [0]


def nested(levels):
    tree = {"column": "id", "op": "=", "value": 10}
    for level in range(levels):
        tree = {"and": [tree, {"column": "id", "op": "<", "value": 99}]} if level % 2 else {"not": tree}
    return tree


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("7", 7),
        ("٧", 7),  # a digit of another script
        (str(2**63 - 1), 2**63 - 1),
        (str(2**63), None),
        ("", None),
        ("-7", None),
        ("7.0", None),
        ("\ud800", None),
        ("9" * 30, None),
        ("0" * 30 + "7", None),
    ],
)
def test_many_texts_are_the_ids_that_a_few_are(monkeypatch, text, found):
    values = ["5", "006", text]
    outcomes = []
    for many in (1, 10):
        monkeypatch.setattr(columns_module, "MANY", many)
        condition = parse({"column": "id", "op": "in", "value": values})
        try:
            outcomes.append(COLUMNS.find(condition).operand(condition).tolist())
        except UserError as error:
            outcomes.append(str(error))
    assert outcomes[0] == outcomes[1]
    assert (outcomes[0] == [5, 6, found]) if found is not None else "value[2]: an id must be" in outcomes[0]


def test_a_tree_may_have_32_levels_and_a_million_values():
    condition = parse(nested(MAX_LEVELS))
    assert parse_text(str(condition)) == condition
    line = refusal(nested(MAX_LEVELS + 1))
    assert "more than 32 levels" in line and line.startswith("`where`.not.and[0].not")
    deep = {"column": "id", "op": "=", "value": 10}
    for _ in range(100_000):
        deep = {"not": deep}
    assert "more than 32 levels" in refusal(deep)
    while "not" in deep:  # a thousand levels at once would end the process when they are freed
        deep = deep.pop("not")
    ids = list(range(1_000_000))
    assert rows({"column": "id", "op": "in", "value": ids}) == list(range(NUM))
    over = {"or": [{"column": "id", "op": "in", "value": ids}, {"column": "id", "op": "in", "value": [1]}]}
    assert "`where`.or[1].value: lists may have at most 1,000,000 values, got 1,000,001" == refusal(over)
    many = {"or": [{"column": "id", "op": "=", "value": 10}] * 10_001}
    assert "`where`.or[10000]: more than 10,000 comparisons" in refusal(many)


def test_a_level_that_brackets_do_not_show_counts():
    text = "id = 10"
    for _ in range(MAX_LEVELS):
        text = f"(id = 11 or {text}) and id = 12"
    assert "more than 32 levels" in refusal(text)


# --- what is wrong ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", "`where`, character 1: expected a column, got the end"),
        ("   ", "`where`, character 4: expected a column, got the end"),
        ("year", "`where`, character 5: expected a comparison (=, !=, <, <=, >, >=, in, is), got the end"),
        ("year >=", "`where`, character 8: expected a value"),
        ("year >= and", "character 9: expected a value (in quotes if it is a word of conditions"),
        ("year == 1990", "character 7: expected a value"),
        ("year ! 1990", "character 6: expected a comparison (=, !=, <, <=, >, >=, in, is), got '!'"),
        ("year >= 1990 genre = Comedy", "character 14: expected and, or, or the end, got 'genre'"),
        ("year >= 1990)", "character 13: expected and, or, or the end, got ')'"),
        ("(year >= 1990", "character 14: expected and, or, or ), got the end"),
        ("year in 1990", "character 9: expected ( or @file, got '1990'"),
        ("year in (1990", "character 14: expected , or ), got the end"),
        ("year in (1990,)", "character 15: expected a value"),
        ("year in (,)", "character 10: expected a value"),
        ("year not 1990", "character 10: expected in, got '1990'"),
        ("year is 1990", "character 9: expected known or unknown, got '1990'"),
        ("title = 'Heat", "character 9: the quote ' is not closed; close it, and double a quote"),
        ("genre = Children's", "character 17: the quote ' is not closed"),
        ("title = @seen", "character 9: @file may only follow in"),
        ("@year = 3", "character 1: expected a column, got '@year'"),
        ("and = 3", "character 1: expected a column, got 'and'"),
        ("colour = red", "character 1: there is no column 'colour'; there are 'id', 'title', 'year',"),
        ("id = 10 and yaer = 3", "character 13: there is no column 'yaer'; did you mean year?"),
        ("year = 'x'", "character 8: 'year' must be compared with numbers, got 'x'"),
        ("year in (1, 2, x)", "character 16: 'year' must be compared with numbers, got 'x'"),
        ("year = '1990'", "'year' must be compared with numbers, got '1990'"),
        ("year = 1e999", "character 8: the number '1e999' is too large"),
        (f"year = {'9' * 500}", "character 8: the number '9999"),
        ("year = NaN", "must be compared with numbers, got 'NaN'"),
        ("year = true", "must be compared with numbers, got 'true'"),
        ("genre < Comedy", "character 1: 'genre' are sets, which =, !=, in and is compare, not <"),
        ("genre = 1.5", "'genre' are text, so a number must be in quotes, got 1.5"),
        ("brand > 3", "character 9: 'brand' is text, so a number must be in quotes, got 3"),
        ("brand in (1, 1.5)", "character 14: 'brand' is text, so a number must be in quotes, got 1.5"),
        ("stock > '9'", "character 9: 'stock' has numbers, so it must be compared with one, got '9'"),
        ("id = 1.5", "character 6: an id must be a whole number from 0 to 9223372036854775807, got 1.5"),
        ("id = ten", "an id must be a whole number from 0 to 9223372036854775807, got 'ten'"),
        (f"id in (1, {2**63})", "character 11: an id must be a whole number from 0"),
        ("year\n=\t'\x00\n'", "got '\\x00\\n'"),
    ],
)  # fmt: skip
def test_a_wrong_text_is_one_line_with_the_character(text, line):
    assert line in refusal(text)


YEAR = {"column": "year", "op": "=", "value": 1990}


@pytest.mark.parametrize(
    ("tree", "line"),
    [
        ({}, '`where`: "column" is missing; it must be an object such as'),
        ({"and": []}, "`where`.and: must be a list of one or more conditions, got a list of 0"),
        ({"and": YEAR}, "`where`.and: must be a list of one or more conditions, got an object with 3 keys"),
        ({"and": [YEAR, "year = 3"]}, "`where`.and[1]: must be an object such as"),
        ({"not": [YEAR]}, "`where`.not: must be an object such as"),
        ({"not": None}, "got null"),
        ({"not": YEAR, "and": [YEAR]}, "`where`: \"and\" must be the only key, got 'not' beside it"),
        (YEAR | {"x": 1}, "`where`: unknown key 'x'"),
        (YEAR | {"column": 3}, "`where`.column: must be the name of a column, got 3"),
        (YEAR | {"op": "=="}, "`where`.op: must be one of =, !=, <, <=, >, >=, in, is, got '=='"),
        (YEAR | {"op": []}, "`where`.op: must be one of"),
        (YEAR | {"value": True}, "`where`.value: must be a number or a text, got true"),
        (YEAR | {"value": None}, 'got null; for unknown values write "op": "is", "value": "unknown"'),
        (YEAR | {"value": [1990]}, "`where`.value: must be a number or a text, got a list of 1"),
        (YEAR | {"value": float("nan")}, "`where`.value: must be a finite number that a float can be"),
        (YEAR | {"value": float("inf")}, "`where`.value: must be a finite number that a float can be"),
        (YEAR | {"value": 10**400}, "`where`.value: must be a finite number that a float can be"),
        (YEAR | {"value": 10**5000}, "`where`.value: must be a finite number that a float can be"),
        (YEAR | {"op": "in"}, "`where`.value: must be a list of numbers and texts, got 1990"),
        (YEAR | {"op": "in", "value": [1, None]}, "`where`.value[1]: must be a number or a text, got null"),
        (YEAR | {"op": "in", "value": [1, "x"]}, "`where`.value[1]: 'year' must be compared with numbers"),
        (YEAR | {"op": "is", "value": "here"}, "`where`.value: must be known or unknown, got 'here'"),
        ({"or": [YEAR, {"not": YEAR | {"column": "yeer"}}]}, "`where`.or[1].not.column: there is no column"),
        ({"column": "id", "op": "=", "value": 1.0}, "`where`.value: an id must be a whole number"),
        ({"column": "id", "op": "in", "value": [1, 10**300]}, "`where`.value[1]: an id must be a whole"),
        ([YEAR], "`where`: must be an object such as"),
        (3, 'or {"not": ...}, got 3'),
        (b"year", "got a bytes"),
    ],
)
def test_a_wrong_tree_is_one_line_with_the_path(tree, line):
    assert line in refusal(tree)


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.floats()
    | st.integers()
    | st.text(max_size=5)
    | st.sampled_from([*OWN, "year", "in"]),
    lambda inside: (
        st.lists(inside, max_size=3)
        | st.dictionaries(
            st.sampled_from(["and", "or", "not", "column", "op", "value", "x"]), inside, max_size=4
        )
    ),
    max_leaves=10,
)


@fuzz(300)
@given(json_values)
def test_any_json_is_a_condition_or_one_line(value):
    try:
        rows(value)
    except UserError as error:
        assert "\n" not in str(error)


words = st.sampled_from(
    ["year", "genre", "'shelf mark'", "brand", "id", "=", "!=", "<", ">=", "(", ")", ",", "in", "not", "and",
     "or", "is", "known", "1990", "1e5", "Comedy", "'", '"', "@x", "''", "!", "\x00", "é"]
)  # fmt: skip


@fuzz(500)
@given(st.one_of(st.lists(words, max_size=12).map(" ".join), st.text(max_size=30)))
@example("year = 1 or" * 3)
def test_any_text_is_a_condition_or_one_line(text):
    try:
        rows(text)
    except UserError as error:
        assert str(error).isprintable() and str(error).startswith("`where`")


HOSTILE = {
    "brackets": "(" * MAX_BYTES,
    "nots": "not " * (MAX_BYTES // 4),
    "commas": "," * 1_000_000,
    "commas of a list": "id in (" + "," * (MAX_BYTES - 7),
    "a list without an end": "id in (" + "1," * (MAX_BYTES // 2 - 4),
    "quotes": "'" * (MAX_BYTES - 1),
    "pairs of quotes": "title = '" + "''" * (MAX_BYTES // 2 - 5),
    "both quotes": "title = " + "'\"" * (MAX_BYTES // 2 - 4),
    "one long word": "x" * MAX_BYTES,
    "one long number": "year = " + "9" * (MAX_BYTES - 7),
    "a long exponent": "year = 1e" + "9" * (MAX_BYTES - 9),
    "a megabyte": "year = 1 and " * 100_000,
    "comparisons, and a wrong one": "id=1 or " * 8_000 + "x=1",
    "spaces": " " * MAX_BYTES,
    "signs of another language": "\ud800" * 20_000,
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_texts_end_before_anything_is_evaluated(text, monkeypatch):
    monkeypatch.setattr(columns_module.Column, "truth", None)
    assert len(refusal(text)) < 400
