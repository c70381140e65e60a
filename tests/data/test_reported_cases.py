"""Reports of other tools' users about their data, in small: read right, or refused with the way out."""

import gzip
import json
from pathlib import Path

import numpy as np
import pyarrow
import pytest
from pyarrow import parquet

from base.errors import UserError
from data.dataset import MovieLens, load_movielens

ESCAPED = '"ISBN";"Book-Title";"Year"\n"01";"Café";"1990"\n"02";"The \\"best\\" of; all";"0"\n'
RATINGS = '"User-ID";"ISBN";"Book-Rating"\n"7";"02";"8"\n"7";"01";"10"\n'


def read(folder: Path, schema: dict, **files: str | bytes) -> MovieLens:
    """Write files, whose names have ``__`` for a dot, and read the folder."""
    for name, content in files.items():
        content = content.encode() if isinstance(content, str) else content
        (folder / name.replace("__", ".")).write_bytes(content)
    (folder / "schema.json").write_text(json.dumps(schema))
    return load_movielens(folder, cache=False)


def refusal(folder: Path, schema: dict, **files: str | bytes) -> str:
    """The one line that refuses the files."""
    with pytest.raises(UserError) as error:
        read(folder, schema, **files)
    assert len(str(error.value).splitlines()) == 1
    return str(error.value)


def log(**keys: object) -> dict:
    """The schema of a log of users, items and times."""
    return {"interactions": {"file": "log.csv", "user": "u", "item": "i", "timestamp": "t"} | keys}


def sequence(data: MovieLens) -> list[str]:
    """The items of all interactions by user and time."""
    return [data.movies.public_id(row) for row in data.interactions.movies]


def test_02_fractions_of_seconds_order_a_newest_first_log(tmp_path):
    rows = "u,i,t\nu5,D,2021-03-04 09:15:24.000\nu5,C,2021-03-04 09:15:23.599\nu5,B,2021-03-04 09:15:23.200\n"
    data = read(tmp_path, log(timestamp_format="iso"), log__csv=rows)
    assert sequence(data) == ["B", "C", "D"] and data.time_unit == "microseconds"
    first = 1_614_849_323_200_000
    np.testing.assert_array_equal(data.interactions.timestamps, [first, first + 399_000, first + 800_000])


@pytest.mark.parametrize(
    ("times", "expected", "unit"),
    [
        (["1387670405.0", "1387670404.0"], [1387670404, 1387670405], "number"),
        (["1.38767045e9", "1.38767044e9"], [1387670440, 1387670450], "number"),
        (["1593878903.438", "1593878903.2", "1593878903"], [0, 200_000, 438_000], "microseconds"),
        (["1598930863005", "1598930863004"], [1598930863004, 1598930863005], "number"),
        (
            ["1598930863000000005", "1598930863000000004"],
            [1598930863000000004, 1598930863000000005],
            "number",
        ),
    ],
    ids=["float", "sci", "frac", "ms", "ns"],
)
def test_03_times_in_any_spelling_of_a_number(tmp_path, times, expected, unit):
    rows = "u,i,t\n" + "".join(f"1,{item},{time}\n" for item, time in zip("CBA", times, strict=False))
    data = read(tmp_path, log(), log__csv=rows)
    assert sequence(data) == list("CBA")[: len(times)][::-1] and data.time_unit == unit
    start = 1_593_878_903_000_000 if unit == "microseconds" else 0
    np.testing.assert_array_equal(data.interactions.timestamps - start, expected)


def test_04b_columns_of_recbole_with_times_as_floats(tmp_path):
    keys = {"separator": "\t", "user": "user_id:token", "item": "item_id:token", "rating": "rating:float"}
    rows = "user_id:token\titem_id:token\trating:float\ttimestamp:float\n"
    rows += "0\t9\t4.0\t1500000060.0\n0\t8\t3.0\t1500000000.0\n"
    data = read(tmp_path, log(timestamp="timestamp:float", **keys), log__csv=rows)
    assert sequence(data) == ["8", "9"]
    np.testing.assert_array_equal(data.interactions.timestamps, [1500000000, 1500000060])
    np.testing.assert_array_equal(data.interactions.ratings, [3, 4])


