"""Interactions and events from rows of a source, compared with a loop over the rows."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.reading.columns import Columns, time_order
from data.reading.events import add_events, equal_to_earlier, rows_with_equals
from tests.fuzzing import fuzz

ROWS = st.lists(
    st.tuples(st.integers(0, 3), st.integers(0, 4), st.integers(0, 5), st.sampled_from([0.5, 1.0, 1.0, 3.0])),
    max_size=30,
)
COUNTED = st.sampled_from(["count", "first", "last"])


def added(rows, counted, with_amounts):
    """Columns with the rows; the rating of each row is its place in the source."""
    users, movies, times, amounts = zip(*rows, strict=True) if rows else ((), (), (), ())
    columns = Columns({}, {"notes": []})
    repeated = add_events(
        columns,
        np.array(users, dtype=np.int32),
        np.array(movies, dtype=np.int32),
        np.arange(len(rows), dtype=np.float32),
        np.array(times, dtype=np.int64),
        np.array(amounts, dtype=np.float32) if with_amounts else None,
        counted,
    )
    return columns, repeated


def naive(rows, counted, with_amounts):
    """The places of the rows that give interactions their time; (interaction, amount) of each event; own."""
    in_time = sorted(range(len(rows)), key=lambda place: (rows[place][0], rows[place][2], place))
    own = {}
    for place in range(len(rows)) if counted == "first" else in_time:
        if counted == "last" or rows[place][:2] not in own:
            own[rows[place][:2]] = place
    edges = [place for place in in_time if place in own.values()]
    edge_of = {rows[place][:2]: edge for edge, place in enumerate(edges)}
    kept = [place for place in in_time if counted == "count" or place in own.values()]
    amount = (lambda place: rows[place][3]) if with_amounts else (lambda place: 1.0)
    return (
        edges,
        [(edge_of[rows[place][:2]], amount(place)) for place in kept],
        [kept.index(place) for place in edges],
    )


@fuzz(300)
@given(ROWS, COUNTED, st.booleans())
def test_interactions_and_events_are_those_of_a_loop(rows, counted, with_amounts):
    columns, repeated = added(rows, counted, with_amounts)
    edges, events, own = naive(rows, counted, with_amounts)
    arrays = columns.arrays
    assert repeated == len(rows) - len(edges)
    assert arrays["ratings"].tolist() == edges
    for name, part in (("users", 0), ("movies", 1), ("timestamps", 2)):
        assert arrays[name].tolist() == [rows[place][part] for place in edges]
    types = {"users": "int32", "movies": "int32", "ratings": "float32", "timestamps": "int64"}
    assert {name: arrays[name].dtype.name for name in types} == types
    if len({amount for _, amount in events}) <= 1 and len(events) == len(edges):
        assert set(arrays) == set(types)
    else:
        assert list(zip(arrays["event_edges"], arrays["event_amounts"], strict=True)) == events
        assert arrays["edge_events"].tolist() == own
        more = {"event_edges": "int32", "event_amounts": "float32", "edge_events": "int32"}
        assert {name: arrays[name].dtype.name for name in more} == more


@fuzz(100)
@given(ROWS)
def test_the_first_without_amounts_are_the_interactions_of_releases(rows):
    columns, repeated = added(rows, "first", False)
    users, movies, times = (np.array([row[part] for row in rows], dtype=np.int64) for part in range(3))
    release = Columns({}, {"notes": []})
    assert release.add_interactions(users, movies, np.arange(len(rows)), times) == repeated
    assert set(columns.arrays) == set(release.arrays)
    for name, array in release.arrays.items():
        assert np.array_equal(columns.arrays[name], array)


@pytest.mark.parametrize("counted", ["count", "first", "last"])
def test_newest_rows_first_are_found_in_the_order_of_the_source(counted):
    columns, _ = added([(0, item, 50 - item, 1.0) for item in range(12)], counted, True)
    assert '"newest_first"' in columns.texts["findings"][0]


NUMBERS = st.one_of(st.integers(-3, 3), st.integers(-(2**63), 2**63 - 1))


@fuzz(200)
@given(st.lists(st.tuples(st.integers(0, 3), NUMBERS), max_size=40), st.data())
def test_the_order_in_time_is_that_of_a_stable_lexsort(rows, data):
    users = np.array([user for user, _ in rows], dtype=np.int32)
    times = np.array([time for _, time in rows], dtype=np.int64)
    assert np.array_equal(time_order(users, times, None), np.lexsort((times, users)))
    some = np.array(data.draw(st.lists(st.integers(0, max(len(rows) - 1, 0)), unique=True)), dtype=np.int64)
    some = np.sort(some[: len(rows)])
    assert np.array_equal(time_order(users, times, some), some[np.lexsort((times[some], users[some]))])


@fuzz(200)
@given(
    st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2), st.integers(0, 1), st.sampled_from([0.5, 3])))
)
def test_equal_rows_are_those_of_a_loop(rows):
    values = [np.array([row[part] for row in rows], dtype=np.float32) for part in range(4)]
    values[:2] = [column.astype(np.int32) for column in values[:2]]
    assert rows_with_equals(values).tolist() == [i for i, row in enumerate(rows) if rows.count(row) > 1]
    assert equal_to_earlier(values).tolist() == [i for i, row in enumerate(rows) if row in rows[:i]]
