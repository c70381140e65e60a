"""The fast reading of interactions against the slow one: where both read a table, they read the same."""

import gzip
import io

import numpy as np
import pyarrow
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pyarrow import parquet

from base.errors import UserError
from data.reading import own_blocks, text_blocks
from data.reading.columns import Columns
from data.reading.own_interactions import add_own_interactions
from data.reading.schema import InteractionTable
from tests.fuzzing import fuzz

LEAST = {"file": "log.csv", "user": "u", "item": "i"}


def outcome(parts, table, fast):
    """Arrays and texts of a table, or the error that it gives."""
    columns, row_of = Columns({}, {"notes": []}), {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(own_blocks, "FAST", fast)
        try:
            add_own_interactions(parts[0], table, row_of, True, columns)
        except UserError as error:
            assert len(str(error).splitlines()) <= 1, str(error)
            return str(error)
    arrays = {name: (array.dtype.name, array.tolist()) for name, array in columns.arrays.items()}
    return arrays, columns.texts, row_of


def agree(parts, table):
    """Both ways of reading are of the same mind."""
    assert outcome(parts, table, True) == outcome(parts, table, False)


# --- tables as programs write them ------------------------------------------------------------------

SEPARATORS = st.sampled_from([",", ";", "\t", "|", " ", ":"])
ENCODINGS = st.sampled_from(["utf-8", "UTF_8", "utf-8-sig", "latin-1", "cp1252", "utf-16", "UTF_16_LE", "U8"])
WORDS = st.text(st.sampled_from("ab1 é;,|\t\"'\\:\u00a0-"), min_size=1, max_size=4)
NUMBERS = st.one_of(
    st.integers(-3, 12).map(str),
    st.sampled_from(
        ["4.5", "3.0", "1e1", "4,5", ".5", "5.", "+3", "0x3", " 2", "nan", "", "1_0", "٣", "-0", "1e400"]
    ),
)
TIMES = st.one_of(
    st.integers(-(10**10), 10**10).map(str),
    st.integers(-(2**70), 2**70).map(str),
    st.floats(-1e10, 1e10).map(repr),
    st.sampled_from(
        ["1387670400.0", "1.38767045e9", "1593878903.2", "1.5e18", "1598930863000000005", "x", "0x10"]
    ),
)
DATES = st.one_of(
    st.datetimes().map(str),
    st.datetimes().map(lambda one: one.isoformat() + "Z"),
    st.dates().map(str),
    st.sampled_from(
        [
            *(
                "2021-03-04 09:15:25.000",
                "2021-03-04T09:15:25.123456789",
                "2021-03-04T09:15+01:00",
                "2021-03-04T09",
            ),
            *(
                "20210304",
                "2021-W09-4",
                "2021-03-04 09:15:25,2",
                "2021-03-04 24:00:00",
                "2021-03-04 23:59:60",
            ),
            *(
                "0000-01-01",
                "9999-12-31T23:59:59.999999",
                "2021-02-30",
                "14.07.2017",
                "2021-03-04T09:15:25 Z",
            ),
            *(
                "2021-03-04T09:15:25+0100",
                "2021-03-04T09:15:25-14:59",
                "2021-03-04T09:15:25+24:00",
                "2021-3-4",
            ),
            *(
                "2021-03-04T091525",
                "2021-03-04 9:15",
                "+2021-03-04",
                "2021-03-04T09:15:25.",
                "2021-03-04T09:15:25.1",
            ),
        ]
    ),
)


@st.composite
def tables(draw):
    """A table of the schema, and its rows as text."""
    keys = dict(LEAST)
    keys["separator"] = draw(SEPARATORS)
    keys["encoding"] = draw(ENCODINGS)
    keys["quote"] = draw(st.sampled_from(['"', '"', "'"]))
    keys["quotes"] = draw(st.sampled_from([True, True, False]))
    keys["escape"] = draw(st.sampled_from([None, None, "\\"]))
    keys["decimal"] = draw(st.sampled_from([".", ","]))
    keys["empty"] = draw(st.sampled_from([[], [], ["\\N"], ["a", "3", " "]]))
    keys["repeats"] = draw(st.sampled_from([None, "count", "first", "last"]))
    columns = {"u": WORDS, "i": WORDS}
    if draw(st.booleans()):
        keys |= {"rating": "r", "best_rating": draw(st.sampled_from([5, 10, 7.5]))}
        columns["r"] = NUMBERS
    if draw(st.booleans()):
        keys |= {"timestamp": "t", "timestamp_format": draw(st.sampled_from(["number", "iso"]))}
        columns["t"] = DATES if keys["timestamp_format"] == "iso" else TIMES
    if draw(st.booleans()):
        keys["weight"], columns["w"] = "w", NUMBERS
    if draw(st.booleans()):
        keys["kind"], columns["k"] = (
            {"column": "k", "weights": {"view": 1, "buy": 3, "no": 0}},
            WORDS | st.sampled_from(["view", "buy", "no"]),
        )
    if draw(st.booleans()):
        columns["more"] = WORDS
    rare = draw(st.booleans())  # most rows are usual ones, or a table would hardly ever be read
    usual = {"u": "abc", "i": "xyz", "r": "3", "t": "2021-03-04" if columns.get("t") is DATES else "7"}
    usual |= {"w": "2", "k": "view", "more": "-"}
    rows = []
    for _ in range(draw(st.integers(0, 8))):
        row = {
            name: draw(st.sampled_from(usual[name]) if name in "ui" else st.just(usual[name]))
            for name in columns
        }
        if rare:
            name = draw(st.sampled_from(sorted(columns)))
            row[name] = draw(columns[name])
        rows.append(list(row.values()))
    return InteractionTable(**keys), [list(columns), *rows]


def as_text(table, rows, end):
    """The text of rows in the dialect of a table."""
    import csv

    file = io.StringIO(newline="")
    quoting = csv.QUOTE_MINIMAL if table.quotes else csv.QUOTE_NONE
    writer = csv.writer(
        file,
        delimiter=table.separator,
        quotechar=table.quote,
        quoting=quoting,
        escapechar=table.escape or "\\",
        doublequote=table.escape is None,
        lineterminator=end,
    )
    writer.writerows(rows)
    return file.getvalue()


@fuzz(400)
@given(tables(), st.sampled_from(["\n", "\r\n"]), st.sampled_from([bytes, gzip.compress]))
def test_both_read_the_same_of_tables_in_any_dialect(tmp_path_factory, written, end, packed):
    table, rows = written
    path = tmp_path_factory.getbasetemp() / "dialect.csv"
    path.write_bytes(packed(as_text(table, rows, end).encode(table.encoding, "replace")))
    agree([path], table)


PIECES = st.sampled_from([*b'ab,,,"";\n\n\r\\ '] + [0, 0xFF, 0xC3, 0xA9, 0xEF, 0xBB, 0xBF, *b"12.-x"])


@fuzz(600)
@given(st.lists(PIECES, max_size=40).map(bytes), st.booleans(), st.sampled_from([None, "\\"]), st.booleans())
@example(b'a,""x\n', True, None, False)
@example(b'a,b"\n', True, None, False)
@example(b'"a"b,c\n', True, None, False)
@example(b'a,"b\nc"\n', True, None, False)
@example(b'a,"b,c', True, None, False)
@example(b"a,b\xff\n", False, None, True)
@example(b"a,b\n\n \n,\n", False, None, True)
def test_both_read_the_same_of_any_bytes(tmp_path_factory, content, quotes, escape, wide):
    path = tmp_path_factory.getbasetemp() / "bytes.csv"
    path.write_bytes((b"u,i,more\n" if wide else b"u,i\n") + content)
    agree([path], InteractionTable(**LEAST, quotes=quotes, escape=escape))


@fuzz(300)
@given(st.lists(PIECES, max_size=60).map(bytes), st.integers(1, 9), ENCODINGS)
def test_rows_do_not_depend_on_where_blocks_end(tmp_path_factory, content, size, encoding):
    path = tmp_path_factory.getbasetemp() / "blocks.csv"
    path.write_bytes(b"u,i\n" + content if encoding in ("utf-8", "latin-1", "cp1252") else content)
    table = InteractionTable(**LEAST, encoding=encoding)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(text_blocks, "BLOCK_BYTES", size)
        small = [outcome([path], table, fast) for fast in (True, False)]
    assert small == [outcome([path], table, True)] * 2


# --- Parquet ----------------------------------------------------------------------------------------

VALUES = {
    "u": [pyarrow.array(["a", "b", " a"]), pyarrow.array([1, 2, 1]), pyarrow.array([1.0, 2.5, 1.0])],
    "i": [
        pyarrow.array(["x", "y", "x"]).dictionary_encode(),
        pyarrow.array([b"x", b"y", b"z"]),
        pyarrow.array(["x", None, "y"]),
        pyarrow.array([True, False, True]),
    ],
    "r": [pyarrow.array([3, 4, 5]), pyarrow.array([3.5, float("nan"), 1]), pyarrow.array(["1", "2", "3,5"])],
    "t": [
        pyarrow.array([1, 2, 2**62]),
        pyarrow.array([1.5, 2.0, -3.0]),
        pyarrow.array([1, None, 3]),
        pyarrow.array(np.array(["2021-03-04T09:15:25.123456", "1969-12-31", "2021"], "datetime64[us]")),
        pyarrow.array(np.array(["2021-03-04T09:15:25.123456789", "1969-12-31", "2021"], "datetime64[ns]")),
        pyarrow.array(np.array(["2021-03-04", "1969-12-31", "2021-01-01"], "datetime64[D]")),
        pyarrow.array([1, 2, 3], pyarrow.timestamp("s", "Europe/Paris")),
        pyarrow.array([1, 2, 3], pyarrow.time64("us")),
        pyarrow.array([1, 2, 3], pyarrow.duration("s")),
        pyarrow.array(["2021-03-04", "2021-03-05", "x"]),
        pyarrow.array([2**58, 1, 2], pyarrow.timestamp("ms")),
    ],
}


@fuzz(300)
@given(
    st.fixed_dictionaries({name: st.sampled_from(range(len(some))) for name, some in VALUES.items()}),
    st.data(),
)
def test_both_read_the_same_of_parquet(tmp_path_factory, chosen, data):
    path = tmp_path_factory.getbasetemp() / "log.parquet"
    parquet.write_table(pyarrow.table({name: VALUES[name][which] for name, which in chosen.items()}), path)
    keys = {"rating": "r"} if data.draw(st.booleans()) else {}
    keys["empty"] = data.draw(st.sampled_from([[], ["a", "1"]]))
    if data.draw(st.booleans()):
        keys |= {"timestamp": "t", "timestamp_format": data.draw(st.sampled_from(["number", "iso"]))}
    agree([path], InteractionTable(**LEAST | keys))
