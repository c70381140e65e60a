"""Data in memory: the same columns as from files, any spelling of values, content of items."""

import csv
import itertools
from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from base.errors import UserError
from data.dataset import movielens_of
from data.in_memory import columns_from_arrays, fingerprint_of
from data.in_memory_content import content_in_memory
from data.in_memory_frames import columns_from_frames
from data.in_memory_values import ids_of, times_of
from data.inspection.findings import parse_findings
from data.reading.own_data import OwnData
from data.reading.schema import Schema
from tests.fuzzing import fuzz

ROWS = st.lists(
    st.tuples(
        st.sampled_from(["ann", "bob", "eve"]),
        st.sampled_from(["x", "y", "z", "unknown"]),
        st.sampled_from([0, 1, 2.5, 5]),
        st.sampled_from([10, 11, 11.25, 12]),
        st.sampled_from([-1, 0, 1, 1, 7.5]),
    ),
    min_size=1,
    max_size=25,
)
TITLES = {"x": "X", "y": "Y", "z": "Z"}


def from_file(folder, rows, keys):
    named = [name in ("u", "i", *keys.values()) for name in "uirtw"]  # rows in memory have no other columns
    with (folder / "log.csv").open("w", newline="") as file:
        csv.writer(file).writerows([itertools.compress(row, named) for row in ("uirtw", *rows)])
    (folder / "items.csv").write_text("i,n\nx,X\ny,Y\nz,Z\n")
    schema = Schema.model_validate(
        {
            "interactions": {"file": "log.csv", "user": "u", "item": "i", **keys},
            "items": {"file": "items.csv", "id": "i", "title": "n"},
        }
    )
    return OwnData(folder, schema).read()


def columns_or_error(read):
    try:
        return read()
    except UserError:
        return None


@fuzz(150)
@given(ROWS, st.sampled_from([None, "count", "first", "last"]), st.booleans(), st.booleans(), st.booleans())
def test_arrays_give_the_columns_of_a_file(tmp_path, rows, repeats, rated, timed, weighted):
    assume(timed)  # without times, a file's other columns say which rows are equal, and arrays have none
    # Columns that the schema does not name keep rows apart that are equal otherwise, so they are all equal.
    rows = [
        (user, item, rating if rated else 5, time if timed else 0, weight if weighted else 1)
        for user, item, rating, time, weight in rows
    ]
    users, items, ratings, times, weights = (list(column) for column in zip(*rows, strict=True))
    keys = {} if repeats is None else {"repeats": repeats}
    keys |= {name: key for name, key, on in (("rating", "r", rated), ("timestamp", "t", timed)) if on}
    keys |= {"weight": "w"} if weighted else {}
    stored = columns_or_error(lambda: from_file(tmp_path, rows, keys))
    columns = columns_or_error(
        lambda: columns_from_arrays(
            users,
            items,
            ratings if rated else None,
            times if timed else None,
            TITLES,
            repeats=repeats,
            weights=weights if weighted else None,
        )
    )
    assert (stored is None) == (columns is None)
    if columns is None:
        return
    assert set(columns.arrays) == set(stored.arrays)
    for name, array in stored.arrays.items():
        assert array.dtype == columns.arrays[name].dtype, name
        own = columns.arrays[name]
        if name == "timestamps" and not timed:  # the numbers of rows, which only order them
            own, array = np.argsort(own), np.argsort(array)
        np.testing.assert_allclose(own, array, rtol=1e-6, err_msg=name)
    for name in ("titles", "genres", "movie_text_ids", "user_text_ids"):
        assert columns.texts[name] == stored.texts[name]
    assert ("unrated" in columns.texts) == ("unrated" in stored.texts)
    counted = [
        {
            one.name: (one.count, one.total)
            for one in parse_findings(some.texts["findings"])
            if one.name != "rows"
        }
        for some in (columns, stored)
    ]
    assert counted[0] == counted[1]


# --- spellings --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "ids",
    [
        [3.0, 1.0, 2.0**53 - 1],
        np.array([3, 1, 2**53 - 1], dtype=np.uint64),
        np.array([3, 1, 2**53 - 1], dtype=np.float64),
        pd.Series([3, 1, 2**53 - 1], dtype="Int64"),
    ],
)
def test_whole_numbers_of_any_type_are_ids(ids):
    read = ids_of("users", ids)
    assert read.dtype == np.int64 and read.tolist() == [3, 1, 2**53 - 1]


