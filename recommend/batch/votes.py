"""The votes of ``recommend.taste.suggest`` for many users, in compiled code.

All users share one table of the films nearest to each film. ``suggest`` asks the index anew for each user.
The votes are added in the same order, so the sums are the same to the bit.
"""

import numba
import numpy as np

TOO_FEW = -1


@numba.njit(nogil=True, cache=True)
def count_votes(
    nearest: np.ndarray,
    shares: np.ndarray,
    asked: np.ndarray,
    weights: np.ndarray,
    asked_ends: np.ndarray,
    seen: np.ndarray,
    seen_ends: np.ndarray,
    rows: np.ndarray,
    scores: np.ndarray,
    because: np.ndarray,
    counts: np.ndarray,
) -> None:
    """Fill in the best films of each user.

    Args:
        nearest: int32 ``[num_movies, depth]``, the films nearest to each film.
        shares: float64 ``[depth]``, how much each rank counts.
        asked: int64, the films that each user's history asks, one user after the other.
        weights: float64, how much each of them counts.
        asked_ends: int64 ``[users + 1]``, where each user's films begin, and the end.
        seen: int64, all films of each history.
        seen_ends: int64 ``[users + 1]``, the same for ``seen``.
        rows: int64 ``[users, k]``, gets the recommended films, best first; of equal scores the lower first.
        scores: float64 ``[users, k]``, gets their scores.
        because: int64 ``[users, k]``, gets the film of the history that adds most to each.
        counts: int64 ``[users]``, gets k, or ``TOO_FEW`` if the table has fewer films for the user.
    """
    num_movies, k = len(nearest), rows.shape[1]
    total, highest = np.zeros(num_movies), np.zeros(num_movies)
    reason = np.zeros(num_movies, dtype=np.int64)
    is_seen = np.zeros(num_movies, dtype=np.bool_)
    touched = np.empty(num_movies, dtype=np.int64)
    for user in range(len(rows)):
        own = seen[seen_ends[user] : seen_ends[user + 1]]
        is_seen[own] = True
        num_touched = 0
        for position in range(asked_ends[user], asked_ends[user + 1]):
            row = nearest[asked[position]]
            for rank in range(len(row)):
                film, vote = row[rank], weights[position] * shares[rank]
                if highest[film] == 0:
                    touched[num_touched] = film
                    num_touched += 1
                total[film] += vote
                if vote > highest[film]:
                    highest[film], reason[film] = vote, asked[position]
        size = 0
        for film in touched[:num_touched]:
            if not is_seen[film]:
                size = _keep(rows[user], scores[user], size, film, total[film])
        counts[user] = size if size == k else TOO_FEW
        because[user, :size] = reason[rows[user, :size]]
        total[touched[:num_touched]] = 0
        highest[touched[:num_touched]] = 0
        is_seen[own] = False


@numba.njit(nogil=True, cache=True)
def _keep(rows: np.ndarray, scores: np.ndarray, size: int, film: int, score: float) -> int:
    """Put a film at its place among the best ``size`` so far, if it has one; returns how many there are."""
    k = len(rows)
    if size == k and (score < scores[-1] or (score == scores[-1] and film > rows[-1])):
        return size
    place = min(size, k - 1)
    while place > 0 and (
        scores[place - 1] < score or (scores[place - 1] == score and rows[place - 1] > film)
    ):
        rows[place], scores[place] = rows[place - 1], scores[place - 1]
        place -= 1
    rows[place], scores[place] = film, score
    return min(size + 1, k)
