"""Token weights in whole numbers: the terms of a film and of a query in the first level.

The terms of a film are its few partitions, each with a weight, and its *details*: one term per axis,
weighted by the film's residual there, rounded to a byte. A query weighs every partition by the inner
product with its centroid, and every axis by its own coordinate. The token score

    score(q, x) = sum over the film's partitions of w_t a_t  +  256 * sum over axes of q_j r_j

is additive. Up to rounding, and a shift that is the same for all films, it is the inner product.
Partitions alone would rank the films of one partition badly: these differ only in their residuals. All
numbers are integers, so every implementation gets the same score to the last unit, ties included.
"""

from typing import NamedTuple

import numba
import numpy as np

from base.arrays import FloatArray, IntArray
from search.kernels import REGROUP, Number, inner_products

WEIGHT_STEPS = 4095  # largest stored partition weight
DETAIL_STEPS = 127  # largest stored detail, a signed byte
QUERY_STEPS = 2047  # largest detail weight of a query
MAX_AXES = 8192  # times 2047 * 127 per axis still fits 32 bits
NORM_STEPS = 16  # residual norms are stored in sixteenths, rounded up
DETAIL_SHIFT = 256  # the details' unit, in units of the score
MAX_MARGIN = 2.0**61  # far above any score, and a difference of both still fits 64 bits


class Scales(NamedTuple):
    """The size of one step of the stored integers, and their errors.

    Attributes:
        weight: of a film's partition weight.
        detail: of a film's detail.
        slack: largest inner product of a film's stored details with one of its own centroids, in steps.
            Exactly orthogonal residuals would have 0; rounding leaves a little, and the bounds include it.
        error: largest distance of a film from its stored form, in the unit of the embeddings.
        weight_sum: largest sum of a film's weights, in steps.
        detail_sum: largest sum of a film's details, all positive, in steps.
    """

    weight: float
    detail: float
    slack: float
    error: float
    weight_sum: float
    detail_sum: float


class FilmTokens(NamedTuple):
    """The terms of every film, by film.

    Attributes:
        terms: int32 ``[n, T]``, partitions, the nearest first; -1 if there are fewer.
        weights: int32 ``[n, T]``, 0 for a term of -1.
        details: int8 ``[n, d]``.
    """

    terms: IntArray
    weights: IntArray
    details: IntArray


class QueryTokens(NamedTuple):
    """The terms of one query.

    Attributes:
        partition_weights: int64 ``[P]``.
        details: int16 ``[d]``.
        lists: int64 ``[L]``, the partitions whose posting lists are read, the heaviest first.
        bounds: int64 ``[L, 4]``: if a, r and o are the largest weight, residual norm and weight elsewhere
            of a list (or block), no film there scores above ``b0 a + b1 r + b2 o + b3``.
        margin: films whose token scores differ by more than this are in the right order.
    """

    partition_weights: IntArray
    details: IntArray
    lists: IntArray
    bounds: IntArray
    margin: int


def choose_scales(weights: FloatArray, residuals: FloatArray, vectors: FloatArray) -> tuple[float, float]:
    """Steps of weights and details for these films; a film that is added later is clipped to them."""
    longest = float(np.sqrt((vectors.astype(np.float64) ** 2).sum(axis=1).max()))
    weight_step = max(float(weights.max()), longest / 2**14) / WEIGHT_STEPS
    detail_step = max(float(np.abs(residuals).max()) / DETAIL_STEPS, longest / 2**14)
    return _usable(weight_step), _usable(detail_step)


def _usable(step: float) -> float:
    """A step that is not 0, in float32 either."""
    return max(step, float(np.finfo(np.float32).tiny)) if step else 1.0


def round_films(
    terms: IntArray, weights: FloatArray, residuals: FloatArray, weight_step: float, detail_step: float
) -> FilmTokens:
    """Films' weights and residuals in whole steps."""
    with np.errstate(over="ignore"):  # a film far outside the steps is clipped
        rounded = np.clip(np.rint(weights / weight_step), 0, WEIGHT_STEPS).astype(np.int32)
        details = np.clip(np.rint(residuals / np.float32(detail_step)), -DETAIL_STEPS, DETAIL_STEPS)
    return FilmTokens(terms, rounded, details.astype(np.int8))


def rounding_errors(
    weights: FloatArray, residuals: FloatArray, tokens: FilmTokens, weight_step: float, detail_step: float
) -> FloatArray:
    """Upper bound of each film's distance from its stored form (triangle inequality): float32 ``[n]``."""
    of_weights = np.abs(weights - tokens.weights * np.float32(weight_step)).sum(axis=1)
    of_details = np.linalg.norm(residuals - tokens.details * np.float32(detail_step), axis=1)
    return (of_weights + of_details).astype(np.float32)