TABLES = {
    "items": {"file": "items.csv", "id": "id"},
    "interactions": {"file": "log.csv", "user": "u", "item": "i"},
}


@pytest.mark.parametrize(
    ("catalogue", "taken", "expected"),
    [
        (["550", "551"], ["550.0", "551.0"], "none of its 2 rows is of items in the catalogue; it "
         "does not have '550.0' (the catalogue has '550'), '551.0' (the catalogue has '551'); check inter"),
        (["1.000000000000000000e+00"], ["1"], "'1' (the catalogue has '1.000000000000000000e+00')"),
        (["520963509", "7"], ["0520963509", "0520963509", "7"], "1 of its 3 rows is of items in the "
         "catalogue; it does not have '0520963509' (the catalogue has '520963509')"),
        (["x-77"], ["Q", "X-77"], "it does not have 'X-77' (the catalogue has 'x-77');"),
    ],
    ids=["06b", "05", "07", "case"],
)  # fmt: skip
def test_ids_that_do_not_meet_stop_with_their_neighbours(tmp_path, catalogue, taken, expected):
    rows = "u,i\n" + "".join(f"a,{item}\n" for item in taken)
    assert expected in refusal(tmp_path, TABLES, items__csv="\n".join(["id", *catalogue]), log__csv=rows)


def test_07_half_of_the_rows_may_be_of_unknown_items_and_are_named(tmp_path):
    data = read(tmp_path, TABLES, items__csv="id\n520963509\n7\n", log__csv="u,i\na,0520963509\na,7\n")
    assert sequence(data) == ["7"]
    (note,) = data.notes
    assert note == "1 interaction of unknown items dropped: '0520963509' (the catalogue has '520963509')"
    assert next(one for one in data.findings if one.name == "unknown_items").count == 1


BOOKS = {
    "items": {
        "file": "books.csv",
        "separator": ";",
        "encoding": "latin-1",
        "id": "ISBN",
        "title": "Book-Title",
    }
    | {"year": "Year"},
    "interactions": {
        "file": "r.csv",
        "separator": ";",
        "encoding": "latin-1",
        "user": "User-ID",
        "item": "ISBN",
    }
    | {"rating": "Book-Rating", "best_rating": 10},
}
BOOK_FILES = {"books__csv": ESCAPED.encode("latin-1"), "r__csv": RATINGS.encode("latin-1")}


def test_09_the_error_leads_to_the_key_that_reads_the_file(tmp_path):
    line = refusal(tmp_path, BOOKS, **BOOK_FILES)
    assert "books.csv, line 3: not valid CSV (text follows a closing quote)" in line
    assert (
        'set items.escape in the schema to the character before quotes inside values, such as "\\\\"' in line
    )
    escaped = {name: table | {"escape": "\\"} for name, table in BOOKS.items()}
    data = read(tmp_path, escaped, **BOOK_FILES)
    assert data.movies.text_ids == ["01", "02"] and data.movies.titles == ["Café", 'The "best" of; all']
    np.testing.assert_array_equal(data.movies.years, [1990, np.nan])
    assert sequence(data) == ["02", "01"]
    np.testing.assert_allclose(data.interactions.ratings, [4, 5])


@pytest.mark.parametrize("year", [True, False], ids=["09b", "09c"])
def test_09_quotes_that_were_switched_off_are_named(tmp_path, year):
    items = {"file": "books.csv", "separator": ";", "encoding": "latin-1", "quotes": False}
    items |= {"id": '"ISBN"', "title": '"Book-Title"'} | ({"year": '"Year"'} if year else {})
    line = refusal(tmp_path, BOOKS | {"items": items}, **BOOK_FILES)
    problem = (
        'line 2: "Year" must be a year up to 9999, 0 or empty, got \'"1990"\''
        if year
        else "line 3: expected 3 values"
    )
    assert problem in line
    assert (
        "set items.quotes in the schema to true, as its values are in quotes, and name columns without them"
        in line
    )
    assert 'set items.escape to it, as in "\\\\"' in line


