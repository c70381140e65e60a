"""The data's own scale of ratings and stars."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from base.errors import UserError
from data.rating_scale import from_stars, in_words, rating_choices, to_stars, with_best_rating
from data.reading.columns import Columns
from tests.fuzzing import fuzz

BEST = st.sampled_from([1.0, 3.0, 4.0, 6.0, 7.0, 10.0, 20.0, 100.0])


@fuzz()
@given(st.floats(0, 5, width=32))
def test_stars_are_left_as_they_are(stars):
    assert to_stars(stars, 5.0) == stars == from_stars(stars, 5.0)


@fuzz()
@given(BEST, st.integers(0, 1000))
def test_a_rating_reads_the_same_after_it_was_kept_as_stars(best, thousandths):
    rating = best * thousandths / 1000
    kept = np.float32(to_stars(rating, best))
    assert f"{from_stars(float(kept), best):g}" == f"{rating:g}"
    # A limit that is typed keeps what is equal to it.
    assert kept >= np.float32(to_stars(rating, best))


def test_ratings_in_words():
    assert in_words(3.5, 5.0) == "3.5 stars" and in_words(7.0, 10.0) == "7 of 10"


@pytest.mark.parametrize(
    ("lowest", "best", "choices"),
    [
        (0.5, 5, [5, 4.5, 4, 3.5, 3, 2.5, 2, 1.5, 1, 0.5]),
        (1, 10, [10, 9, 8, 7, 6, 5, 4, 3, 2, 1]),
        (0, 4, [4, 3, 2, 1, 0]),
        (10, 100, [100, 90, 80, 70, 60, 50, 40, 30, 20, 10]),
        (0.1, 1, [1, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1]),
    ],
)
def test_what_a_list_offers(lowest, best, choices):
    assert rating_choices(lowest, best) == choices


def test_columns_of_another_scale_become_stars():
    columns = Columns({"ratings": np.array([0, 7, 10], dtype=np.float32)}, {"notes": []})
    scaled = with_best_rating(columns, 10)
    assert scaled.arrays["ratings"].tolist() == [0, 3.5, 5] and scaled.arrays["ratings"].dtype == np.float32
    assert scaled.texts["best_rating"] == ["10.0"] and columns.arrays["ratings"].max() == 10
    assert with_best_rating(columns, 5.0) is columns


@pytest.mark.parametrize("best", [0, -1, float("nan"), float("inf"), "10", None, True])
def test_a_best_rating_is_a_number_above_zero(best):
    with pytest.raises(UserError, match="best_rating must be a finite number above 0, got "):
        with_best_rating(Columns({"ratings": np.ones(1, np.float32)}, {}), best)
