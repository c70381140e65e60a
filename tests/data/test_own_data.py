"""Data of other fields: what a schema may say, what it may not, and a library of books from end to end."""

import copy
import csv
import io
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from base.errors import UserError
from commands.entry import main_inference, main_modes, main_train
from data.dataset import load_movielens
from data.reading.features_json import read_features
from data.reading.schema import InteractionTable, ItemTable, read_schema
from tests.books import SCHEMA, library, shelf_of
from tests.commands.test_commands import flags, refused
from tests.fuzzing import fuzz
from tests.planted import planted_movielens
from tests.workspaces import ask, trained

ROOT = Path(__file__).resolve().parents[2]
RATED = {"rating": "stars", "timestamp": "day"}
PATIENT = fuzz()


def changed(table, **values):
    """``SCHEMA`` with other values in one table; a value of ... takes the key away."""
    schema = copy.deepcopy(SCHEMA)
    schema[table] = {k: v for k, v in (schema[table] | values).items() if v is not ...}
    return schema


def small(folder, items="isbn;name\na;A (1999)\nb;\n", interactions="reader;book\n", keys=None, genres=None):
    """A folder of two small files and the least schema for them, with more keys for the interactions."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "books.csv").write_text(items, encoding="utf-8")
    (folder / "loans.txt").write_text(interactions, encoding="utf-8")
    least = {
        "items": {"file": "books.csv", "separator": ";", "id": "isbn", "title": "name"},
        "interactions": {"file": "loans.txt", "separator": ";", "user": "reader", "item": "book"},
    }
    least["interactions"] |= keys or {}
    least["items"]["genres"] = genres
    (folder / "schema.json").write_text(json.dumps(least), encoding="utf-8")
    return folder


def read(folder):
    """Interactions as (user, item, rating, timestamp) with the ids of the data."""
    data = load_movielens(folder, cache=False)
    inter = data.interactions
    return [
        (data.user_text_ids[u], data.movies.public_id(m), float(r), int(t))
        for u, m, r, t in zip(inter.users, inter.movies, inter.ratings, inter.timestamps, strict=True)
    ]


def test_a_library_is_read_as_its_schema_says(tmp_path):
    data = load_movielens(library(tmp_path / "books"))
    assert data.movies.text_ids[:2] == ["sea/000-X", "stars/001-X"] and data.num_movies == 40
    assert data.user_text_ids[5] == "Reader Nº5" and data.num_users == 60 and len(data.interactions) == 720
    assert data.movies.titles[7] == 'Tome 007; or, the "Whale", Éd. 鯨'
    assert data.movies.genres[:2] == [(), ("stars", "novels")]
    np.testing.assert_array_equal(data.movies.years[:3], np.float32([np.nan, 1901, 1902]))
    assert set(data.interactions.ratings) == {5.0}
    again = load_movielens(tmp_path / "books")  # from the cache
    assert again.movies.text_ids == data.movies.text_ids and again.movies.titles == data.movies.titles
    assert again.user_text_ids == data.user_text_ids and again.fingerprint == data.fingerprint


def test_rows_without_times_keep_the_files_order_and_repeats_count_once(tmp_path):
    folder = small(tmp_path, interactions="reader;book\nzoe;b\nadam;a\nzoe;a\nzoe;b\nzoe;unknown\n")
    assert [row[:2] for row in read(folder)] == [("zoe", "b"), ("zoe", "a"), ("adam", "a")]
    assert load_movielens(folder).notes == (
        "1 interaction of unknown items dropped: 'unknown'",
        "1 repeated interaction counted in the weight of the first",
    )


def test_ratings_are_scaled_and_dates_put_in_order(tmp_path):
    loans = "reader;book;stars;day\nx;a;10;2024-05-31\nx;b;7;2024-05-30T23:59:59+00:00\n"
    keys = {"rating": "stars", "best_rating": 10, "timestamp": "day", "timestamp_format": "iso"}
    folder = small(tmp_path, interactions=loans, keys=keys)
    assert read(folder) == [("x", "b", 3.5, 1717113599000000), ("x", "a", 5.0, 1717113600000000)]
    data = load_movielens(folder, min_rating=8)
    assert data.user_text_ids == ["x"] and len(data.interactions) == 1


def test_a_user_without_high_ratings_leaves_with_the_id(tmp_path):
    loans = "reader;book;stars\nlow;a;1\nhigh;b;5\n"
    folder = small(tmp_path, interactions=loans, keys={"rating": "stars"})
    data = load_movielens(folder, min_rating=4)
    assert data.user_text_ids == ["high"] and data.num_users == 1 and data.interactions.users.tolist() == [0]


def test_titles_genres_and_a_catalogue_may_be_missing(tmp_path):
    folder = small(tmp_path, interactions="reader;book\nx;b\ny;c\n")
    movies = load_movielens(folder, cache=False).movies
    assert movies.titles == ["A (1999)", "b"] and movies.genres == [(), ()] and movies.years[0] == 1999
    schema = json.loads((folder / "schema.json").read_text())
    del schema["items"]
    (folder / "schema.json").write_text(json.dumps(schema))
    movies = load_movielens(folder, cache=False).movies
    assert movies.titles == movies.text_ids == ["b", "c"] and np.isnan(movies.years).all()


def test_files_without_header_without_quotes_and_in_other_encodings(tmp_path):
    (tmp_path / "loans.tsv").write_bytes('j\xfcrgen\t6" nails\nj\xfcrgen\t8" nails\n'.encode("latin-1"))
    schema = {
        "interactions": {
            "file": "loans.tsv", "separator": "\t", "quotes": False, "encoding": "latin-1",
            "header": ["who", "what"], "user": "who", "item": "what",
        }
    }  # fmt: skip
    (tmp_path / "elsewhere.json").write_text(json.dumps(schema))
    data = load_movielens(tmp_path, schema=str(tmp_path / "elsewhere.json"))
    assert data.user_text_ids == ["jürgen"] and data.movies.text_ids == ['6" nails', '8" nails']


def test_the_fingerprint_knows_the_schema_but_not_its_spelling(tmp_path):
    folder = library(tmp_path / "books")
    seen = load_movielens(folder).fingerprint
    (folder / "schema.json").write_text(json.dumps(SCHEMA | {"items": SCHEMA["items"] | {"quotes": True}}))
    assert load_movielens(folder).fingerprint == seen
    (folder / "schema.json").write_text(json.dumps(changed("items", genres=...)))
    without = load_movielens(folder)
    assert without.fingerprint != seen and without.movies.genres[1] == ()


@pytest.mark.parametrize(
    ("best_rating", "fingerprint"),
    [(5.0, "7003df64af41601884b82e1677c46221"), (10, "92d58ccaf24ad19c2f45ef2ea7fd1b92")],
)
def test_the_fingerprint_is_that_of_older_checkpoints(tmp_path, best_rating, fingerprint):
    folder = library(tmp_path / "books")
    (folder / "schema.json").write_text(json.dumps(changed("interactions", best_rating=best_rating)))
    assert load_movielens(folder).fingerprint == fingerprint


def test_movielens_read_by_a_schema_is_what_its_own_reader_makes_of_it(tmp_path):
    plain = load_movielens(planted_movielens(tmp_path / "planted"), min_rating=2)
    schema = {
        "items": {"file": "movies.csv", "id": "movieId", "title": "title", "genres": "genres"},
        "interactions": {
            "file": "ratings.csv", "user": "userId", "item": "movieId", "rating": "rating",
            "timestamp": "timestamp",
        },
    }  # fmt: skip
    (tmp_path / "schema.json").write_text(json.dumps(schema))
    ours = load_movielens(tmp_path / "planted", min_rating=2, schema=str(tmp_path / "schema.json"))
    for name in ("users", "movies", "ratings", "timestamps"):
        ours_values, theirs = (getattr(data.interactions, name) for data in (ours, plain))
        np.testing.assert_array_equal(ours_values, theirs)
        assert ours_values.dtype == theirs.dtype
    assert (ours.movies.titles, ours.movies.genres) == (plain.movies.titles, plain.movies.genres)
    np.testing.assert_array_equal(ours.movies.years, plain.movies.years)
    assert ours.movies.text_ids == [str(movie) for movie in plain.movies.ids]
    assert ours.user_text_ids == [str(user) for user in plain.user_ids]


ID = st.text(
    st.characters(codec="utf-8", exclude_characters="\x00\r\n") | st.sampled_from('";,|é'), min_size=1
)
IDS = ID.map(str.strip).filter(bool)


@PATIENT
@given(
    st.lists(st.tuples(IDS, ID.map(str.strip)), min_size=1, max_size=5, unique_by=lambda x: x[0]), st.data()
)
def test_hostile_ids_and_titles_are_read_as_they_were_written(tmp_path_factory, catalogue, data):
    folder = tmp_path_factory.mktemp("hostile")
    taken = data.draw(st.lists(st.tuples(IDS, st.sampled_from(catalogue)), min_size=1, max_size=6))
    tables = {
        "books.csv": [("isbn", "name"), *catalogue],
        "loans.txt": [("reader", "book"), *((user, item[0]) for user, item in taken)],
    }
    small(folder)
    for name, rows in tables.items():
        with (folder / name).open("w", newline="", encoding="utf-8") as file:
            csv.writer(file, delimiter=";", quoting=csv.QUOTE_ALL).writerows(rows)
    release = load_movielens(folder, cache=False)
    assert release.movies.text_ids == [item for item, _ in catalogue]
    assert release.movies.titles == [title or item for item, title in catalogue]
    expected = dict.fromkeys((user, item[0]) for user, item in taken)
    users = list(dict.fromkeys(user for user, _ in taken))
    assert [row[:2] for row in read(folder)] == sorted(expected, key=lambda row: users.index(row[0]))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda children: (
        st.lists(children, max_size=3)
        | st.dictionaries(st.sampled_from([*ItemTable.model_fields, "items", "user"]), children)
    ),
)


@PATIENT
@given(st.dictionaries(st.sampled_from(["items", "interactions"]), JSON) | JSON)
def test_any_other_json_is_one_line(tmp_path_factory, content):
    path = tmp_path_factory.getbasetemp() / "fuzz.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    try:
        read_schema(path)
    except UserError as error:
        assert "\n" not in str(error) and str(error).startswith(str(path))
        assert "pydantic" not in str(error) and "Input should" not in str(error)


MARKS = [
    b";",
    b'"',
    b"\n",
    b"\r",
    b"\x00",
    b"\xff",
    b"\xef\xbb\xbf",
    b"a",
    b"7",
    b"-",
    b" ",
    b"1e9",
    b"nan",
    b"24-05",
]


@PATIENT
@given(*[st.lists(st.sampled_from(MARKS), max_size=12).map(b"".join) for _ in range(2)], st.booleans())
def test_damaged_files_are_read_or_are_one_line(tmp_path_factory, items, interactions, quotes):
    folder = small(
        tmp_path_factory.getbasetemp() / "damaged", keys={**RATED, "quotes": quotes}, genres="kind"
    )
    (folder / "books.csv").write_bytes(b"isbn;name;kind\na;A;k\n" + items)
    (folder / "loans.txt").write_bytes(b"reader;book;stars;day\nx;a;5;1\n" + interactions)
    try:
        data = load_movielens(folder, cache=False)
    except UserError as error:
        assert len(str(error).splitlines()) == 1
    else:
        assert data.num_movies == len(data.movies.titles) == len(data.movies.genres) == len(data.movies.years)
        assert data.interactions.movies.max() < data.num_movies and data.interactions.ratings.max() <= 5


@pytest.mark.parametrize(
    ("schema", "message"),
    [
        ("{", "schema.json, line 1, column 2: the JSON ends too early; correct it"),
        ('{"items": 1,\n]', "schema.json, line 2, column 1: not valid JSON at ']'; correct it"),
        ("[" * 100_000, "not valid JSON (nested too deeply); correct it"),
        (b"\xff", "is not UTF-8 text at byte 0; save it as UTF-8"),
        (
            [],
            'schema.json must be an object such as {"interactions": ...}, got []; docs/own_data.md explains',
        ),
        ('{"items": {}, "items": {}}', "not valid JSON (the key 'items' occurs twice); correct it"),
        ({}, 'interactions is missing; add it: an object such as {"file": ..., "user": ..., "item": ...}'),
        (SCHEMA | {"itemz": {}}, "unknown key 'itemz'; did you mean items?"),
        (SCHEMA | {"users": {}}, "unknown key 'users'; known keys are interactions, items"),
        (
            SCHEMA | {"items": "books.csv"},
            'items must be an object such as {"file": ..., "id": ...}, got \'books.csv\'; docs/own_data.md',
        ),
        (changed("items", id=...), "items.id is missing; add it: the name of a column"),
        (changed("items", titel="name"), "unknown key 'titel' in items; did you mean title?"),
        (
            changed("items", id=7),
            "items.id must be the name of a column in printable characters, got 7; docs/own_data.md",
        ),
        (changed("items", file=""), "items.file must be the name of a file in printable characters"),
        (changed("items", quotes="no"), "items.quotes must be true or false, got "),
        (changed("items", header=[]), "items.header must be a list of column names, got []"),
        (changed("items", separator="::"), "items.separator must be one character"),
        (
            changed("items", encoding="utf-9"),
            "items.encoding must be an encoding that Python knows, such as utf-8, latin-1 or cp1252, "
            "got 'utf-9'; docs/own_data.md explains schema.json",
        ),
        (changed("items", encoding="hex"), "items.encoding must be an encoding that Python knows"),
        (
            changed("interactions", best_rating=True),
            "interactions.best_rating must be a finite number above 0, got true",
        ),
        (
            changed("interactions", best_rating=0),
            "interactions.best_rating must be a finite number above 0, got 0",
        ),
        (
            changed("interactions", best_rating=10**400),
            "interactions.best_rating must be a finite number above 0, got 1000",
        ),
        (changed("items", file="\ud800"), "items.file must be the name of a file in printable characters"),
        (
            changed("items", header=["isbn", "\x00"]),
            "items.header[1] must be the name of a column in printable characters, got '\\x00'",
        ),
        (
            changed("interactions", timestamp_format="us"),
            "interactions.timestamp_format must be number or iso, got 'us'",
        ),
        (
            changed("items", file="novels.csv"),
            "novels.csv is missing; items.file in the schema must name a file",
        ),
        (
            changed("items", id="ISBN"),
            "books.csv, line 1: no column 'ISBN' in the header 'shelf mark,isbn,name,published,subjects'; "
            "items.id in the schema must name a column that the header has once; check items.separator too",
        ),
        (
            changed("items", header=["isbn"] * 5, id="isbn"),
            "line 1: more than one column 'isbn' in the header",
        ),
        (changed("items", separator=","), "no column 'isbn' in the header 'shelf mark;isbn;name"),
        (
            changed("interactions", item="reader"),
            "'Reader Nº2'; check interactions.item and items.id in the schema, and write ids in both files in"
            " the same way",
        ),
    ],
)
def test_a_mistake_in_the_schema_is_one_line_that_says_what_to_do(tmp_path, capsys, schema, message):
    folder = library(tmp_path / "books")
    content = schema if isinstance(schema, str | bytes) else json.dumps(schema)
    (folder / "schema.json").write_bytes(content if isinstance(content, bytes) else content.encode())
    line = refused(capsys, main_train, flags(tmp_path, "books"))
    assert message in line


@pytest.mark.parametrize(
    ("items", "interactions", "keys", "message"),
    [
        ("isbn;name\na;A\na;B\n", "", {}, "books.csv, line 3: isbn 'a' occurs twice; give each item"),
        ("isbn;name\n;A\n", "", {}, "books.csv, line 2: isbn is empty"),
        ("isbn;name\na;A;B\n", "", {}, "books.csv, line 2: expected 2 values, got 3 in 'a;A;B'"),
        (
            'isbn;name\n"a;A\n',
            "",
            {},
            "line 2: not valid CSV (a quote is opened and not closed); correct it, or set items.escape",
        ),
        ("isbn;name\n", "", {}, "books.csv is empty: no row of data in it; give the file of your data"),
        ("", "", {}, "books.csv is empty: no row of data in it; give the file of your data"),
        (None, "reader;book\n", {}, "loans.txt is empty"),
        (None, "reader;book\nx;\n", {}, "loans.txt, line 2: book is empty"),
        (
            None,
            "reader;book;stars;day\nx;a;?;1\n",
            RATED,
            "stars must be a finite number of 0 or more, got '?'",
        ),
        (
            None,
            "reader;book;stars;day\nx;a;8;1\n",
            RATED,
            "stars is '8', above the best rating, 5; set interactions.best_rating",
        ),
        (
            None,
            "reader;book;stars;day\nx;a;4;2024-05-31\n",
            RATED,
            "day must be a number, got '2024-05-31'; set interactions.timestamp_format in the schema to",
        ),
        (
            None,
            "reader;book;stars;day\nx;a;4;31.5.24\n",
            RATED | {"timestamp_format": "iso"},
            "line 2: day must be a date such as 2024-05-31 or 2024-05-31T18:30:00, got '31.5.24'",
        ),
    ],
)
def test_a_mistake_in_the_data_names_the_line(tmp_path, items, interactions, keys, message):
    files = {"interactions": interactions} | ({} if items is None else {"items": items})
    folder = small(tmp_path, **files, keys=keys)
    with pytest.raises(UserError) as error:
        load_movielens(folder)
    assert message in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize("chunk", [1, 3, 1 << 20])
@pytest.mark.parametrize(
    ("encoding", "content", "problem"),
    [
        ("utf-8", b"reader;book\nx;a\ny;\xe9t\xe9\nz;a\n", r"line 3: not UTF-8 text near b'y;\xe9t\xe9';"),
        ("utf-8", b"reader;book\nx;\xc3", r"line 2: not UTF-8 text near b'x;\xc3';"),
        ("cp1252", b"reader;book\nx;\xe9\ny;\x81a\n", r"line 3: not CP1252 text near b'y;\x81a';"),
        ("utf-16", b"reader;book\nx;a\n", "loans.txt: not UTF-16 text;"),
        (
            "utf-16-le",
            "reader;book\nx;a\n".encode("utf-16-le") + b"\x00\xd8a\x00",
            "line 3: not UTF-16-LE text",
        ),
    ],
)
def test_text_of_another_encoding_names_the_line(tmp_path, monkeypatch, encoding, content, problem, chunk):
    monkeypatch.setattr("data.reading.source_files.CHUNK_BYTES", chunk)
    folder = small(tmp_path, keys={"encoding": encoding})
    (folder / "loans.txt").write_bytes(content)
    with pytest.raises(UserError) as error:
        load_movielens(folder, cache=False)
    assert problem in str(error.value) and str(error.value).endswith(
        "set interactions.encoding in the schema"
    )
    assert "\n" not in str(error.value)


def test_more_than_a_thousand_genres_become_a_column_of_categories(tmp_path):
    rows = "".join(f"{n};genre {n}\n" for n in range(1001))
    loans = "reader;book\nx;1\n"
    folder = small(tmp_path, items="isbn;name\n" + rows, interactions=loans, genres="name")
    assert load_movielens(folder).content.categories["genres"][1000] == "genre 1000"


def test_as_many_genres_as_allowed_and_an_item_without_one_are_read(tmp_path):
    rows = "".join(f"{n};A;genre {n}\n" for n in range(1000)) + "bare;B;\n"
    folder = small(tmp_path, "isbn;name;kind\n" + rows, "reader;book\nr;bare\n", genres="kind")
    assert load_movielens(folder, cache=False).movies.genres[-2:] == [("genre 999",), ()]


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    folder = tmp_path_factory.mktemp("library")
    library(folder / "books")
    return trained(folder, "--epochs", "4", data="books")


def answers(workspace, capsys, *argv):
    return json.loads(ask(workspace, capsys, *argv, "--format", "json", data="books"))


def test_books_are_recommended_by_text_id_title_and_file(workspace, capsys):
    (by_id,) = answers(workspace, capsys, "--movie_id", "sea/004-X")
    assert by_id["query"]["id"] == "sea/004-X"
    found = [film["movieId"] for film in by_id["recommendations"]]
    assert len(set(found)) == 10 and sum(shelf_of(book) == "sea" for book in found) >= 9
    assert answers(workspace, capsys, "--title", "tome 004") == [by_id]
    ids = workspace / "ids.txt"
    ids.write_text("# two\nsea/004-X\nstars/001-X\n")
    assert answers(workspace, capsys, "--movie_ids", str(ids))[0] == by_id
    assert main_inference([*flags(workspace, "books"), "--movie_id", "sea/004-X", "--format", "csv"]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [row["movieId"] for row in rows] == found
    assert main_inference([*flags(workspace, "books"), "--movie_id", "sea/004-X"]) == 0
    assert f"  {found[0]}  " in capsys.readouterr().out


def test_books_are_evaluated_and_exported(workspace, capsys):
    assert main_modes(["--mode", "evaluate", *flags(workspace, "books")]) == 0
    report = json.loads((workspace / "output" / "metrics.json").read_text())
    assert report["metrics"]["mrr"] > report["baselines"]["popularity"]["mrr"]
    assert main_modes(["--mode", "export", *flags(workspace, "books")]) == 0
    frame = pd.read_parquet(workspace / "output" / "embeddings" / "embeddings.parquet")
    rows = list(csv.DictReader((workspace / "output" / "embeddings" / "movies.csv").open(encoding="utf-8")))
    assert frame["movieId"].tolist() == [row["movieId"] for row in rows]
    assert frame["movieId"][3] == "stars/003-X"


def test_readers_are_recommended_to_without_ratings_that_nobody_gave(workspace, capsys):
    (found,) = answers(workspace, capsys, "--user_id", "Reader Nº7")
    assert found["query"] == {
        "kind": "user",
        "id": "Reader Nº7",
        "title": "user Reader Nº7, who has taken 12 films",
    }
    for film in found["recommendations"]:
        assert film["reason"].startswith("because of Tome ")
    (typed,) = answers(workspace, capsys, "--history", "sea/004-X:5,sea/006-X")
    assert {film["movieId"] for film in typed["recommendations"]}.isdisjoint({"sea/004-X", "sea/006-X"})
    assert sum(shelf_of(film["movieId"]) == "sea" for film in typed["recommendations"]) >= 9


def test_a_new_book_is_asked_with_and_kept(workspace, capsys):
    path = workspace / "new.json"
    path.write_text(json.dumps({"title": "Tome 041", "year": 1941, "genres": ["sea", "novels"]}))
    (found,) = answers(workspace, capsys, "--new_movie", str(path), "--add")
    assert found["query"] == {"kind": "film", "id": "added-40", "title": "Tome 041 (1941)"}
    (again,) = answers(workspace, capsys, "--movie_id", "added-40")
    assert again == found
    (workspace / "checkpoints" / "added.json").unlink()
    path.write_text(json.dumps({"title": "Tome 042", "ratings": [{"userId": 3, "rating": 5}]}))
    argv = [*flags(workspace, "books"), "--new_movie", str(path)]
    assert "but the ids of books are text; leave the ratings out" in refused(capsys, main_inference, argv)


def test_wrong_ids_and_other_books_are_one_line(workspace, capsys):
    argv = [*flags(workspace, "books"), "--movie_id", "sea/999"]
    assert refused(capsys, main_inference, argv).startswith(
        "error: no film has the id 'sea/999'; books has 40 films with ids such as 'sea/000-X', try --title"
    )
    library(workspace / "other", seed=3)
    assert "is not what the checkpoint was trained on (books)" in refused(
        capsys, main_inference, flags(workspace, "other")
    )
    assert "nowhere.json cannot be read (No such file or directory); name a JSON file" in refused(
        capsys, main_train, [*flags(workspace, "books"), "--schema", "nowhere.json"]
    )


def test_the_page_in_the_docs_explains_every_key_and_its_example_is_right(tmp_path):
    page = (ROOT / "docs" / "own_data.md").read_text(encoding="utf-8")
    for table in (ItemTable, InteractionTable):
        for key in table.model_fields:
            assert f"`{key}`" in page
    for number, example in enumerate(page.split("```json\n")[1:]):
        path = tmp_path / f"{number}.json"
        path.write_text(example.split("```")[0])
        (read_schema if '"user"' in path.read_text() else read_features)(path)


def test_a_history_of_text_ids_gets_books_and_an_unknown_reader_none(workspace, capsys):
    (answer,) = answers(workspace, capsys, "--history", "sea/002-X:2, stars/003-X:5")
    found = [book["movieId"] for book in answer["recommendations"]]
    assert sum(shelf_of(book) == "stars" for book in found) >= 6
    assert not {"sea/002-X", "stars/003-X"} & set(found)
    argv = [*flags(workspace, "books"), "--user_id", "Reader Nº99"]
    assert "no user has the id 'Reader Nº99'; books has 60 users with ids such as 'Reader Nº0'" in refused(
        capsys, main_inference, argv
    )
