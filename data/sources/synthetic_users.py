"""The compiled inner loop of the generator: what users watch, when, and what they think of it."""

import numba
import numpy as np
import numpy.typing as npt

NUM_PHASES = 4  # pieces of a user's history, each with its own taste
SHARPNESS = 4.5  # how much more often a niche is picked that suits the user
STAY, NEARBY = 0.3, 0.2  # chances that the next film is of the same niche, or of one close to it
SESSION_LENGTH = 12.0  # films on average
KEEN = 3000  # films beyond which a user's sessions follow each other faster, to end within years
TRIES = 12  # draws that may give a film already seen, before other niches are tried

Array = npt.NDArray


@numba.njit(nogil=True)
def _first_above(values: Array, low: int, high: int, target: float) -> int:
    """The first index in ``[low, high)`` whose value exceeds ``target``; ``high - 1`` if none does."""
    while low < high - 1:
        middle = (low + high - 1) // 2
        if values[middle] > target:
            high = middle + 1
        else:
            low = middle + 1
    return low


@numba.njit(nogil=True)
def _niche_odds(taste: Array, starts: Array, mass: Array, centres: Array, odds: Array) -> None:
    """Fill ``odds`` with cumulative chances: a niche's popularity, higher where it suits the taste."""
    total, before = 0.0, 0.0
    for niche in range(len(centres)):
        match = 0.0
        for d in range(len(taste)):
            match += taste[d] * centres[niche, d]
        if starts[niche + 1] > starts[niche]:  # a small catalogue may leave a niche empty
            here = mass[starts[niche + 1] - 1]
            total += (here - before) * np.exp(SHARPNESS * match)
            before = here
        odds[niche] = total


@numba.njit(nogil=True)
def _next_niche(rng: np.random.Generator, niche: int, odds: Array, near: Array, starts: Array) -> int:
    """The niche of the next film, given the last one's (-1 at the start of a session)."""
    chance = rng.random()
    if niche >= 0 and chance < STAY:
        return niche
    if niche >= 0 and chance < STAY + NEARBY:
        other = near[niche, int(rng.random() * near.shape[1])]
        if starts[other + 1] > starts[other]:
            return other
    return _first_above(odds, 0, len(odds), rng.random() * odds[-1])


@numba.njit(nogil=True)
def _next_film(
    rng: np.random.Generator,
    niche: int,
    odds: Array,
    order: Array,
    starts: Array,
    mass: Array,
    seen: Array,
    user: int,
) -> int:
    """A film that the user has not seen: of the niche, else of any the user likes, else any at all."""
    for attempt in range(2 * TRIES):
        if attempt >= TRIES:
            niche = _first_above(odds, 0, len(odds), rng.random() * odds[-1])
        low, high = starts[niche], starts[niche + 1]
        floor = mass[low - 1] if low > 0 else 0.0
        target = floor + rng.random() * (mass[high - 1] - floor)
        film = order[_first_above(mass, low, high, target)]
        if seen[film] != user:
            return film
    while True:
        film = int(rng.random() * len(order))
        if seen[film] != user:
            return film


@numba.njit(nogil=True)
def _half_stars(rng: np.random.Generator, taste: Array, vector: Array, bias: float) -> int:
    """Stars times two: the average, the user's and the film's bias, the match, and chance."""
    match = 0.0
    for d in range(len(taste)):
        match += taste[d] * vector[d]
    stars = 3.5 + bias + 1.2 * (match - 0.35) + 0.75 * rng.standard_normal()
    return min(10, max(1, int(np.floor(2 * stars + 0.5))))


@numba.njit(nogil=True)
def watch(
    rng: np.random.Generator,
    counts: Array,
    joined: Array,
    mood: Array,
    tastes: Array,
    vectors: Array,
    quality: Array,
    order: Array,
    starts: Array,
    mass: Array,
    centres: Array,
    near: Array,
) -> tuple[Array, Array, Array]:
    """The histories of some users, one user after the other.

    Args:
        rng: source of the random numbers.
        counts: int64 ``[n]``, films that each user rates, fewer than there are.
        joined: int64 ``[n]``, second of each user's first session.
        mood: float64 ``[n]``, stars that each user gives above or below the average.
        tastes: float64 ``[n, NUM_PHASES, dim]``, unit rows.
        vectors: of ``data.sources.synthetic.Catalogue``, as all that follow.
        quality: of the catalogue.
        order: of the catalogue.
        starts: of the catalogue.
        mass: of the catalogue.
        centres: of the catalogue.
        near: of the catalogue.

    Returns:
        Films, half stars and seconds, int64 ``[counts.sum()]`` each. No user has a film twice.
    """
    total = counts.sum()
    films = np.empty(total, np.int64)
    halves = np.empty(total, np.int64)
    times = np.empty(total, np.int64)
    seen = np.full(len(order), -1, np.int64)
    odds = np.empty(len(centres), np.float64)
    row = 0
    for user in range(len(counts)):
        now, niche, phase = joined[user], -1, -1
        for step in range(counts[user]):
            if step * NUM_PHASES // counts[user] != phase:
                phase = step * NUM_PHASES // counts[user]
                _niche_odds(tastes[user, phase], starts, mass, centres, odds)
            if rng.random() * SESSION_LENGTH < 1.0:  # a new session; users with many ratings come more often
                days = np.exp(1.5 * rng.standard_normal()) * min(1.0, KEEN / counts[user])
                now += 3600 + int(86_400 * days)
                niche = -1
            niche = _next_niche(rng, niche, odds, near, starts)
            film = _next_film(rng, niche, odds, order, starts, mass, seen, user)
            seen[film] = user
            now += 2 + int(20 * rng.standard_exponential())
            films[row] = film
            halves[row] = _half_stars(rng, tastes[user, phase], vectors[film], mood[user] + quality[film])
            times[row] = now
            row += 1
    return films, halves, times
