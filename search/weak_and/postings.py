"""Posting lists: the films of each partition in rising order, in blocks with upper bounds.

Films are numbered by their nearest partition. So a list is mostly a run of consecutive numbers, and its
films lie side by side in memory.
"""

from typing import NamedTuple

import numpy as np

from base.arrays import FloatArray, IntArray
from search.weak_and.tokens import NORM_STEPS, FilmTokens

BLOCK_LENGTH = 32  # postings that share an upper bound


class Postings(NamedTuple):
    """All posting lists, one after the other.

    Attributes:
        films: int32 ``[m]``, rising within each list.
        starts: int64 ``[P + 1]``, list t is ``films[starts[t] : starts[t + 1]]``.
        block_starts: int64 ``[P + 1]``, the first block of each list.
        block_peaks: int64 ``[blocks, 3]``: the largest weight, residual norm and weight elsewhere in a block.
        list_peaks: int64 ``[P, 3]``: the same over the whole list.
    """

    films: IntArray
    starts: IntArray
    block_starts: IntArray
    block_peaks: IntArray
    list_peaks: IntArray


def invert(tokens: FilmTokens, num_partitions: int) -> Postings:
    """Posting lists of films' partitions.

    Args:
        tokens: the films' terms.
        num_partitions: P.
    """
    films, places = np.nonzero(tokens.terms >= 0)
    terms = tokens.terms[films, places]
    order = np.lexsort((films, terms))
    films, places, terms = films[order], places[order], terms[order]
    starts = np.concatenate([[0], np.cumsum(np.bincount(terms, minlength=num_partitions))]).astype(np.int64)
    weights = tokens.weights[films, places].astype(np.int64)
    norms = _norms(tokens.details)[films]
    elsewhere = tokens.weights.sum(axis=1, dtype=np.int64)[films] - weights
    peaks = np.stack([weights, norms, elsewhere], axis=1)
    lengths = -(-np.diff(starts) // BLOCK_LENGTH)
    block_starts = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    # The first posting of each block: every BLOCK_LENGTH-th within its list.
    in_list = np.arange(block_starts[-1]) - np.repeat(block_starts[:-1], lengths)
    first = np.repeat(starts[:-1], lengths) + BLOCK_LENGTH * in_list
    block_peaks = np.maximum.reduceat(peaks, first, axis=0) if len(first) else peaks
    list_peaks = np.zeros((num_partitions, 3), dtype=np.int64)
    filled = np.flatnonzero(lengths)
    if len(filled):
        list_peaks[filled] = np.maximum.reduceat(block_peaks, block_starts[filled], axis=0)
    return Postings(films.astype(np.int32), starts, block_starts, block_peaks, list_peaks)


def _norms(details: IntArray) -> FloatArray:
    """Lengths of the stored residuals in steps of 1 / NORM_STEPS, rounded up; int64 ``[n]``."""
    squares = np.concatenate(
        [
            np.einsum("nd,nd->n", part, part)
            for part in (
                details[start : start + 65_536].astype(np.int64) for start in range(0, len(details), 65_536)
            )
        ]
        or [np.zeros(0, dtype=np.int64)]
    )
    return np.ceil(np.sqrt(squares) * NORM_STEPS).astype(np.int64)