@pytest.mark.parametrize(
    ("ids", "message"),
    [
        ([1.0, 1.5], "got 1.5"),
        ([1.0, np.nan], "got nan"),
        ([1.0, -1.0], "got -1.0"),
        ([1.0, np.inf], "got inf"),
        ([1.0, 2.0**53], "and integers, not floats, from 9007199254740992 on, got 9007199254740992.0"),
    ],
)
def test_floats_that_are_no_ids_are_refused(ids, message):
    with pytest.raises(UserError, match=f"users must be whole numbers .*{message}$"):
        ids_of("users", ids)


ZONE = timezone(timedelta(hours=2))
MOMENT = datetime(2020, 7, 4, 18, 1, 43, 200_000)


@pytest.mark.parametrize(
    ("times", "expected", "unit"),
    [
        ([5, 7], [5, 7], "seconds"),
        ([5.0, 7.0], [5, 7], "seconds"),
        ([5.0, 7.25], [5_000_000, 7_250_000], "microseconds"),
        ([1593885703.2, 1593885703.599], [1593885703200000, 1593885703599000], "microseconds"),
        (np.array(["1970-01-02", "1970-01-01"], dtype="datetime64[D]"), [86400, 0], "seconds"),
        (np.array([1000, -2000], dtype="datetime64[ms]"), [1, -2], "seconds"),
        (np.array([1500, -1], dtype="datetime64[ms]"), [1_500_000, -1000], "microseconds"),
        (np.array([1_234_567_891], dtype="datetime64[ns]"), [1_234_567], "microseconds"),
        ([MOMENT, MOMENT.replace(tzinfo=UTC)], [1593885703200000] * 2, "microseconds"),
        ([MOMENT.replace(hour=20, microsecond=0, tzinfo=ZONE)], [1593885703], "seconds"),
        (pd.Series([MOMENT]).dt.tz_localize("Europe/Berlin"), [1593878503200000], "microseconds"),
        (None, [0, 1], "row"),
    ],
)
def test_times_are_seconds_or_microseconds(times, expected, unit):
    read, found = times_of(times, 2)
    assert (read.tolist(), read.dtype, found) == (expected, np.int64, unit)


@pytest.mark.parametrize(
    ("times", "message"),
    [
        (["2020"], "must be numbers of seconds or dates"),
        ([np.nan], "must be finite"),
        ([1e300], "must be finite and at most"),
        ([np.datetime64("NaT")], "missing dates"),
        ([MOMENT, pd.NaT], "missing dates"),
        ([2**63], "must be at most 9223372036854775807"),
        (np.array([2**61], dtype="datetime64[ms]") + np.timedelta64(1, "ms"), "within 290,000 years"),
    ],
)
def test_times_that_are_none_are_refused(times, message):
    with pytest.raises(UserError, match=f"^times .*{message}"):
        times_of(times, 1)


def test_fractions_of_a_second_give_the_order(tmp_path):
    columns = columns_from_arrays(["u"] * 3, ["c", "b", "a"], times=[3.5, 3.25, 3.0])
    read = movielens_of(columns, "memory", "0")
    assert read.time_unit == "microseconds"
    assert [read.movies.titles[row] for row in read.interactions.movies] == ["a", "b", "c"]


def test_amounts_are_damped_and_nothing_counts_nothing():
    columns = columns_from_arrays([1, 1, 1], [7, 7, 8], weights=[np.e - 1, 0, 1])
    read = movielens_of(columns, "memory", "0")
    np.testing.assert_allclose(read.events.amounts, [1, np.log(2)], rtol=1e-6)
    assert read.notes == ("1 interaction with a weight of 0 or less left out",)


def test_unknown_items_are_named():
    columns = columns_from_arrays([1, 1, 2, 2], ["a", "b", "q", "a"], titles={"a": "A", "b": "B"})
    assert columns.texts["notes"] == ["1 interaction with items absent from titles dropped ('q')"]


def test_frames_take_a_column_of_weights_and_ids_with_a_point():
    frame = pd.DataFrame({"user": [1.0, 1.0, 2.0], "item": [5.0, 6.0, 5.0], "seconds": [1.0, 3.0, 7.0]})
    columns = columns_from_frames(frame, pd.DataFrame({"item": [6.0, 5.0]}), weights="seconds")
    assert columns.texts["titles"] == ["6", "5"] and columns.arrays["movie_ids"].tolist() == [6, 5]
    np.testing.assert_allclose(columns.arrays["event_amounts"], np.log1p([1, 3, 7]))
    with pytest.raises(UserError, match="the interactions must have a column minutes, got the columns user"):
        columns_from_frames(frame, weights="minutes")


# --- content ----------------------------------------------------------------------------------------


def columns_of_items(ids=(5, 6, 7)):
    return columns_from_arrays([1] * len(ids), list(ids))


