"""The best of all vectors by inner product, from whatever form they are stored in.

There are three ways to fast scores: one query after the other, a product of matrices, and a GPU. The ids and
scores that come out are the same, to the last bit; see ``search/narrow.py``.
"""

import warnings
from typing import TYPE_CHECKING, NamedTuple

import numba
import numpy as np

from base.arrays import FloatArray, IntArray
from search.kernels import FINE_FACTOR, FINE_MORE, inner_products
from search.narrow import lengths_of, narrow, room_for, settle, slack_of
from search.threads import over_queries
from search.vectors import Vectors, decoded_rows

if TYPE_CHECKING:
    from torch import Tensor

SCAN_BLOCK = 512  # vectors whose scores are computed before any is looked at
# Of a product of matrices: the scores of one are 16 MB at most.
QUERY_BLOCK, VECTOR_BLOCK = 512, 8192
SCORES_ON_GPU = 1 << 28  # at once: 1 GB
# Relative error of the factors of a product, by PyTorch's setting of its precision: TF32 or bfloat16.
ROUNDING = {"highest": 0.0, "high": 2.0**-9, "medium": 2.0**-7}


class Catalogue(NamedTuple):
    """What is searched.

    Attributes:
        stored: n vectors.
        ids: int64 ``[n]``.
        lengths: float32 ``[n]``, as ``lengths_of``.
    """

    stored: Vectors
    ids: IntArray
    lengths: FloatArray

    @classmethod
    def of(cls, stored: Vectors, ids: IntArray) -> "Catalogue":
        """A catalogue with its lengths, for which all float32 vectors are read."""
        return cls(stored, ids, lengths_of(stored))


def as_tensor(array: FloatArray) -> "Tensor":
    """The array as a tensor. Nobody writes into it, so the warning of read-only arrays does not apply."""
    import torch

    if array.flags.writeable:
        return torch.from_numpy(array)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The given NumPy array is not writable")
        return torch.from_numpy(array)


def best_by_scan(catalogue: Catalogue, queries: FloatArray, k: int) -> tuple[FloatArray, IntArray]:
    """The ``k`` largest products of each query, one query after the other.

    Args:
        catalogue: n vectors.
        queries: float32 ``[q, d]``, q at least 1.
        k: at most n.

    Returns:
        Scores float32 and ids int64, ``[q, k]``: by falling score and, if scores are equal, rising id.
    """
    stored, ids, lengths = catalogue
    scores = np.empty((len(queries), k), dtype=np.float32)
    found = np.empty((len(queries), k), dtype=np.int64)
    over_queries(_scan, (queries, scores, found), (tuple(stored), ids, lengths, room_for(k)))
    return scores, found


def best_by_product(catalogue: Catalogue, queries: FloatArray, k: int) -> tuple[FloatArray, IntArray]:
    """``best_by_scan`` for many queries: scores of blocks of queries and vectors by a product of matrices.

    Compact vectors are decoded a block at a time, once for all queries of a block.
    """
    import torch

    stored, ids, lengths = catalogue
    rounding = ROUNDING[torch.get_float32_matmul_precision()]
    vectors, form = tuple(stored), (stored.compact, len(stored.fine) > 0, rounding)
    scores = np.empty((len(queries), k), dtype=np.float32)
    found = np.empty((len(queries), k), dtype=np.int64)
    for first in range(0, len(queries), QUERY_BLOCK):
        part = slice(first, first + QUERY_BLOCK)
        block = queries[part]
        kept = _Kept.of(len(block), k)
        over_queries(_slacks, (block, kept.slacks), form)
        for start in range(0, len(ids), VECTOR_BLOCK):
            codes, scales = stored.codes[start : start + VECTOR_BLOCK], stored.scales
            if stored.compact:
                codes = decoded_rows(codes, scales[start : start + VECTOR_BLOCK])
            fast = (as_tensor(block) @ as_tensor(codes).T).numpy()
            over_queries(_narrow_each, (fast, *kept), (start, lengths, k))
        over_queries(_settle_each, (block, scores[part], found[part], *kept), (vectors, ids, lengths))
    return scores, found


