"""Posting lists: the films of each partition, in blocks with upper bounds.

Films are numbered by their nearest partition, so most of a list is a run of consecutive numbers. A film
near a border is in the lists of further partitions too. There its terms are copied, list by list, to the
end of the tokens: every list is read from memory in order, whatever films are in it. About one film in ten
is copied.
"""

from typing import NamedTuple

import numpy as np

from base.arrays import FloatArray, IntArray
from search.weak_and.tokens import NORM_STEPS, FilmTokens

BLOCK_LENGTH = 32  # postings that share an upper bound


class Postings(NamedTuple):
    """All posting lists.

    A posting is a row of ``tokens``: film i at home is row i, and copies follow from row n on.

    Attributes:
        tokens: of the n films, then of the copies.
        copied: int32 ``[m - n]``, the films of the copies.
        blocks: int64 ``[b, 3]``, first row of each block, the row after its last, and 1 if its films are in
            no other list; list by list, films at home before copies, each in rising order.
        peaks: int64 ``[b, 3]``, the largest weight, residual norm and weight elsewhere in a block.
        starts: int64 ``[P + 1]``, list t is blocks ``starts[t]`` up to ``starts[t + 1]``.
        list_peaks: int64 ``[P, 3]``, as ``peaks``, over the whole list.
        own_weights: int32 ``[m]``, each posting's weight in its list.
    """

    tokens: FilmTokens
    copied: IntArray
    blocks: IntArray
    peaks: IntArray
    starts: IntArray
    list_peaks: IntArray
    own_weights: IntArray

    def rows(self, partition: int) -> IntArray:
        """The rows of a list."""
        of_list = self.blocks[self.starts[partition] : self.starts[partition + 1]]
        return np.concatenate([np.arange(first, end) for first, end, _ in of_list] or [np.zeros(0, int)])

    def film(self, row: int) -> int:
        """The film of a row."""
        at_home = len(self.tokens.terms) - len(self.copied)
        return int(row if row < at_home else self.copied[row - at_home])


def film_order(terms: IntArray) -> IntArray:
    """The order of films in an index: by nearest partition, those in no other first; int64 ``[n]``.

    So most blocks hold films of one list only, whose scores have two terms.
    """
    return np.lexsort((terms[:, 1] >= 0, terms[:, 0]))


def invert(tokens: FilmTokens, num_partitions: int) -> Postings:
    """Posting lists of films' partitions.

    Args:
        tokens: the films' terms, in ``film_order``.
        num_partitions: P.
    """
    num_films = len(tokens.terms)
    films, places = np.nonzero(tokens.terms[:, 1:] >= 0)
    terms = tokens.terms[films, places + 1]
    order = np.lexsort((films, terms))
    copied = films[order]
    every = FilmTokens(*(np.concatenate([rows, rows[copied]]) for rows in tokens))
    partitions = np.concatenate([tokens.terms[:, 0], terms[order]])  # of each row
    places = np.concatenate([np.zeros(num_films, dtype=np.int64), places[order] + 1])
    own_weights = np.take_along_axis(every.weights, places[:, None], axis=1)[:, 0]
    elsewhere = every.weights.sum(axis=1, dtype=np.int64) - own_weights
    of_rows = np.stack([own_weights, _norms(every.details), elsewhere], axis=1)
    kinds = np.where(every.terms[:, 1] < 0, 0, 1)
    kinds[num_films:] = 2
    blocks = _blocks(partitions, kinds)
    peaks = np.maximum.reduceat(of_rows, blocks[:, 0], axis=0) if len(blocks) else of_rows
    blocks[:, 2] = kinds[blocks[:, 0]] == 0
    of_blocks = partitions[blocks[:, 0]]
    by_list = np.argsort(of_blocks, kind="stable")
    starts = np.searchsorted(of_blocks[by_list], np.arange(num_partitions + 1))
    blocks, peaks = blocks[by_list], peaks[by_list]
    list_peaks = np.zeros((num_partitions, 3), dtype=np.int64)
    filled = np.flatnonzero(np.diff(starts))
    if len(filled):
        list_peaks[filled] = np.maximum.reduceat(peaks, starts[filled], axis=0)
    return Postings(every, copied.astype(np.int32), blocks, peaks, starts, list_peaks, own_weights)


def _blocks(partitions: IntArray, kinds: IntArray) -> IntArray:
    """Blocks ``[b, 3]`` in the order of rows, the last column 0: rows of one list and one kind each."""
    rows = np.arange(len(partitions))
    changed = (np.diff(partitions, prepend=-1) != 0) | (np.diff(kinds, prepend=-1) != 0)
    run_starts = np.flatnonzero(changed)
    in_run = rows - np.repeat(run_starts, np.diff(run_starts, append=len(rows)))
    firsts = np.flatnonzero(in_run % BLOCK_LENGTH == 0)
    return np.stack([firsts, np.append(firsts, len(rows))[1:], np.zeros_like(firsts)], axis=1)


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
