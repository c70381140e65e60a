"""Token weights in whole numbers: the terms of a film and of a query in the first level.

The terms of a film are its few partitions, each with a weight, and its *details*: one term per axis,
weighted by the film's residual there, rounded to a byte. A query weighs every axis by its own coordinate,
and every partition by the inner product with its centroid, whose coordinates are bytes too. The score

    score(q, x) = sum over the film's partitions of w_t a_t  +  unit * sum over axes of q_j r_j

is additive. It is the inner product of the rounded query and the stored film, up to a shift that is the
same for all films. Partitions alone would rank the films of one partition badly: these differ only in
their residuals. All numbers are integers, so every implementation on every machine gets the same score to
the last unit, ties included.
"""

from typing import NamedTuple

import numba
import numpy as np

from base.arrays import FloatArray, IntArray
from search.kernels import REGROUP, Number, byte_products

WEIGHT_STEPS = 4095  # largest stored partition weight
BYTE_STEPS = 127  # largest stored detail or coordinate of a centroid, a signed byte
QUERY_STEPS = 2047  # largest detail weight of a query
MAX_AXES = 8192  # times 2047 * 127 per axis still fits 32 bits
MAX_DETAIL_UNIT = 2**20  # times the largest sum over axes it is 2^51
NORM_STEPS = 16  # residual norms are stored in sixteenths, rounded up
MAX_MARGIN = 2.0**61  # far above any score, and a difference of both still fits 64 bits


class FilmTokens(NamedTuple):
    """The terms of films.

    Attributes:
        terms: int32 ``[n, T]``, partitions, the nearest first; -1 if there are fewer.
        weights: int32 ``[n, T]``, 0 for a term of -1.
        details: int8 ``[n, d]``.
    """

    terms: IntArray
    weights: IntArray
    details: IntArray


class Partitions(NamedTuple):
    """The partitions as a query sees them.

    Attributes:
        codes: int8 ``[P, d]``, centroids in steps.
        squares: float64 ``[P]``, squared lengths of the codes; 1 where a code is 0.
        homes: int64 ``[P]``, the number of films nearest to each.
        scales: float64 ``[5]``, see ``Scales``.
    """

    codes: IntArray
    squares: FloatArray
    homes: IntArray
    scales: FloatArray


class Scales(NamedTuple):
    """Units of the token score, and its errors.

    Attributes:
        detail_unit: a whole number, the unit of the details in units of the score.
        unit: one unit of the score, per step of the query, in the unit of the embeddings.
        slack: largest inner product of a film's stored details with the code of one of its own centroids.
            Exactly orthogonal residuals would have 0; rounding leaves a little, and the bounds include it.
        error: largest distance of a film from its stored form, in the unit of the embeddings.
        stored_sum: largest sum of a stored film's coordinates, all positive, in units of the score.
    """

    detail_unit: float
    unit: float
    slack: float
    error: float
    stored_sum: float


class QueryTokens(NamedTuple):
    """The terms of one query.

    Attributes:
        partition_weights: int32 ``[P]``.
        details: int16 ``[d]``.
        lists: int64 ``[L]``, the partitions whose posting lists are read, the heaviest first, of equals the
            lower first.
        bounds: int64 ``[L, 4]``: if a, r and o are the largest weight, residual norm and weight elsewhere
            of a list (or block), no film that is in none of the lists before scores above
            ``b0 a + b1 r + b2 o + b3``.
        detail_unit: the unit of the details in units of the score.
        margin: films whose token scores differ by more than this are in the right order.
    """

    partition_weights: IntArray
    details: IntArray
    lists: IntArray
    bounds: IntArray
    detail_unit: int
    margin: int


def choose_scales(
    weights: FloatArray, residuals: FloatArray, vectors: FloatArray, largest: float
) -> tuple[float, float]:
    """Steps of weights and details for these films; a film that is added later is clipped to them.

    Args:
        weights: float32 ``[n, T]``.
        residuals: float32 ``[n, d]``.
        vectors: float32 ``[n, d]``, centred.
        largest: largest coordinate of a centroid. The step of the details is rounded up to a whole number
            of products of a weight's step and a coordinate's.
    """
    longest = float(np.sqrt((vectors.astype(np.float64) ** 2).sum(axis=1).max()))
    weight_step = _usable(max(float(weights.max()), longest / 2**14) / WEIGHT_STEPS)
    detail_step = _usable(max(float(np.abs(residuals).max()) / BYTE_STEPS, longest / 2**14))
    if largest > 0:
        product = weight_step * largest / BYTE_STEPS
        detail_step = float(np.ceil(detail_step / product)) * product
    return weight_step, detail_step


def _usable(step: float) -> float:
    """A step that is not 0, in float32 either."""
    return max(step, float(np.finfo(np.float32).tiny)) if step else 1.0


def round_centroids(centroids: FloatArray) -> FloatArray:
    """Centroids float32 ``[P, d]`` whose coordinates are whole numbers of steps."""
    step = np.float32(_usable(float(np.abs(centroids).max()) / BYTE_STEPS))
    return np.rint(centroids / step) * step


