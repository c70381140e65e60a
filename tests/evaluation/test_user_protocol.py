from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from base.errors import UserError, WorldError
from data.histories import History, UserQuestions, user_questions
from data.splits import split_interactions
from evaluation.baselines import EASE, USER_BASELINES, ImplicitALS, ItemKNNCosine
from evaluation.baselines.fits import Fits
from evaluation.baselines.for_users import FilmSum, fit_for_users
from evaluation.users import evaluate_users
from tests.factories import catalogue, random_interactions
from tests.fuzzing import fuzz

NUM_USERS, NUM_MOVIES = 30, 40


class Fixed:
    def __init__(self, scores):
        self.scores = scores

    def score_histories(self, histories):
        return self.scores[: len(histories)]


@pytest.fixture
def split():
    return split_interactions(
        random_interactions(NUM_USERS, NUM_MOVIES, 0.6), NUM_USERS, NUM_MOVIES, "temporal"
    )


def naive(scores, questions):
    """The definitions, word for word, one film at a time."""
    totals = np.zeros(3)
    for row, history, targets in zip(scores, questions.histories, questions.targets, strict=True):
        candidates = [film for film in range(len(row)) if film not in set(history.rows.tolist())]
        gained = hits = 0.0
        for target in targets:
            rank = 1 + sum(row[c] > row[target] for c in candidates)
            rank += sum(row[c] == row[target] for c in candidates if c != target) / 2
            if rank <= 20:
                hits += 1
                gained += 1 / np.log2(1 + rank)
        best = sum(1 / np.log2(1 + rank) for rank in range(1, min(20, len(targets)) + 1))
        totals += [hits / len(targets), gained / best, hits > 0]
    return dict(zip(["recall@20", "ndcg@20", "hit_rate@20"], totals / len(questions), strict=True))


@given(st.integers(0, 10_000), st.sampled_from([2, 5, 1000]))
@fuzz(30)
def test_metrics_are_those_of_a_naive_loop(seed, levels):
    rng = np.random.default_rng(seed)
    histories, targets = [], []
    for _ in range(4):
        order = rng.permutation(60)
        seen, liked = rng.integers(1, 30), rng.integers(1, 30)
        histories.append(History(order[:seen], np.full(seen, np.nan, np.float32)))
        targets.append(order[seen : seen + liked])
    questions = UserQuestions(np.arange(4), histories, targets)
    scores = rng.integers(0, levels, (4, 60)).astype(np.float32)
    assert evaluate_users(Fixed(scores), questions) == pytest.approx(naive(scores, questions))


def test_histories_end_where_the_asked_part_begins(split):
    for part, before in (("validation", ["train"]), ("test", ["train", "validation"])):
        questions = user_questions(split, part)
        asked = getattr(split, part)
        wanted = {int(u) for u, r in zip(asked.users, asked.ratings, strict=True) if r >= 4}
        assert set(questions.users.tolist()) == wanted
        for user, history, targets in zip(
            questions.users, questions.histories, questions.targets, strict=True
        ):
            parts = [getattr(split, name) for name in before]
            assert history.rows.tolist() == [m for p in parts for m in p.movies[p.users == user]]
            assert history.ratings.tolist() == [r for p in parts for r in p.ratings[p.users == user]]
            assert targets.tolist() == asked.movies[(asked.users == user) & (asked.ratings >= 4)].tolist()
            assert not set(targets.tolist()) & set(history.rows.tolist())


def test_nobody_to_ask_is_one_line(split):
    disliked = replace(split, test=replace(split.test, ratings=np.ones_like(split.test.ratings)))
    with pytest.raises(UserError, match="no user has training ratings and a rating of 4 or more in the test"):
        user_questions(disliked, "test")


def test_sampled_users_keep_their_order_and_answers(split):
    everybody = user_questions(split, "test")
    some = everybody.sample(7, seed=3)
    assert len(some) == 7 and (np.diff(some.users) > 0).all()
    place = np.searchsorted(everybody.users, some.users)
    for i, j in enumerate(place):
        assert some.histories[i] is everybody.histories[j] and some.targets[i] is everybody.targets[j]
    assert everybody.sample(1000, seed=3) is everybody


def test_scores_that_are_no_numbers_are_refused(split):
    questions = user_questions(split, "test")
    with pytest.raises(WorldError, match="scores contain NaN"):
        evaluate_users(Fixed(np.full((len(questions), NUM_MOVIES), np.nan)), questions)


def test_a_film_sum_adds_what_each_film_says(split):
    fitted = ItemKNNCosine().fit(split.train, catalogue(NUM_MOVIES), NUM_USERS, NUM_MOVIES, 0)
    histories = user_questions(split, "test").histories
    found = FilmSum(fitted, NUM_MOVIES, weighted=False).score_histories(histories)
    for row, history in zip(found, histories, strict=True):
        np.testing.assert_allclose(row, fitted.score(history.rows).sum(axis=0), rtol=1e-5)


def test_ease_as_a_film_sum_restores_the_row_as_the_paper_does(split):
    fitted = EASE(50.0).fit(split.train, catalogue(NUM_MOVIES), NUM_USERS, NUM_MOVIES, 0)
    history = user_questions(split, "test").histories[0]
    row = np.zeros(NUM_MOVIES)
    row[history.rows] = 1
    found = FilmSum(fitted, NUM_MOVIES, weighted=False).score_histories([history])[0]
    np.testing.assert_allclose(found, row @ fitted.score(np.arange(NUM_MOVIES)), rtol=1e-4, atol=1e-6)


def test_ials_folds_a_training_user_in_where_it_has_learnt_that_user(split):
    fitted = ImplicitALS(8).fit(split.train, catalogue(NUM_MOVIES), NUM_USERS, NUM_MOVIES, 0)
    user = int(split.train.users[0])
    rows = split.train.movies[split.train.users == user]
    history = History(rows, np.full(len(rows), np.nan, np.float32))
    found = FilmSum(fitted, NUM_MOVIES, weighted=False).score_histories([history])[0]
    known = fitted.model.user_factors[user] @ fitted.model.item_factors.T
    assert np.corrcoef(found, known)[0, 1] > 0.99


def test_the_test_part_chooses_and_changes_nothing(split):
    movies = catalogue(NUM_MOVIES)
    validation = user_questions(split, "validation")
    other = replace(
        split,
        test=replace(
            split.test,
            movies=NUM_MOVIES - 1 - split.test.movies,
            ratings=np.full_like(split.test.ratings, 5),
        ),
    )
    before, after = (
        {
            name: chosen
            for baseline in USER_BASELINES
            for name, chosen in fit_for_users(baseline, Fits(s, movies, 0), validation).items()
        }
        for s in (split, other)
    )
    assert len(before) == 2 * len(USER_BASELINES) - 1
    assert {n: b.settings for n, b in before.items()} == {n: b.settings for n, b in after.items()}
    histories = user_questions(split, "test").histories
    for name, baseline in before.items():
        np.testing.assert_array_equal(
            baseline.scorer.score_histories(histories), after[name].scorer.score_histories(histories)
        )
    unmoved = dict(
        zip(user_questions(other, "test").users, user_questions(other, "test").histories, strict=True)
    )
    for user, history in zip(user_questions(split, "test").users, histories, strict=True):
        np.testing.assert_array_equal(history.rows, unmoved[user].rows)
        np.testing.assert_array_equal(history.ratings, unmoved[user].ratings)
