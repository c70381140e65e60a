"""Singular vectors of the film-user matrix, panel by panel of users: block power iteration.

The method is that of ``data/spectral.py`` (Halko, Martinsson and Tropp, SIAM Review 2011). There the matrix A
is in memory; here a process has the rows of one panel of users, A_p, at a time. They are a matrix of ones,
which ``panel_sides`` sorts once, between the scales of users and of films. For directions D, one column per
singular vector wanted and some more, each panel gives its part of the product,

    Z = A' A D = sum over p of A_p' (A_p D),

and then Z is made orthogonal and takes the place of D. The parts are added in the order of the panels, so
sums do not depend on the processes. At the end Y = A D is never in one place either. With its Gram matrix
G = Y' Y and T = G^-1/2, Y T has orthonormal columns, and A' Y T = Z T is small enough for an SVD,
Z T = U S W'. So the rows of the singular vectors of a panel are A_p D T W.
"""

from collections.abc import Mapping

import numpy as np
import scipy.sparse as sp
from scipy import linalg

from base.arrays import FloatArray, IntArray
from base.sparse_products import product_with_dense
from blocks.block_file import Array
from blocks.ingest.graph import read_graph
from blocks.ingest.runs import num_panels, users_of_panel
from blocks.stage import Stage
from blocks.work_dir import WorkDir
from data.spectral import OVERSAMPLES, POWER_ITERATIONS, inverse_root

SIDES = "sides"
NOTHING = 1e-10  # of the largest eigenvalue of a Gram matrix: what rounding leaves of a direction without one


def power_iteration(name: str, rank: int, normalised: bool, seed: int) -> list[Stage]:
    """The stages that end with ``<name>-values``; ``panel_vectors`` then gives the singular vectors.

    Args:
        name: of the first part of their names.
        rank: number of singular vectors wanted; there may be fewer.
        normalised: divide each entry by the roots of the degrees of its film and its user.
        seed: of the random start.
    """
    stages = [Stage(f"{name}-0", start, 1, ("movie_side",), {"rank": rank, "seed": seed}, temporary=True)]
    for step in range(1, POWER_ITERATIONS + 2):
        before, last = f"{name}-{step - 1}", step > POWER_ITERATIONS
        settings = {"directions": before, "normalised": normalised, "with_gram": last}
        parts = f"{name}-{step}-parts"
        needs = (SIDES, "movie_side", before)
        stages.append(Stage(parts, panel_product, num_panels, needs, settings, temporary=True))
        if last:
            of_values = {"parts": parts, "rank": rank}
            stages.append(Stage(f"{name}-values", singular_values, 1, (parts, "users"), of_values))
        else:
            stages.append(
                Stage(f"{name}-{step}", next_directions, 1, (parts,), {"parts": parts}, temporary=True)
            )
    return stages


def sides_stage() -> Stage:
    """The stage that all power iterations need, and ``panel_vectors``."""
    return Stage(SIDES, panel_sides, num_panels, ("user_side", "movie_side", "users"), temporary=True)


def panel_sides(work_dir: WorkDir, block: int) -> Mapping[str, Array]:
    """The edges of a panel's users in both directions, each sorted.

    Returns:
        ``ptr`` ``[users + 1]`` and ``movies`` int32 ``[edges]``; ``movie_ptr`` ``[num_movies + 1]`` and
        ``users`` int32 ``[edges]``, counted from the first of the panel.
    """
    graph, users = read_graph(work_dir), users_of_panel(work_dir, block)
    ptr = graph.user_ptr[users.start : users.stop + 1]
    movies = graph.user_movies[ptr[0] : ptr[-1]]
    matrix = sp.csr_matrix((_ones(movies), movies, ptr - ptr[0]), shape=(len(users), graph.num_movies))
    by_movie = matrix.T.tocsr()
    by_user = by_movie.T.tocsr()  # twice in order of counting: sorted, and no sort
    return {
        "ptr": by_user.indptr,
        "movies": by_user.indices,
        "movie_ptr": by_movie.indptr,
        "users": by_movie.indices,
    }


def start(work_dir: WorkDir, block: int, rank: int, seed: int) -> Mapping[str, Array]:
    """Random ``directions``, float32 ``[num_movies, k]``."""
    num_movies = len(work_dir.block("movie_side")["ptr"]) - 1
    size = (num_movies, min(rank + OVERSAMPLES, num_movies))
    return {"directions": np.random.RandomState(seed).normal(size=size).astype(np.float32)}


