"""Weak AND in plain Python, to read: the first level of the search.

Source: Broder et al., CIKM 2003; upper bounds of blocks as in Ding and Suel, SIGIR 2011.

Every term of the query has an upper bound on what it can add to the score of a film. A film passes the
*weak AND* if the bounds of its terms add up to at least the threshold: the worst score of the best films so
far. Only then is it scored. Its terms are its partitions and its details. The bounds are taken
over a list first, then over each block of it, so most films are passed over without being looked at.

The lists are read one after the other, the heaviest first: the threshold is then high when the far ones
come. A film in several lists is scored in the first of them, with all its terms, and not again.

With ``wand_factor`` 1 the result is exactly the best ``num_candidates`` films by token score among those
in at least one of the lists; of equal scores the lower film number wins. A larger factor raises the
threshold: that skips more and may lose films. ``kernel.py`` is the same algorithm, compiled.
"""

import math
from typing import NamedTuple

import numpy as np

from search.weak_and.postings import Postings
from search.weak_and.tokens import FilmTokens, QueryTokens


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
    return partitions + query.detail_unit * details


def brute_force(postings: Postings, query: QueryTokens, num_candidates: int) -> Candidates:
    """Score every film of the query's lists and sort: Weak AND must give the same."""
    films = {postings.film(row) for partition in query.lists for row in postings.rows(partition)}
    ranked = sorted((-token_score(film, postings.tokens, query), film) for film in films)[:num_candidates]
    return Candidates([film for _, film in ranked], [-score for score, _ in ranked], len(films), 0)


def weak_and(
    postings: Postings, query: QueryTokens, num_candidates: int, wand_factor: float = 1.0
) -> Candidates:
    """The best films by token score among those in the query's lists.

    Args:
        postings: posting lists.
        query: the query's terms, lists and bounds.
        num_candidates: number of films wanted.
        wand_factor: factor on a positive threshold; 1 is exact.
    """
    best: list[tuple[int, int]] = []  # pairs of -score and film: the lowest is the best
    worst: float = -math.inf
    threshold: float = -math.inf
    read: set[int] = set()  # partitions
    scored = total = 0
    for partition, factors in zip(query.lists.tolist(), query.bounds, strict=True):
        total += len(postings.rows(partition))
        first, end = postings.starts[partition : partition + 2].tolist()
        if upper_bound(postings.list_peaks[partition], factors) < threshold:
            first = end
        for block in range(first, end):
            if upper_bound(postings.peaks[block], factors) >= threshold:
                for row in range(*postings.blocks[block, :2].tolist()):
                    if read.isdisjoint(postings.tokens.terms[row].tolist()):
                        scored += 1
                        score = token_score(row, postings.tokens, query)
                        if score >= worst:
                            best.append((-score, postings.film(row)))
            # The best are sorted out seldom: at the end of a list, and when there are twice as many.
            last = block == end - 1
            if len(best) >= (1 if last else 2) * num_candidates:
                best = sorted(best)[:num_candidates]
                worst = -best[-1][0]
                threshold = raised(-best[-1][0], wand_factor)
        read.add(partition)
    best.sort()
    return Candidates([film for _, film in best], [-score for score, _ in best], scored, total - scored)


def upper_bound(peaks: np.ndarray, factors: np.ndarray) -> int:
    """No film of a list or block scores above it, see ``QueryTokens.bounds``."""
    weight, norm, elsewhere = (int(peak) for peak in peaks)
    b0, b1, b2, b3 = (int(factor) for factor in factors)
    return b0 * weight + b1 * norm + b2 * elsewhere + b3


def raised(threshold: int, wand_factor: float) -> int:
    """The threshold that a bound must reach; the factor applies only to a positive one."""
    return math.floor(threshold * wand_factor) if threshold > 0 and wand_factor != 1 else threshold