@numba.njit(nogil=True, cache=True)
def weigh_query(
    query: np.ndarray,
    centroids: np.ndarray,
    list_lengths: np.ndarray,
    num_lists: int,
    num_candidates: int,
    scales: tuple[float, float, float, float, float, float],
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, int]:
    """The fields of ``QueryTokens`` for one query.

    Args:
        query: float32 ``[d]``.
        centroids: float32 ``[P, d]``.
        list_lengths: int64 ``[P]``, the number of films nearest to each partition.
        num_lists: posting lists to read; more are read if they contain too few films.
        num_candidates: number of films that the lists together must contain.
        scales: as ``Scales``.
    """
    closeness = np.empty(len(centroids), dtype=np.float32)
    inner_products(centroids, query, closeness)
    nearest, num_lists = _nearest_lists(closeness, list_lengths, num_lists, num_candidates)
    largest = np.float32(0)
    for j in range(len(query)):
        largest = max(largest, abs(query[j]))
    query_step = np.float64(largest) / QUERY_STEPS if largest > 0 else 1.0
    details = np.empty(len(query), dtype=np.int16)
    for j in range(len(query)):
        details[j] = np.int16(np.rint(query[j] / query_step))
    to_units = scales[0] * DETAIL_SHIFT / (query_step * scales[1])
    weights = np.empty(len(centroids), dtype=np.int64)
    for t in range(len(centroids)):
        weights[t] = np.int64(np.rint(closeness[t] * to_units))
    unread: Number = weights[nearest[num_lists]] if num_lists < len(nearest) else 0
    lists = nearest[:num_lists]
    bounds = _bound_factors(weights, details, lists, max(0, unread), centroids, scales[2])
    unit = query_step * scales[1] / DETAIL_SHIFT
    return weights, details, lists, bounds, _margin(query, unit, scales[3], scales[4], scales[5])


@numba.njit(nogil=True, cache=True, fastmath=REGROUP)
def _margin(query: np.ndarray, unit: float, error: float, weight_sum: float, detail_sum: float) -> Number:
    """Twice the largest error of a token score: from rounding the films (``error``) and the query."""
    norm = 0.0
    for j in range(len(query)):
        norm += np.float64(query[j]) ** 2
    off = np.sqrt(norm) * error / unit + (weight_sum + DETAIL_SHIFT * detail_sum) / 2
    return np.int64(np.ceil(min(2 * off, MAX_MARGIN))) + 1


@numba.njit(nogil=True, cache=True)
def _nearest_lists(
    closeness: np.ndarray, list_lengths: np.ndarray, num_lists: int, num_candidates: int
) -> tuple[np.ndarray, int]:
    """The closest partitions, closest first (of equals the lower), and how many of them to read.

    They are enough to contain the candidates. One more, if there is one, is returned and not read. A list
    counts only the films nearest to it, since a film near a border is in several lists.
    """
    num_lists = max(1, min(num_lists, len(closeness)))
    while True:
        room = min(num_lists + 1, len(closeness))
        nearest = np.empty(room, dtype=np.int64)
        size = 0
        for t in range(len(closeness)):
            if size == room and closeness[t] <= closeness[nearest[size - 1]]:
                continue
            place = min(size, room - 1)
            while place > 0 and closeness[nearest[place - 1]] < closeness[t]:
                nearest[place] = nearest[place - 1]
                place -= 1
            nearest[place] = t
            size = min(size + 1, room)
        if num_lists == len(closeness) or list_lengths[nearest[:num_lists]].sum() >= num_candidates:
            return nearest, num_lists
        num_lists = min(2 * num_lists, len(closeness))


@numba.njit(nogil=True, cache=True, fastmath=REGROUP)
def _bound_factors(
    weights: np.ndarray,
    details: np.ndarray,
    lists: np.ndarray,
    unread: Number,
    centroids: np.ndarray,
    slack: float,
) -> np.ndarray:
    """Upper-bound factors of the lists read, see ``QueryTokens.bounds``.

    A residual r is orthogonal to its film's centroid c, so only the query's part across c counts:
    ``<q, r> <= sqrt(|q|^2 - <q, c>^2) |r|`` (Cauchy-Schwarz). Partitions that are not read weigh at
    most ``unread``, the weight of the closest of them.
    """
    norm = 0.0
    for j in range(len(details)):
        norm += np.float64(details[j]) ** 2
    factors = np.empty((len(lists), 4), dtype=np.int64)
    for i in range(len(lists)):
        t = lists[i]
        along = 0.0
        for j in range(len(details)):
            along += details[j] * np.float64(centroids[t, j])
        across = np.sqrt(max(0.0, norm - along * along) + 1e-5 * norm)  # room: centroids are not exactly unit
        factors[i, 0] = max(0, weights[t])
        factors[i, 1] = np.int64(np.ceil(across * DETAIL_SHIFT / NORM_STEPS))
        factors[i, 2] = unread
        factors[i, 3] = np.int64(np.ceil(abs(along) * slack * DETAIL_SHIFT)) + 1
    return factors
