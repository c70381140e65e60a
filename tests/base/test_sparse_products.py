"""Compiled products of sparse matrices against SciPy's, and the singular vectors against scikit-learn's."""

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st
from sklearn.utils.extmath import randomized_svd

from base import sparse_products
from base.sparse_products import add_product, product_with_dense, rows_product
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


def csr(data=(1, 2, 3), indices=(0, 1, 2), indptr=(0, 2, 3), dtype=np.float32):
    """A 2 x 3 matrix whose parts SciPy has not seen."""
    matrix = sp.csr_matrix((2, 3), dtype=np.float32)
    matrix.data, matrix.indices, matrix.indptr = (
        np.array(data, dtype), np.array(indices, np.int32), np.array(indptr, np.int32),
    )  # fmt: skip
    return matrix


@pytest.mark.parametrize(
    ("left", "message"),
    [
        (csr(indices=(0, 1, 3)), "left.indices must be columns from 0 to 2, got 3"),
        (csr(indices=(0, -1, 2)), "left.indices must be columns from 0 to 2, got -1"),
        (csr(indptr=(0, 3, 2)), "left.indptr must rise from 0 in 3 entries"),
        (csr(indptr=(1, 2, 3)), "left.indptr must rise from 0 in 3 entries"),
        (csr(indptr=(0, 3)), "left.indptr must rise from 0 in 3 entries"),
        (csr(indptr=(0, 2, 9)), "left.indices and data must have the 9 entries that indptr ends at"),
        (csr(data=(1, 2)), "left.indices and data must have the 3 entries"),
        (csr(dtype=np.float64), "left must be a float32 CSR matrix, got csr of float64"),
        (csr().tocsc(), "left must be a float32 CSR matrix, got csc of float32"),
        (np.ones((2, 3), np.float32), "left must be a float32 CSR matrix, got ndarray"),
    ],
)
def test_matrices_that_lead_outside_themselves(left, message):
    with pytest.raises(ValueError, match=message):
        rows_product(left, [0], csr().T.tocsr())
    with pytest.raises(ValueError, match=message):
        product_with_dense(left, np.ones((3, 2), np.float32))
    with pytest.raises(ValueError, match=message.replace("left", "right")):
        rows_product(csr().T.tocsr(), [0], left)


@pytest.mark.parametrize("rows", [[2], [-1], [1.7], [True], [2**63], np.array([0.0])])
def test_rows_that_do_not_exist(rows):
    with pytest.raises(ValueError, match="rows must be whole numbers from 0 to 1, got"):
        rows_product(csr(), rows, csr().T.tocsr())


def test_shapes_and_types_that_do_not_fit():
    with pytest.raises(
        ValueError, match=r"as many columns as right has rows, got shapes \(2, 3\) and \(2, 3\)"
    ):
        rows_product(csr(), [0], csr())
    with pytest.raises(ValueError, match=r"as many columns as right has rows"):
        product_with_dense(csr(), np.ones((2, 3), np.float32))
    for right in (np.ones((3, 2)), np.ones(3, np.float32)):
        with pytest.raises(ValueError, match="right must be float32 with two axes, got"):
            product_with_dense(csr(), right)


def test_no_rows_and_no_columns():
    assert rows_product(csr(), [], csr().T.tocsr()).shape == (0, 2)
    assert product_with_dense(csr(), np.ones((3, 0), np.float32)).shape == (2, 0)
    empty = sp.csr_matrix((0, 3), dtype=np.float32)
    assert product_with_dense(empty, np.ones((3, 2), np.float32)).shape == (0, 2)


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


def test_a_product_is_added_to_what_is_there():
    left = sp.random(20, 30, 0.1, format="csr", dtype=np.float32, random_state=0)
    right = np.random.default_rng(1).random((30, 5000), dtype=np.float32)
    total = np.random.default_rng(2).random((20, 5000), dtype=np.float32)
    expected = total + left.toarray() @ right
    add_product(total, left, right)
    np.testing.assert_allclose(total, expected, rtol=1e-5)