def detail_unit(largest: float, weight_step: float, detail_step: float) -> int:
    """How many times a step of the details is one of a weight times a centroid's coordinate.

    Args:
        largest: largest coordinate of a centroid; in units rounded down it still fits a byte.
        weight_step: of films' partition weights.
        detail_step: of films' details.
    """
    ratio = BYTE_STEPS * (detail_step / weight_step) / largest if largest else 1.0
    # Trained steps have a whole number as ratio, but rounding can leave it a little too low.
    return int(min(max(1.0, np.floor(ratio * (1 + 1e-6))), MAX_DETAIL_UNIT))


def round_films(
    terms: IntArray, weights: FloatArray, residuals: FloatArray, weight_step: float, detail_step: float
) -> FilmTokens:
    """Films' weights and residuals in whole steps."""
    with np.errstate(over="ignore"):  # a film far outside the steps is clipped
        rounded = np.clip(np.rint(weights / weight_step), 0, WEIGHT_STEPS).astype(np.int32)
        details = np.clip(np.rint(residuals / np.float32(detail_step)), -BYTE_STEPS, BYTE_STEPS)
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
    partitions: tuple,
    num_lists: int,
    num_candidates: int,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, int, int]:
    """The fields of ``QueryTokens`` for one query.

    Args:
        query: float32 ``[d]``.
        partitions: as ``Partitions``.
        num_lists: posting lists to read; more are read if they contain too few films.
        num_candidates: number of films that the lists together must contain.
    """
    codes, squares, homes, scales = partitions
    largest = np.float32(0)
    for j in range(len(query)):
        largest = max(largest, abs(query[j]))
    per_unit = QUERY_STEPS / np.float64(largest) if largest > 0 else 1.0
    details = np.empty(len(query), dtype=np.int16)
    for j in range(len(query)):
        details[j] = np.int16(np.rint(query[j] * per_unit))
    weights = np.empty(len(codes), dtype=np.int32)
    byte_products(codes, details, weights)
    nearest, num_lists = _nearest_lists(weights, homes, num_lists, num_candidates)
    bounds = _bound_factors(weights, details, nearest, num_lists, squares, scales)
    margin = _margin(query, 1 / per_unit, scales)
    unit: Number = np.int64(scales[0])
    return weights, details, nearest[:num_lists], bounds, unit, margin


@numba.njit(nogil=True, cache=True, fastmath=REGROUP)
def _margin(query: np.ndarray, query_step: float, scales: np.ndarray) -> Number:
    """Twice the largest error of a token score: from rounding the films and the query."""
    norm = 0.0
    for j in range(len(query)):
        norm += np.float64(query[j]) ** 2
    _, unit, _, error, stored_sum = scales
    off = np.sqrt(norm) * error / (query_step * unit) + stored_sum / 2
    return np.int64(np.ceil(min(2 * off, MAX_MARGIN))) + 1


@numba.njit(nogil=True, cache=True)
def _nearest_lists(
    weights: np.ndarray, list_lengths: np.ndarray, num_lists: int, num_candidates: int
) -> tuple[np.ndarray, int]:
    """The heaviest partitions, heaviest first (of equals the lower), and how many of them to read.

    They are enough to contain the candidates. One more, if there is one, is returned and not read. A list
    counts only the films nearest to it, since a film near a border is in several lists.
    """
    num_lists = max(1, min(num_lists, len(weights)))
    while True:
        room = min(num_lists + 1, len(weights))
        nearest = np.empty(room, dtype=np.int64)
        size = 0
        lightest = np.int32(-(2**31))  # below it, a partition has no place; the least weight is above this
        for t in range(len(weights)):
            if weights[t] <= lightest:
                continue
            place = min(size, room - 1)
            while place > 0 and weights[nearest[place - 1]] < weights[t]:
                nearest[place] = nearest[place - 1]
                place -= 1
            nearest[place] = t
            size = min(size + 1, room)
            if size == room:
                lightest = weights[nearest[size - 1]]
        if num_lists == len(weights) or list_lengths[nearest[:num_lists]].sum() >= num_candidates:
            return nearest, num_lists
        num_lists = min(2 * num_lists, len(weights))


@numba.njit(nogil=True, cache=True, fastmath=REGROUP)
def _bound_factors(
    weights: np.ndarray,
    details: np.ndarray,
    nearest: np.ndarray,
    num_lists: int,
    squares: np.ndarray,
    scales: np.ndarray,
) -> np.ndarray:
    """Upper-bound factors of the lists read, see ``QueryTokens.bounds``.

    A residual r is orthogonal to its film's centroid c, so only the query's part across c counts:
    ``<q, r> <= sqrt(|q|^2 - <q, c>^2 / |c|^2) |r|`` (Cauchy-Schwarz). The other partitions of a film that
    is in none of the lists before weigh at most what the next list weighs.
    """
    norm = 0.0
    for j in range(len(details)):
        norm += np.float64(details[j]) ** 2
    unit, slack = scales[0], scales[2]
    factors = np.empty((num_lists, 4), dtype=np.int64)
    for i in range(num_lists):
        weight = np.float64(weights[nearest[i]])
        square = squares[nearest[i]]
        across = np.sqrt(max(0.0, norm - weight * weight / square) + 1e-9 * norm)
        factors[i, 0] = max(0, weights[nearest[i]])
        factors[i, 1] = np.int64(np.ceil(across * unit / NORM_STEPS))
        factors[i, 2] = max(0, weights[nearest[i + 1]]) if i + 1 < len(nearest) else 0
        factors[i, 3] = np.int64(np.ceil(abs(weight) / square * slack * unit)) + 1
    return factors
