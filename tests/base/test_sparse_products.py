"""Compiled products of sparse matrices against SciPy's, and the singular vectors against scikit-learn's."""

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st
from sklearn.utils.extmath import randomized_svd

from base import sparse_products
from base.sparse_products import product_with_dense, rows_product
from data.spectral import OVERSAMPLES, POWER_ITERATIONS, leading_right_vectors
from tests.fuzzing import fuzz


@fuzz(25)
@given(st.integers(0, 10_000), st.integers(1, 2**10), st.integers(1, 50), st.booleans())
def test_products_are_scipys_to_the_bit(seed, block_bytes, strip_rows, in_order):
    rng = np.random.default_rng(seed)
    rows, middle, columns = rng.integers(1, 40, 3)
    left, right = (
        sp.random(*shape, 0.3, "csr", np.float32, rng) for shape in [(rows, middle), (middle, columns)]
    )
    if in_order:
        left.sort_indices()
    asked = rng.integers(0, rows, rng.integers(0, 10))
    np.testing.assert_array_equal(rows_product(left, asked, right), (left[asked] @ right).toarray())
    dense = rng.random((middle, 5), dtype=np.float32)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sparse_products, "BLOCK_BYTES", block_bytes)
        patch.setattr(sparse_products, "STRIP_ROWS", strip_rows)
        np.testing.assert_array_equal(product_with_dense(left, dense), left @ dense)


@fuzz(25)
@given(st.integers(0, 10_000), st.integers(3, 60), st.integers(3, 60))
def test_singular_vectors_are_scikit_learns_to_the_bit(seed, rows, columns):
    matrix = sp.random(rows, columns, 0.4, "csr", np.float32, np.random.default_rng(seed))
    matrix.sort_indices()
    rank = min(8, rows - 1, columns - 1)
    _, _, expected = randomized_svd(
        matrix, rank, n_oversamples=OVERSAMPLES, n_iter=POWER_ITERATIONS, random_state=seed
    )
    np.testing.assert_array_equal(leading_right_vectors(matrix, rank, seed), expected)


def test_singular_vectors_of_a_matrix_of_known_rank():
    rng = np.random.default_rng(0)
    left, right = (np.linalg.qr(rng.standard_normal((n, 3)))[0] for n in (30, 50))
    matrix = sp.csr_matrix((left * [5, 3, 1]) @ right.T, dtype=np.float32)
    found = leading_right_vectors(matrix, 3, seed=1)
    np.testing.assert_allclose(np.abs(found @ right), np.eye(3), atol=1e-5)
