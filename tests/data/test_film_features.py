"""``features.json`` beside a MovieLens release: the scale of ratings, and what else is known about films."""

import json

import numpy as np
import pyarrow
import pytest
from pyarrow import parquet

from base.errors import UserError
from data.dataset import load_movielens
from data.reading.film_features import FilmRows
from tests.data.test_dataset import assert_same

RATINGS = "1::10::8::5\n1::2::10::6\n7::10::3::7\n7::31::0::8\n"
FILMS = "10::Heat (1995)::Action\n2::Jumanji (1995)::Adventure\n31::Casino::Drama\n"
MORE = """id,price,brand,blurb,stock
31,2.5,Acme,"Cards, and love",3
002,,Bolt,\\N,
99,1,x,y,4
10.0,7,Acme,Cops,0
"""


def release(folder, features=None, **files):
    """A release in the form of ml-1m; ``files`` are named with ``_`` for ``.``."""
    folder.mkdir(exist_ok=True, parents=True)
    (folder / "ratings.dat").write_text(RATINGS)
    (folder / "movies.dat").write_text(FILMS)
    for name, content in files.items():
        (folder / name.replace("_", ".")).write_text(content)
    if features is not None:
        (folder / "features.json").write_text(json.dumps(features))
    return folder


def message_of(folder):
    with pytest.raises(UserError) as caught:
        load_movielens(folder)
    text = str(caught.value)
    assert text.isprintable()
    return text.replace(f"{folder}/", "").replace(str(folder), "FOLDER")


# --- the scale --------------------------------------------------------------------------------------


def test_a_scale_that_is_not_stars_is_refused_with_the_way_to_give_it(tmp_path):
    assert message_of(release(tmp_path)) == (
        "FOLDER has ratings up to 10, above the best rating, 5; correct them, or give the best one in "
        'features.json beside the files: {"interactions": {"best_rating": 10}}'
    )


def test_the_scale_of_features_json_makes_stars(tmp_path):
    read = load_movielens(release(tmp_path, {"interactions": {"best_rating": 10}}), min_rating=3)
    assert read.best_rating == 10 and read.interactions.ratings.tolist() == [4.0, 5.0, 1.5]
    assert read.notes == ("1 of 4 ratings below 3 of 10 dropped",)


def test_ratings_above_the_scale_given_are_refused(tmp_path):
    text = message_of(release(tmp_path, {"interactions": {"best_rating": 8}}))
    assert "has ratings up to 10, above the best rating, 8" in text


# --- the fingerprint --------------------------------------------------------------------------------

BLOCK = {"name": "image", "file": "image.npy", "ids": "ids.txt"}
STARRED = {"ratings_dat": "1::10::4::5\n1::2::5::6\n7::31::3::7\n"}


@pytest.mark.parametrize(
    "nothing",
    [{}, {"items": None}, {"items": {}}, {"interactions": {"best_rating": 5.0}}, {"items": {"text": []}}],
)
def test_keys_at_their_default_change_nothing(tmp_path, nothing):
    plain = load_movielens(release(tmp_path / "a" / "data", **STARRED))
    assert_same(load_movielens(release(tmp_path / "b" / "data", nothing, **STARRED)), plain)


def test_whatever_changes_the_content_changes_the_fingerprint(tmp_path):
    block = {"name": "image", "file": "image.npy", "ids": "ids.txt"}
    folders = {
        "plain": release(tmp_path / "a", **STARRED),
        "text": release(
            tmp_path / "b",
            {"items": {"file": "more.csv", "id": "id", "text": ["blurb"]}},
            more_csv=MORE,
            **STARRED,
        ),
        "other": release(
            tmp_path / "c",
            {"items": {"file": "more.csv", "id": "id", "text": ["blurb"]}},
            more_csv=MORE + "1,,,,\n",
            **STARRED,
        ),
        "keep": release(
            tmp_path / "d",
            {"items": {"file": "more.csv", "id": "id", "keep": ["blurb"]}},
            more_csv=MORE,
            **STARRED,
        ),
    }
    for name, values in (("ones", np.ones((1, 2))), ("twos", 2 * np.ones((1, 2)))):
        folders[name] = release(tmp_path / name, {"items": {"vectors": [block]}}, ids_txt="10\n", **STARRED)
        np.save(folders[name] / "image.npy", values)
    prints = {load_movielens(folder).fingerprint for folder in folders.values()}
    assert len(prints) == len(folders)


