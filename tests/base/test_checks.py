"""Refusals that name the argument, the range and the value, and the values that pass."""

import numpy as np
import pandas as pd
import pytest
import torch

from base.checks import check_distinct, number, real_numbers, row_numbers, whole_number, whole_numbers

NOT_ROWS = {
    "1.7": [1.7],
    "1.0 (float64)": np.array([1.0]),
    "nan": [np.nan],
    "inf": [1, np.inf],
    "True": [True],
    "True (object)": [1, True],
    "True (bool)": torch.tensor([True]),
    "40": [3, 40],
    "-1": np.array([-1], dtype=np.int8),
    "-5": np.arange(100) - 5,
    "9223372036854775808": [2**63],
    "1180591620717411303424": [2**70],
    "18446744073709551615": np.array([2**64 - 1], dtype=np.uint64),
    "None": [1, None],
    "'a'": ["a"],
    "{1}": {1},
    "1.5 (float32)": torch.tensor([2.0, 1.5]),
    "(1+2j)": [1 + 2j],
}


@pytest.mark.parametrize(("shown", "values"), NOT_ROWS.items(), ids=list(NOT_ROWS))
def test_what_is_not_a_row(shown, values):
    with pytest.raises(ValueError) as refusal:
        row_numbers("nodes", values, 40)
    assert str(refusal.value).startswith("nodes must be whole numbers from 0 to 39, got ")
    assert shown in str(refusal.value)


def test_a_column_with_a_gap():
    with pytest.raises(ValueError, match="nodes must be whole numbers from 0 to 39, got "):
        row_numbers("nodes", pd.Series([1, None], dtype="Int64"), 40)


@pytest.mark.parametrize("values", [3, [[1, 2]], torch.ones(1, 1, dtype=torch.int64)])
def test_rows_have_one_axis(values):
    with pytest.raises(ValueError, match="nodes must have one axis, got shape"):
        row_numbers("nodes", values, 40)


def test_ragged_lists_and_an_empty_table():
    with pytest.raises(ValueError, match=r"nodes must be an array of numbers, got \[\[1, 2\], \[3\]\]"):
        row_numbers("nodes", [[1, 2], [3]], 40)
    with pytest.raises(ValueError, match="nodes must be empty, since there are no rows, got 0"):
        row_numbers("nodes", [0], 0)


@pytest.mark.parametrize(
    "values",
    [
        [1, 2], (1, 2), range(1, 3), [np.int8(1), 2], np.array([1, 2], np.uint64), np.array([1, 2], ">i4"),
        np.array([1, 2], object), pd.Series([1, 2], dtype="Int64"), torch.tensor([1, 2], dtype=torch.uint8),
    ],
)  # fmt: skip
def test_rows_of_any_integer_type(values):
    rows = row_numbers("nodes", values, 40)
    assert rows.dtype == np.int64 and rows.tolist() == [1, 2] and rows.flags.c_contiguous


@pytest.mark.parametrize(
    "values", [[], (), np.zeros(0), np.zeros(0, bool), torch.zeros(0), np.array([], object)]
)
def test_nothing_is_no_rows(values):
    rows = row_numbers("nodes", values, 0)
    assert rows.dtype == np.int64 and rows.shape == (0,)


def test_the_number_that_is_too_large_is_named_although_numpy_makes_floats_of_the_list():
    for values in ([1, 2**63], [-1, 2**63], (5, 2**64)):
        with pytest.raises(
            ValueError, match=f"ids must be whole numbers from 0 to {2**63 - 1}, got -?[0-9]+$"
        ):
            whole_numbers("ids", values, 0, 2**63 - 1)
    assert whole_numbers("ids", [1, 2**63 - 1], 0, 2**63 - 1).tolist() == [1, 2**63 - 1]


def test_other_types_of_whole_numbers():
    strided = np.arange(10)[::3]
    assert whole_numbers("ids", strided, 0, 9, np.int32).dtype == np.int32
    assert whole_numbers("ids", strided, 0, 9).flags.c_contiguous
    assert whole_numbers("ids", 7, 0, 9).shape == ()
    kept = np.arange(10)
    assert whole_numbers("ids", kept, 0, 9) is kept
    long = np.arange(1000) - 3
    with pytest.raises(ValueError, match="ids must be whole numbers from 0 to 999, got -3"):
        whole_numbers("ids", long, 0, 999)


@pytest.mark.parametrize(
    "value", [True, np.True_, torch.tensor(True), 1.0, np.float64(2), "1", None, [1], -1, 0, 2**70]
)
def test_what_is_not_a_whole_number(value):
    with pytest.raises(ValueError, match="k must be a whole number from 1 to 9, got "):
        whole_number("k", value, 1, 9)


@pytest.mark.parametrize("value", [3, np.int8(3), np.uint64(3), torch.tensor(3), np.array(3)])
def test_whole_numbers_of_any_integer_type(value):
    assert type(whole_number("k", value, 1)) is int and whole_number("k", value, 1) == 3


@pytest.mark.parametrize(
    "value", [True, "0.5", None, np.nan, np.inf, 1j, -1e-9, 2**70, 10**400, torch.tensor(0.5)]
)
def test_what_is_not_a_number(value):
    with pytest.raises(ValueError, match="p must be a number from 0 to 1, got "):
        number("p", value, 0, 1)


@pytest.mark.parametrize("value", [0, 1, 0.5, np.float32(0.5), np.int64(1)])
def test_numbers_of_any_type(value):
    assert type(number("p", value, 0, 1)) is float and number("p", value, 0, 1) == value


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (["a"], "must be real numbers, got 'a'"),
        ([True, 1.5], "must be real numbers, got True"),
        ([1j], "must be real numbers, got 1j"),
        ([np.nan, 1], "must be finite, but contain NaN or infinity"),
        ([1e300], "must be finite, but contain NaN or infinity"),
        ([1e16, 1], r"must be from -1e\+15 to 1e\+15, got 1e\+16"),
        (np.full(9, -2e15, np.float32), r"must be from -1e\+15 to 1e\+15, got 2e\+15"),
        ([[1], [2, 3]], "must be an array of numbers, got"),
    ],
)
def test_what_is_not_a_vector(values, message):
    with pytest.raises(ValueError, match="queries " + message):
        real_numbers("queries", values)


def test_vectors_of_any_real_type():
    kept = np.ones((2, 3), dtype=np.float32)
    assert real_numbers("queries", kept) is kept
    for values in (
        kept.astype(int),
        kept.tolist(),
        torch.ones(2, 3, requires_grad=True),
        kept.T.T.astype(">f8"),
    ):
        found = real_numbers("queries", values)
        assert found.dtype == np.float32 and np.array_equal(found, kept)
    assert real_numbers("queries", np.asfortranarray(np.eye(3, 2))).flags.c_contiguous
    assert real_numbers("queries", np.full(1000, 1e14)).max() == np.float32(1e14)
    assert real_numbers("queries", []).shape == (0,)


def test_distinct():
    check_distinct("ids", np.array([3, 1, 2]))
    with pytest.raises(ValueError, match="ids must be distinct, got 1 more than once"):
        check_distinct("ids", np.array([5, 1, 5, 1]))
