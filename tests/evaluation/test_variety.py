"""Variety of lists: by hand, against a naive loop over pairs, and against PyG's metrics."""

from itertools import combinations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch_geometric import metrics as pyg_metrics

from data.histories import History, UserQuestions
from data.splits import split_interactions
from evaluation.ranking import ask, evaluate
from evaluation.users import evaluate_users
from evaluation.variety import FilmFacts, genre_rows, gini_index, variety_metrics
from tests.evaluation.test_evaluation import TableScorer, make_questions, naive_top_10
from tests.factories import catalogue, random_interactions
from tests.fuzzing import fuzz

NAMES = ("Action", "Comedy", "Drama", "War")


def facts_of(genres, information):
    return FilmFacts(genre_rows(genres), np.array(information, dtype=np.float64))


def similarity(first, second):
    """The cosine of two sets of genres, an empty set standing for a genre of its own."""
    first, second = set(first or ("none",)), set(second or ("none",))
    return len(first & second) / (len(first) * len(second)) ** 0.5


def naive(lists, genres, information):
    """The definitions, word for word, over all pairs."""
    lists = [[film for film in row if film >= 0] for row in lists]
    spreads = [
        1 - np.mean([similarity(genres[a], genres[b]) for a, b in combinations(row, 2)])
        for row in lists
        if len(row) > 1
    ]
    every = [film for row in lists for film in row]
    mean_length = len(every) / len(lists)
    found = {"novelty@10": np.mean([information[film] for film in every])}
    if spreads and any(genres):
        found["diversity@10"] = np.mean(spreads)
    if len(lists) > 1:
        common = [len(set(a) & set(b)) for a, b in combinations(lists, 2)]
        found["personalisation@10"] = 1 - np.mean(common) / mean_length
    counts = [every.count(film) for film in range(len(genres))]
    gaps = sum(abs(a - b) for a in counts for b in counts)
    n = len(genres)
    found["gini@10"] = gaps / (2 * n * sum(counts)) * n / (n - 1)  # half the relative mean difference
    return found


@st.composite
def recommended(draw):
    num_movies = draw(st.integers(2, 25))
    genres = draw(
        st.lists(
            st.lists(st.sampled_from(NAMES), unique=True).map(tuple),
            min_size=num_movies,
            max_size=num_movies,
        )
    )
    information = draw(st.lists(st.floats(0, 20), min_size=num_movies, max_size=num_movies))
    films = st.lists(st.integers(0, num_movies - 1), unique=True, max_size=10)
    lists = draw(st.lists(films, min_size=1, max_size=8).filter(any))
    return [row + [-1] * (10 - len(row)) for row in lists], genres, information


@fuzz(200)
@given(recommended())
def test_variety_is_that_of_a_naive_loop_and_within_its_bounds(case):
    lists, genres, information = case
    found = variety_metrics(np.array(lists), facts_of(genres, information))
    assert found == pytest.approx(naive(lists, genres, information), abs=1e-9)
    for name in found.keys() - {"novelty@10"}:
        assert -1e-12 <= found[name] <= 1 + 1e-12
    assert 0 <= found["novelty@10"] <= max(information) + 1e-9


def test_variety_by_hand():
    genres = [("War",), ("War", "Drama"), (), ("Comedy",), ()]
    lists = np.full((2, 10), -1)
    lists[0, :3], lists[1, :3] = [0, 1, 2], [2, 4, 3]
    found = variety_metrics(lists, facts_of(genres, [1.0, 2.0, 3.0, 4.0, 5.0]))
    assert found == pytest.approx(
        {
            # War and War with Drama have the cosine 1 / sqrt(2); two films without genres have 1.
            "diversity@10": 1 - (1 / 2**0.5 / 3 + 1 / 3) / 2,
            "novelty@10": (1 + 2 + 3 + 3 + 5 + 4) / 6,
            "personalisation@10": 1 - 1 / 3,
            # Counts 1, 1, 1, 1, 2: (-4 - 2 + 0 + 2 + 2 * 4) / (4 * 6).
            "gini@10": 4 / 24,
        }
    )


def test_the_gini_index_goes_from_equal_counts_to_a_single_film():
    assert gini_index(np.array([3, 3, 3])) == 0 and gini_index(np.array([7])) == 0
    assert gini_index(np.array([0, 0, 9, 0])) == 1


