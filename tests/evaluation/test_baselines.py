import weakref
from dataclasses import replace

import numpy as np
import pytest

import commands.evaluate
from config import Config
from data.dataset import Interactions, Movies
from data.splits import held_out_queries, split_interactions
from evaluation.baselines import (
    BASELINES,
    EASE,
    SEEDED,
    ChosenBaseline,
    ContentOnly,
    ImplicitALS,
    ItemKNNBM25,
    ItemKNNCosine,
    Popularity,
    RandomWalks,
    TransitionCounts,
    ease,
    fit_and_choose,
    selection,
)
from evaluation.baselines.fits import Fits
from evaluation.ranking import rank_targets, ranking_metrics
from evaluation.related.report import RelatedComparison

NUM_USERS, NUM_MOVIES = 12, 9
PERSONAL = [cls for cls in BASELINES if cls not in (Popularity, ContentOnly)]


def interactions(lists):
    users = np.repeat(np.arange(len(lists)), [len(films) for films in lists]).astype(np.int32)
    movies = np.concatenate(lists).astype(np.int32)
    # User 0's first rating is the oldest, and no two ratings share a second.
    return Interactions(users, movies, np.full(len(users), 5, np.float32), np.arange(len(users)))


@pytest.fixture
def train():
    """Random histories; film 8 has no rating."""
    rng = np.random.default_rng(3)
    return interactions([rng.permutation(8)[: rng.integers(2, 7)] for _ in range(NUM_USERS)])


@pytest.fixture
def movies():
    genres = [
        ("Drama",),
        ("Comedy", "Drama"),
        ("Comedy",),
        (),
        ("War",),
        ("War", "Drama"),
        ("Drama",),
        (),
        ("War",),
    ]
    years = np.array([1990, 1991, 1995, 1980, np.nan, 1999, 1990, np.nan, 1970], dtype=np.float32)
    return Movies(np.arange(NUM_MOVIES), [f"Film {i}" for i in range(NUM_MOVIES)], genres, years)


def scores_of(baseline, train, movies):
    scorer = baseline.fit(train, movies, NUM_USERS, NUM_MOVIES, seed=0)
    # Neither order nor company of the queries may matter.
    together = scorer.score(np.arange(NUM_MOVIES)[::-1])[::-1]
    assert together.dtype == np.float32 and together.shape == (NUM_MOVIES, NUM_MOVIES)
    for query in range(NUM_MOVIES):
        alone = scorer.score(np.array([query]))[0]
        np.testing.assert_allclose(together[query], alone, rtol=1e-5, atol=1e-7)
    return together


def dense(train):
    matrix = np.zeros((NUM_MOVIES, NUM_USERS))
    matrix[train.movies, train.users] = 1
    return matrix


def test_popularity_counts_ratings(train, movies):
    expected = dense(train).sum(axis=1)
    np.testing.assert_array_equal(scores_of(Popularity(), train, movies), np.tile(expected, (NUM_MOVIES, 1)))


def test_popularity_halves_with_age(train, movies):
    expected = np.zeros(NUM_MOVIES)
    for position, film in enumerate(train.movies):
        expected[film] += 0.5 ** ((len(train) - 1 - position) / len(train) / 0.25)
    np.testing.assert_allclose(scores_of(Popularity(0.25), train, movies)[0], expected, rtol=1e-6)


def test_content_is_the_cosine_of_genres_and_year(train, movies):
    names = ["Comedy", "Drama", "War"]
    rows = np.array([[name in genres for name in names] for genres in movies.genres], dtype=float)
    years = np.nan_to_num((movies.years - np.nanmean(movies.years)) / np.nanstd(movies.years))
    rows = np.column_stack([rows, 0.5 * years])
    expected = np.zeros((NUM_MOVIES, NUM_MOVIES))
    for i in range(NUM_MOVIES):
        for j in range(NUM_MOVIES):
            lengths = np.linalg.norm(rows[i]) * np.linalg.norm(rows[j])
            expected[i, j] = rows[i] @ rows[j] / lengths if lengths else 0
    np.testing.assert_allclose(scores_of(ContentOnly(0.5), train, movies), expected, atol=1e-6)


def test_content_does_without_years(train, movies):
    nothing = replace(movies, years=np.full(NUM_MOVIES, np.nan, np.float32))
    assert scores_of(ContentOnly(), train, nothing)[0, 6] == pytest.approx(1)  # both Drama


@pytest.mark.parametrize("shrinkage", [0.0, 5.0])
def test_item_knn_cosine(train, movies, shrinkage):
    rated = dense(train)
    both = rated @ rated.T
    lengths = np.sqrt(np.diag(both))
    bottom = np.outer(lengths, lengths) + shrinkage
    expected = np.divide(both, bottom, out=np.zeros_like(both), where=both > 0)
    np.testing.assert_allclose(scores_of(ItemKNNCosine(shrinkage), train, movies), expected, rtol=1e-6)


