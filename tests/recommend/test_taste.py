import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.histories import History
from recommend.taste import RECENCY_POWER, TasteScorer, history_weights, suggest
from search import ExactIndex, LSHIndex, WeakANDIndex
from tests.fuzzing import fuzz

RNG = np.random.default_rng(0)


def unit(vectors):
    return (vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)).astype(np.float32)


def two_interests():
    """Rows 0-29 around one axis, 30-59 around another, 60-89 halfway between the two."""
    axes = np.eye(8)[[0, 1]]
    centres = np.repeat([axes[0], axes[1], axes.mean(axis=0)], 30, axis=0)
    return unit(unit(centres) + 0.1 * RNG.normal(size=centres.shape))


VECTORS = two_interests()


def seen(rows, ratings=None):
    ratings = np.full(len(rows), np.nan) if ratings is None else ratings
    return History(np.array(rows), np.array(ratings, dtype=np.float32))


def ask(history, k, vectors=VECTORS, index=None):
    index = index or ExactIndex().build(vectors, np.arange(len(vectors)))
    return suggest(index, vectors, history, k, 12.0)


@pytest.mark.parametrize("index", [ExactIndex(), LSHIndex(64, 8), WeakANDIndex(6)])
def test_interests_are_kept_apart(index):
    index.build(VECTORS, np.arange(len(VECTORS)))
    history = seen([0, 30, 1, 31, 2, 32])
    found = ask(history, 20, index=index)
    blocks = [s.row // 30 for s in found]
    assert len(found) == 20 and 2 not in blocks and 6 <= blocks.count(0) <= 14
    assert all(s.because // 30 == s.row // 30 for s in found)
    # One averaged vector would recommend the blur between.
    blur = VECTORS[history.rows].mean(axis=0)
    assert np.count_nonzero(index.search(blur, 20).ids // 30 == 2) > 10


def test_a_low_rating_counts_less_and_a_recent_film_more():
    blocks = [s.row // 30 for s in ask(seen([0, 30], [5, 1]), 10)]
    assert blocks.count(0) > 7
    blocks = [s.row // 30 for s in ask(seen([*range(19), 30]), 20)]
    assert blocks.count(1) > 0
    ages = np.arange(20, 0, -1)
    stars = np.array([4, np.nan, *[2] * 18])
    known = np.where(np.isnan(stars), np.nanmean(stars), stars)
    weights = history_weights(seen(range(20), stars))
    assert weights.sum() == pytest.approx(1)
    np.testing.assert_allclose(weights / weights[-1], (known / 2) ** 2 / ages**RECENCY_POWER, rtol=1e-6)


def test_order_counts_little_among_a_few_favourites():
    assert [s.row // 30 for s in ask(seen([0, 30], [5, 4]), 10)].count(0) > 5
    weights = history_weights(seen([0, 1, 2, 3]))
    assert weights.argmax() == 3 and weights[0] > 0.7 * weights[3]
    oldest, latest = history_weights(seen(range(20)))[[0, -1]]
    assert oldest == pytest.approx(latest / 20**RECENCY_POWER)


@given(st.lists(st.integers(0, 89), min_size=1, max_size=89, unique=True), st.integers(1, 100))
@fuzz(50)
def test_nothing_seen_is_suggested_and_everything_else_can_be(rows, k):
    found = [s.row for s in ask(seen(rows), k)]
    assert len(found) == len(set(found)) == min(k, 90 - len(rows)) and not set(found) & set(rows)


def test_who_has_seen_the_films_nearby_is_led_further():
    vectors = unit(np.random.default_rng(1).normal(size=(2000, 4)))
    index = ExactIndex().build(vectors, np.arange(2000))
    near = index.search(vectors[0], 300).ids  # three times as many as a film ranks
    found = ask(seen(near[:1].tolist() + near[1:].tolist()), 50, vectors, index)
    assert len(found) == 50 and not set(near) & {s.row for s in found}


def test_all_ratings_zero_and_a_full_history_are_no_special_cases():
    assert len(ask(seen([0, 1], [0, 0]), 5)) == 5
    assert ask(seen(np.arange(90)), 5) == []


def test_the_reason_is_the_film_that_speaks_loudest_and_carries_its_rating():
    found = ask(seen([0, 30], [4.5, np.nan]), 20)
    assert {s.because for s in found} == {0, 30}
    assert {s.rating for s in found if s.because == 0} == {4.5}
    assert {s.rating for s in found if s.because == 30} == {None}
    order = ExactIndex().build(VECTORS, np.arange(90)).search(VECTORS[30], 90, exclude=np.array([30, 0])).ids
    assert [s.row for s in found if s.because == 30] == [
        r for r in order if r in {s.row for s in found if s.because == 30}
    ]


@given(st.integers(0, 1000))
@fuzz(10)
def test_evaluation_scores_what_is_suggested(seed):
    rng = np.random.default_rng(seed)
    vectors, queries = (unit(rng.normal(size=(300, 6))) for _ in range(2))
    index = ExactIndex().build(vectors, np.arange(300))
    histories = [seen(rng.permutation(300)[:n], rng.integers(1, 6, n)) for n in (1, 5, 40)]
    scores = TasteScorer(index, queries, 12.0).score_histories(histories)
    for row, history in zip(scores, histories, strict=True):
        row[history.rows] = 0
        found = suggest(index, queries, history, 20, 12.0)
        np.testing.assert_allclose([s.score for s in found], np.sort(row)[::-1][:20], rtol=1e-5)
        np.testing.assert_allclose([row[s.row] for s in found], [s.score for s in found], rtol=1e-5)
