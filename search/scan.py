"""The best of all vectors by inner product, from whatever form they are stored in.

There are three ways to fast scores: one query after the other, a product of matrices, and a GPU. The ids and
scores that come out are the same, to the last bit; see ``search/narrow.py``.
"""

import warnings
from typing import TYPE_CHECKING, NamedTuple

import numba
import numpy as np

from base.arrays import FloatArray, IntArray
from search.kernels import FINE_FACTOR, FINE_MORE, inner_products, inner_products_at
from search.narrow import lengths_of, narrow, room_for, settle, slack_of
from search.subset import EVERY
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
        chosen: int64 ``[m]``, rows that may be found, rising; all if it is empty.
        of_chosen: float32 ``[m]``, their lengths.
    """

    stored: Vectors
    ids: IntArray
    lengths: FloatArray
    chosen: IntArray
    of_chosen: FloatArray

    @classmethod
    def of(cls, stored: Vectors, ids: IntArray) -> "Catalogue":
        """A catalogue with its lengths, for which all float32 vectors are read."""
        lengths = lengths_of(stored)
        return cls(stored, ids, lengths, EVERY, lengths)

    def only(self, rows: IntArray) -> "Catalogue":
        """The same catalogue, of which only ``rows`` may be found, at least one."""
        return self._replace(chosen=rows, of_chosen=self.lengths[rows])


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
        catalogue: n vectors, of which m may be found.
        queries: float32 ``[q, d]``, q at least 1.
        k: at most m.

    Returns:
        Scores float32 and ids int64, ``[q, k]``: by falling score and, if scores are equal, rising id.
    """
    scores = np.empty((len(queries), k), dtype=np.float32)
    found = np.empty((len(queries), k), dtype=np.int64)
    fixed = (tuple(catalogue.stored), *catalogue[1:], room_for(k))
    over_queries(_scan, (queries, scores, found), fixed)
    return scores, found


def best_by_product(catalogue: Catalogue, queries: FloatArray, k: int) -> tuple[FloatArray, IntArray]:
    """``best_by_scan`` for many queries: scores of blocks of queries and vectors by a product of matrices.

    Compact vectors are decoded a block at a time, once for all queries of a block.
    """
    import torch

    stored, ids, lengths, chosen, of_chosen = catalogue
    rounding = ROUNDING[torch.get_float32_matmul_precision()]
    vectors, form = tuple(stored), (stored.compact, len(stored.fine) > 0, rounding)
    scores = np.empty((len(queries), k), dtype=np.float32)
    found = np.empty((len(queries), k), dtype=np.int64)
    for first in range(0, len(queries), QUERY_BLOCK):
        part = slice(first, first + QUERY_BLOCK)
        block = queries[part]
        kept = _Kept.of(len(block), k)
        over_queries(_slacks, (block, kept.slacks), form)
        for start in range(0, len(of_chosen), VECTOR_BLOCK):
            which = slice(start, start + VECTOR_BLOCK)
            rows = chosen[which] if len(chosen) else which
            codes = stored.codes[rows]
            if stored.compact:
                codes = decoded_rows(codes, stored.scales[rows])
            fast = (as_tensor(block) @ as_tensor(codes).T).numpy()
            over_queries(_narrow_each, (fast, *kept), (start, of_chosen, k))
        over_queries(_settle_each, (block, scores[part], found[part], *kept), (vectors, ids, lengths, chosen))
    return scores, found


def best_on_device(
    candidates: "Tensor", catalogue: Catalogue, queries: FloatArray, k: int
) -> tuple[FloatArray, IntArray]:
    """``best_by_product`` where the candidates are, with the scores that decide computed on the CPU.

    If more vectors may be among the best than the device gives back, the CPU scores all of them.

    Args:
        candidates: float32 ``[n, d]``, the decoded vectors.
        catalogue: the same vectors, of which m may be found.
        queries: float32 ``[q, d]``, q at least 1.
        k: at most m.
    """
    import torch

    stored, ids, lengths, chosen, of_chosen = catalogue
    rounding = ROUNDING[torch.get_float32_matmul_precision()]
    few = min(len(of_chosen), FINE_FACTOR * k + FINE_MORE)
    if len(chosen):
        candidates = candidates[torch.from_numpy(chosen).to(candidates.device)]
    blocks = as_tensor(queries).split(max(1, SCORES_ON_GPU // len(candidates)))
    products = ((block.to(candidates.device) @ candidates.T).nan_to_num_(nan=-torch.inf) for block in blocks)
    best = [product.topk(few, dim=1) for product in products]
    fast, rows = (torch.cat(parts).cpu().numpy() for parts in zip(*best, strict=True))
    if len(chosen):
        rows = chosen[rows]
    scores = np.empty((len(queries), k), dtype=np.float32)
    found = np.empty((len(queries), k), dtype=np.int64)
    most = float(of_chosen.max()) if few < len(of_chosen) else -1.0
    fixed = (tuple(stored), ids, lengths, chosen, stored.compact, rounding, most)
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
    chosen: np.ndarray,
) -> None:
    for i in range(len(queries)):
        _name_rows(rows[i], sizes[i], chosen)
        kept = lows[i], rows[i], sizes[i]
        settle(vectors, ids, lengths, queries[i], slacks[i], *kept, scores[i], found[i], chosen)


@numba.njit(nogil=True, cache=True)
def _name_rows(places: np.ndarray, size: int, chosen: np.ndarray) -> None:
    """Turn the first ``size`` places among the chosen rows into rows."""
    if len(chosen) > 0:
        for j in range(size):
            places[j] = chosen[places[j]]


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
    chosen: np.ndarray,
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
        kept = lows, listed[i], size
        settle(vectors, ids, lengths, queries[i], slack, *kept, scores[i], found[i], chosen)


@numba.njit(nogil=True, cache=True)
def _scan(
    queries: np.ndarray,
    scores: np.ndarray,
    found: np.ndarray,
    vectors: tuple[np.ndarray, np.ndarray, np.ndarray],
    ids: np.ndarray,
    lengths: np.ndarray,
    chosen: np.ndarray,
    of_chosen: np.ndarray,
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
        for start in range(0, len(of_chosen), SCAN_BLOCK):
            length = min(SCAN_BLOCK, len(of_chosen) - start)
            if len(chosen) > 0:
                block = chosen[start : start + length]
                inner_products_at(codes, block, queries[i], products[:length])
            else:
                inner_products(codes[start : start + length], queries[i], products[:length])
            if len(scales) > 0:  # then they are the lengths
                products[:length] *= of_chosen[start : start + length]
            size, floor = narrow(products[:length], start, slack, of_chosen, k, lows, rows, size, floor)
            if size < 0:
                break
        _name_rows(rows, size, chosen)
        settle(vectors, ids, lengths, queries[i], slack, lows, rows, size, scores[i], found[i], chosen)