def test_09_ids_that_keep_their_quotes_are_found(tmp_path):
    keys = {"separator": ";", "quotes": False, "user": '"User-ID"', "item": '"ISBN"'}
    data = read(tmp_path, {"interactions": {"file": "r.csv"} | keys}, r__csv=RATINGS)
    found = next(one for one in data.findings if one.name == "quoted_ids")
    assert (found.count, found.examples) == (2, ('"02"', '"01"'))
    rated = {"interactions": {"file": "r.csv", "rating": '"Book-Rating"'} | keys}
    assert "set interactions.quotes in the schema to true" in refusal(tmp_path, rated, r__csv=RATINGS)


def test_10_a_year_may_be_written_as_a_float(tmp_path):
    schema = {"items": TABLES["items"] | {"year": "y"}, "interactions": TABLES["interactions"]}
    books = "id,y\n1,2008.0\n2,\n3,1997.0\n4,1.9e3\n5,-750.0\n6,0.0\n"
    data = read(tmp_path, schema, items__csv=books, log__csv="u,i\na,1\n")
    np.testing.assert_array_equal(data.movies.years, [2008, np.nan, 1997, 1900, -750, np.nan])
    line = refusal(tmp_path, schema, items__csv="id,y\n1,2008.5\n", log__csv="u,i\na,1\n")
    assert "line 2: y must be a year up to 9999, 0 or empty, got '2008.5'" in line


def test_12_the_advice_about_dislikes_works(tmp_path):
    rows = "u,i,like,t\na,x,1,1\na,y,-1,2\nb,x,1,3\n"
    line = refusal(tmp_path, log(rating="like"), log__csv=rows)
    assert "line 3: like must be a finite number of 0 or more, got '-1'; if it means a dislike" in line
    kind = json.loads(line.split("interactions.kind in the schema to ")[1].split(", with every value")[0])
    assert kind == {"column": "like", "weights": {"-1": 0, "1": 1}}
    data = read(tmp_path, log(kind=kind), log__csv=rows)
    assert sequence(data) == ["x", "x"] and not data.rated
    assert data.notes == ("1 interaction with a weight of 0 or less left out",)


def test_13e_a_quote_that_swallows_rows_is_refused_by_its_line(tmp_path):
    schema = {"items": {"file": "items.csv", "separator": ";", "id": "id", "title": "name"}} | {
        "interactions": TABLES["interactions"]
    }
    items = 'id;name\n0;Zero\n1;"One\n2;Two\n3;Three"\n4;Four\n'
    line = refusal(tmp_path, schema, items__csv=items, log__csv="u,i\na,0\n")
    assert (
        "items.csv, line 3: a quote is opened here and closed on line 5, and the lines between look like rows"
        in line
    )
    line = refusal(tmp_path, schema, items__csv='id;name\n0;"Ze\nro"\n1;One\n', log__csv="u,i\na,0\n")
    assert "items.csv, line 2: name 'Ze\\nro' goes on to line 3; a quote may be opened and not closed" in line


