"""Maximal marginal relevance: against a naive loop, at its two ends, and in the recommender."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from base.errors import UserError
from data.dataset import load_movielens
from data.histories import History
from recommend.diversity import FilmChooser, maximal_marginal_relevance, min_max, num_candidates
from recommend.recommender import Recommender
from tests.fuzzing import fuzz
from tests.planted import block_of, planted_movielens
from tests.recommend.test_recommender import rows_of
from tests.trained import trained_checkpoint


@pytest.fixture(scope="module")
def recommender():
    return Recommender(trained_checkpoint())


def naive(vectors, relevance, k, diversity):
    """The definition, word for word: every candidate against every film chosen before."""
    left, chosen = list(range(len(vectors))), []
    while left and len(chosen) < k:
        worth = [
            (1 - diversity) * relevance[c] - diversity * max(float(vectors[c] @ vectors[s]) for s in chosen)
            if chosen
            else relevance[c]
            for c in left
        ]
        chosen.append(left.pop(worth.index(max(worth))))
    return chosen


@st.composite
def candidates(draw):
    """Whole numbers, so that inner products are exact and ties are frequent."""
    n, dim = draw(st.integers(0, 20)), draw(st.integers(1, 3))
    entries = st.lists(st.integers(-2, 2), min_size=n * dim, max_size=n * dim)
    vectors = np.array(draw(entries), dtype=np.float64).reshape(n, dim)
    scores = sorted(draw(st.lists(st.integers(0, 8), min_size=n, max_size=n)), reverse=True)
    return vectors, np.array(scores, dtype=np.float64) / 8


@fuzz(300)
@given(candidates(), st.integers(1, 25), st.sampled_from([0.0, 0.25, 0.5, 0.7, 1.0]))
def test_the_choice_is_that_of_a_naive_loop(case, k, diversity):
    vectors, relevance = case
    chosen = maximal_marginal_relevance(vectors, relevance, k, diversity).tolist()
    assert chosen == naive(vectors, relevance, k, diversity)
    assert len(set(chosen)) == len(chosen) == min(k, len(vectors))
    if diversity == 0:
        assert chosen == list(range(len(chosen)))


def test_relevance_goes_from_1_to_0_and_equal_scores_count_alike():
    np.testing.assert_array_equal(min_max(np.array([5.0, 4.0, 1.0], np.float32)), [1, 0.75, 0])
    np.testing.assert_array_equal(min_max(np.array([-0.5, -0.5])), [0, 0])
    assert min_max(np.zeros(0)).shape == (0,)


def test_the_number_of_candidates():
    assert [num_candidates(k) for k in (1, 10, 50, 100, 200, 10_000)] == [100, 100, 500, 1000, 1200, 11_000]


def test_similarity_is_the_mean_of_two_cosines(recommender):
    model = recommender.checkpoint
    chooser = FilmChooser(model.basis, model.features.numpy(), model.embeddings.numpy())
    rows = np.array([4, 1, 10])
    vectors = chooser.vectors(rows)
    np.testing.assert_allclose((vectors**2).sum(axis=1), 1, rtol=1e-5)
    learned = model.embeddings.numpy() - model.embeddings.numpy().mean(axis=0)
    cosine = learned[4] @ learned[1] / np.linalg.norm(learned[4]) / np.linalg.norm(learned[1])
    one, other = model.movies.genres[4], model.movies.genres[1]
    assert one == other  # the years alone tell these films apart
    assert (1 + cosine) / 2 - 0.1 < vectors[0] @ vectors[1] < (1 + cosine) / 2
    np.testing.assert_array_equal(chooser.vectors(rows[:1]), vectors[:1])


def test_no_diversity_changes_no_bit(recommender):
    history = History(np.array([3, 8, 5]), np.array([4, np.nan, 2], np.float32))
    zero = recommender.with_diversity(0)
    assert list(zero.similar_rows(range(20), 7)) == list(recommender.similar_rows(range(20), 7))
    assert zero.suggest(history, 7) == recommender.suggest(history, 7)


def test_varied_lists_are_chosen_among_what_a_search_finds(recommender):
    varied = recommender.with_diversity(0.7)
    chooser = FilmChooser(
        recommender.checkpoint.basis, recommender.checkpoint.features.numpy(), recommender.embeddings
    )
    (every,) = recommender.similar_rows([3], 100)
    found = np.array([film.row for film in every])
    scores = np.array([film.score for film in every])
    best = naive(chooser.vectors(found), min_max(scores), 6, 0.7)
    assert list(varied.similar_rows([3], 6)) == [[every[place] for place in best]]
    history = History(np.array([3, 8]), np.array([5, 5], np.float32))
    suggestions = recommender.suggest(history, 100)
    found = np.array([film.row for film in suggestions])
    best = naive(chooser.vectors(found), min_max(np.array([film.score for film in suggestions])), 6, 0.7)
    assert varied.suggest(history, 6) == [suggestions[place] for place in best]


def test_genres_are_more_mixed_the_more_diversity(tmp_path):
    recommender = Recommender(trained_checkpoint(load_movielens(planted_movielens(tmp_path))))
    lists = [
        list(recommender.with_diversity(diversity).similar_rows(range(40), 8)) for diversity in (0, 0.5, 1)
    ]
    own = [
        np.mean(
            [block_of(film.row + 1) == block_of(row + 1) for row, films in enumerate(of) for film in films]
        )
        for of in lists
    ]
    assert own[0] > own[1] > own[2] and 0.4 < own[2] < 0.6, own
    assert {tuple(films[0] for films in of) for of in lists} == {tuple(films[0] for films in lists[0])}


def test_fewer_films_than_wanted_are_all_of_them(recommender):
    answer = recommender.similar(13, k=1000, diversity=0.5)
    assert sorted(rows_of(answer)) == [row for row in range(20) if row != 3]
    everything = History(np.arange(20), np.full(20, np.nan, np.float32))
    assert recommender.with_diversity(0.5).suggest(everything, 5) == []


def test_every_question_takes_a_diversity_and_the_copy_keeps_its_own(recommender):
    varied = recommender.with_diversity(0.9)
    assert varied.index is recommender.index and recommender.diversity == 0 and varied.diversity == 0.9
    new = {"title": "New", "year": 1960, "genres": ["Drama"]}
    for asked in ("similar", "for_history"):
        film = 13 if asked == "similar" else [13, 14]
        plain, other = (getattr(one, asked)(film, k=6) for one in (recommender, varied))
        assert (
            rows_of(getattr(recommender, asked)(film, k=6, diversity=0.9)) == rows_of(other) != rows_of(plain)
        )
        assert rows_of(getattr(varied, asked)(film, k=6, diversity=0)) == rows_of(plain)
    guest = recommender.similar(new, k=6, diversity=0.9)
    assert len(guest) == 6 and max(rows_of(guest)) < 20
    assert rows_of(guest)[0] == rows_of(recommender.similar(new, k=6))[0]


def test_films_of_which_nothing_is_known_are_told_apart_by_their_embeddings():
    model = trained_checkpoint()
    movies = replace(model.movies, genres=[()] * 20, years=np.full(20, np.nan, np.float32))
    features = model.features.clone()
    features[:, : len(model.basis.genre_names)] = 0
    features[:, len(model.basis.genre_names) + 1] = 0
    recommender = Recommender(replace(model, movies=movies, features=features))
    plain, varied = (rows_of(recommender.similar(13, k=8, diversity=d)) for d in (0, 1))
    assert plain[0] == varied[0] and plain != varied


def test_a_diversity_that_cannot_be_asked_for_is_a_value_error(recommender):
    for amount in np.linspace(0, 1, 3), np.float32([0, 1]), [np.int64(1)]:
        assert [recommender.with_diversity(each).diversity for each in amount] == list(amount)
    for amount in (-0.1, 1.5, float("nan"), "1", True, None):
        with pytest.raises(ValueError, match="`diversity` must be a number from 0 to 1, got "):
            recommender.with_diversity(amount)
    with pytest.raises(UserError, match="`diversity` must be a number from 0 to 1, got 2"):
        recommender.similar(13, diversity=2)
