"""Whatever ``features.json`` and its files hold: a data set with content, or an error of one line."""

import io
import json
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from base.errors import UserError
from data.dataset import load_movielens
from tests.data.test_dataset_fuzz import PIECES, VALID_MOVIES, VALID_RATINGS, mutated
from tests.fuzzing import fuzz

pytestmark = pytest.mark.slow

FUZZ = fuzz(400)


def npy(values: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.save(file, values)
    return file.getvalue()


FEATURES = {
    "items": {
        "file": "more.csv",
        "text": ["plot"],
        "numbers": ["price"],
        "categories": ["brand"],
        "keep": ["stock"],
        "empty": ["\\N"],
        "vectors": [
            {"name": "image", "file": "image.npy", "ids": "ids.txt", "dim": 2},
            {"name": "both", "columns": ["price", "stock"]},
        ],
    },
    "interactions": {"best_rating": 10},
}
VALID = {
    "features.json": json.dumps(FEATURES).encode(),
    "more.csv": b'movieId,plot,price,brand,stock\n31,"Boats, boats",1.5,Acme,3\n1029,,\\N,Bolt,\n7,x,1,y,4\n',
    "image.npy": npy(np.arange(6, dtype=np.float32).reshape(2, 3)),
    "ids.txt": b"10\n31\n",
    "ratings.csv": VALID_RATINGS,
    "movies.csv": VALID_MOVIES,
}


def outcome(files: dict[str, bytes]) -> str | None:
    """The error's text, checked to be one line; None if data were read, which are checked, too."""
    with tempfile.TemporaryDirectory() as folder:
        for name, content in files.items():
            (Path(folder) / name).write_bytes(content)
        try:
            read = load_movielens(folder)
        except UserError as error:
            text = str(error)
            assert len(text.splitlines()) == 1 and text.isprintable() and len(text) < 600
            return text
        num = len(read.movies)
        assert read.interactions.ratings.max() <= 5 and 0 < read.best_rating < np.inf
        if (content := read.content) is not None:
            for block in content.vectors:
                values = np.asarray(block.values)[block.rows]
                assert np.isfinite(values).all() and 1 <= block.dim <= 8192
                assert len(set(block.movies.tolist())) == len(block.movies) == len(values)
                assert not len(block.movies) or 0 <= block.movies.min() <= block.movies.max() < num
            columns = [*content.categories.values(), *content.kept.values()]
            columns += [] if content.text is None else [content.text]
            assert all(len(column) == num for column in columns)
            assert all(len(some) == num and not np.isinf(some).any() for some in content.numbers.values())
        again = load_movielens(folder)  # from the cache
        assert again.fingerprint == read.fingerprint
        assert (again.content is None) == (content is None)
        return None


def test_the_valid_files_are_read():
    assert outcome(VALID) is None


@FUZZ
@given(st.data(), st.sampled_from([name for name in VALID if name != "image.npy"]))
def test_mutated_files(data, name):
    outcome(VALID | {name: data.draw(mutated(VALID[name]))})


@FUZZ
@given(st.data())
def test_mutated_arrays(data):
    content = bytearray(VALID["image.npy"])
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(content) - 1))
        kind = data.draw(st.sampled_from(["flip", "cut", "insert"]))
        if kind == "flip":
            content[place] ^= 1 << data.draw(st.integers(0, 7))
        elif kind == "cut":
            del content[place:]
        else:
            content[place:place] = data.draw(st.sampled_from(PIECES))
        if not content:
            break
    outcome(VALID | {"image.npy": bytes(content)})


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**400), 10**400) | st.floats() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
KEYS = (
    *("file", "id", "text", "numbers", "categories", "keep", "empty", "separator", "encoding", "quote"),
    *("escape", "decimal", "header", "text_encoder", "quotes"),
)
PLACES = [
    *(("items", key) for key in KEYS),
    *(("items",), ("interactions",), ("interactions", "best_rating")),
    *(("items", "vectors"), ("items", "vectors", 0), ("items", "vectors", 0, "file")),
    *(("items", "vectors", 0, "dim"), ("items", "vectors", 1, "columns")),
]
SOME = st.sampled_from(
    [
        *(
            "movieId",
            "plot",
            "price",
            "brand",
            "more.csv",
            "movies.csv",
            "ratings.csv",
            "image.npy",
            "ids.txt",
        ),
        *(
            ",",
            "\t",
            ";",
            "utf-16",
            "latin-1",
            "utf-7",
            "idna",
            "rot13",
            "hex",
            "/",
            ".",
            "..",
            "a/b",
            '"',
            "\\",
        ),
        *(True, False, 1, 7.5),
    ]
)


@FUZZ
@example(("items", "keep"), ["a/b"])
@given(st.sampled_from(PLACES), JSON | SOME | st.lists(SOME, max_size=3, unique_by=repr))
def test_any_value_of_any_key(place, value):
    features = json.loads(VALID["features.json"])
    inside = features
    for step in place[:-1]:
        inside = inside[step]
    inside[place[-1]] = value
    try:
        content = json.dumps(features).encode()
    except ValueError:  # a whole number of too many digits
        return
    outcome(VALID | {"features.json": content})
