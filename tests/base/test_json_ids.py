"""Ids in JSON: what JavaScript would round goes as text."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from base.json_ids import id_from_json, json_id
from tests.fuzzing import fuzz


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (0, 0),
        (7, 7),
        (2**53 - 1, 2**53 - 1),
        (2**53, "9007199254740992"),
        (2**63 - 1, str(2**63 - 1)),
        ("a", "a"),
    ],
)
def test_numbers_that_stay_exact_are_numbers_and_larger_ones_text(value, written):
    assert json_id(value) == written and type(json_id(value)) is type(written)


@fuzz()
@given(st.integers(0, 2**63 - 1))
def test_an_id_comes_back_from_a_reader_that_knows_only_floating_point_numbers(value):
    read = json.loads(json.dumps(json_id(value)), parse_int=lambda digits: int(float(digits)))
    assert id_from_json(read) == value


@pytest.mark.parametrize("value", ["", "x", "-1", "1.0", " 1", "٣", "9" * 41, 1.5, None, True, [1]])
def test_what_is_not_an_id_as_text_stays_as_it_is(value):
    assert id_from_json(value) is value
