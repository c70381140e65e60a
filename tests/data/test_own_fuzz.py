"""Whatever a folder of own data holds, and whatever its schema says: a right reading, or one line.

A folder that is well made in one of many forms is damaged here and there; its schema gets other values.
"""

import copy
import gzip
import json
from pathlib import Path

import numpy as np
import pyarrow
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

from base.errors import UserError
from data.dataset import load_movielens
from data.reading import text_blocks
from tests.fuzzing import fuzz

pytestmark = pytest.mark.slow

ITEMS = "id,name,kinds,year,price,brand,p1,p2\n" + "".join(
    f"i{n},Thing {n},a|b{n % 3},{1990 + n},{n}.5,B{n % 2},{n},{n * n}\n" for n in range(8)
)
LOG = "u,i,r,t,w,k,note\n" + "".join(
    f"u{n % 5},i{n * 7 % 8},{n % 5 + 1},{1_400_000_000 + n}.25,{n},{'view' if n % 3 else 'buy'},note {n}\n"
    for n in range(30)
)
SCHEMA = {
    "items": {
        "file": "items.csv", "id": "id", "title": "name", "genres": "kinds", "year": "year", "text": ["name"],
        "numbers": ["price"], "categories": ["brand"], "keep": ["price"], "empty": ["B1"],
        "vectors": [{"name": "v", "file": "v.npy", "ids": "ids.txt"}, {"name": "p", "columns": ["p1", "p2"]}],
    },
    "interactions": {
        "file": "log", "user": "u", "item": "i", "rating": "r", "timestamp": "t", "weight": "w",
        "kind": {"column": "k", "weights": {"view": 1, "buy": 5}},
    },
}  # fmt: skip
PIECES = [
    b"", b",", b'"', b"\n", b"\r", b"\0", b"\xff", b"\xef\xbb\xbf", b"\xff\xfe", b"0", b"-", b"1e9", b"nan",
    b"\\N", b"PAR1", b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"SQLite format 3\0", b"PK\x03\x04", b"\xd8\x00", b" ",
]  # fmt: skip
OTHER = [
    None, True, 0, -1, 2.5, 1e400, "", "x", "id", "u", "log", ",", "\t", '"', "\\", ".", "..", "items.csv",
    [], ["id"], ["\\N"], {}, {"view": 2}, "utf-16", "latin-1", "utf-7", "iso", "number", "count", "last",
]  # fmt: skip


def write(folder: Path, form: str) -> list[Path]:
    """The files of the folder, the log in one of several forms."""
    files = {"items.csv": ITEMS.encode(), "ids.txt": b"i3\ni1\ni5\n"}
    np.save(folder / "v.npy", np.arange(12, dtype=np.float32).reshape(3, 4))
    if form == "gz":
        files["log"] = gzip.compress(LOG.encode())
    elif form == "zst":
        files["log"] = pyarrow.compress(LOG.encode(), codec="zstd", asbytes=True)
    elif form == "utf-16":
        files["log"] = LOG.encode("utf-16")
    elif form == "parquet":
        names, *rows = [line.split(",") for line in LOG.splitlines()]
        columns = dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))
        columns |= {name: [float(one) for one in columns[name]] for name in ("r", "t", "w")}
        parquet.write_table(pyarrow.table(columns), folder / "log", row_group_size=11)
    else:
        files["log"] = LOG.encode()
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return [folder / name for name in ("items.csv", "log", "ids.txt", "v.npy")]


@st.composite
def damages(draw):
    """What to do to the bytes of a file."""
    return draw(
        st.lists(
            st.tuples(
                st.floats(0, 1, exclude_max=True),
                st.integers(0, 12),
                st.sampled_from(PIECES) | st.binary(max_size=3),
                st.sampled_from(["replace", "replace", "insert", "cut", "double"]),
            ),
            min_size=1,
            max_size=3,
        )
    )


def damaged(content: bytes, changes) -> bytes:
    """The content after some changes."""
    for share, stretch, piece, kind in changes:
        at = int(share * len(content))
        if kind == "cut":
            content = content[:at]
        elif kind == "double":
            content = content[:at] + content[at : at + 10 * stretch] + content[at:]
        else:
            content = content[:at] + piece + content[at + stretch * (kind == "replace") :]
    return content


@st.composite
def schemas(draw):
    """The schema with a few keys gone or with other values."""
    schema = copy.deepcopy(SCHEMA)
    for _ in range(draw(st.integers(0, 2))):
        table = schema[draw(st.sampled_from(["items", "interactions"]))]
        optional = [
            *(
                "separator",
                "encoding",
                "quotes",
                "quote",
                "escape",
                "decimal",
                "header",
                "empty",
                "genre_separator",
            ),
            *("best_rating", "timestamp_format", "repeats", "text_encoder"),
        ]
        key = draw(st.sampled_from([*table, *optional]))
        if draw(st.booleans()):
            table.pop(key, None)
        else:
            table[key] = draw(st.sampled_from(OTHER) | st.sampled_from([*"abrtwk,;|"]))
    return schema


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("fuzz")


@fuzz(200)
@given(
    st.sampled_from(["csv", "gz", "zst", "utf-16", "parquet"]),
    schemas(),
    st.none() | damages(),
    st.integers(0, 3),
    st.sampled_from([5, 100, 1 << 20]),
)
def test_a_damaged_folder_is_read_or_is_one_line(folder, form, schema, changes, which, block_bytes):
    files = write(folder, form)
    if changes:
        files[which].write_bytes(damaged(files[which].read_bytes(), changes))
    (folder / "schema.json").write_text(json.dumps(schema))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(text_blocks, "BLOCK_BYTES", block_bytes)
        try:
            data = load_movielens(folder, cache=False)
        except UserError as error:
            assert len(str(error).splitlines()) == 1 and len(str(error)) < 900, str(error)
            return
    inter = data.interactions
    assert len(inter) == len(inter.movies) == len(inter.ratings) == len(inter.timestamps) > 0
    assert inter.movies.min() >= 0 and inter.movies.max() < data.num_movies == len(data.movies.titles)
    assert inter.users.max() + 1 == data.num_users == len(data.user_text_ids)
    assert np.isfinite(inter.ratings).all() and inter.ratings.min() >= 0 and inter.ratings.max() <= 5
    assert len(set(data.movies.text_ids)) == data.num_movies and all(data.movies.text_ids)
    order = np.lexsort([inter.timestamps, inter.users])
    np.testing.assert_array_equal(order, np.arange(len(inter)))
    assert len({*zip(inter.users.tolist(), inter.movies.tolist(), strict=True)}) == len(inter)
    if data.events is not None:
        assert np.isfinite(data.events.amounts).all() and (data.events.amounts > 0).all()
        np.testing.assert_array_equal(data.events.edges[data.events.own], np.arange(len(inter)))
    if not changes and schema == SCHEMA and form != "utf-16":
        assert len(inter) == 29 and data.content.vectors[0].movies.tolist() == [3, 1, 5]
