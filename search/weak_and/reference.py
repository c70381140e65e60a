"""Weak AND in plain Python, to read: the first level of the search.

Source: Broder et al., CIKM 2003; upper bounds of blocks as in Ding and Suel, SIGIR 2011.

The lists of a query's partitions are read side by side, film by film, each by a cursor. Each list has an
upper bound on the score of its films. In the order of the cursors' current films, bounds are added up
until the sum exceeds the threshold: the worst score among the best films so far. The film where that
happens is the *pivot*. No film before it can enter the result, so the cursors before it jump there. If the
bounds of the blocks around it still exceed the threshold, the pivot is scored; otherwise the blocks are
skipped.

With ``wand_factor`` 1 the result is exactly the best ``num_candidates`` films by token score among those
in at least one of the lists; of equal scores the lower film number wins. A larger factor raises the
threshold: that skips more and may lose films. ``kernel.py`` is the same algorithm, compiled.
"""

import heapq
import math
from bisect import bisect_left
from typing import NamedTuple

import numpy as np

from search.weak_and.postings import BLOCK_LENGTH, Postings
from search.weak_and.tokens import DETAIL_SHIFT, FilmTokens, QueryTokens


class Candidates(NamedTuple):
    """The result of a first level: films and scores, best first, and the cost."""

    films: list[int]
    scores: list[int]
    scored: int  # films scored
    skipped: int  # postings of the lists without a score


def token_score(film: int, tokens: FilmTokens, query: QueryTokens) -> int:
    """The additive score of one film, see ``search/weak_and/tokens.py``."""
    partitions = sum(
        int(query.partition_weights[term]) * int(weight)
        for term, weight in zip(tokens.terms[film], tokens.weights[film], strict=True)
        if term >= 0
    )
    details = int(query.details.astype(np.int64) @ tokens.details[film].astype(np.int64))
    return partitions + DETAIL_SHIFT * details


def brute_force(
    postings: Postings, tokens: FilmTokens, query: QueryTokens, num_candidates: int
) -> Candidates:
    """Score every film of the query's lists and sort: Weak AND must give the same."""
    lists = [postings.films[postings.starts[t] : postings.starts[t + 1]] for t in query.lists]
    films = np.unique(np.concatenate(lists)).tolist()
    ranked = sorted((-token_score(film, tokens, query), film) for film in films)[:num_candidates]
    return Candidates([film for _, film in ranked], [-score for score, _ in ranked], len(films), 0)


class _Cursor:
    """A place in one posting list."""

    def __init__(self, postings: Postings, term: int, factors: np.ndarray):
        start, end = postings.starts[term], postings.starts[term + 1]
        self.films: list[int] = postings.films[start:end].tolist()
        self.place = 0
        self._factors = factors
        self._peaks = postings.block_peaks[postings.block_starts[term] : postings.block_starts[term + 1]]
        self.bound = self._upper_bound(postings.list_peaks[term])

    def _upper_bound(self, peaks: np.ndarray) -> int:
        weight, norm, elsewhere = (int(peak) for peak in peaks)
        b0, b1, b2, b3 = (int(factor) for factor in self._factors)
        return b0 * weight + b1 * norm + b2 * elsewhere + b3

    @property
    def film(self) -> float:
        """The current film; infinity at the end."""
        return self.films[self.place] if self.place < len(self.films) else math.inf

    def block_bound(self) -> int:
        """Upper bound of the block around the current film."""
        return self._upper_bound(self._peaks[self.place // BLOCK_LENGTH])

    def after_block(self) -> int:
        """The first film number that is certainly beyond the current block."""
        end = (self.place // BLOCK_LENGTH + 1) * BLOCK_LENGTH
        return self.films[min(end, len(self.films)) - 1] + 1

    def seek(self, film: float) -> None:
        """Move to the first film that is not before ``film``."""
        self.place = bisect_left(self.films, film, lo=self.place)


def weak_and(
    postings: Postings,
    tokens: FilmTokens,
    query: QueryTokens,
    num_candidates: int,
    wand_factor: float = 1.0,
) -> Candidates:
    """The best films by token score among those in the query's lists.

    Args:
        postings: posting lists.
        tokens: the films' terms.
        query: the query's terms, lists and bounds.
        num_candidates: number of films wanted.
        wand_factor: factor on a positive threshold; 1 is exact.
    """
    cursors = [
        _Cursor(postings, int(term), factors) for term, factors in zip(query.lists, query.bounds, strict=True)
    ]
    best: list[tuple[int, int]] = []  # a heap of (score, -film): the worst, and of equals the highest, first
    threshold: float = -math.inf
    scored = 0
    total = sum(len(cursor.films) for cursor in cursors)
    while True:
        cursors.sort(key=lambda cursor: cursor.film)
        pivot = _pivot(cursors, threshold)
        if pivot is None:
            break
        if cursors[0].film < pivot:
            for cursor in cursors:
                cursor.seek(max(pivot, cursor.film))
            continue
        around = [cursor for cursor in cursors if cursor.film == pivot]
        if sum(cursor.block_bound() for cursor in around) <= threshold:
            # No film in these blocks can enter, unless another list holds it too.
            beyond = min(cursor.after_block() for cursor in around)
            others = [cursor.film for cursor in cursors if cursor.film > pivot]
            target = min([beyond, *others])
            for cursor in around:
                cursor.seek(target)
            continue
        film = int(pivot)
        scored += 1
        offer = (token_score(film, tokens, query), -film)
        if len(best) < num_candidates:
            heapq.heappush(best, offer)
        elif offer > best[0]:
            heapq.heapreplace(best, offer)
        if len(best) == num_candidates:
            threshold = raised(best[0][0], wand_factor)
        for cursor in around:
            cursor.seek(film + 1)
    ranked = sorted(best, reverse=True)
    return Candidates([-film for _, film in ranked], [score for score, _ in ranked], scored, total - scored)


def raised(threshold: int, wand_factor: float) -> int:
    """The threshold that a bound must exceed; the factor applies only to a positive one."""
    return math.floor(threshold * wand_factor) if threshold > 0 and wand_factor != 1 else threshold


def _pivot(cursors: list[_Cursor], threshold: float) -> float | None:
    """The first film that the bounds of the cursors up to it allow to enter; None when no film can."""
    bound = 0
    for cursor in cursors:
        if cursor.film == math.inf:
            return None
        bound += cursor.bound
        if bound > threshold:
            return cursor.film
    return None
