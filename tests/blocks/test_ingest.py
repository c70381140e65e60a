"""The ingest over blocks gives the graph and the split that reading everything at once gives."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest
from hypothesis import given
from hypothesis import strategies as st

from base.errors import UserError
from blocks.ingest import graph as graph_module
from blocks.ingest import source as source_module
from blocks.ingest.graph import read_graph, read_split
from blocks.ingest.source import find_source, read_piece
from blocks.preparation import preparation
from blocks.runner import opened
from config import ModelConfig
from data.dataset import load_movielens
from data.graph_builder import build_graph
from data.reading.number_columns import NumberColumn, read_number_columns
from data.reading.number_kinds import ID
from data.splits import split_movielens
from data.walks.sampler import RandomWalkSampler
from tests.blocks.here import Here
from tests.factories import random_graph
from tests.fuzzing import fuzz

HEADER = "userId,movieId,rating,timestamp\n"
MOVIES = "movieId,title,genres\n" + "".join(f"{i},Film {i} ({1980 + i}),Drama\n" for i in (7, 3, 12, 5, 9))
INGEST = 7  # the first stages: films, runs, users, panels, both sides of the graph, held-out ratings
RATINGS = st.lists(
    st.tuples(
        st.integers(1, 6), st.sampled_from([3, 5, 7, 9, 12, 99]), st.integers(1, 10), st.integers(0, 3)
    ),
    min_size=1,
    max_size=60,
)


def write_csv(path, rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [f"{user},{movie},{half / 2:g},{time}\n" for user, movie, half, time in rows]
    path.write_text(HEADER + "".join(lines))


def write_parquet(path, rows, **kwargs):
    path.parent.mkdir(parents=True, exist_ok=True)
    users, movies, halves, times = (np.array(column) for column in zip(*rows, strict=True))
    names = ["userId", "movieId", "rating", "timestamp"]
    pa.parquet.write_table(pa.table([users, movies, halves / 2, times], names=names), path, **kwargs)


def ingest(data, work, split="temporal", min_rating=0.0, ratings_per_panel=10):
    stages = preparation(find_source(data), split, min_rating, ModelConfig(), 0, 2, ratings_per_panel)
    with opened(work, Here()) as runner:
        runner.run(stages[:INGEST])
        return read_graph(runner.work_dir), read_split(runner.work_dir, split)


def assert_equal(found, data, split="temporal"):
    """Compare with the same ratings in one file, read at once."""
    movielens = load_movielens(data, cache=False)
    expected = split_movielens(movielens, split)
    graph, parts = found
    of_train = build_graph(expected.train, movielens.num_users, movielens.num_movies)
    for name in ("movie_ptr", "movie_users", "user_ptr", "user_movies"):
        assert np.array_equal(getattr(graph, name), getattr(of_train, name)), name
    assert np.array_equal(parts.train.users, expected.train.users)
    assert np.array_equal(parts.train.movies, expected.train.movies)
    for part in ("validation", "test"):
        for column in ("users", "movies", "ratings"):
            assert np.array_equal(
                getattr(getattr(parts, part), column), getattr(getattr(expected, part), column)
            ), f"{part} {column}"
    assert (parts.num_users, parts.num_movies) == (expected.num_users, expected.num_movies)


@fuzz(60)
@given(
    RATINGS,
    st.integers(1, 4),
    st.sampled_from(["csv", "parquet", "one file"]),
    st.sampled_from(["temporal", "leave_one_out"]),
    st.integers(1, 20),
)
def test_any_ratings_in_any_parts(tmp_path_factory, rows, num_parts, form, split, ratings_per_panel):
    folder = tmp_path_factory.mktemp("data")
    whole, parts = folder / "whole", folder / "parts"
    write_csv(whole / "ratings.csv", rows)
    for data in (whole, parts):
        data.mkdir(exist_ok=True)
        (data / "movies.csv").write_text(MOVIES)
    per_part = -(-len(rows) // num_parts)
    for part in range(0, len(rows), per_part):
        name = f"ratings/part-{part:03d}"
        if form == "csv":
            write_csv(parts / f"{name}.csv", rows[part : part + per_part])
        else:
            write_parquet(parts / f"{name}.parquet", rows[part : part + per_part], row_group_size=3)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(source_module, "ROWS_PER_PIECE", 4)
        patch.setattr(source_module, "BYTES_PER_PIECE", 50)
        try:
            expected_problem = None
            load = load_movielens(whole, cache=False)
            split_movielens(load, split)
        except UserError as error:
            expected_problem = error
        data = whole if form == "one file" else parts
        if expected_problem is not None:
            with pytest.raises(UserError):
                ingest(data, folder / "work", split, 0.0, ratings_per_panel)
            return
        assert_equal(ingest(data, folder / "work", split, 0.0, ratings_per_panel), whole, split)


@pytest.mark.parametrize("split", ["temporal", "leave_one_out", "none"])
def test_low_ratings_are_dropped_before_the_split(tmp_path, split):
    rng = np.random.default_rng(0)
    rows = [
        (u, m, int(rng.integers(1, 11)), int(rng.integers(99))) for u in range(1, 9) for m in (3, 5, 7, 9)
    ]
    write_csv(tmp_path / "ratings.csv", rows)
    (tmp_path / "movies.csv").write_text(MOVIES)
    graph, parts = ingest(tmp_path, tmp_path / "work", split, min_rating=2.5)
    movielens = load_movielens(tmp_path, 2.5, cache=False)
    expected = split_movielens(movielens, split)
    ids = np.arange(1, 9)  # users without any rating keep their rows
    assert np.array_equal(ids[parts.train.users], movielens.user_ids[expected.train.users])
    assert np.array_equal(parts.train.movies, expected.train.movies)
    assert np.array_equal(parts.test.movies, expected.test.movies)


def assert_same_walks(*graphs):
    """Neighbours and weights of all films."""
    films = np.arange(graphs[0].num_movies)
    tables = (RandomWalkSampler(graph).batch_sample_neighbors(films, 4) for graph in graphs)
    for found, expected in zip(*tables, strict=True):
        assert found.equal(expected)


def test_pointers_of_64_bits(tmp_path, monkeypatch):
    monkeypatch.setattr(graph_module, "MAX_INT32", 5)
    rng = np.random.default_rng(0)
    rows = [
        (int(u), int(rng.choice([3, 5, 7, 9, 12])), 8, int(t)) for t, u in enumerate(rng.integers(1, 9, 80))
    ]
    write_csv(tmp_path / "ratings.csv", rows)
    (tmp_path / "movies.csv").write_text(MOVIES)
    graph, _ = ingest(tmp_path, tmp_path / "work")
    assert graph.movie_ptr.dtype == graph.user_ptr.dtype == np.int64
    narrow = type(graph).unchecked(
        graph.movie_ptr.astype(np.int32),
        graph.movie_users,
        graph.user_ptr.astype(np.int32),
        graph.user_movies,
    )
    assert_same_walks(graph, narrow)


def far_away(path, values, shift):
    """The values behind ``shift`` others, in a sparse file that takes no space."""
    with path.open("wb") as file:
        file.seek(4 * shift)
        file.write(values.astype(np.int32).tobytes())
    return np.memmap(path, np.int32, "r+")


def test_walks_read_edges_beyond_32_bits(tmp_path):
    near = random_graph(seed=1)
    shift = 2**32 - near.num_edges // 2  # the first half of the edges is below 2^32, the other above
    far = type(near).unchecked(
        near.movie_ptr.astype(np.int64) + shift,
        far_away(tmp_path / "users", near.movie_users, shift),
        near.user_ptr.astype(np.int64) + shift,
        far_away(tmp_path / "movies", near.user_movies, shift),
    )
    assert_same_walks(far, near)


@fuzz(60)
@given(st.lists(st.integers(0, 10**6), min_size=1, max_size=30), st.integers(1, 40), st.booleans())
def test_spans_of_a_file_give_each_line_once(tmp_path_factory, numbers, span, last_newline):
    path = tmp_path_factory.mktemp("spans") / "a.csv"
    path.write_text("n\n" + "\n".join(map(str, numbers)) + "\n" * last_newline)
    column = (NumberColumn("n", ID),)
    found = [
        number
        for first in range(0, path.stat().st_size, span)
        for (block,) in read_number_columns(path, column, span=(first, first + span))
        for number in block.tolist()
    ]
    assert found == numbers


def test_an_error_in_a_span_names_the_line_of_the_file(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("n\n" + "1\n" * 20 + "x\n" + "1\n" * 20)
    with pytest.raises(UserError, match="line 22: n must be a whole number"):
        list(read_number_columns(path, (NumberColumn("n", ID),), span=(30, 60)))


def parquet_with(folder, table):
    (folder / "ratings").mkdir()
    (folder / "movies.csv").write_text(MOVIES)
    pa.parquet.write_table(table, folder / "ratings" / "a.parquet")
    return folder


GOOD = {"userId": [1, 2], "movieId": [3, 5], "rating": [4.0, 2.0], "timestamp": [1, 2]}


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"rating": [4.0, None]}, "has empty values in rating; drop these rows"),
        ({"rating": [4.0, float("nan")]}, "values in rating that are not a finite number of 0 or more"),
        (
            {"rating": [4.0, 8.0]},
            "a.parquet has ratings up to 8, above the best rating, 5; correct them, or give",
        ),
        ({"userId": [1, -2]}, "values in userId that are not a whole number from 0"),
        ({"userId": ["a", "b"]}, "must have the columns userId, movieId, rating, timestamp as numbers"),
        ({"userId": [1.5, 2.0]}, "must have the columns userId, movieId, rating, timestamp as numbers"),
        ({"movieId": [98, 99]}, "2 of 2 ratings are of films that are not in the catalogue"),
    ],
)
def test_bad_parts_are_refused_in_one_line(tmp_path, changed, message):
    folder = parquet_with(tmp_path, pa.table(GOOD | changed))
    with pytest.raises(UserError, match=message) as caught:
        ingest(folder, tmp_path / "work")
    assert "\n" not in str(caught.value)


def test_a_part_without_a_column_or_of_another_kind(tmp_path):
    folder = parquet_with(tmp_path, pa.table({"userId": [1]}))
    with pytest.raises(UserError, match="must have the columns"):
        read_piece(folder, find_source(folder).pieces[0])
    (folder / "ratings" / "a.parquet").write_text("no")
    with pytest.raises(UserError, match="not a Parquet file or is damaged"):
        find_source(folder)


def test_folders_that_are_not_read(tmp_path):
    with pytest.raises(UserError, match="no folder"):
        find_source(tmp_path / "none")
    with pytest.raises(UserError, match="has no MovieLens ratings"):
        find_source(tmp_path)
    (tmp_path / "schema.json").write_text("{}")
    with pytest.raises(UserError, match="has schema.json, which --mode prepare does not read"):
        find_source(tmp_path)


def test_changed_ratings_are_read_again(tmp_path):
    rows = [(user, movie, 8, time) for time, user in enumerate((1, 2, 3)) for movie in (3, 5, 7, 9)]
    write_csv(tmp_path / "ratings.csv", rows)
    (tmp_path / "movies.csv").write_text(MOVIES)
    first, _ = ingest(tmp_path, tmp_path / "work")
    write_csv(tmp_path / "ratings.csv", [*rows, (4, 12, 8, 1), (4, 3, 8, 2), (4, 5, 8, 3)])
    assert Path(tmp_path / "work" / "user_side").is_dir()
    assert_equal(ingest(tmp_path, tmp_path / "work"), tmp_path)
    assert first.num_users == 3


def test_moved_data_are_not_read_again(tmp_path):
    rows = [(user, movie, 8, time) for time, user in enumerate((1, 2, 3)) for movie in (3, 5, 7, 9)]
    write_csv(tmp_path / "data" / "ratings.csv", rows)
    (tmp_path / "data" / "movies.csv").write_text(MOVIES)
    engine = Here()
    for place in ("data", "moved"):
        if place == "moved":
            (tmp_path / "data").rename(tmp_path / "moved")
            engine.blocks.clear()
        stages = preparation(find_source(tmp_path / place), "temporal", 0.0, ModelConfig(), 0)
        with opened(tmp_path / "work", engine) as runner:
            runner.run(stages[:INGEST])
    assert engine.blocks == []
