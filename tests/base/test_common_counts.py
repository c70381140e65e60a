"""Counts of common entries, against sets."""

import numpy as np
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st

from base.common_counts import common_counts
from tests.fuzzing import fuzz


@fuzz()
@given(st.integers(1, 12), st.integers(1, 9), st.floats(0, 1), st.integers(0, 5), st.integers(0, 2**32 - 1))
def test_counts_are_those_of_sets(num_rows, num_columns, density, k, seed):
    rng = np.random.default_rng(seed)
    dense = rng.random((num_rows, num_columns)) < density
    matrix = sp.csr_matrix(dense.astype(np.int8))
    by_column = matrix.T.tocsr()
    pairs = rng.integers(0, num_rows, (num_rows, k)).astype(np.int32)
    found = common_counts(matrix.indptr, matrix.indices, by_column.indptr, by_column.indices, pairs)
    sets = [set(np.flatnonzero(row).tolist()) for row in dense]
    wanted = [[len(sets[row] & sets[other]) for other in pairs[row].tolist()] for row in range(num_rows)]
    assert found.dtype == np.int32 and found.tolist() == wanted


def test_both_ways_to_count_are_taken():
    """A row of few columns among long ones is counted through its columns, a long one by reading."""
    dense = np.zeros((300, 40), dtype=np.int8)  # more rows than one thread takes at a time
    dense[:, 0] = dense[::2, 1:30] = 1
    matrix = sp.csr_matrix(dense)
    by_column = matrix.T.tocsr()
    pairs = np.tile(np.arange(300, dtype=np.int32)[::50], (300, 1))
    found = common_counts(matrix.indptr, matrix.indices, by_column.indptr, by_column.indices, pairs)
    wide = dense.astype(np.int64)
    assert np.array_equal(found, (wide @ wide.T)[:, ::50])
