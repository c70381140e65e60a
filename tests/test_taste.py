import numpy as np
import pytest

from utils.nearest_neighbors import ExactIndex
from utils.taste import History, suggest

RNG = np.random.default_rng(0)


def unit(vectors):
    return (vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)).astype(np.float32)


@pytest.fixture
def two_interests():
    """Rows 0-19 around one axis, 20-39 around another, 40-59 halfway between the two."""
    axes = np.eye(8)[[0, 1]]
    centres = np.repeat([axes[0], axes[1], axes.mean(axis=0)], 20, axis=0)
    return unit(unit(centres) + 0.1 * RNG.normal(size=centres.shape))


def history(rows, ratings=None):
    ratings = np.full(len(rows), np.nan) if ratings is None else ratings
    return History(np.array(rows), np.array(ratings, dtype=np.float32))


def ask(vectors, seen, k):
    index = ExactIndex().build(vectors, np.arange(len(vectors)))
    return suggest(index, vectors, vectors, seen, k)


def test_interests_are_kept_apart(two_interests):
    found = ask(two_interests, history([0, 20, 1, 21]), 10)
    blocks = [s.row // 20 for s in found]
    assert len(found) == 10 and 2 not in blocks and 3 <= blocks.count(0) <= 7
    assert all(s.because // 20 == s.row // 20 for s in found)


def test_nothing_seen_is_suggested_and_all_else_can_be(two_interests):
    seen = history(np.arange(0, 60, 2))
    found = ask(two_interests, seen, 100)
    assert sorted(s.row for s in found) == list(range(1, 60, 2))
    assert ask(two_interests, history(np.arange(60)), 5) == []


def test_a_reason_carries_its_rating(two_interests):
    found = ask(two_interests, history([0, 20], [4.5, np.nan]), 10)
    assert {s.rating for s in found if s.because == 0} <= {4.5}
    assert {s.rating for s in found if s.because == 20} <= {None}
