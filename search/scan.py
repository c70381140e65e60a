"""The best of all vectors by inner product, from whatever form they are stored in."""

import warnings
from typing import TYPE_CHECKING

import numba
import numpy as np

from base.arrays import FloatArray, IntArray
from search.kernels import FINE_FACTOR, FINE_MORE, heap_offer, heap_sort, inner_products, nan_last, rescore
from search.threads import over_queries
from search.vectors import BLOCK, Vectors, decoded_rows

if TYPE_CHECKING:
    from torch import Tensor

SCAN_BLOCK = 512  # vectors whose scores are computed before any is looked at
SCORES_IN_MEMORY, SCORES_ON_GPU = 1 << 24, 1 << 28  # at once: 64 MB, 1 GB


def best_by_faiss(stored: Vectors, queries: FloatArray, k: int) -> tuple[FloatArray, IntArray]:
    """The ``k`` largest products of each query by FAISS, which reads the vectors where they are.

    Args:
        stored: of float32, n vectors.
        queries: float32 ``[q, d]``, q at least 1.
        k: at most n.

    Returns:
        Scores float32 and rows int64, ``[q, k]``, best first.
    """
    import faiss

    scores = np.empty((len(queries), k), dtype=np.float32)
    rows = np.empty((len(queries), k), dtype=np.int64)
    at = faiss.swig_ptr
    count, dim = stored.codes.shape
    faiss.knn_inner_product(at(queries), at(stored.codes), dim, len(queries), count, k, at(scores), at(rows))
    return scores, rows


def as_tensor(array: FloatArray) -> "Tensor":
    """The array as a tensor. Nobody writes into it, so the warning of read-only arrays does not apply."""
    import torch

    if array.flags.writeable:
        return torch.from_numpy(array)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The given NumPy array is not writable")
        return torch.from_numpy(array)


def best_by_product(candidates: "Tensor", queries: FloatArray, k: int) -> tuple[FloatArray, IntArray]:
    """The ``k`` largest inner products of each query, computed where the candidates are.

    Args:
        candidates: float32 ``[n, d]``.
        queries: float32 ``[q, d]``, q at least 1.
        k: at most n.

    Returns:
        Scores float32 and rows int64, ``[q, k]``, best first.
    """
    import torch

    num_scores = SCORES_IN_MEMORY if candidates.is_cpu else SCORES_ON_GPU
    blocks = as_tensor(queries).split(max(1, num_scores // len(candidates)))
    best = [(block.to(candidates.device) @ candidates.T).topk(k, dim=1) for block in blocks]
    scores, rows = (torch.cat(parts).cpu().numpy() for parts in zip(*best, strict=True))
    return scores, rows


def best_by_scan(stored: Vectors, queries: FloatArray, k: int) -> tuple[FloatArray, IntArray]:
    """``best_by_faiss`` for compact vectors: by their codes, one query after the other."""
    scores = np.empty((len(queries), k), dtype=np.float32)
    rows = np.empty((len(queries), k), dtype=np.int64)
    over_queries(_scan, (queries, scores, rows), (tuple(stored), _first_level(stored, k)))
    return scores, rows


def best_by_blocks(stored: Vectors, queries: FloatArray, k: int) -> tuple[FloatArray, IntArray]:
    """``best_by_scan`` for many queries: a block of vectors is decoded once for all of them."""
    import torch

    few = _first_level(stored, k)
    scores = np.empty((len(queries), 0), dtype=np.float32)
    rows = np.empty((len(queries), 0), dtype=np.int64)
    for start in range(0, len(stored.codes), BLOCK):
        part = slice(start, start + BLOCK)
        block = torch.from_numpy(decoded_rows(stored.codes[part], stored.scales[part]))
        more_scores, more_rows = best_by_product(block, queries, min(few, len(block)))
        scores = np.concatenate([scores, more_scores], axis=1)
        rows = np.concatenate([rows, more_rows + start], axis=1)
        best = np.argsort(-scores, axis=1, kind="stable")[:, :few]
        scores = np.take_along_axis(scores, best, axis=1)
        rows = np.take_along_axis(rows, best, axis=1)
    if not len(stored.fine):
        return scores, rows
    scores, best_rows = np.empty((len(queries), k), dtype=np.float32), np.empty((len(queries), k), np.int64)
    over_queries(_rescore_each, (queries, rows, scores, best_rows), (tuple(stored),))
    return scores, best_rows


def _first_level(stored: Vectors, k: int) -> int:
    """How many vectors are chosen by their codes: ``k``, or a few more if fine codes decide among them."""
    return min(len(stored.codes), FINE_FACTOR * k + FINE_MORE) if len(stored.fine) else k


@numba.njit(nogil=True, cache=True)
def _rescore_each(
    queries: np.ndarray,
    candidates: np.ndarray,
    scores: np.ndarray,
    rows: np.ndarray,
    vectors: tuple[np.ndarray, np.ndarray, np.ndarray],
) -> None:
    for i in range(len(queries)):
        rescore(vectors, queries[i], candidates[i], scores[i], rows[i])


@numba.njit(nogil=True, cache=True)
def _scan(
    queries: np.ndarray,
    scores: np.ndarray,
    rows: np.ndarray,
    vectors: tuple[np.ndarray, np.ndarray, np.ndarray],
    few: int,
) -> None:
    """Fills ``scores`` and ``rows`` ``[q, k]``; ``few`` is the number of vectors to choose by their codes."""
    codes, scales, fine = vectors
    products = np.empty(SCAN_BLOCK, dtype=np.float32)
    best_scores = np.empty(few, dtype=np.float32)
    best_rows = np.empty(few, dtype=np.int64)
    for i in range(len(queries)):
        size = 0
        for start in range(0, len(codes), SCAN_BLOCK):
            length = min(SCAN_BLOCK, len(codes) - start)
            inner_products(codes[start : start + length], queries[i], products[:length])
            products[:length] *= scales[start : start + length]
            for j in range(length):
                if size < few or products[j] > best_scores[0]:
                    size = heap_offer(best_scores, best_rows, size, nan_last(products[j]), start + j)
        if len(fine) > 0:
            rescore(vectors, queries[i], best_rows, scores[i], rows[i])
        else:
            heap_sort(best_scores, best_rows, size)
            scores[i], rows[i] = best_scores, best_rows