# --- the content ------------------------------------------------------------------------------------

ITEMS = {
    "file": "more.csv", "id": "id", "text": ["blurb"], "numbers": ["price"], "categories": ["brand"],
    "keep": ["stock"], "empty": ["\\N"],
    "vectors": [{"name": "both", "columns": ["price", "stock"], "dim": 2}],
}  # fmt: skip


def test_rows_of_the_table_meet_films_by_their_ids(tmp_path):
    folder = release(tmp_path, {"items": ITEMS}, more_csv=MORE, **STARRED)
    for _ in range(2):  # from the files and from the cache
        read = load_movielens(folder)
        content = read.content
        assert content.text == ["Cops", "", "Cards, and love"] and content.text_columns == ("blurb",)
        np.testing.assert_array_equal(content.numbers["price"], [7, np.nan, 2.5])
        assert content.categories == {"brand": ["Acme", "Bolt", "Acme"]}
        assert content.kept == {"stock": ["0", "", "3"]}
        (block,) = content.vectors
        assert (
            block.movies.tolist() == [0, 2] and block.values.tolist() == [[7, 0], [2.5, 3]] and block.dim == 2
        )
        assert read.notes == ("1 row of more.csv of unknown films left out",)
        assert [(one.name, one.count, one.total, one.examples) for one in read.findings] == [
            ("rows_of_unknown_films", 1, 4, ("99",))
        ]


def test_columns_of_movies_csv_need_no_other_table(tmp_path):
    (tmp_path / "ratings.csv").write_text("userId,movieId,rating,timestamp\n1,1,4,5\n1,2,3,6\n")
    (tmp_path / "movies.csv").write_text("movieId,title,genres,plot\n1,A,x,Boats\n2,B,y,\n")
    (tmp_path / "features.json").write_text('{"items": {"text": ["title", "plot"]}}')
    assert load_movielens(tmp_path).content.text == ["A Boats", "B"]


def test_vectors_of_files_need_no_table(tmp_path):
    block = {"name": "image", "file": "image.npy", "ids": "ids.txt"}
    folder = release(tmp_path, {"items": {"vectors": [block]}}, ids_txt="31\n010\n", **STARRED)
    np.save(folder / "image.npy", np.array([[1, 2], [3, 4]], dtype=np.float16))
    (vectors,) = load_movielens(folder).content.vectors
    assert vectors.movies.tolist() == [2, 0] and vectors.values[vectors.rows].tolist() == [[1, 2], [3, 4]]


@pytest.mark.parametrize("width", ["float16", "float32", "float64"])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_vectors_of_any_width_must_be_finite(tmp_path, width, value):
    block = {"name": "image", "file": "image.npy", "ids": "ids.txt"}
    folder = release(tmp_path, {"items": {"vectors": [block]}}, ids_txt="31\n10\n", **STARRED)
    np.save(folder / "image.npy", np.array([[1, 2], [3, value]], dtype=width))
    expected = f"block image has the value {value} at position 1 of the vector of id '10'"
    assert message_of(folder).startswith(expected)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"1,2\n3,4\n", "image.npy is not a .npy file; write block image by numpy.save"),
        (
            b"\x93NUMPY\x01\x00\x06\x00{'a': (",
            "image.npy cannot be read as an array of numbers; write block image",
        ),
        (b"\x93NUMPY", "image.npy cannot be read as an array of numbers; write block image by numpy.save"),
    ],
)
def test_damaged_arrays_are_refused(tmp_path, content, expected):
    folder = release(tmp_path, {"items": {"vectors": [BLOCK]}}, ids_txt="31\n10\n", **STARRED)
    (folder / "image.npy").write_bytes(content)
    assert message_of(folder).startswith(expected)


def test_lists_of_a_parquet_table_are_vectors(tmp_path):
    table = pyarrow.table({"film": [31, 7, 10, 2], "v": [[1.0, 2.0], [8.0, 8.0], None, [3.0, 4.0]]})
    items = {"file": "more.parquet", "id": "film", "vectors": [{"name": "audio", "column": "v"}]}
    folder = release(tmp_path, {"items": items}, **STARRED)
    parquet.write_table(table, folder / "more.parquet")
    (vectors,) = load_movielens(folder).content.vectors
    assert vectors.movies.tolist() == [2, 1] and vectors.values.tolist() == [[1, 2], [3, 4]]


