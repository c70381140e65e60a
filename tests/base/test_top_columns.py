"""The best columns of a row against a stable sort."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from base.top_columns import top_columns
from tests.fuzzing import fuzz


@fuzz(40)
@given(st.integers(0, 6), st.integers(0, 20), st.integers(1, 25), st.integers(0, 9999))
def test_top_columns_equal_a_stable_sort(rows, columns, depth, seed):
    rng = np.random.default_rng(seed)
    scores = rng.integers(0, 4, (rows, columns)).astype(rng.choice([np.float32, np.float64]))
    scores[rng.random((rows, columns)) < 0.2] = np.nan
    found = top_columns(scores, depth)
    assert found.shape == (rows, min(depth, columns)) and found.dtype == np.int64
    for row, best in zip(scores, found, strict=True):
        order = [c for c in np.argsort(-row, kind="stable") if not np.isnan(row[c])]
        assert best.tolist() == (order + [-1] * columns)[: len(best)]


@pytest.mark.parametrize("depth", [0, -1, 1.0, True, None])
def test_a_depth_below_one_writes_nowhere(depth):
    with pytest.raises(ValueError, match="depth must be a whole number of at least 1, got"):
        top_columns(np.zeros((2, 3)), depth)


@pytest.mark.parametrize(
    "scores", [np.zeros(3), np.zeros((2, 3), int), np.zeros((2, 3), np.float16), [["a"]]]
)
def test_scores_have_two_axes_of_floats(scores):
    with pytest.raises(ValueError, match="scores must be float32 or float64 with two axes, got"):
        top_columns(scores, 1)
