"""Questions with few candidates: counted against a naive loop, and in words."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.histories import History, UserQuestions
from data.splits import Queries
from evaluation.few_candidates import count_candidates, few_candidates, few_candidates_of_users
from evaluation.ranking import rank_targets
from report.words import few_candidates as in_words
from tests.fuzzing import fuzz

FILMS = 30


@st.composite
def questions(draw):
    targets = draw(st.lists(st.integers(0, FILMS - 1), min_size=1, max_size=8))
    masks = [sorted(draw(st.sets(st.integers(0, FILMS - 1), max_size=FILMS))) for _ in targets]
    ends = np.cumsum([0, *map(len, masks)])
    protocol = draw(st.sampled_from(["next_item", "pairs"]))
    films = np.array([film for mask in masks for film in mask], dtype=np.int64)
    return Queries(protocol, np.arange(len(targets)), np.zeros_like(targets), np.array(targets), ends, films)


class Random:
    """A method that knows nothing."""

    def score(self, queries):
        return np.random.default_rng(0).random((len(queries), FILMS), dtype=np.float32)


@fuzz()
@given(questions())
def test_counts_are_those_of_a_loop_and_no_rank_is_beyond_them(asked):
    expected = []
    for place, target in enumerate(asked.targets):
        masked = asked.mask_movies[asked.mask_ptr[place] : asked.mask_ptr[place + 1]]
        expected.append(len(set(range(FILMS)) - set(masked.tolist()) | {int(target)}))
    assert count_candidates(asked, FILMS).tolist() == expected
    assert (rank_targets(Random(), asked) <= expected).all()
    cutoffs = (1, 10, 20, 100, 500) if asked.protocol == "next_item" else (1, 10, 100, 500)
    counts = {str(k): sum(count <= k for count in expected) for k in cutoffs}
    assert few_candidates(asked, FILMS) == {k: count for k, count in counts.items() if count}


def test_a_large_catalogue_has_no_such_questions():
    asked = Queries("next_item", *(np.zeros(1, np.int64),) * 3, np.array([0, 1]), np.array([5]))
    assert few_candidates(asked, 502) == {} and few_candidates(asked, 501) == {"500": 1}


def test_users_are_counted_by_what_they_have_seen():
    histories = [History(np.arange(n), np.full(n, np.nan, np.float32)) for n in (29, 10, 9)]
    asked = UserQuestions(np.arange(3), histories, [np.array([29])] * 3)
    assert few_candidates_of_users(asked, FILMS) == {"1": 1, "20": 2}


@pytest.mark.parametrize(
    ("few", "number", "said"),
    [
        ({"1": 30, "10": 30}, 30, "30 of 30 questions have only 1 candidate"),
        ({"1": 1}, 1, "1 of 1 question has only 1 candidate"),
        ({"1": 3, "10": 12, "20": 12, "100": 500}, 943,
         "3 of 943 questions have only 1 candidate, 12 at most 10 and 500 at most 100"),
    ],
)  # fmt: skip
def test_the_line_below_a_table(few, number, said):
    assert in_words(few, number) == f"{said}: every method finds the target within that many"
