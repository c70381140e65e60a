"""Folders of own data, damaged in any way: they are read, or one line says why not."""

import gzip
import io
import json

import numpy as np
import pyarrow
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

from base.errors import UserError
from data.dataset import load_movielens
from tests.data.test_reader_fuzz import damaged
from tests.fuzzing import fuzz

pytestmark = pytest.mark.slow

ITEMS = (
    "id;name;kinds;year;blurb;price;brand;p1\n"
    '1;"A; ""one""";x|y;1990;"warm\nlight";1,5;Lux;0,1\n2;B (2001);;2008.0;;\\N;Nord;2\n'
    "3;C;(no genres listed);;words;3;;-1\n4;;x;0;;1e2;Lux;\n"
)
EVENTS = (
    "u;i;t;r;n;k\na;1;2021-03-04T09:15:25.5Z;3,5;2;view\na;1;2021-03-04T09:15:26Z;3;1;buy\n"
    'b;2;2021-03-05;0;0;view\n"b";3;2021-03-04 10:00:00+01:00;5;7,5;view\nc;9;2021-03-04;1;1;no\n'
)
ITEM_KEYS = {
    "file": "items", "separator": ";", "decimal": ",", "empty": ["\\N"], "id": "id", "title": "name",
    "genres": "kinds", "year": "year", "text": ["name", "blurb"], "numbers": ["price"],
    "categories": ["brand"], "keep": ["price"],
    "vectors": [
        {"name": "sales", "columns": ["p1"], "dim": 2}, {"name": "image", "file": "v.npy", "ids": "v.txt"},
    ],
}  # fmt: skip
EVENT_KEYS = {
    "file": "events", "separator": ";", "decimal": ",", "user": "u", "item": "i", "rating": "r",
    "timestamp": "t", "timestamp_format": "iso", "weight": "n", "repeats": "count",
    "kind": {"column": "k", "weights": {"view": 1, "buy": 5, "no": 0}},
}  # fmt: skip
BOTH = {
    "separator": [",", ";", "|", "\t", " ", "é"],
    "quote": ["'", '"', ";", "\\"],
    "quotes": [True, False],
    "escape": ["\\", '"', ",", None],
    "decimal": [".", ","],
    "encoding": [
        "utf-8",
        "U8",
        "latin-1",
        "utf-16",
        "UTF_16_BE",
        "cp037",
        "shift_jis",
        "utf-7",
        "idna",
        "hz",
    ],
    "empty": [[], ["\\N", "3"], ["", "2021-03-04"]],
}
KEYS = {
    "items": BOTH
    | {
        "header": [["id"], ["id", "name", "kinds", "year", "blurb", "price", "brand", "p1"]],
        "year": [None, "year", "price"],
        "genre_separator": ["|", "x"],
        "vectors": [[], [{"name": "v", "column": "vector"}], [{"name": "p", "columns": ["price", "p1"]}]],
        "numbers": [[], ["year"], ["name"]],
    },
    "interactions": BOTH
    | {
        "header": [["u", "i"], ["u", "i", "t", "r", "n", "k"]],
        "timestamp_format": ["number", "iso"],
        "best_rating": [5, 10, 0.5],
        "repeats": ["first", "last", "count"],
        "rating": [None, "r", "t"],
        "timestamp": [None, "t", "n", "u"],
        "weight": [None, "n", "k"],
        "kind": [
            None,
            {"column": "k", "weights": {"view": 0}},
            {"column": "u", "weights": {"a": 1e6, "b": 1e-9, "c": 1}},
        ],
    },
}
PACKED = {
    "plain": bytes,
    "gzip": gzip.compress,
    "zstd": lambda content: pyarrow.compress(content, codec="zstd", asbytes=True),
}


def as_parquet(text):
    """The table of a text as Parquet, with a column of lists."""
    head, *rows = [line.split(";") for line in text.replace('"warm\nlight"', "warm").splitlines()]
    rows = [row[: len(head)] + [""] * (len(head) - len(row)) for row in rows]
    table = {name: pyarrow.array(column) for name, column in zip(head, zip(*rows, strict=True), strict=True)}
    table["vector"] = pyarrow.array([[1.0, 2.0], None, [0.5, 0.25], [3.0, 4.0], [5.0, 6.0]][: len(rows)])
    sink = io.BytesIO()
    parquet.write_table(pyarrow.table(table), sink)
    return sink.getvalue()


@st.composite
def folders(draw):
    """Files by name, and a schema; one or two things in them are not as they should be."""
    vectors = io.BytesIO()
    np.save(
        vectors, np.array([[1, 2], [3, 4]], dtype=draw(st.sampled_from(["float16", "float32", "float64"])))
    )
    encoding = draw(st.sampled_from(["utf-8", "utf-8", "utf-8", "latin-1", "utf-16"]))
    files = {"v.npy": vectors.getvalue(), "v.txt": b"1\n3\n"}
    keys = {"items": dict(ITEM_KEYS), "interactions": dict(EVENT_KEYS)}
    for name, text in (("items", ITEMS), ("events", EVENTS)):
        if draw(st.integers(0, 4)) == 0:
            files[name] = as_parquet(text)
        else:
            files[name] = draw(st.sampled_from(list(PACKED.values())))(text.encode(encoding))
    for name, table in keys.items():
        table["encoding"] = encoding
        for _ in range(draw(st.integers(0, 2))):
            key = draw(st.sampled_from(sorted(KEYS[name])))
            table[key] = draw(st.sampled_from(KEYS[name][key]))
    for _ in range(draw(st.integers(0, 1))):
        name = draw(st.sampled_from(sorted(files)))
        files[name] = draw(damaged(files[name]) | st.binary(max_size=60))
    if draw(st.integers(0, 3)) == 0:
        del keys["items"]
    return files, keys


@fuzz(150)
@given(folders())
def test_a_damaged_folder_is_read_or_is_one_line(tmp_path_factory, written):
    files, keys = written
    folder = tmp_path_factory.getbasetemp() / "own"
    folder.mkdir(exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    (folder / "schema.json").write_text(json.dumps(keys), encoding="utf-8")
    try:
        data = load_movielens(folder, cache=False)
    except UserError as error:
        assert len(str(error).splitlines()) == 1 and len(str(error)) < 1000, str(error)
        return
    inter, movies = data.interactions, data.movies
    assert len(inter) > 0 and len(movies) == len(movies.titles) == len(movies.genres) == len(movies.years)
    assert 0 <= inter.movies.min() and inter.movies.max() < len(movies)
    assert set(inter.users.tolist()) == set(range(data.num_users))
    assert np.isfinite(inter.ratings).all() and 0 <= inter.ratings.min() and inter.ratings.max() <= 5
    assert len(set(zip(inter.users.tolist(), inter.movies.tolist(), strict=True))) == len(inter)
    order = np.lexsort((np.arange(len(inter)), inter.timestamps, inter.users))
    assert (order == np.arange(len(inter))).all()
    if data.events is not None:
        assert (data.events.amounts > 0).all() and np.isfinite(data.events.amounts).all()
        assert (data.events.edges[data.events.own] == np.arange(len(inter))).all()
    for text in (*movies.text_ids, *data.user_text_ids, *movies.titles):
        text.encode()  # no half of a surrogate pair, which no file could be written with
    load_movielens(folder)  # through the cache