@pytest.mark.parametrize("name", ["log.csv", "log.csv.gz", "log.parquet"])
@pytest.mark.parametrize("form", ["gzip", "zstd", "parquet"])
def test_15_compressed_files_and_parquet_are_read_under_any_name(tmp_path, name, form):
    rows = [("a", "x", 5.0, 2), ("a", "y", 4.0, 1)]
    if form == "parquet":
        columns = dict(zip("uirt", map(list, zip(*rows, strict=True)), strict=True))
        parquet.write_table(pyarrow.table(columns), tmp_path / name)
        content = (tmp_path / name).read_bytes()
    else:
        content = ("u,i,r,t\n" + "".join(",".join(map(str, row)) + "\n" for row in rows)).encode()
        content = (
            gzip.compress(content)
            if form == "gzip"
            else pyarrow.compress(content, codec="zstd", asbytes=True)
        )
    data = read(tmp_path, log(file=name, rating="r"), **{name.replace(".", "__"): content})
    assert sequence(data) == ["y", "x"]
    np.testing.assert_array_equal(data.interactions.ratings, [4, 5])


GERMAN = "kunde;artikel;note;zeit\nK0;Ä9;3,5;14.07.2017 02:40\nK0;Ä8;2,5;15.07.2017 02:41\n"


def german(**keys: object) -> dict:
    """The schema of a file from a German spreadsheet."""
    return {"interactions": {"file": "x.csv", "separator": ";", "user": "kunde", "item": "artikel"} | keys}


def test_16d_a_decimal_comma(tmp_path):
    line = refusal(tmp_path, german(rating="note"), x__csv="\ufeff" + GERMAN)
    assert line.endswith(
        "note must be a finite number of 0 or more, got '3,5'; "
        'set interactions.decimal in the schema to ","'
    )
    data = read(tmp_path, german(rating="note", decimal=","), x__csv="\ufeff" + GERMAN)
    np.testing.assert_array_equal(data.interactions.ratings, [3.5, 2.5])


@pytest.mark.parametrize("time_format", ["iso", "number"])
def test_16e_dates_in_another_order_get_the_advice_of_a_column(tmp_path, time_format):
    line = refusal(tmp_path, german(timestamp="zeit", timestamp_format=time_format), x__csv=GERMAN)
    assert "line 2: zeit must be a " in line and "got '14.07.2017 02:40'" in line
    assert (
        "write the dates of the column as 2024-05-31, or leave interactions.timestamp out of the schema"
        in line
    )


@pytest.mark.parametrize("encoding", ["UTF_8", "utf8", "U8", "utf-8-sig", "UTF8", "cp65001"])
def test_16g_utf_8_by_any_of_its_names_may_have_a_byte_order_mark(tmp_path, encoding):
    data = read(tmp_path, german(encoding=encoding), x__csv="\ufeff" + GERMAN)
    assert sequence(data) == ["Ä9", "Ä8"]


def test_37_and_38_placeholders_are_no_values(tmp_path):
    schema = {
        "items": {
            "file": "items.csv",
            "separator": "\t",
            "id": "id",
            "title": "n",
            "genres": "g",
            "year": "y",
        }
        | {"genre_separator": ",", "empty": ["\\N"]},
        "interactions": TABLES["interactions"],
    }
    items = (
        "id\tn\tg\ty\ntt1\tOne\tDrama,War\t1999\ntt2\t\\N\t\\N\t\\N\ntt3\tThree\t(no genres listed)\t\\N\n"
    )
    data = read(tmp_path, schema, items__csv=items, log__csv="u,i\na,tt1\n")
    assert data.movies.genres == [("Drama", "War"), (), ()] and data.movies.titles == ["One", "tt2", "Three"]
    np.testing.assert_array_equal(data.movies.years, [1999, np.nan, np.nan])
    del schema["items"]["empty"]
    line = refusal(tmp_path, schema, items__csv=items, log__csv="u,i\na,tt1\n")
    assert (
        "line 3: y must be a year up to 9999, 0 or empty, got '\\\\N'; "
        "correct the line, or name the text in items.empty" in line
    )
    del schema["items"]["year"]
    data = read(tmp_path, schema, items__csv=items, log__csv="u,i\na,tt1\n")
    found = next(one for one in data.findings if one.name == "placeholders")
    assert (found.count, found.examples) == (2, ("\\N in title", "\\N in genres"))
