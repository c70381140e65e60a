"""Splits and their questions, compared with a loop over users and with cases worked by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from base.errors import UserError
from data.dataset import Interactions
from data.splits import Queries, SplitName, held_out_queries, split_interactions
from tests.fuzzing import fuzz

Row = tuple[int, int, float, int]
NUM_MOVIES = 30


def interactions_of(rows: list[Row]) -> Interactions:
    """Rows of (user, film, stars, time), sorted by user and time."""
    ordered = sorted(rows, key=lambda row: (row[0], row[3]))
    users, movies, ratings, timestamps = zip(*ordered, strict=True) if ordered else ((), (), (), ())
    return Interactions(
        np.array(users, dtype=np.int32),
        np.array(movies, dtype=np.int32),
        np.array(ratings, dtype=np.float32),
        np.array(timestamps, dtype=np.int64),
    )


def rows_of(interactions: Interactions) -> list[Row]:
    """The rows of ``interactions``: the inverse of ``interactions_of``."""
    columns = (interactions.users, interactions.movies, interactions.ratings, interactions.timestamps)
    return list(zip(*(column.tolist() for column in columns), strict=True))


@st.composite
def histories(draw: st.DrawFn) -> tuple[list[Row], int]:
    """Rows of some users: some users have none, each film occurs once per user, many times are equal."""
    num_users = draw(st.integers(1, 6))
    rows: list[Row] = []
    for user in range(num_users):
        films = draw(st.lists(st.integers(0, NUM_MOVIES - 1), unique=True, max_size=15))
        for film in films:
            rows.append((user, film, draw(st.sampled_from([0.5, 3.5, 4.0, 5.0])), draw(st.integers(0, 4))))
    return rows, num_users


def naive_split(rows: list[Row], num_users: int, name: str) -> tuple[list[Row], list[Row], list[Row]]:
    """Training, validation and test rows, user by user."""
    train: list[Row] = []
    validation: list[Row] = []
    test: list[Row] = []
    for user in range(num_users):
        own = [row for row in rows if row[0] == user]
        n = len(own)
        if name == "none":
            first, second = n, n
        elif name == "leave_one_out":
            first, second = (n - 2, n - 1) if n >= 3 else (n, n)
        else:
            first, second = 7 * n // 10, 8 * n // 10
        train += own[:first]
        validation += own[first:second]
        test += own[second:]
    return train, validation, test


@fuzz(150)
@given(histories(), st.sampled_from(["leave_one_out", "temporal", "none"]))
def test_split_agrees_with_a_loop(history: tuple[list[Row], int], name: SplitName) -> None:
    rows, num_users = history
    interactions = interactions_of(rows)
    train, validation, test = naive_split(rows_of(interactions), num_users, name)
    if not train or (name != "none" and not test):
        with pytest.raises(UserError, match="too few ratings to split"):
            split_interactions(interactions, num_users, NUM_MOVIES, name)
        return
    split = split_interactions(interactions, num_users, NUM_MOVIES, name)
    assert (split.name, split.num_users, split.num_movies) == (name, num_users, NUM_MOVIES)
    assert rows_of(split.train) == train
    assert rows_of(split.validation) == validation
    assert rows_of(split.test) == test


def questions(queries: Queries) -> list[tuple[int, int, int, list[int]]]:
    """(user, query, target, masked films) of each question."""
    return [
        (
            int(queries.users[i]),
            int(queries.queries[i]),
            int(queries.targets[i]),
            queries.mask_movies[queries.mask_ptr[i] : queries.mask_ptr[i + 1]].tolist(),
        )
        for i in range(len(queries))
    ]


def naive_questions(
    parts: tuple[list[Row], list[Row], list[Row]], num_users: int, name: str, part: str
) -> list[tuple[int, int, int, list[int]]]:
    """The questions of a part, user by user."""
    asked = []
    train, validation, test = parts
    for user in range(num_users):
        held_out = [row for row in (validation if part == "validation" else test) if row[0] == user]
        if name == "leave_one_out":
            seen = [row[1] for row in train if row[0] == user]
            if held_out:
                before = [row[1] for row in validation if row[0] == user] if part == "test" else []
                asked.append((user, seen[-1], held_out[0][1], seen + before))
        else:
            liked = [row[1] for row in held_out if row[2] >= 4]
            asked += [(user, a, b, [a]) for a, b in zip(liked[:-1], liked[1:], strict=True)]
    return asked


@fuzz(150)
@given(histories(), st.sampled_from(["leave_one_out", "temporal"]), st.sampled_from(["validation", "test"]))
def test_questions_agree_with_a_loop(history: tuple[list[Row], int], name: SplitName, part: str) -> None:
    rows, num_users = history
    interactions = interactions_of(rows)
    parts = naive_split(rows_of(interactions), num_users, name)
    if not parts[0] or not parts[2]:
        return
    split = split_interactions(interactions, num_users, NUM_MOVIES, name)
    expected = naive_questions(parts, num_users, name, part)
    if not expected:
        with pytest.raises(UserError, match="nothing to evaluate"):
            held_out_queries(split, part)
        return
    queries = held_out_queries(split, part)
    assert questions(queries) == expected
    assert queries.mask_ptr.dtype == np.int64
    for column in (queries.users, queries.queries, queries.targets, queries.mask_movies):
        assert column.dtype == np.int32
    picked = np.random.default_rng(0).integers(0, len(queries), 5)
    assert questions(queries.select(picked)) == [expected[i] for i in picked]


TWO_USERS = [(0, film, 4.0, film) for film in range(5)] + [
    (1, 7, 5.0, 1),
    (1, 6, 3.0, 1),  # equal times keep the order of the file
    (1, 5, 4.0, 2),
    (2, 8, 5.0, 1),
    (2, 9, 5.0, 2),  # a user with two ratings is in training only
]


def test_next_item_questions_by_hand() -> None:
    split = split_interactions(interactions_of(TWO_USERS), 3, 10)
    assert split.train.movies.tolist() == [0, 1, 2, 7, 8, 9]
    assert questions(held_out_queries(split, "validation")) == [(0, 2, 3, [0, 1, 2]), (1, 7, 6, [7])]
    assert questions(held_out_queries(split, "test")) == [(0, 2, 4, [0, 1, 2, 3]), (1, 7, 5, [7, 6])]


def test_pair_questions_by_hand() -> None:
    stars = [5.0] * 14 + [4.0, 3.5] + [5.0, 3.0, 4.0, 4.5]
    rows = [(0, film, stars[film], film) for film in range(20)] + [
        (1, 20 + i, 5.0 if i > 7 else 1.0, i) for i in range(10)
    ]
    split = split_interactions(interactions_of(rows), 2, NUM_MOVIES, "temporal")
    assert split.validation.movies.tolist() == [14, 15, 27]
    assert questions(held_out_queries(split, "test")) == [
        (0, 16, 18, [16]),
        (0, 18, 19, [18]),
        (1, 28, 29, [28]),
    ]
    # Film 15 has fewer than four stars; films 14 and 27 belong to different users.
    with pytest.raises(
        UserError, match="the validation part of split temporal has 3 ratings but gives no question"
    ):
        held_out_queries(split, "validation")


def test_select_keeps_order_and_masks() -> None:
    queries = held_out_queries(split_interactions(interactions_of(TWO_USERS), 3, 10), "test")
    first, second = questions(queries)
    assert questions(queries.select(np.array([1, 0, 1]))) == [second, first, second]
    nothing = queries.select(np.array([], dtype=np.int64))
    assert len(nothing) == 0 and nothing.mask_ptr.tolist() == [0] and len(nothing.mask_movies) == 0
    assert nothing.protocol == "next_item"


@pytest.mark.parametrize("name", ["leave_one_out", "temporal"])
def test_too_few_ratings_to_split(name: SplitName) -> None:
    """One rating per user: leave-one-out has nothing for test, temporal nothing for training."""
    rows = [(user, user, 5.0, 0) for user in range(4)]
    with pytest.raises(UserError) as caught:
        split_interactions(interactions_of(rows), 4, NUM_MOVIES, name)
    assert str(caught.value) == (
        "too few ratings to split: none of the 4 users has enough ratings for both training and test; "
        "use a larger dataset or `split` none"
    )


def test_none_holds_nothing_out() -> None:
    split = split_interactions(interactions_of(TWO_USERS), 3, 10, "none")
    assert len(split.train) == len(TWO_USERS) and len(split.test) == len(split.validation) == 0
    with pytest.raises(UserError, match="`split` none holds nothing out"):
        held_out_queries(split, "test")


def test_without_times_all_else_is_the_same_memory() -> None:
    split = split_interactions(interactions_of(TWO_USERS), 3, 10)
    timeless = split.without_times()
    for before, after in ((split.train, timeless.train), (split.test, timeless.test)):
        assert after.users is before.users and after.movies is before.movies
        assert after.timestamps.tolist() == [0] * len(before) and after.timestamps.strides == (0,)
    assert len(timeless.train.select(np.array([0]))) == 1
