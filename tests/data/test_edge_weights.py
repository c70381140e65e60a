"""Weights of training interactions, compared with a loop over the rows of each user."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from base.errors import UserError
from data.dataset import Events, MovieLens
from data.splits import held_out_queries, split_interactions, split_movielens
from tests.factories import catalogue, event_log, random_interactions, random_movielens
from tests.fuzzing import fuzz

NUM_USERS, NUM_MOVIES = 5, 12
AMOUNTS = st.sampled_from([0.5, 1.0, 1.0, 3.0, 7.25])
# The first user has ten films, so that each split has a training and a test part.
ROWS = st.lists(
    st.tuples(st.integers(0, NUM_USERS - 1), st.integers(0, NUM_MOVIES - 1), st.integers(0, 9), AMOUNTS),
    max_size=60,
).map(lambda rows: [(0, film, 5, 1.0) for film in range(10)] + rows)
SPLITS = st.sampled_from(["leave_one_out", "temporal", "none"])
REPEATS = st.sampled_from(["count", "first", "last"])


def split_of(log, name, weights="data"):
    interactions, events = log
    return split_interactions(interactions, NUM_USERS, NUM_MOVIES, name, events, weights)


def sums(split):
    """What the rows of each training interaction add up to; the weight is log(1 + the sum)."""
    return np.expm1(split.train.weights).round(4).tolist()


def naive_weights(rows, repeats, split):
    """The weight of each training interaction, by a loop over the rows in the order of time."""
    held_out = set()
    for part in (split.validation, split.test):
        held_out |= set(zip(part.users.tolist(), part.movies.tolist(), strict=True))
    ordered = sorted(rows, key=lambda row: (row[0], row[2]))
    if repeats != "count":  # only the first or the last row of a user and a film is there
        unique = {}
        for place, row in enumerate(ordered):
            if repeats == "last" or row[:2] not in unique:
                unique[row[:2]] = place
        ordered = [row for place, row in enumerate(ordered) if place in unique.values()]
    weight, finished = {}, set()
    for user, film, _, amount in ordered:
        if (user, film) in held_out:
            finished.add(user)
        if user not in finished:
            weight[user, film] = weight.get((user, film), 0.0) + amount
    return weight


@fuzz(200)
@given(ROWS, SPLITS, REPEATS)
def test_a_weight_is_what_the_user_did_before_the_first_held_out_interaction(rows, name, repeats):
    split = split_of(event_log(rows, repeats), name)
    expected = naive_weights(rows, repeats, split)
    train = split.train
    edges = list(zip(train.users.tolist(), train.movies.tolist(), strict=True))
    assert set(edges) == set(expected)
    wanted = np.log1p([expected[edge] for edge in edges]).astype(np.float32)
    if train.weights is None:
        assert len(set(wanted.tolist())) == 1
    else:
        assert train.weights.dtype == np.float32
        np.testing.assert_allclose(train.weights, wanted, rtol=1e-6)
        assert len(set(wanted.tolist())) > 1
    assert split.validation.weights is None and split.test.weights is None


@fuzz(100)
@given(ROWS, SPLITS, st.integers(0, 99))
def test_later_rows_change_no_bit_of_the_training_part(rows, name, seed):
    interactions, events = event_log(rows)
    split = split_of((interactions, events), name)
    # Each user's first held-out event; all events from there on get other amounts and more repeats.
    held_out = {
        user: min(
            (int(event) for edge, event in enumerate(events.own) if edge in later),
            default=len(events.edges),
        )
        for user in range(NUM_USERS)
        for later in [held_out_edges(interactions, split, user)]
    }
    users = interactions.users[events.edges]
    rng = np.random.default_rng(seed)
    amounts, edges, places = [], [], []
    for event, edge in enumerate(events.edges.tolist()):
        after = event >= held_out[int(users[event])]
        places.append(len(edges))
        edges.append(edge)
        amounts.append(rng.uniform(0.1, 50) if after else float(events.amounts[event]))
        if after:  # the user comes back to something of training
            own = np.flatnonzero(interactions.users == users[event])
            edges.append(int(own[0]))
            amounts.append(rng.uniform(0.1, 50))
    altered = Events(
        np.array(edges, np.int32),
        np.array(amounts, np.float32),
        np.array(places, np.int32)[events.own],
    )
    again = split_of((interactions, altered), name)
    if split.train.weights is None:
        assert again.train.weights is None
    else:
        assert np.array_equal(split.train.weights, again.train.weights)


def held_out_edges(interactions, split, user):
    train = split.train.movies[split.train.users == user].tolist()
    own = np.flatnonzero(interactions.users == user).tolist()
    return {edge for edge in own if interactions.movies[edge] not in train}


@fuzz(50)
@given(ROWS, st.sampled_from(["leave_one_out", "temporal"]), REPEATS)
def test_a_later_repeat_of_a_training_item_is_never_a_question(rows, name, repeats):
    split = split_of(event_log(rows, repeats), name)
    questions = held_out_queries(split, "test")
    seen = set(zip(split.train.users.tolist(), split.train.movies.tolist(), strict=True))
    assert not seen & set(zip(questions.users.tolist(), questions.targets.tolist(), strict=True))


def test_a_history_worked_by_hand():
    rows = [(0, film, time, amount) for film, time, amount in (
        (0, 1, 1.0), (1, 2, 1.0), (0, 3, 2.0), (2, 4, 5.0), (1, 5, 9.0), (0, 6, 9.0), (3, 7, 1.0),
    )]  # fmt: skip
    # Films 2 and 3 are held out, so rows from time 4 on do not count.
    assert sums(split_of(event_log(rows), "leave_one_out")) == [3, 1]
    assert sums(split_of(event_log(rows), "none")) == [12, 10, 5, 1]
    assert split_of(event_log(rows), "none", "none").train.weights is None
    assert split_of(event_log(rows), "none", "rating").train.weights is None  # all have five stars


def test_equal_amounts_are_no_weights():
    rows = [(user, film, film, 2.5) for user in range(3) for film in range(4)]
    assert split_of(event_log(rows), "leave_one_out").train.weights is None
    assert split_of(event_log([*rows, (0, 0, 0, 2.5)]), "leave_one_out").train.weights is not None


def test_stars_as_weights():
    interactions = random_interactions(30, 20, 0.5)
    split = split_interactions(interactions, 30, 20, "temporal", weights="rating")
    assert np.array_equal(split.train.weights, split.train.ratings)
    assert split.validation.weights is None and split.test.weights is None
    plain = split_interactions(interactions, 30, 20, "temporal")
    assert plain.train.weights is None and np.array_equal(plain.train.movies, split.train.movies)


def test_no_stars_weigh_half_of_the_lowest_others():
    interactions = random_interactions(30, 20, 0.5)
    stars = np.where(interactions.movies % 4 == 0, 0, interactions.ratings)
    split = split_interactions(replace(interactions, ratings=stars), 30, 20, weights="rating")
    train = split.train
    assert stars[stars > 0].min() == 0.5
    assert np.array_equal(train.weights, np.where(train.movies % 4 == 0, np.float32(0.25), train.ratings))


def test_ratings_as_weights_of_data_without_ratings_are_refused():
    unrated = replace(random_movielens(), rated=False)
    with pytest.raises(
        UserError, match="random has no ratings, which `weighted_walks` rating takes as weights"
    ):
        split_movielens(unrated, weights="rating")
    assert split_movielens(unrated, weights="data").train.weights is None


def test_split_movielens_takes_the_events_of_the_data():
    log = event_log([(0, film, film, 1.0 + film) for film in range(5)])
    movielens = MovieLens("log", catalogue(5), np.arange(1), log[0], "log", events=log[1])
    assert sums(split_movielens(movielens)) == [1, 2, 3]
    assert split_movielens(movielens, weights="none").train.weights is None