def panel_product(
    work_dir: WorkDir, block: int, directions: str, normalised: bool, with_gram: bool
) -> Mapping[str, Array]:
    """The part of a panel: ``product`` float32 ``[num_movies, k]``; on demand ``gram`` float64 ``[k, k]``."""
    of_users, user_scale, movie_scale = _of_users(work_dir, block, directions, normalised)
    found: dict[str, Array] = {}
    if with_gram:
        precise = of_users.astype(np.float64)
        found["gram"] = precise.T @ precise
    sides = work_dir.block(SIDES, block)
    by_movie = _matrix(sides["movie_ptr"], sides["users"], len(of_users))
    found["product"] = product_with_dense(by_movie, of_users * user_scale) * movie_scale
    return found


def next_directions(work_dir: WorkDir, block: int, parts: str) -> Mapping[str, Array]:
    """The sum of the parts, made orthogonal: ``directions`` float32 ``[num_movies, k]``."""
    total = _sum(work_dir, parts, "product")
    directions, _ = linalg.qr(total, overwrite_a=True, mode="economic", check_finite=False)
    return {"directions": np.ascontiguousarray(directions)}


def singular_values(work_dir: WorkDir, block: int, parts: str, rank: int) -> Mapping[str, Array]:
    """The largest singular values, and how their vectors are made from products with the directions.

    Returns:
        ``values`` float64 ``[r]``, falling, and ``coefficients`` float64 ``[k, r]``. Signs are chosen so that
        the largest entry of each film vector is positive.
    """
    eigenvalues, eigenvectors = linalg.eigh(_sum(work_dir, parts, "gram"))
    kept = eigenvalues > NOTHING * eigenvalues[-1]
    to_orthonormal = eigenvectors[:, kept] / np.sqrt(eigenvalues[kept])
    small = _sum(work_dir, parts, "product") @ to_orthonormal
    left, values, right = linalg.svd(small, full_matrices=False, overwrite_a=True, check_finite=False)
    largest = np.take_along_axis(left, np.abs(left).argmax(axis=0, keepdims=True), axis=0)
    coefficients = to_orthonormal @ right.T * np.sign(largest)
    rank = min(rank, len(left) - 1, len(work_dir.block("users")["user_ids"]) - 1)
    return {"values": values[:rank], "coefficients": np.ascontiguousarray(coefficients[:, :rank])}


def panel_vectors(work_dir: WorkDir, panel: int, name: str, normalised: bool) -> FloatArray:
    """The users' rows of the singular vectors, float32 ``[users of the panel, r]``."""
    of_users, *_ = _of_users(work_dir, panel, f"{name}-{POWER_ITERATIONS}", normalised)
    return (of_users @ work_dir.block(f"{name}-values")["coefficients"]).astype(np.float32)


def _of_users(
    work_dir: WorkDir, panel: int, directions: str, normalised: bool
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """A_p D, float32 ``[users, k]``, and the scales of users and films, float32 ``[users or films, 1]``."""
    sides, movie_ptr = work_dir.block(SIDES, panel), work_dir.block("movie_side")["ptr"]
    user_scale, movie_scale = (
        (inverse_root(np.diff(ptr)) if normalised else np.ones(len(ptr) - 1, np.float32))[:, None]
        for ptr in (sides["ptr"], movie_ptr)
    )
    by_user = _matrix(sides["ptr"], sides["movies"], len(movie_scale))
    wanted = work_dir.block(directions)["directions"] * movie_scale
    return product_with_dense(by_user, wanted) * user_scale, user_scale, movie_scale


def _matrix(ptr: IntArray, columns: IntArray, num_columns: int) -> sp.csr_matrix:
    return sp.csr_matrix((_ones(columns), columns, ptr), shape=(len(ptr) - 1, num_columns))


def _ones(columns: IntArray) -> FloatArray:
    return np.ones(len(columns), np.float32)


def _sum(work_dir: WorkDir, stage: str, name: str) -> Array:
    total = None
    for part in work_dir.each(stage):
        total = part[name].copy() if total is None else np.add(total, part[name], out=total)
    assert total is not None
    return total