def test_content_from_mappings():
    vectors = {"image": (np.array([7, 5]), np.array([[1, 2], [3, 4]], dtype=np.float16), 2)}
    known = {
        "text": {6: "six", 5: None},
        "numbers": {"price": {5: 1.5, 7: np.nan, 99: 3}},
        "categories": {"brand": {5: "Acme", 6: 7}},
        "keep": {"stock": {7: 0}},
    }
    content = content_in_memory(columns_of_items(), None, vectors, known)
    assert content.text == ["", "six", ""] and content.text_columns == ("text",)
    np.testing.assert_array_equal(content.numbers["price"], [1.5, np.nan, np.nan])
    assert content.categories == {"brand": ["Acme", "7", ""]} and content.kept == {"stock": ["", "", "0"]}
    (block,) = content.vectors
    assert (block.movies.tolist(), block.values.tolist(), block.dim) == ([2, 0], [[1, 2], [3, 4]], 2)
    assert vectors["image"][1].flags.writeable


def test_content_from_columns_of_a_frame():
    items = pd.DataFrame(
        {"item": ["a", "b"], "title": ["A", "B"], "plot": ["Boats", None], "price": [1.5, np.nan]}
    )
    columns = columns_from_frames(pd.DataFrame({"user": [1, 1], "item": ["b", "a"]}), items)
    content = content_in_memory(columns, items, {}, {"text": ["title", "plot"], "numbers": ["price"]})
    assert content.text == ["A Boats", "B"] and content.title_is_text
    np.testing.assert_array_equal(content.numbers["price"], [1.5, np.nan])


def test_content_is_part_of_the_fingerprint():
    def fingerprint(vectors=None, **known):
        columns = columns_of_items()
        content_in_memory(columns, None, vectors or {}, known)
        return fingerprint_of(columns)

    ones = np.ones((1, 2), dtype=np.float32)
    some = [
        fingerprint(),
        fingerprint(text={5: "five"}),
        fingerprint(text={5: "six"}),
        fingerprint(keep={"text": {5: "six"}}, numbers={"p": {5: 1}}),
        fingerprint({"v": ([5], ones)}),
        fingerprint({"v": ([6], ones)}),
        fingerprint({"v": ([6], 2 * ones)}),
    ]
    assert len(set(some)) == len(some)
    assert fingerprint(text={}, numbers={}) == some[0] == fingerprint_of(columns_of_items())


ONE = np.ones((1, 2), dtype=np.float32)
WRONG = [
    ({"v": (["5"], ONE)}, {}, "block v has a vector for the id '5', which no item has"),
    ({"v": ([5, 6], ONE)}, {}, "block v has 1 vectors and 2 ids; give each vector its id"),
    ({"v": ([5, 5], np.ones((2, 2)))}, {}, "block v has the id 5 twice; give each item one vector"),
    ({"v": ([5], ONE * np.nan)}, {}, "block v has the value nan at position 0 of the vector of id '5'"),
    ({"v": ([5], ONE.astype(int))}, {}, r"vectors\['v'\] must be float16, float32 or float64 .*got int64"),
    ({"v": ([5], ONE[0])}, {}, r"vectors\['v'\] must be .*of shape \[2\]"),
    ({"v": ONE}, {}, r"vectors\['v'\] must be a pair of ids and vectors, got ndarray"),
    ({"v": ([5], ONE, 0)}, {}, r"content of items: vectors\[0\].dim must be a whole number from 1 to 8192"),
    ({"": ([5], ONE)}, {}, "content of items: vectors.0..name must be a text of printable characters"),
    ({}, {"text": {"5": "x"}}, "text 'text': none of its 1 ids is an item, for instance '5'"),
    ({}, {"text": "plot"}, "text must be a mapping, or a list of columns, got 'plot'"),
    ({}, {"text": ["plot"]}, "text must be a mapping; a list of columns needs a DataFrame of items"),
    ({}, {"numbers": {"price": 3}}, "numbers 'price' must be a mapping from item ids to values, got int"),
    ({}, {"numbers": {"price": {5: "dear"}}}, "numbers 'price' must be numbers, got 'dear' for the id 5"),
    ({}, {"numbers": {"price": {5: np.inf}}}, "price must be a finite number, got 'inf'"),
]


@pytest.mark.parametrize(("vectors", "known", "message"), WRONG)
def test_content_that_breaks_a_rule_is_refused(vectors, known, message):
    with pytest.raises(UserError, match=message) as caught:
        content_in_memory(columns_of_items(), None, vectors, known)
    assert len(str(caught.value).splitlines()) == 1


def test_a_missing_column_of_a_frame_is_named():
    items = pd.DataFrame({"item": [5, 6, 7]})
    with pytest.raises(UserError, match="the catalogue must have a column plot, got the columns item"):
        content_in_memory(columns_of_items(), items, {}, {"text": ["plot"]})
