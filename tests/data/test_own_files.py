"""Files as people have them: reports of other programs' users, and what is right there."""

import gzip
import json
from pathlib import Path

import numpy as np
import pyarrow
import pytest
from pyarrow import csv as arrow_csv
from pyarrow import parquet

from base.errors import UserError
from data.dataset import load_movielens
from data.inspection.findings import SENTENCES

ROOT = Path(__file__).resolve().parents[2]
LOG = {"file": "log.csv", "user": "u", "item": "i"}
SECOND = 1_000_000


def folder_of(folder, files, **schema):
    """A folder with files (texts or bytes, by name) and a schema."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    (folder / "schema.json").write_text(json.dumps(schema), encoding="utf-8")
    return folder


def read(folder):
    return load_movielens(folder, cache=False)


def rows_of(folder):
    """Interactions as (user, item, stars, time)."""
    data = read(folder)
    inter = data.interactions
    return [
        (data.user_text_ids[u], data.movies.text_ids[m], float(r), int(t))
        for u, m, r, t in zip(inter.users, inter.movies, inter.ratings, inter.timestamps, strict=True)
    ]


def items_of(folder):
    return [item for _, item, _, _ in rows_of(folder)]


def refusal(folder):
    with pytest.raises(UserError) as error:
        read(folder)
    assert "\n" not in str(error.value)
    return str(error.value).removeprefix(f"{folder}/")


def finding(data, name):
    assert name in SENTENCES
    return next(one for one in data.findings if one.name == name)


# --- times ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("times", "keys", "expected", "unit"),
    [
        (["2021-03-04 09:15:25.000", "2021-03-04 09:15:23.599", "2021-03-04 09:15:23.200"],
         {"timestamp_format": "iso"}, [1614849323200000, 1614849323599000, 1614849325000000], "microseconds"),
        (["1593878903.438", "1593878903.2", "1593878903"],
         {}, [1593878903000000, 1593878903200000, 1593878903438000], "microseconds"),
        (["1387670403.0", "1387670402.0", "1387670401.0"],
         {}, [1387670401, 1387670402, 1387670403], "number"),
        (["1.38767043e9", "1.38767042E9", "1387670410"], {}, [1387670410, 1387670420, 1387670430], "number"),
        (["1.598930863000000005e18", "1598930863000000004", "1598930863000000003"],
         {}, [1598930863000000003, 1598930863000000004, 1598930863000000005], "number"),
        (["1598930863003", "1598930863002", "1598930863001"],
         {}, [1598930863001, 1598930863002, 1598930863003], "number"),
        (["2021-03-04T09:15:25+01:00", "2021-03-04T08:15:24.5Z", "2021-03-04"],
         {"timestamp_format": "iso"}, [1614816000000000, 1614845724500000, 1614845725000000], "microseconds"),
        (["1593878903,438", "1593878903,2", "1593878903"],
         {"decimal": ","}, [1593878903000000, 1593878903200000, 1593878903438000], "microseconds"),
        (["1598930863003.5", "1598930863002", "1598930863001"],
         {}, [1598930863001000000, 1598930863002000000, 1598930863003500000], "number"),
    ],
)  # fmt: skip
def test_times_are_kept_as_they_are_to_the_microsecond(tmp_path, times, keys, expected, unit):
    log = "u;i;t\n" + "".join(f"1;{item};{time}\n" for item, time in zip("CBA", times, strict=True))
    table = LOG | {"separator": ";", "timestamp": "t"} | keys
    folder = folder_of(tmp_path, {"log.csv": log}, interactions=table)
    assert rows_of(folder) == [("1", item, 5.0, time) for item, time in zip("ABC", expected, strict=True)]
    assert read(folder).time_unit == unit


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_times_of_parquet_are_dates_whatever_their_unit(tmp_path, unit):
    times = np.array(["2021-03-04T09:15:25", "2021-03-04T09:15:24"], f"datetime64[{unit}]")
    table = pyarrow.table({"u": ["a", "a"], "i": [7, 8], "t": times})
    parquet.write_table(table, tmp_path / "log.csv")  # under another name, as people have it
    folder = folder_of(tmp_path, {}, interactions=LOG | {"timestamp": "t"})
    expected = [("a", "8", 5.0, 1614849324 * SECOND), ("a", "7", 5.0, 1614849325 * SECOND)]
    assert rows_of(folder) == expected and read(folder).time_unit == "microseconds"


def test_fractions_of_numbers_too_large_for_them_are_refused(tmp_path):
    log = "u,i,t\n1,A,1598930863000000005\n1,B,0.5\n"
    folder = folder_of(tmp_path, {"log.csv": log}, interactions=LOG | {"timestamp": "t"})
    told = refusal(folder)
    assert told.startswith("log.csv: t has fractions, and values up to 15989308630000000")
    assert told.endswith("which are too large for these; round the column to whole numbers")


def test_parts_with_dates_and_with_numbers_are_refused(tmp_path):
    parquet.write_table(
        pyarrow.table({"u": ["a"], "i": ["x"], "t": np.array(["2021-03-04"], "datetime64[us]")}),
        tmp_path / "b.parquet",
    )
    folder = folder_of(
        tmp_path, {"log/a.csv": "u,i,t\na,y,7\n"}, interactions=LOG | {"file": "log", "timestamp": "t"}
    )
    (tmp_path / "b.parquet").rename(tmp_path / "log" / "b.parquet")
    assert "b.parquet has dates in t, other files of the folder do not" in refusal(folder)


# --- a fault of a column gets the advice for a column, and the advice works ---------------------------

SHOP = "kunde;artikel;note;zeit\nK0;Ä1;3,5;14.07.2017 02:40\nK0;Ä2;2,5;14.07.2017 02:41\n"
KUNDE = {"file": "log.csv", "separator": ";", "user": "kunde", "item": "artikel"}


def test_a_decimal_comma_is_named(tmp_path):
    folder = folder_of(tmp_path, {"log.csv": SHOP}, interactions=KUNDE | {"rating": "note"})
    assert refusal(folder) == (
        "log.csv, line 2: note must be a finite number of 0 or more, got '3,5'; set interactions.decimal in "
        'the schema to ","'
    )
    folder_of(tmp_path, {}, interactions=KUNDE | {"rating": "note", "decimal": ","})
    assert rows_of(folder) == [("K0", "Ä1", 3.5, 0), ("K0", "Ä2", 2.5, 1)]


@pytest.mark.parametrize("form", ["iso", "number"])
def test_dates_of_another_order_are_named(tmp_path, form):
    keys = {"timestamp": "zeit", "timestamp_format": form}
    folder = folder_of(tmp_path, {"log.csv": SHOP}, interactions=KUNDE | keys)
    assert "got '14.07.2017 02:40'; write the dates of the column as 2024-05-31, or leave" in refusal(folder)
    folder_of(tmp_path, {}, interactions=KUNDE)
    assert items_of(folder) == ["Ä1", "Ä2"]


@pytest.mark.parametrize(
    ("time", "form", "other"), [("2021-03-04", "number", "iso"), ("1614816000", "iso", "number")]
)
def test_the_other_form_of_times_is_named_and_reads_them(tmp_path, time, form, other):
    log = f"u,i,t\n1,A,{time}\n"
    keys = {"timestamp": "t", "timestamp_format": form}
    folder = folder_of(tmp_path, {"log.csv": log}, interactions=LOG | keys)
    assert f'set interactions.timestamp_format in the schema to "{other}"' in refusal(folder)
    folder_of(tmp_path, {}, interactions=LOG | keys | {"timestamp_format": other})
    assert items_of(folder) == ["A"]


def test_dislikes_are_left_out_as_the_advice_says(tmp_path):
    log = "u,i,like\na,x,1\na,y,-1\nb,y,1\n"
    folder = folder_of(tmp_path, {"log.csv": log}, interactions=LOG | {"rating": "like"})
    told = refusal(folder)
    assert told.startswith(
        "log.csv, line 3: like must be a finite number of 0 or more, got '-1'; if it means a"
    )
    start, end = told.index("{"), told.index("}}") + 2
    folder_of(tmp_path, {}, interactions=LOG | {"kind": json.loads(told[start:end])})
    assert [row[:2] for row in rows_of(folder)] == [("a", "x"), ("b", "y")]
    assert read(folder).notes == ("1 interaction with a weight of 0 or less left out",)


def test_whole_years_in_any_spelling(tmp_path):
    books = "id,title,year\n1,A,2008.0\n2,B,\n3,C,1.997e3\n4,D,0\n"
    items = {"file": "books.csv", "id": "id", "title": "title", "year": "year"}
    folder = folder_of(tmp_path, {"books.csv": books, "log.csv": "u,i\na,1\n"}, items=items, interactions=LOG)
    np.testing.assert_array_equal(read(folder).movies.years, np.float32([2008, np.nan, 1997, np.nan]))


# --- dialects, encodings, placeholders ----------------------------------------------------------------

BOOKS = '"ISBN";"Title";"Year"\r\n"01";"Café";"1990"\r\n"02";"The \\"best\\" of; all";"1991"\r\n'
BOOK_KEYS = {"file": "books.csv", "separator": ";", "encoding": "latin-1", "id": "ISBN", "title": "Title"}
BOOK_LOG = {
    "file": "log.csv",
    "separator": ";",
    "user": "User",
    "item": "ISBN",
    "rating": "R",
    "best_rating": 10,
}


def test_books_with_escaped_quotes_need_one_key_which_the_error_names(tmp_path):
    files = {"books.csv": BOOKS.encode("latin-1"), "log.csv": '"User";"ISBN";"R"\n"7";"02";"8"\n'}
    items = BOOK_KEYS | {"year": "Year"}
    folder = folder_of(tmp_path, files, items=items, interactions=BOOK_LOG)
    assert "set items.escape in the schema to the character before quotes inside values" in refusal(folder)
    folder_of(tmp_path, {}, items=items | {"escape": "\\"}, interactions=BOOK_LOG)
    data = read(folder)
    assert data.movies.titles == ["Café", 'The "best" of; all'] and data.best_rating == 10
    assert data.movies.years.tolist() == [1990, 1991]
    assert rows_of(folder) == [("7", "02", 4.0, 0)]


@pytest.mark.parametrize(
    "encoding", ["utf-8", "UTF_8", "U8", "latin-1", "ISO8859-1", "utf-16", "UTF_16_LE", "cp500"]
)
@pytest.mark.parametrize("bom", [False, True])
def test_encodings_by_any_of_their_names(tmp_path, encoding, bom):
    log = "﻿" * (bom and encoding in ("utf-8", "UTF_8", "U8")) + "kunde,artikel\né,ü\n"
    folder = folder_of(
        tmp_path,
        {"log.csv": log.encode(encoding)},
        interactions={"file": "log.csv", "encoding": encoding, "user": "kunde", "item": "artikel"},
    )
    assert rows_of(folder) == [("é", "ü", 5.0, 0)]


def test_other_quotes_and_decimal_commas(tmp_path):
    log = "u|i|r\n'a|b'|'it''s'|'4,5'\n"
    keys = {"separator": "|", "quote": "'", "decimal": ",", "rating": "r"}
    folder = folder_of(tmp_path, {"log.csv": log}, interactions=LOG | keys)
    assert rows_of(folder) == [("a|b", "it's", 4.5, 0)]


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"escape": '"'}, "interactions.escape and quote must be different characters, got '\"' for both"),
        ({"quote": ","}, "interactions.separator and quote must be different characters, got ',' for both"),
        ({"separator": "\\", "escape": "\\"}, "interactions.separator and escape must be different"),
    ],
)
def test_a_character_with_two_meanings_is_refused(tmp_path, keys, message):
    assert message in refusal(folder_of(tmp_path, {"log.csv": "u,i\na,b\n"}, interactions=LOG | keys))


def test_placeholders_are_no_values(tmp_path):
    items = (
        "id\tname\tyear\tgenres\n1\tA\t\\N\t\\N\n2\t\\N\t1990\tDrama,War\n3\tC\t1991\t(no genres listed)\n"
    )
    keys = {"file": "items.tsv", "separator": "\t", "id": "id", "title": "name", "genres": "genres"}
    keys |= {"genre_separator": ",", "empty": ["\\N"], "year": "year", "keep": ["year"]}
    folder = folder_of(tmp_path, {"items.tsv": items, "log.csv": "u,i\na,1\n"}, items=keys, interactions=LOG)
    movies = read(folder).movies
    assert movies.genres == [(), ("Drama", "War"), ()] and movies.titles == ["A", "2", "C"]
    np.testing.assert_array_equal(movies.years, np.float32([np.nan, 1990, 1991]))
    assert read(folder).content.kept["year"] == ["", "1990", "1991"]


def test_placeholders_that_the_schema_does_not_name_are_said(tmp_path):
    items = "id,name,genres\n1,A,\\N\n2,B,\\N\n3,NULL,Drama\n"
    keys = {"file": "items.csv", "id": "id", "title": "name", "genres": "genres"}
    log = "u,i\nnan,1\nnan,2\nb,1\n"
    folder = folder_of(tmp_path, {"items.csv": items, "log.csv": log}, items=keys, interactions=LOG)
    data = read(folder)
    found = [(one.count, one.examples) for one in data.findings if one.name == "placeholders"]
    assert found == [(3, ("\\N in genres", "NULL in title")), (2, ("nan in u",))]
    assert "2 interactions with 'nan' in u, which usually stands for no value" in data.notes
    folder_of(tmp_path, {}, items=keys | {"empty": ["\\N"]}, interactions=LOG | {"empty": ["nan"]})
    assert "line 2: u is empty" in refusal(folder)
    told = "got '\\\\N'; correct the line, or name the text in items.empty"
    items = {"file": "items.csv", "id": "id", "year": "year"}
    folder_of(tmp_path, {"items.csv": "id,year\n1,\\N\n"}, items=items, interactions=LOG)
    assert told in refusal(folder)


# --- quotes -----------------------------------------------------------------------------------------

THINGS = {"file": "items.csv", "separator": ";", "id": "id", "title": "name"}


@pytest.mark.parametrize(
    ("items", "message"),
    [
        (
            '0;A\n1;"B\n2;C\n3;D\n4;E"\n5;F\n',
            "line 3: a quote is opened here and closed on line 6, and the lines between look like rows",
        ),
        (
            '0;A\n1;"B\n5;F"\n',
            "line 3: name 'B\\n5;F' goes on to line 4; a quote may be opened and not closed",
        ),
        ('0;A\n"1\n";B\n', "line 3: id '1\\n' goes on to line 4"),
        ('0;A\n1;"B\n', "line 3: not valid CSV (a quote is opened and not closed)"),
    ],
)
def test_a_quote_that_is_not_closed_swallows_no_rows(tmp_path, items, message):
    files = {"items.csv": "id;name\n" + items, "log.csv": "u,i\na,0\n"}
    assert message in refusal(folder_of(tmp_path, files, items=THINGS, interactions=LOG))


def test_text_may_have_several_lines(tmp_path):
    items = 'id;name;blurb\n0;A;"Two lines:\nthis one"\n1;B;one\n'
    files = {"items.csv": items, "log.csv": "u,i\na,0\n"}
    folder = folder_of(tmp_path, files, items=THINGS | {"text": ["blurb"]}, interactions=LOG)
    assert read(folder).content.text == ["Two lines:\nthis one", "one"]


@pytest.mark.parametrize("column", ["u", "i"])
def test_line_breaks_in_ids_of_interactions_are_refused(tmp_path, column):
    row = '"a\nb",x' if column == "u" else 'x,"a\nb"'
    folder = folder_of(tmp_path, {"log.csv": f"u,i\nc,d\n{row}\n"}, interactions=LOG)
    assert refusal(folder).startswith(f"log.csv, line 3: {column} 'a\\nb' goes on to line 4")


def test_line_breaks_in_other_columns_of_interactions_are_read(tmp_path):
    folder = folder_of(
        tmp_path, {"log.csv": 'u,i,review\na,x,"good\nbook"\na,y,"so, so"\n'}, interactions=LOG
    )
    assert items_of(folder) == ["x", "y"]


# --- ids that do not meet ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("known", "written", "near"),
    [("550", "550.0", "550"), ("0520963501", "520963501", "0520963501"),
     ("520963501", "0520963501", "520963501"),
     ("1.000000000000000000e+00", "1", "1.000000000000000000e+00"), ("TT01", "tt01", "TT01")],
)  # fmt: skip
def test_unknown_ids_are_shown_beside_those_of_the_catalogue(tmp_path, known, written, near):
    log = f"u,i\na,{written}\na,other\nb,{known}\n"
    items = {"file": "items.csv", "id": "id"}
    folder = folder_of(
        tmp_path, {"items.csv": f"id\n{known}\n", "log.csv": log}, items=items, interactions=LOG
    )
    assert refusal(folder) == (
        f"log.csv: 1 of its 3 rows is of items in the catalogue; it does not have {written!r} (the catalogue "
        f"has {near!r}); check interactions.item and items.id in the schema, and write ids in both files in "
        "the same way"
    )
    folder_of(tmp_path, {"log.csv": log + f"c,{known}\n"}, items=items, interactions=LOG)
    data = read(folder)
    shown = f"{written!r} (the catalogue has {near!r})"
    assert data.notes == (f"2 interactions of unknown items dropped: {shown}",)
    unknown = finding(data, "unknown_items")
    assert (unknown.count, unknown.total, unknown.examples) == (2, 4, (shown,))


# --- compressed files, Parquet, parts -----------------------------------------------------------------

ROWS = pyarrow.table({"u": ["a", "b", "a"], "i": ["x", "y", "z"], "r": [4, 3, 5]})
EXPECTED = [("a", "x", 4.0, 0), ("a", "z", 5.0, 2), ("b", "y", 3.0, 1)]


def plain():
    sink = pyarrow.BufferOutputStream()
    arrow_csv.write_csv(ROWS, sink)
    return sink.getvalue().to_pybytes()


def as_parquet():
    sink = pyarrow.BufferOutputStream()
    parquet.write_table(ROWS, sink)
    return sink.getvalue().to_pybytes()


def as_zstd():
    sink = pyarrow.BufferOutputStream()
    with pyarrow.CompressedOutputStream(sink, "zstd") as stream:
        stream.write(plain())
    return sink.getvalue().to_pybytes()


FORMS = {
    "csv": plain,
    "gzip": lambda: gzip.compress(plain()),
    "two gzip members": lambda: gzip.compress(plain()[:20]) + gzip.compress(plain()[20:]),
    "zstd": as_zstd,
    "parquet": as_parquet,
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", ["log.csv", "log.csv.gz", "log.parquet"])
def test_compressed_files_and_parquet_are_read_under_any_name(tmp_path, form, name):
    folder = folder_of(tmp_path, {name: FORMS[form]()}, interactions=LOG | {"file": name, "rating": "r"})
    assert rows_of(folder) == EXPECTED


@pytest.mark.parametrize(
    "pack", [bytes, gzip.compress, lambda text: pyarrow.compress(text, "zstd", asbytes=True)]
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_bytes_that_are_no_text_are_shown_from_compressed_files_too(tmp_path, pack, encoding):
    text = "u,i\na,b\nc,d".encode(encoding) + (b"\xff\xfe,e\n" if encoding == "utf-8" else b"\x00\xd8,\x00")
    folder = folder_of(tmp_path, {"log.csv": pack(text)}, interactions=LOG | {"encoding": encoding})
    told = refusal(folder)
    assert told.startswith(f"log.csv, line 3: not {encoding.upper()} text near b'") and "encoding" in told


def test_bytes_that_are_no_utf_16_without_a_byte_order_mark_are_one_line(tmp_path):
    content = "u,i\na,b\n".encode("utf-16-le") + b"\x00\xd8,\x00"
    folder = folder_of(tmp_path, {"log.csv": content}, interactions=LOG | {"encoding": "utf-16"})
    assert refusal(folder).startswith("log.csv, line 1: not UTF-16 text near b'")


def test_a_damaged_file_that_unpacks_to_no_text_is_damaged(tmp_path):
    packed = bytearray(gzip.compress(b"u,i\n\xff,b\n"))
    packed[-5] ^= 1  # the checksum, which is read last
    assert "log.csv is damaged" in refusal(folder_of(tmp_path, {"log.csv": bytes(packed)}, interactions=LOG))


@pytest.mark.parametrize("form", ["gzip", "zstd", "parquet"])
def test_a_cut_file_is_one_line(tmp_path, form):
    folder = folder_of(tmp_path, {"log.csv": FORMS[form]()[:-10]}, interactions=LOG)
    assert "damaged" in refusal(folder)


def test_a_folder_of_parts_is_read_in_the_order_of_names(tmp_path):
    parts = {
        "log/part-2.csv": "u,i\nb,z\n",
        "log/part-1.csv.gz": gzip.compress(b"i,u\nx,a\n"),
        "log/part-3.parquet": as_parquet(),
        "log/_SUCCESS": "",
        "log/.part-1.csv.crc": b"\x00",
    }
    folder = folder_of(tmp_path, parts, interactions=LOG | {"file": "log"})
    assert [row[:2] for row in rows_of(folder)] == [("a", "x"), ("a", "z"), ("b", "z"), ("b", "y")]
    before = read(folder).fingerprint
    (folder / "log" / "part-4.csv").write_text("u,i\nc,x\n")
    assert read(folder).fingerprint != before and read(folder).num_users == 3


def test_a_folder_without_parts_is_one_line(tmp_path):
    folder = folder_of(tmp_path, {"log/_SUCCESS": ""}, interactions=LOG | {"file": "log"})
    assert refusal(folder) == "log is a folder without files; give the file of your data"


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"SQLite format 3\x00" + bytes(100), "is an SQLite database"),
        (b"PK\x03\x04" + bytes(26) + b"[Content_Types].xml" + bytes(100), "is an Excel workbook"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(100), "Excel"),
        (b"%PDF-1.7\n", "PDF"),
        (b"BZh91AY&SY" + bytes(20), "bzip2"),
        (b"\xfd7zXZ\x00" + bytes(20), "xz"),
        ("u,i\na,b\n".encode("utf-16"), 'UTF-16; set {}.encoding in the schema to "utf-16"'),
        ("u,i\na,b\n".encode("utf-16-le"), 'UTF-16; set {}.encoding in the schema to "utf-16-le"'),
        ("u,i\na,b\n".encode("utf-16-be"), 'UTF-16; set {}.encoding in the schema to "utf-16-be"'),
        ("u,i\na,b\n".encode("utf-32"), 'UTF-32; set {}.encoding in the schema to "utf-32"'),
    ],
)
@pytest.mark.parametrize("where", ["items", "interactions"])
def test_files_that_are_not_read_are_named(tmp_path, content, what, where):
    files = {"items.csv": "id\nb\n", "log.csv": "u,i\na,b\n"}
    files["items.csv" if where == "items" else "log.csv"] = content
    folder = folder_of(tmp_path, files, items={"file": "items.csv", "id": "id"}, interactions=LOG)
    told = refusal(folder)
    assert what.format(where) in told and told.count(";") == 1


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
@pytest.mark.parametrize("where", ["items", "interactions"])
def test_a_byte_order_mark_is_no_part_of_the_text(tmp_path, encoding, where):
    files = {"items.csv": "id\nb\n", "log.csv": "u,i\na,b\n"}
    tables = {"items": {"file": "items.csv", "id": "id"}, "interactions": dict(LOG)}
    tables[where]["encoding"] = encoding
    name = tables[where]["file"]
    files[name] = ("\ufeff" + files[name]).encode(encoding)
    data = read(folder_of(tmp_path, files, **tables))
    assert data.movies.text_ids == ["b"] and data.user_text_ids == ["a"]


# --- equal rows, repeats, weights, kinds --------------------------------------------------------------


def test_rows_equal_in_every_column_count_once(tmp_path):
    log = "u,i,t,basket\na,x,1,7\na,x,1,7\na,x,1,8\na,x,2,7\nb,x,1,7\n"
    folder = folder_of(tmp_path, {"log.csv": log}, interactions=LOG | {"timestamp": "t"})
    data = read(folder)
    assert data.notes == (
        "1 row equal to another in every column left out",
        "2 repeated interactions counted in the weight of the first",
    )
    assert finding(data, "equal_rows").count == 1 and finding(data, "counted_repeats").count == 2
    assert data.events.edges.tolist() == [0, 0, 0, 1] and data.events.amounts.tolist() == [1, 1, 1, 1]


@pytest.mark.parametrize("form", ["csv", "multi-line", "parquet", "parts"])
def test_equal_rows_are_found_however_the_table_is_read(tmp_path, form):
    rows = [("a", "x", 1, f"n{number % 3}") for number in range(7)] + [("b", "y", 1, "n0")]
    keys = LOG | {"timestamp": "t"}
    text = "u,i,t,more\n" + "".join(f"{u},{i},{t},{more}\n" for u, i, t, more in rows)
    if form == "parquet":
        table = pyarrow.table(dict(zip(("u", "i", "t", "more"), zip(*rows, strict=True), strict=True)))
        parquet.write_table(table, tmp_path / "log.csv")
        files = {}
    elif form == "parts":
        head, *lines = text.splitlines(keepends=True)
        files = {"log/a.csv": head + "".join(lines[:3]), "log/b.csv": head + "".join(lines[3:])}
        keys["file"] = "log"
    else:
        files = {"log.csv": text.replace("n2", '"n\n2"') if form == "multi-line" else text}
    data = read(folder_of(tmp_path, files, interactions=keys))
    assert finding(data, "equal_rows").count == 4 and len(data.events.edges) == 4


def test_rows_without_times_are_of_different_times(tmp_path):
    folder = folder_of(tmp_path, {"log.csv": "u,i\na,x\na,x\nb,x\n"}, interactions=LOG)
    data = read(folder)
    assert data.events.edges.tolist() == [0, 0, 1] and len(data.interactions) == 2


@pytest.mark.parametrize(
    ("repeats", "times", "ratings"),
    [("first", [2, 3], [4, 3]), ("last", [3, 5], [3, 2]), ("count", [1, 3], [5, 3])],
)
def test_one_interaction_has_the_time_and_rating_that_repeats_names(tmp_path, repeats, times, ratings):
    log = "u,i,t,r\na,x,2,4\na,x,1,5\na,y,3,3\na,x,5,2\n"
    keys = LOG | {"timestamp": "t", "rating": "r", "repeats": repeats}
    folder = folder_of(tmp_path, {"log.csv": log}, interactions=keys)
    assert [row[3] for row in rows_of(folder)] == times and [row[2] for row in rows_of(folder)] == ratings
    events = read(folder).events
    assert (events is None) == (repeats != "count")


def test_weights_are_damped_and_multiplied_by_those_of_kinds(tmp_path):
    log = "u,i,n,k\na,x,3,view\na,x,1,buy\na,y,0,buy\nb,x,7,no\nb,y,2.5,buy\n"
    keys = LOG | {"weight": "n", "kind": {"column": "k", "weights": {"view": 1, "buy": 5, "no": 0}}}
    data = read(folder_of(tmp_path, {"log.csv": log}, interactions=keys))
    expected = [np.log(4), 5 * np.log(2), 5 * np.log(3.5)]
    np.testing.assert_allclose(data.events.amounts, np.float32(expected), rtol=1e-6)
    assert data.events.edges.tolist() == [0, 0, 1]
    assert finding(data, "zero_weight").count == 2 and data.num_users == 2
    assert "2 interactions with a weight of 0 or less left out" in data.notes


def test_a_kind_without_a_weight_is_named(tmp_path):
    keys = LOG | {"kind": {"column": "k", "weights": {"view": 1}}}
    folder = folder_of(tmp_path, {"log.csv": "u,i,k\na,x,view\na,x,cart\n"}, interactions=keys)
    assert refusal(folder) == (
        "log.csv, line 3: k is 'cart', and interactions.kind.weights has no such kind; add it there; with "
        "the weight 0 its rows are left out"
    )


def test_nothing_that_counts_is_refused(tmp_path):
    folder = folder_of(tmp_path, {"log.csv": "u,i,n\na,x,0\nb,y,-2\n"}, interactions=LOG | {"weight": "n"})
    assert "none of its 2 rows counts, all have a weight of 0 or less; check interactions.weight" in refusal(
        folder
    )


# --- list columns -----------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [pyarrow.list_, pyarrow.large_list, lambda of: pyarrow.list_(of, 2)])
@pytest.mark.parametrize("of", [pyarrow.float16(), pyarrow.float32(), pyarrow.float64(), pyarrow.int32()])
def test_vectors_of_a_list_column(tmp_path, kind, of):
    values = [None, [np.float16(1), np.float16(2)], None, [np.float16(3), np.float16(4)]]
    if pyarrow.types.is_integer(of):
        values = [one and [int(value) for value in one] for one in values]
    vectors = pyarrow.array(values, kind(of))
    try:
        parquet.write_table(pyarrow.table({"id": list("pqrs"), "v": vectors}), tmp_path / "items.parquet")
    except pyarrow.ArrowNotImplementedError:
        pytest.skip("pyarrow keeps lists of fixed size in Parquet, some of them missing, from 26 on")
    items = {"file": "items.parquet", "id": "id", "vectors": [{"name": "image", "column": "v"}]}
    folder = folder_of(tmp_path, {"log.csv": "u,i\na,p\n"}, items=items, interactions=LOG)
    (block,) = read(folder).content.vectors
    assert np.asarray(block.values).tolist() == [[1, 2], [3, 4]] and block.movies.tolist() == [1, 3]


@pytest.mark.parametrize(
    ("column", "message"),
    [
        (pyarrow.array([[1.0, 2.0], [3.0]]), "block image has 1 values for the id 'q', and 2 for others"),
        (pyarrow.array(["a", "b"]), "block image needs lists of numbers, and the column v is of type string"),
        (
            pyarrow.array([["a"], ["b"]]),
            "block image needs lists of numbers, and the column v is of type list",
        ),
        (pyarrow.array([[1.0, None], [3.0, 4.0]]), "block image has the value nan at position 1"),
    ],
)
def test_lists_that_are_no_vectors_are_one_line(tmp_path, column, message):
    parquet.write_table(pyarrow.table({"id": ["p", "q"], "v": column}), tmp_path / "items.parquet")
    items = {"file": "items.parquet", "id": "id", "vectors": [{"name": "image", "column": "v"}]}
    assert message in refusal(folder_of(tmp_path, {"log.csv": "u,i\na,p\n"}, items=items, interactions=LOG))


# --- the cases as they were reported ------------------------------------------------------------------

CASES = ROOT.parent / "shared" / "cases"
ORDERS = {
    "02": "ABCD",
    "03/float": "ABCDE",
    "03/frac": "ABC",
    "03/ms": "ABCDE",
    "03/ns": "ABCDE",
    "03/sci": "ABCDE",
}


@pytest.mark.skipif(not CASES.is_dir(), reason="shared/cases is not beside this folder")
@pytest.mark.parametrize("case", ORDERS)
def test_reported_logs_are_in_the_order_of_time(case):
    assert "".join(items_of(CASES / case)) == ORDERS[case]