def best_on_device(
    candidates: "Tensor", catalogue: Catalogue, queries: FloatArray, k: int
) -> tuple[FloatArray, IntArray]:
    """``best_by_product`` where the candidates are, with the scores that decide computed on the CPU.

    If more vectors may be among the best than the device gives back, the CPU scores all of them.

    Args:
        candidates: float32 ``[n, d]``, the decoded vectors.
        catalogue: the same vectors.
        queries: float32 ``[q, d]``, q at least 1.
        k: at most n.
    """
    import torch

    stored, ids, lengths = catalogue
    rounding = ROUNDING[torch.get_float32_matmul_precision()]
    few = min(len(ids), FINE_FACTOR * k + FINE_MORE)
    blocks = as_tensor(queries).split(max(1, SCORES_ON_GPU // len(ids)))
    products = ((block.to(candidates.device) @ candidates.T).nan_to_num_(nan=-torch.inf) for block in blocks)
    best = [product.topk(few, dim=1) for product in products]
    fast, rows = (torch.cat(parts).cpu().numpy() for parts in zip(*best, strict=True))
    scores = np.empty((len(queries), k), dtype=np.float32)
    found = np.empty((len(queries), k), dtype=np.int64)
    most = float(lengths.max()) if few < len(ids) else -1.0
    fixed = (tuple(stored), ids, lengths, stored.compact, rounding, most)
    over_queries(_settle_listed, (queries, fast, rows, scores, found), fixed)
    return scores, found


class _Kept(NamedTuple):
    """What ``narrow`` keeps for each of q queries, see there."""

    slacks: FloatArray
    lows: FloatArray
    rows: IntArray
    sizes: IntArray
    floors: FloatArray

    @classmethod
    def of(cls, num_queries: int, k: int) -> "_Kept":
        room = (num_queries, room_for(k))
        lows, rows = np.empty(room, dtype=np.float32), np.empty(room, dtype=np.int64)
        floors = np.full(num_queries, -np.inf, dtype=np.float32)
        return cls(np.empty_like(floors), lows, rows, np.zeros(num_queries, dtype=np.int64), floors)


@numba.njit(nogil=True, cache=True)
def _slacks(queries: np.ndarray, slacks: np.ndarray, compact: bool, by_codes: bool, rounding: float) -> None:
    for i in range(len(queries)):
        slacks[i] = slack_of(queries[i], compact, by_codes, rounding)


@numba.njit(nogil=True, cache=True)
def _narrow_each(
    scores: np.ndarray,
    slacks: np.ndarray,
    lows: np.ndarray,
    rows: np.ndarray,
    sizes: np.ndarray,
    floors: np.ndarray,
    start: int,
    lengths: np.ndarray,
    k: int,
) -> None:
    for i in range(len(scores)):
        if sizes[i] >= 0:
            sizes[i], floors[i] = narrow(
                scores[i], start, slacks[i], lengths, k, lows[i], rows[i], sizes[i], floors[i]
            )


@numba.njit(nogil=True, cache=True)
def _settle_each(
    queries: np.ndarray,
    scores: np.ndarray,
    found: np.ndarray,
    slacks: np.ndarray,
    lows: np.ndarray,
    rows: np.ndarray,
    sizes: np.ndarray,
    floors: np.ndarray,
    vectors: tuple[np.ndarray, np.ndarray, np.ndarray],
    ids: np.ndarray,
    lengths: np.ndarray,
) -> None:
    for i in range(len(queries)):
        settle(vectors, ids, lengths, queries[i], slacks[i], lows[i], rows[i], sizes[i], scores[i], found[i])


@numba.njit(nogil=True, cache=True)
def _settle_listed(
    queries: np.ndarray,
    fast: np.ndarray,
    listed: np.ndarray,
    scores: np.ndarray,
    found: np.ndarray,
    vectors: tuple[np.ndarray, np.ndarray, np.ndarray],
    ids: np.ndarray,
    lengths: np.ndarray,
    compact: bool,
    rounding: float,
    most: float,
) -> None:
    """``most`` is the greatest length of a vector that is not listed, -1 if all are."""
    k = scores.shape[1]
    for i in range(len(queries)):
        slack = slack_of(queries[i], compact, False, rounding)
        bounds = slack * lengths[listed[i]]
        lows = fast[i] - bounds
        for j in range(len(lows)):
            lows[j] = lows[j] if lows[j] == lows[j] else np.float32(-np.inf)
        size = len(lows)
        if most >= 0:
            floor = np.sort(lows)[size - k]
            if not fast[i, size - 1] + slack * most < floor:
                size = -1
        settle(vectors, ids, lengths, queries[i], slack, lows, listed[i], size, scores[i], found[i])


@numba.njit(nogil=True, cache=True)
def _scan(
    queries: np.ndarray,
    scores: np.ndarray,
    found: np.ndarray,
    vectors: tuple[np.ndarray, np.ndarray, np.ndarray],
    ids: np.ndarray,
    lengths: np.ndarray,
    room: int,
) -> None:
    """Fills ``scores`` and ``found`` ``[q, k]``."""
    codes, scales, fine = vectors
    k = scores.shape[1]
    products = np.empty(SCAN_BLOCK, dtype=np.float32)
    lows = np.empty(room, dtype=np.float32)
    rows = np.empty(room, dtype=np.int64)
    for i in range(len(queries)):
        slack = slack_of(queries[i], len(scales) > 0, len(fine) > 0, 0.0)
        size, floor = 0, np.float32(-np.inf)
        for start in range(0, len(codes), SCAN_BLOCK):
            length = min(SCAN_BLOCK, len(codes) - start)
            inner_products(codes[start : start + length], queries[i], products[:length])
            if len(scales) > 0:
                products[:length] *= scales[start : start + length]
            size, floor = narrow(products[:length], start, slack, lengths, k, lows, rows, size, floor)
            if size < 0:
                break
        settle(vectors, ids, lengths, queries[i], slack, lows, rows, size, scores[i], found[i])