@pytest.mark.parametrize(("k1", "b"), [(1.2, 0.75), (100.0, 0.25)])
def test_item_knn_bm25(train, movies, k1, b):
    rated = dense(train)
    weighted = np.zeros_like(rated)
    average = rated.sum() / NUM_MOVIES
    for i, u in zip(*np.nonzero(rated), strict=True):
        length = (1 - b) + b * rated[i].sum() / average
        weighted[i, u] = (k1 + 1) / (k1 * length + 1) * np.log(NUM_MOVIES / (1 + rated[:, u].sum()))
    expected = weighted @ weighted.T
    np.testing.assert_allclose(scores_of(ItemKNNBM25(k1, b), train, movies), expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("window", [1, 3, 100])
def test_transition_counts(train, movies, window):
    expected = np.tile(7 * dense(train).sum(axis=1) / len(train), (NUM_MOVIES, 1))
    for i in range(len(train)):
        for j in range(len(train)):
            if i != j and abs(i - j) <= window and train.users[i] == train.users[j]:
                expected[train.movies[i], train.movies[j]] += 1
    np.testing.assert_allclose(scores_of(TransitionCounts(window, 7.0), train, movies), expected, rtol=1e-5)


def test_ease_solves_its_own_problem(train, movies):
    """The weights are the minimum: the gradient of the ridge problem vanishes off the diagonal."""
    weights = scores_of(EASE(regularization=3.0), train, movies).astype(float)
    ratings = dense(train).T
    gradient = ratings.T @ (ratings @ weights - ratings) + 3.0 * weights
    assert np.all(np.diag(weights) == 0)
    assert np.abs(gradient[~np.eye(NUM_MOVIES, dtype=bool)]).max() < 1e-4
    assert not weights[8].any() and not weights[:, 8].any()  # the unrated film


def test_ials_factors_tell_apart_what_users_tell_apart(movies):
    train = interactions([[0, 1, 2, 3]] * 6 + [[4, 5, 6, 7]] * 6)
    scores = scores_of(ImplicitALS(factors=4), train, movies)
    assert scores[:4, :4].min() > 0.9 and scores[4:8, 4:8].min() > 0.9
    assert np.abs(scores[:4, 4:8]).max() < 0.3
    np.testing.assert_array_equal(scores, scores_of(ImplicitALS(factors=4), train, movies))


@pytest.mark.parametrize("exponent", [0.0, 0.4])
def test_random_walks_are_powers_of_the_transition_matrix(train, movies, exponent):
    rated = dense(train)
    ratings = np.maximum(rated.sum(axis=1), 1)
    hop = (rated / ratings[:, None]) @ (rated / rated.sum(axis=0)).T
    expected = (hop + 0.5 * hop @ hop) / ratings**exponent
    np.testing.assert_allclose(
        scores_of(RandomWalks(exponent), train, movies), expected, rtol=1e-5, atol=1e-7
    )


def test_random_walks_take_edges_in_proportion_to_their_weights(train, movies):
    rng = np.random.default_rng(0)
    weighted = replace(train, weights=rng.uniform(0.1, 9, len(train)).astype(np.float32))
    rated, weights = dense(train), np.zeros((NUM_MOVIES, NUM_USERS))
    weights[train.movies, train.users] = weighted.weights
    to_user = weights / np.maximum(weights.sum(axis=1, keepdims=True), 1e-30)
    hop = to_user @ (weights / weights.sum(axis=0)).T
    expected = (hop + 0.5 * hop @ hop) / np.maximum(rated.sum(axis=1), 1) ** 0.4
    found = scores_of(RandomWalks(0.4), weighted, movies)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("baseline", [cls for cls in BASELINES if cls is not RandomWalks])
def test_other_baselines_count_each_interaction_once(baseline, train, movies):
    weighted = replace(train, weights=np.linspace(1, 2, len(train), dtype=np.float32))
    assert np.array_equal(scores_of(baseline(), weighted, movies), scores_of(baseline(), train, movies))


@pytest.fixture(scope="module")
def two_tastes():
    """60 films in two blocks of 30; each user rates only one block, in any order."""
    rng = np.random.default_rng(0)
    lists = [rng.permutation(30)[:15] + 30 * (user % 2) for user in range(200)]
    catalogue = Movies(
        np.arange(60),
        [""] * 60,
        [("Drama",) if i < 30 else ("Comedy",) for i in range(60)],
        np.full(60, 2000.0),
    )
    return interactions(lists), catalogue


@pytest.mark.parametrize("split_name", ["leave_one_out", "temporal"])
def test_two_taste_blocks_are_found_by_all_but_popularity(two_tastes, split_name):
    ratings, catalogue = two_tastes
    split = split_interactions(ratings, 200, 60, split_name)
    questions = held_out_queries(split, "test")

    # Chosen on validation: 32 unregularised factors know two blocks of 30 films by heart.
    chosen = fit_and_choose(BASELINES, split, catalogue, seed=0, max_questions=1000)
    mean_rank = {name: rank_targets(choice.scorer, questions).mean() for name, choice in chosen.items()}
    popularity = mean_rank.pop("popularity")
    assert max(mean_rank.values()) < 0.7 * popularity, mean_rank


@pytest.mark.parametrize("cls", BASELINES)
def test_only_the_seeded_ones_differ_between_seeds(two_tastes, cls):
    ratings, catalogue = two_tastes
    films = np.arange(60)
    one, two = (cls().fit(ratings, catalogue, 200, 60, seed).score(films) for seed in (1, 2))
    assert np.array_equal(one, two) != (cls in SEEDED)


def test_grids_have_four_settings_and_start_with_the_defaults():
    for cls in BASELINES:
        assert len(cls.GRID) == len({str(settings) for settings in cls.GRID}) == 4
        assert cls(**cls.GRID[0]) == cls()
    assert len({cls.name for cls in BASELINES}) == len(BASELINES)


def test_the_choice_is_the_best_on_validation_and_never_sees_test(two_tastes):
    ratings, catalogue = two_tastes
    split = split_interactions(ratings, 200, 60)
    chosen = fit_and_choose(BASELINES, split, catalogue, seed=0, max_questions=150)
    assert list(chosen) == [cls.name for cls in BASELINES]

    shuffled = replace(split.test, movies=np.random.default_rng(1).permutation(split.test.movies))
    again = fit_and_choose(BASELINES, replace(split, test=shuffled), catalogue, seed=0, max_questions=150)
    nothing = split.test.select(np.zeros(len(split.test), dtype=bool))
    for name, choice in chosen.items():
        assert choice.validation_mrr == max(mrr for _, mrr in choice.trials)
        assert (choice.settings, choice.validation_mrr) in choice.trials and len(choice.trials) == 4
        assert again[name].trials == choice.trials
        everything = np.arange(60)
        np.testing.assert_array_equal(again[name].scorer.score(everything), choice.scorer.score(everything))
    without = fit_and_choose([ItemKNNBM25], replace(split, test=nothing), catalogue, 0, 150)
    assert without["item-kNN BM25"].settings == chosen["item-kNN BM25"].settings


def test_validation_changes_the_choice_but_not_the_fit(two_tastes):
    """With targets that only popularity can find, the figures move while each scorer stays as it was."""
    ratings, catalogue = two_tastes
    split = split_interactions(ratings, 200, 60)
    moved = replace(split, validation=replace(split.validation, movies=59 - split.validation.movies))
    for cls in PERSONAL:
        before = fit_and_choose([cls], split, catalogue, 0, 1000)[cls.name]
        after = fit_and_choose([cls], moved, catalogue, 0, 1000)[cls.name]
        assert [mrr for _, mrr in before.trials] != [mrr for _, mrr in after.trials], cls.name
        refit = cls(**after.settings).fit(split.train, catalogue, 200, 60, seed=0)
        films = np.arange(60)
        np.testing.assert_array_equal(after.scorer.score(films), refit.score(films))
        validation = held_out_queries(moved, "validation")
        assert after.validation_mrr == ranking_metrics(rank_targets(refit, validation), "next_item")["mrr"]


def test_a_baseline_that_cannot_scale_says_why(two_tastes, monkeypatch):
    ratings, catalogue = two_tastes
    monkeypatch.setattr(ease, "MOVIE_LIMIT", 59)
    split = split_interactions(ratings, 200, 60)
    chosen = fit_and_choose([EASE, Popularity], split, catalogue, seed=0, max_questions=50)
    assert chosen["EASE"].scorer is None and "stops at 59" in chosen["EASE"].skipped
    assert chosen["popularity"].scorer is not None and not chosen["popularity"].skipped


def test_settings_are_chosen_on_fewer_questions_where_ratings_are_many(two_tastes, monkeypatch):
    ratings, catalogue = two_tastes
    split = split_interactions(ratings, 200, 60)
    few = fit_and_choose([ItemKNNBM25], split, catalogue, seed=0, max_questions=50)
    all_questions = fit_and_choose([ItemKNNBM25], split, catalogue, seed=0, max_questions=1000)
    monkeypatch.setattr(selection, "GRID_COST", 50 * len(split.train))
    limited = fit_and_choose([ItemKNNBM25], split, catalogue, seed=0, max_questions=1000)
    assert limited[ItemKNNBM25.name].trials == few[ItemKNNBM25.name].trials
    assert limited[ItemKNNBM25.name].trials != all_questions[ItemKNNBM25.name].trials


def test_evaluation_holds_one_fitted_baseline_at_a_time(monkeypatch):
    fitted = []

    class FittedScorer:
        pass

    def fit_and_choose(classes, *_):
        assert not any(reference() for reference in fitted)
        scorer = FittedScorer()
        fitted.append(weakref.ref(scorer))
        return {classes[0].name: ChosenBaseline({}, scorer, 0.5, (), 1.0)}

    monkeypatch.setattr(commands.evaluate, "fit_and_choose", fit_and_choose)
    monkeypatch.setattr(commands.evaluate, "evaluate", lambda scorer, questions, facts: None)
    no_questions = RelatedComparison(None, np.zeros(0), False)
    commands.evaluate._compare_baselines(Config(), Fits(None, None, seed=0), None, None, no_questions)
    assert len(fitted) == len(BASELINES)
