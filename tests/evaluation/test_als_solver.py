"""The iterations of iALS are those of ``implicit``, and end where the equations are solved."""

import numpy as np
import scipy.sparse as sp
from implicit.cpu.als import AlternatingLeastSquares

from evaluation.baselines import als_solver
from evaluation.baselines.als_solver import solve_rows


def confidences(seed=0):
    ratings = sp.random(60, 40, 0.15, format="csr", dtype=np.float32, random_state=seed)
    ratings.data = 2 + 8 * ratings.data
    ratings[7] = 0  # a user without ratings
    ratings.eliminate_zeros()
    return ratings


def test_many_steps_solve_the_equation_of_every_row():
    ratings = confidences()
    rng = np.random.default_rng(1)
    fixed = rng.normal(size=(40, 6)).astype(np.float32)
    factors = rng.normal(size=(60, 6)).astype(np.float32)
    for _ in range(10):  # each call goes on from where the last one ended
        solve_rows(ratings, factors, fixed, 0.5)
    dense = ratings.toarray().astype(np.float64)
    for row in range(60):
        c = np.where(dense[row] > 0, dense[row], 1)
        left = fixed.T @ (c[:, None] * fixed) + 0.5 * np.eye(6)
        expected = np.linalg.solve(left, fixed.T @ dense[row])
        np.testing.assert_allclose(factors[row], expected, rtol=1e-3, atol=1e-4)
    assert (factors[7] == 0).all()
    assert als_solver.STEPS == AlternatingLeastSquares().cg_steps


def test_an_iteration_is_that_of_implicit():
    ratings = confidences(2)
    rng = np.random.default_rng(0)
    users, films = (rng.random((rows, 8), dtype=np.float32) * np.float32(0.01) for rows in (60, 40))
    model = AlternatingLeastSquares(factors=8, regularization=0.1, alpha=1.0, iterations=1)
    model.user_factors, model.item_factors = users.copy(), films.copy()
    model.fit(ratings, show_progress=False)
    solve_rows(ratings, users, films, 0.1)
    np.testing.assert_allclose(users, model.user_factors, rtol=1e-3, atol=1e-5)
    solve_rows(ratings.T.tocsr(), films, model.user_factors, 0.1)
    np.testing.assert_allclose(films, model.item_factors, rtol=1e-3, atol=1e-3)
