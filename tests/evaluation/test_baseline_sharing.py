"""What evaluation shares or does by a kernel is what plain SciPy and a fit of its own would give."""

import numpy as np
import pytest

from data.histories import user_questions
from data.splits import held_out_queries, split_interactions
from evaluation.baselines import BASELINES, ImplicitALS, ItemKNNCosine, fit_and_choose, latest
from evaluation.baselines.base import Refittable
from evaluation.baselines.fits import Fits
from evaluation.baselines.for_users import film_counts, film_sums, fit_for_users
from evaluation.ranking import rank_targets, ranking_metrics
from tests.factories import catalogue, random_interactions

NUM_USERS, NUM_MOVIES = 30, 40


@pytest.fixture(scope="module")
def split():
    ratings = random_interactions(NUM_USERS, NUM_MOVIES, 0.6)
    return split_interactions(ratings, NUM_USERS, NUM_MOVIES, "temporal")


@pytest.mark.parametrize("kept", [0, 10**6])
def test_a_grid_that_shares_its_work_equals_fits_of_their_own(split, kept, monkeypatch):
    monkeypatch.setattr(latest, "KEPT_NUMBERS", kept)
    movies = catalogue(NUM_MOVIES)
    questions = held_out_queries(split, "validation")
    shared = [cls for cls in BASELINES if isinstance(cls(), Refittable)]
    assert len(shared) == 4
    chosen = fit_and_choose(shared, split, movies, 0, 10**6)
    for cls in shared:
        for grid, mrr in chosen[cls.name].trials:
            alone = cls(**grid).fit(split.train, movies, NUM_USERS, NUM_MOVIES, 0)
            assert ranking_metrics(rank_targets(alone, questions), questions.protocol)["mrr"] == mrr
            if grid == chosen[cls.name].settings:
                films = np.arange(NUM_MOVIES)
                np.testing.assert_array_equal(chosen[cls.name].scorer.score(films), alone.score(films))


def test_a_block_of_rows_is_computed_once_whatever_type_the_rows_have():
    asked = []
    blocks = latest.LatestBlocks(lambda queries: asked.append(queries) or np.zeros((len(queries), 3)))
    assert blocks(np.array([2, 0], dtype=np.int32)).shape == (2, 3)
    assert blocks(np.array([2, 0], dtype=np.int64)).shape == (2, 3)
    assert len(asked) == 1
    assert blocks(np.array([2], dtype=np.int64)).shape == (1, 3)  # the bytes of [2, 0] as int32


def test_both_protocols_choose_among_the_same_factorisations(split, monkeypatch):
    made = []
    fit = ImplicitALS.fit
    monkeypatch.setattr(ImplicitALS, "fit", lambda self, *rest: made.append(self) or fit(self, *rest))
    fits = Fits(split, catalogue(NUM_MOVIES), 0)
    fit_and_choose([ImplicitALS], split, fits.movies, 0, 1000, fits)
    validation = user_questions(split, "validation")
    theirs, alone = {}, {}
    for cls in (ItemKNNCosine, ImplicitALS):
        theirs |= fit_for_users(cls, fits, validation)
    assert sorted(map(repr, made)) == sorted(repr(ImplicitALS(**grid)) for grid in ImplicitALS.GRID)
    # A remembered fit recommends as one of its own does.
    for cls in (ItemKNNCosine, ImplicitALS):
        alone |= fit_for_users(cls, Fits(split, fits.movies, 0), validation)
    histories = user_questions(split, "test").histories
    for name in (ImplicitALS.name, ItemKNNCosine.name + ", weighted"):
        assert theirs[name].settings == alone[name].settings
        np.testing.assert_array_equal(
            theirs[name].scorer.score_histories(histories), alone[name].scorer.score_histories(histories)
        )


def test_films_asked_once_for_both_weightings_give_the_sums_of_each(split):
    fitted = ItemKNNCosine().fit(split.train, catalogue(NUM_MOVIES), NUM_USERS, NUM_MOVIES, 0)
    histories = user_questions(split, "test").histories
    weightings = [film_counts(histories, NUM_MOVIES, weighted) for weighted in (False, True)]
    other = ItemKNNCosine(20.0).refit(fitted)
    sums, others = film_sums([fitted, other], weightings)
    np.testing.assert_array_equal(others[0], film_sums([other], weightings[:1])[0][0])
    for counts, together in zip(weightings, sums, strict=True):
        np.testing.assert_array_equal(together, film_sums([fitted], [counts])[0][0])
        expected = counts.toarray() @ fitted.score(np.arange(NUM_MOVIES))
        np.testing.assert_allclose(together, expected, rtol=1e-5)
