"""Numbers of releases in every spelling, and the advice on columns that have none."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from base.errors import UserError
from data.dataset import load_movielens
from data.reading import number_columns
from data.reading.number_columns import NumberColumn, read_number_columns
from data.reading.number_kinds import ID, INT64, SECONDS
from tests.fuzzing import fuzz

HEADER = "userId,movieId,rating,timestamp\n"
MOVIES = "movieId,title,genres\n1,A (1999),Drama\n2,B,Drama\n3,C,Drama\n"
SPELLINGS = st.one_of(
    st.integers(-(2**64), 2**64).map(str),
    st.decimals(-(10**20), 10**20, allow_nan=False, places=3).map(str),
    st.from_regex(r"\A[+-]?[0-9]{0,4}\.?[0-9]{0,4}([eE][+-]?[0-9]{1,3})?\Z"),
    st.from_regex(r"\A[0-9]{1,20}\.0{0,30}[01]?\Z"),
)


def folder_of(folder, rows, movies=MOVIES):
    folder.mkdir(exist_ok=True)
    (folder / "ratings.csv").write_text(HEADER + "".join(row + "\n" for row in rows))
    (folder / "movies.csv").write_text(movies)
    return folder


def values(movielens):
    kept = movielens.interactions
    users, movies = movielens.user_ids[kept.users], movielens.movies.ids[kept.movies]
    return [column.tolist() for column in (users, movies, kept.ratings, kept.timestamps)]


@fuzz(500)
@given(SPELLINGS)
def test_a_whole_number_is_read_in_any_spelling_exactly(text):
    try:
        expected = Fraction(text)
    except ValueError:
        expected = None
    if expected is not None and expected.denominator == 1 and INT64.min <= expected <= INT64.max:
        assert SECONDS.parse(text) == expected and isinstance(SECONDS.parse(text), int)
    else:
        with pytest.raises(ValueError, match="a whole number of seconds"):
            SECONDS.parse(text)


@pytest.mark.parametrize("text", ["1e999999999", "1e-999999999", "-1e99999", "0." + "0" * 390 + "1"])
def test_numbers_that_would_fill_the_memory_are_refused(text):
    with pytest.raises(ValueError, match="a whole number from 0"):
        ID.parse(text)


@fuzz(200)
@given(st.lists(st.tuples(SPELLINGS, SPELLINGS), min_size=1, max_size=4))
def test_pyarrow_reads_spellings_as_line_by_line(tmp_path, rows):
    path = tmp_path / "numbers.csv"
    path.write_text("a,b\n" + "".join(f"{one},{other}\n" for one, other in rows))
    columns = (NumberColumn("a", ID), NumberColumn("b", SECONDS))

    def outcome(parse):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(number_columns, "_parse_block", parse)
            try:
                return [column.tolist() for block in read_number_columns(path, columns) for column in block]
            except UserError as error:
                return str(error)

    assert outcome(number_columns._parse_block) == outcome(lambda layout, block: None)


def test_numbers_with_a_point_do_not_need_the_slow_reading(tmp_path, monkeypatch):
    plain = load_movielens(folder_of(tmp_path / "a", ["7,1,4.0,978300760", "7,2,3,978300761"]), cache=False)
    monkeypatch.setattr(number_columns, "_parse_lines", None)
    folder = folder_of(tmp_path / "b", ["7.0,1.,4.0,978300760.0", "7,2.00,3,978300761"])
    assert values(load_movielens(folder, cache=False)) == values(plain)


def test_scientific_and_signed_numbers_are_whole_numbers_too(tmp_path):
    movies = MOVIES.replace("\n1,", "\n1.0,").replace("\n2,", "\n+2,").replace("\n3,", "\n3e0,")
    folder = folder_of(tmp_path, ["+7,1,4,1.38767045e9", "7,2,3,1.38767044E+9"], movies)
    read = load_movielens(folder, cache=False)
    assert values(read) == [[7, 7], [2, 1], [3.0, 4.0], [1387670440, 1387670450]]
    assert read.movies.ids.tolist() == [1, 2, 3]


COLUMN_FAULTS = [
    ("2024-05-01", "for dates and fractions of a second, describe the files in a schema.json"),
    ("1593878903.438", "for dates and fractions of a second, describe the files in a schema.json"),
]


@pytest.mark.parametrize(("time", "advice"), COLUMN_FAULTS)
def test_a_fault_of_a_column_gets_advice_on_the_column(tmp_path, time, advice):
    folder = folder_of(tmp_path, [f"1,{movie},4,{time}" for movie in (1, 2, 3)])
    with pytest.raises(UserError, match=rf"line 2: timestamp must be a whole number of seconds.*; {advice}"):
        load_movielens(folder)


def test_ids_that_are_text_get_advice_on_the_column(tmp_path):
    folder = folder_of(tmp_path, [f"ann{movie},{movie},4,5" for movie in (1, 2, 3)])
    with pytest.raises(UserError, match="line 2: userId must be .*; for ids that are text, describe"):
        load_movielens(folder)


def test_a_fault_of_a_line_gets_advice_on_the_line(tmp_path):
    folder = folder_of(tmp_path, ["1,1,4,5", "1,2,4,yesterday", "1,3,4,6", "2,1,3,7"])
    with pytest.raises(UserError, match="line 3: .*got 'yesterday'; correct or remove the line"):
        load_movielens(folder)


def test_ids_beyond_float_stay_exact(tmp_path):
    folder = folder_of(tmp_path, ["9007199254740993.0,1,4,5", "9007199254740992,2,4,5"])
    assert load_movielens(folder).user_ids.tolist() == [2**53, 2**53 + 1]
    assert load_movielens(folder).user_ids.dtype == np.int64