def test_novelty_is_bits_and_an_unrated_film_counts_as_if_one_user_had_rated_it():
    split = split_interactions(random_interactions(30, 20), 30, 20, "none")
    train = split.train
    unrated = np.flatnonzero(train.movies != 4)
    split = split_interactions(train.select(unrated), 30, 20, "none")
    facts = FilmFacts.of(catalogue(20), split)
    users = len(set(split.train.users.tolist()))
    assert facts.information[4] == np.log2(users)
    raters = np.sum(split.train.movies == 7)
    assert facts.information[7] == pytest.approx(-np.log2(raters / users))


def test_figures_that_cannot_be_told_are_left_out():
    facts = facts_of([(), ()], [1.0, 2.0])
    one = np.array([[0, 1] + [-1] * 8])
    assert variety_metrics(one, facts).keys() == {"novelty@10", "gini@10"}
    assert variety_metrics(np.full((3, 10), -1), facts) == {}


@pytest.mark.skipif(
    not hasattr(pyg_metrics, "LinkPredPersonalization"),
    reason="torch_geometric has all these metrics from 2.7 on",
)
@pytest.mark.parametrize("seed", range(3))
def test_variety_agrees_with_torch_geometric(seed):
    rng = np.random.default_rng(seed)
    num_movies, num_questions = 90, 60
    scores = rng.permuted(np.tile(np.arange(num_movies), (num_movies, 1)), axis=1)
    queries = rng.integers(0, num_movies, num_questions)
    targets = (queries + rng.integers(1, num_movies, num_questions)) % num_movies
    questions = make_questions(queries, targets, [[q] for q in queries])
    category = rng.integers(0, 4, num_movies)
    information = rng.uniform(0, 10, num_movies)
    facts = facts_of([(NAMES[c],) for c in category], information)
    ours = evaluate(TableScorer(scores), questions, facts=facts).metrics

    lists = torch.from_numpy(ask(TableScorer(scores), questions, depth=10)[1]).long()
    theirs = {
        "diversity@10": pyg_metrics.LinkPredDiversity(k=10, category=torch.from_numpy(category)),
        "personalisation@10": pyg_metrics.LinkPredPersonalization(k=10, max_src_nodes=None),
        "novelty@10": pyg_metrics.LinkPredAveragePopularity(k=10, popularity=torch.from_numpy(information)),
        "coverage@10": pyg_metrics.LinkPredCoverage(k=10, num_dst_nodes=num_movies),
    }
    for name, metric in theirs.items():
        metric.update(lists, torch.from_numpy(np.stack([np.arange(num_questions), targets])))
        assert ours[name] == pytest.approx(float(metric.compute()), abs=1e-5), name


@pytest.mark.parametrize("block_size", [1, 7, 100])
def test_lists_are_the_first_films_in_the_order_of_the_questions(block_size):
    rng = np.random.default_rng(0)
    table = rng.integers(0, 9, (30, 30)).astype(float)
    queries, targets = rng.integers(0, 30, 40), rng.integers(0, 30, 40)
    masks = [[q, *rng.integers(0, 30, rng.integers(0, 28))] for q in queries]
    lists = ask(TableScorer(table), make_questions(queries, targets, masks), block_size, 10)[1]
    for row, query, target, mask in zip(lists, queries, targets, masks, strict=True):
        assert [film for film in row if film >= 0] == naive_top_10(table[query], target, mask)


def test_people_are_shown_no_film_of_their_history():
    scores = np.tile(np.arange(20, 0, -1, dtype=np.float32), (2, 1))
    histories = [History(np.array(rows), np.full(len(rows), np.nan, np.float32)) for rows in ([0, 2], [1])]
    questions = UserQuestions(np.arange(2), histories, [np.array([5]), np.array([6])])

    class Fixed:
        def score_histories(self, histories):
            return scores

    facts = facts_of([("Drama",)] * 20, np.arange(20))
    found = evaluate_users(Fixed(), questions, facts)
    assert found["novelty@10"] == np.mean([1, *range(3, 12), 0, *range(2, 11)])
    assert found["personalisation@10"] == pytest.approx(1 - 8 / 10) and found["diversity@10"] == 0
    assert evaluate_users(Fixed(), questions).keys() == {"recall@20", "ndcg@20", "hit_rate@20"}