def test_film_rows_know_ids_in_every_spelling():
    find = FilmRows(np.array([10, 0, 2**53 + 1]))
    assert [find.get(text, -1) for text in ("10", "0010", "10.0", "1e1", "+10", "0", "1", "x", "", "-0")] == [
        *(0, 0, 0, 0, 0, 1, -1, -1, -1, 1)
    ]
    assert find["9007199254740993.0"] == 2 and "9007199254740992" not in find
    assert list(find) == ["10", "0", "9007199254740993"] and len(find) == 3


NUMBERS = {"file": "more.csv", "id": "id", "numbers": ["price"]}
WRONG = [
    ({"item": {}}, {}, "features.json: unknown key 'item'; did you mean items?"),
    ({"items": {"title": "x"}}, {}, "features.json: unknown key 'title' in items; "),
    (
        {"interactions": {"best_rating": 0}},
        {},
        "features.json: interactions.best_rating must be a finite number above 0, got 0; docs/",
    ),
    (
        {"interactions": {"best_rating": 1e-300}},
        {},
        "FOLDER has ratings up to inf, above the best rating, 1e-300",
    ),
    ({"items": NUMBERS | {"empty": ["-", 1]}}, {}, "features.json: items.empty[1] must be a text, got 1; "),
    (
        {"items": NUMBERS | {"keep": ["\t"]}},
        {"more_csv": MORE},
        "features.json: items.keep[0] must be the name of a column in printable characters, got '\\t'",
    ),
    (
        {"items": NUMBERS | {"keep": ["brand", "size"]}},
        {"more_csv": MORE},
        "more.csv, line 1: no column 'size' in the header 'id,price,brand,blurb,stock'; items.keep[1] in",
    ),
    (
        {"items": {"text": ["plot"]}},
        {},
        "movies.csv is missing; items.file in features.json must name a file",
    ),
    (
        {"items": {"vectors": [BLOCK]}},
        {},
        "image.npy is missing; items.vectors in features.json must name files",
    ),
    (
        {"items": NUMBERS | {"id": "movieId"}},
        {"more_csv": MORE},
        "more.csv, line 1: no column 'movieId' in the header 'id,price,brand,blurb,stock'; items.id in ",
    ),
    (
        {"items": NUMBERS},
        {"more_csv": MORE + "10,3,,,\n"},
        "more.csv, line 6: id '10' is already on line 5; give each film one line",
    ),
    (
        {"items": NUMBERS},
        {"more_csv": "id,price\n7,1\ntt9,2\n"},
        "more.csv: none of its 2 rows is of a film of the catalogue (not '7', 'tt9'); items.id in",
    ),
    (
        {"items": NUMBERS},
        {"more_csv": "id,price\n10,dear\n"},
        "more.csv: price must be a finite number, got 'dear'",
    ),
    (
        {"items": NUMBERS | {"vectors": [{"name": "a", "column": "price"}]}},
        {"more_csv": MORE},
        "more.csv: block a names the column price of lists, which only a Parquet file can have",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("features", "files", "expected"), WRONG)
def test_mistakes_are_one_line(tmp_path, features, files, expected):
    assert message_of(release(tmp_path, features, **(STARRED | files))).startswith(expected)


@pytest.mark.parametrize(
    ("ids", "expected"),
    [
        ("31\n031\n", "line 2: block image has the id '031' twice, first on line 1"),
        ("31\n9\n", "for the id '9', which no item has"),
    ],
)
def test_vectors_of_no_film_or_of_one_film_twice_are_refused(tmp_path, ids, expected):
    folder = release(tmp_path, {"items": {"vectors": [BLOCK]}}, ids_txt=ids, **STARRED)
    np.save(folder / "image.npy", np.ones((2, 3)))
    assert expected in message_of(folder)


def test_schema_and_features_together_are_refused(tmp_path):
    folder = release(tmp_path, {}, schema_json='{"interactions": {"file": "x", "user": "u", "item": "i"}}')
    assert message_of(folder) == (
        "FOLDER has schema.json and features.json, which is for MovieLens's files; move its keys to "
        "schema.json and remove it"
    )


def test_the_content_of_a_release_without_features_is_none(tmp_path):
    assert load_movielens(release(tmp_path, **STARRED)).content is None
