"""Compiled pieces that the indexes share, against NumPy."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.kernels import STRETCH, byte_products, keep_best, worth_rescoring
from tests.fuzzing import fuzz


@pytest.mark.parametrize("dim", [1, 7, 16, STRETCH - 1, STRETCH, STRETCH + 1, 2 * STRETCH, 3 * STRETCH + 20])
def test_products_of_bytes(dim):
    rng = np.random.default_rng(dim)
    rows = rng.integers(-127, 128, (9, dim)).astype(np.int8)
    rows[0] = 127
    for query in (rng.integers(-2047, 2048, dim), np.full(dim, 2047)):
        found = np.empty(9, dtype=np.int32)
        byte_products(rows, query.astype(np.int16), found)
        assert found.tolist() == (rows.astype(np.int64) @ query).tolist()


@fuzz(200)
@given(size=st.integers(1, 80), count=st.integers(1, 80), spread=st.integers(0, 30), seed=st.integers(0, 999))
def test_the_best_pairs_come_to_the_front(size, count, spread, seed):
    count = min(count, size)
    rng = np.random.default_rng(seed)
    scores = np.append(rng.integers(0, spread + 1, size), 99)  # the last is not among them
    rows = np.append(rng.permutation(size), 99)
    ranked = sorted(zip((-scores[:size]).tolist(), rows[:size].tolist(), strict=True))
    keep_best(scores, rows, size, count)
    kept = list(zip((-scores).tolist(), rows.tolist(), strict=True))
    assert sorted(kept[:count]) == ranked[:count] and kept[count - 1] == ranked[count - 1]
    assert sorted(kept[:size]) == ranked and kept[size] == (-99, 99)


def test_rows_that_are_too_far_behind_are_not_rescored():
    scores = np.array([5, 9, 1, 7, 6, 3])
    rows = np.arange(6)
    assert sorted(worth_rescoring(rows.copy(), scores.copy(), 2, 2).tolist()) == [0, 1, 3, 4]
    assert sorted(worth_rescoring(rows.copy(), scores.copy(), 2, 0).tolist()) == [1, 3]
    assert sorted(worth_rescoring(rows.copy(), scores.copy(), 6, 0).tolist()) == [0, 1, 2, 3, 4, 5]
