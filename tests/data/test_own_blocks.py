"""Own interactions read fast and row by row: the same columns, or the same error, whatever a file holds."""

import codecs
import csv
import gzip
import io
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import numpy as np
import pyarrow
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

from base.errors import UserError
from data.reading import own_blocks, text_blocks
from data.reading.columns import Columns
from data.reading.own_data import OwnData
from data.reading.schema import Schema
from tests.fuzzing import fuzz

COLUMNS = {"user": "u", "item": "i", "rating": "r", "timestamp": "t", "weight": "w", "kind": "k"}
KINDS = {"view": 1, "buy": 5, "no": 0}


@pytest.fixture
def folder(tmp_path):
    """A folder that the examples of a test use one after the other."""
    return tmp_path


def outcome(folder: Path, schema: dict, fast: bool, block_bytes: int) -> Columns | str:
    """The columns of a folder, or the error."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(own_blocks, "FAST", fast)
        patch.setattr(text_blocks, "BLOCK_BYTES", block_bytes)
        try:
            return OwnData(folder, Schema.model_validate(schema)).read()
        except UserError as error:
            assert len(str(error).splitlines()) == 1
            return str(error)


def assert_same(one: Columns | str, other: Columns | str) -> None:
    """Equal bits, or equal errors."""
    if isinstance(one, str) or isinstance(other, str):
        assert one == other
        return
    assert one.texts == other.texts
    assert set(one.arrays) == set(other.arrays)
    for name, array in one.arrays.items():
        assert array.dtype == other.arrays[name].dtype
        np.testing.assert_array_equal(array, other.arrays[name])


def both(folder: Path, schema: dict, block_bytes: int = 1 << 20) -> Columns | str:
    """What reading gives, fast in blocks of any size and row by row."""
    found = outcome(folder, schema, True, block_bytes)
    assert_same(found, outcome(folder, schema, False, 1 << 20))
    return found


def put(folder: Path, content: bytes | str, name: str = "rows.csv", **keys: object) -> dict:
    """Write a table, and give the schema of its columns ``u`` and ``i``."""
    (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)
    return {"interactions": {"file": name, "user": "u", "item": "i"} | keys}


def pairs(columns: Columns | str) -> list[tuple[str, str]]:
    """The interactions as ids."""
    assert isinstance(columns, Columns), columns
    users, items = columns.texts["user_text_ids"], columns.texts["movie_text_ids"]
    edges = zip(columns.arrays["users"].tolist(), columns.arrays["movies"].tolist(), strict=True)
    return [(users[user], items[item]) for user, item in edges]


def counting(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many blocks are read row by row from now on: the length of the list."""
    blocks: list[int] = []
    slow = own_blocks._Values.row_by_row
    monkeypatch.setattr(
        own_blocks._Values, "row_by_row", lambda self, batch: blocks.append(1) or slow(self, batch)
    )
    return blocks


# --- text in any dialect ----------------------------------------------------------------------------

ID_TEXTS = st.sampled_from(["a", "b", "c", "007", "7", "7.0", "é", "鯨", "a b", "A"]) | st.text(
    st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=4
)
HARD_TEXTS = st.lists(
    st.sampled_from([*"\"'\\,;\t|\n\r x07ab.", '""', "\r\n", "\n\n", "\\\\", "0x1", " ", "\x1f", "\u2028"]),
    max_size=6,
).map("".join)
NUMBERS = st.one_of(
    st.sampled_from(
        ["1", "5", "2.5", "0", "4.0", "+3", "1e0", ".5", "3.", "007", " 4", "4 ", "0.1", "1,5", "2,0"]
    ),
    st.sampled_from(
        ["", "x", "nan", "inf", "-1", "0x3", "1e400", "6", "9" * 25, "1_0", "1.5.5", "-0", "\\N"]
    ),
)
WHOLE = st.integers(-5, 5).map(str) | st.sampled_from(
    ["1400000000", "1400000000.0", "1.4e9", "1400000000.25", "1700000000123", "9223372036854775807",
     "9007199254740993", "9300000000000", "-9300000000000.5", "1e15", "0x10", "9223372036854775808",
     "-9223372036854775808", "1400000000,5"]
)  # fmt: skip
DATES = st.one_of(
    st.datetimes(datetime(1, 1, 1), datetime(9999, 12, 31)).map(datetime.isoformat),
    st.datetimes(datetime(1960, 1, 1), datetime(2040, 1, 1)).map(
        lambda when: when.replace(tzinfo=UTC).isoformat().replace("+00:00", "Z")
    ),
    st.sampled_from(
        ["2024-05-31", "2024-05-31 18:30", "2024-05-31T18:30:00+02:00", "2024-05-31T18:30:00.1234567",
         "2024-05-31T18:30:00.123456789Z", "1969-12-31T23:59:59.9999999", "20240531", "2024-W22-5",
         "0000-01-01",
         "2024-02-30", "31.05.2024", "", "1400000000", "2024-05-31T24:00", "0001-01-01T00:00:00+05:00",
         "9999-12-31T23:59:59-05:00", "2024-05-31T18:30:00+0530", "2024-05-31T18"]
    ),
)  # fmt: skip


@st.composite
def dialects(draw):
    """Keys of a text table."""
    separator, quote = draw(st.sampled_from(list(",;\t|é"))), draw(st.sampled_from(['"', '"', "'"]))
    return {
        "separator": separator,
        "quote": quote,
        "quotes": draw(st.sampled_from([True, True, True, False])),
        "escape": draw(st.sampled_from([None, None, "\\", quote])),
        "decimal": draw(st.sampled_from([".", ".", ","])),
        "encoding": draw(
            st.sampled_from(["utf-8", "UTF_8", "utf-16", "utf-16-le", "latin-1", "cp1252", "U8"])
        ),
        "empty": draw(st.sampled_from([[], [], ["\\N"], ["-1", "a"]])),
    }


@st.composite
def text_tables(draw):
    """Keys of a schema and the bytes of its table: half of them well written, half of them not."""
    dialect = draw(dialects())
    optional = draw(st.sets(st.sampled_from(["rating", "timestamp", "weight", "kind", "note"])))
    date_format = draw(st.sampled_from(["number", "iso"]))
    names = draw(st.permutations(["u", "i", *(COLUMNS.get(key, key) for key in sorted(optional))]))
    careful = draw(st.booleans())
    texts = ID_TEXTS if careful else ID_TEXTS | HARD_TEXTS
    values = {
        "u": texts,
        "i": texts,
        "r": st.sampled_from(["1", "2.5", "5"]) if careful else NUMBERS,
        "t": (st.integers(0, 9).map(str) if careful else WHOLE) if date_format == "number" else DATES,
        "w": st.sampled_from(["1", "0", "2.5", "-1"]) if careful else NUMBERS,
        "k": st.sampled_from([*KINDS] if careful else [*KINDS, "other", " view ", ""]),
        "note": ID_TEXTS | HARD_TEXTS,
    }
    rows = draw(st.lists(st.tuples(*(values[name] for name in names)), min_size=1, max_size=12))
    has_header = draw(st.booleans())
    newline = draw(st.sampled_from(["\n", "\n", "\r\n", "\r"]))
    lines = [_line(draw, row, dialect, careful) for row in ([names] if has_header else []) + rows]
    for _ in range(draw(st.integers(0, 2))):
        blank = draw(st.sampled_from(["", "", " ", dialect["separator"] * (len(names) - 1)]))
        lines.insert(draw(st.integers(has_header, len(lines))), blank)
    text = newline.join(lines) + newline * draw(st.integers(0, 2))
    bom = draw(st.sampled_from(["", "\ufeff"])) if dialect["encoding"].lower().startswith("u") else ""
    keys = dialect | {key: COLUMNS[key] for key in ("rating", "timestamp", "weight") if key in optional}
    if "kind" in optional:
        keys["kind"] = {"column": "k", "weights": KINDS}
    keys |= {
        "timestamp_format": date_format,
        "repeats": draw(st.sampled_from([None, "first", "last", "count"])),
    }
    return keys | ({} if has_header else {"header": names}), (bom + text).encode(
        dialect["encoding"], "replace"
    )


def _line(draw, row, dialect, careful):
    """A row as text: every value as the dialect has it, or some of them as they are."""
    separator, quote, escape = dialect["separator"], dialect["quote"], dialect["escape"]
    escape = None if escape == quote else escape
    written = []
    for value in row:
        has_signs = any(sign in value for sign in (separator, quote, "\n", "\r", escape or separator))
        if (
            dialect["quotes"]
            and (has_signs or draw(st.integers(0, 3)) == 0)
            and (careful or draw(st.booleans()))
        ):
            inner = value.replace(escape, escape * 2) if escape else value
            value = quote + inner.replace(quote, (escape or quote) + quote) + quote
        written.append(value)
    return separator.join(written)


@fuzz(600)
@given(text_tables(), st.sampled_from([3, 10, 40, 200, 1 << 20]), st.sampled_from(["", "gz", "zst"]))
def test_text_is_read_fast_as_row_by_row(folder, table, block_bytes, compression):
    keys, content = table
    if compression == "gz":
        content = gzip.compress(content)
    elif compression == "zst":
        content = pyarrow.compress(content, codec="zstd", asbytes=True)
    both(folder, put(folder, content, **keys), block_bytes)


@fuzz(200)
@given(
    st.lists(
        st.sampled_from(
            [b'"', b'""', b'"""', b",", b"\n", b"\r\n", b"\r", b"a", b"b", b" ", b"\\", b"\0", b"\xc3\xa9",
             b"\xff", b"1"]
        ),
        max_size=24,
    ).map(b"".join),
    st.sampled_from([None, "\\"]),
    st.sampled_from([1, 4, 16, 1 << 20]),
)  # fmt: skip
def test_any_bytes_are_read_fast_as_row_by_row(folder, content, escape, block_bytes):
    fast = outcome(folder, put(folder, b"u,i\na,b\n" + content, escape=escape), True, block_bytes)
    slow = outcome(folder, put(folder, b"u,i\na,b\n" + content, escape=escape), False, block_bytes)
    assert_same(fast, slow)


@fuzz(200)
@given(text_tables())
def test_rows_are_those_of_the_csv_module(folder, table):
    """Against a few lines that know nothing of blocks: users and items of every row, in order."""
    keys, content = table
    schema = put(folder, content, **keys)
    found = outcome(folder, schema, True, 16)
    if isinstance(found, str):
        return
    encoding = codecs.lookup(keys["encoding"]).name
    text = content.decode(encoding)
    text = text.removeprefix("\ufeff") if encoding in ("utf-8", "utf-16-le", "utf-16-be") else text
    reader = csv.reader(
        io.StringIO(text, newline=""),
        delimiter=keys["separator"],
        quotechar=keys["quote"],
        escapechar=None if keys["quotes"] and keys["escape"] == keys["quote"] else keys["escape"],
        quoting=csv.QUOTE_MINIMAL if keys["quotes"] else csv.QUOTE_NONE,
    )
    rows = [row for row in reader if "".join(row).strip()]
    names = keys.get("header") or rows.pop(0)
    rows = [dict(zip(names, (value.strip() for value in row), strict=True)) for row in rows]
    weights = [KINDS[row["k"]] if "k" in row else 1 for row in rows]
    amounts = [max(float(row["w"].replace(",", ".")), 0) if "w" in row else 1 for row in rows]
    counted = [row for row, weight, amount in zip(rows, weights, amounts, strict=True) if weight and amount]
    assert found.texts["user_text_ids"] == list(dict.fromkeys(row["u"] for row in counted))
    assert found.texts["movie_text_ids"] == list(dict.fromkeys(row["i"] for row in counted))
    assert set(pairs(found)) == {(row["u"], row["i"]) for row in counted}


@pytest.mark.parametrize("block_bytes", [2, 7, 16, 64, 1 << 20])
@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ('u,i,n\na,b,"one\ntwo"\nc,d,x\n', [("a", "b"), ("c", "d")]),
        ('u,i,n\na,b,"one\r\n\r\n\r\ntwo"\r\nc,d,x\r\n', [("a", "b"), ("c", "d")]),
        ('u,i,n\na,b,"one, ""two"""\nc,d,""\n', [("a", "b"), ("c", "d")]),
        ("u,i\na,b\n\n\n\nc,d", [("a", "b"), ("c", "d")]),
        ("u,i\r\n\r\na,b\r\n\r\nc,d\r\n\r\n", [("a", "b"), ("c", "d")]),
        ("u,i\ra,b\r\rc,d\r", [("a", "b"), ("c", "d")]),
        ("u,i\na,b\r\nc,d\re,f\n", [("a", "b"), ("c", "d"), ("e", "f")]),
        ('u,i\n"a","b"\n" a ","d"\n', [("a", "b"), ("a", "d")]),
        ("u,i,\na,b,\nc,d,\n", [("a", "b"), ("c", "d")]),
        ('"u\nu",i,u\nx,b,a\nx,d,c\n', [("a", "b"), ("c", "d")]),
        ("u,i\na,b\n ,\n,\nc,d\n", "line 3: u is empty"),
        ("u,i\na,b,\nc,d\n", "line 2: expected 2 values, got 3"),
        ('u,i\na,"b\nc,d\n', "line 2: not valid CSV (a quote is opened and not closed)"),
        ('u,i,n\na,b,"x\nc,d,y\ne,f,"\n', "line 2: a quote is opened here and closed on line 4"),
        ('u,i\na,"b"c\n', "line 2: not valid CSV (text follows a closing quote)"),
        ('u,i\na,b\nc,""d\n', "line 3: not valid CSV (text follows a closing quote)"),
        ("u,i\na,b\nc,d\n\nx\n", "line 5: expected 2 values, got 1 in 'x'"),
    ],
)  # fmt: skip
def test_lines_and_quotes_at_the_border_of_a_block(folder, content, expected, block_bytes):
    found = both(folder, put(folder, content), block_bytes)
    if isinstance(expected, str):
        assert isinstance(found, str) and expected in found
    else:
        assert pairs(found) == expected


def test_a_value_longer_than_a_block_is_read(folder):
    content = 'u,i,n\na,b,"' + "word\n" * 100 + '"\nc,d,x\n'
    assert pairs(both(folder, put(folder, content), 50)) == [("a", "b"), ("c", "d")]


def test_a_value_that_is_too_long_names_the_line(folder):
    found = both(folder, put(folder, f"u,i,n\na,b,c\na,c,{'x' * 200_000}\n"))
    assert "line 3: not valid CSV (a value has more than 131072 characters)" in found


def test_a_file_without_line_ends_is_one_line(folder, monkeypatch):
    monkeypatch.setattr(text_blocks, "MAX_LINE_BYTES", 100)
    found = outcome(folder, put(folder, "u,i\n" + "x" * 1000), True, 16)
    assert "rows.csv has a line of more than 100 bytes, beginning b'xxx" in found


def test_only_unusual_blocks_are_read_row_by_row(folder, monkeypatch):
    lines = [f"user{n},item{n % 7},{n},{n}" for n in range(400)]
    lines[100] = 'user100,item1,100,"two\nlines"'
    lines[300] = "user300,item1,+3e2,x"
    blocks = counting(monkeypatch)
    found = outcome(folder, put(folder, "\n".join(["u,i,t,n", *lines]), timestamp="t"), True, 500)
    assert len(pairs(found)) == 400 and len(blocks) == 1
    assert found.arrays["timestamps"].tolist() == list(range(400))


@pytest.mark.parametrize(
    ("times", "keys"),
    [
        (["1400000000.5", "1400000001.5"], {}),
        (["1400000000.0", "1400000001.0"], {}),
        (["1,5", "2,5"], {"decimal": ",", "separator": ";"}),
        (["2024-05-31T18:30:00.25Z", "2024-05-31T18:30:00.5+02:00"], {"timestamp_format": "iso"}),
        (["2024-05-31 18:30:00.123456789", "2024-06-01"], {"timestamp_format": "iso"}),
    ],
)
def test_usual_times_are_read_fast(folder, monkeypatch, times, keys):
    separator = keys.get("separator", ",")
    lines = [
        separator.join(row)
        for row in [("u", "i", "t"), *(("a", f"b{n}", time) for n, time in enumerate(times))]
    ]
    blocks = counting(monkeypatch)
    outcome(folder, put(folder, "\n".join(lines), timestamp="t", **keys), True, 1 << 20)
    assert not blocks


def test_quotes_and_escapes_are_read_fast(folder, monkeypatch):
    content = '"u";"i";"n"\n' + "".join(f'"u{n}";"i{n}";"a \\"b\\" ; ""c"""\n' for n in range(9))
    blocks = counting(monkeypatch)
    found = outcome(folder, put(folder, content, separator=";", escape="\\"), True, 1 << 20)
    assert len(pairs(found)) == 9 and not blocks


# --- compression, parts -----------------------------------------------------------------------------


def test_a_folder_of_parts_in_several_forms_is_one_table(folder):
    (folder / "rows").mkdir()
    (folder / "rows" / "0.csv").write_text("u,i\na,x\n")
    (folder / "rows" / "1.csv.gz").write_bytes(gzip.compress(b"i,u,more\ny,a,1\n"))
    (folder / "rows" / "2.csv.zst").write_bytes(pyarrow.compress(b"u,i\nb,x\n", codec="zstd", asbytes=True))
    parquet.write_table(pyarrow.table({"u": ["b"], "i": ["z"]}), folder / "rows" / "3.parquet")
    for name in ("_SUCCESS", ".part.crc"):
        (folder / "rows" / name).write_bytes(b"\0")
    schema = {"interactions": {"file": "rows", "user": "u", "item": "i"}}
    assert pairs(both(folder, schema)) == [("a", "x"), ("a", "y"), ("b", "x"), ("b", "z")]
    (folder / "rows" / "4.csv").write_text("u,i\nc,\n")
    assert "rows/4.csv, line 2: i is empty" in both(folder, schema)


@pytest.mark.parametrize(
    "compressed", [gzip.compress, lambda content: pyarrow.compress(content, "zstd", asbytes=True)]
)
def test_a_damaged_compressed_file_is_one_line(folder, compressed):
    content = compressed(("u,i\n" + "".join(f"user{n * n},item{n}\n" for n in range(2000))).encode())
    cut = both(folder, put(folder, content[: len(content) // 2]))
    assert "rows.csv is damaged: " in cut and cut.endswith("copy it again")


# --- Parquet ----------------------------------------------------------------------------------------


def arrays(values, kinds, nulls):
    """Columns of a Parquet file with values of some type."""
    return st.sampled_from(kinds).flatmap(
        lambda kind: st.lists(
            values(kind) | st.none() if nulls else values(kind), min_size=4, max_size=4
        ).map(lambda column: pyarrow.array(column, kind))
    )


def ids(kind):
    if pyarrow.types.is_integer(kind):
        return st.integers(0, 5)
    if pyarrow.types.is_floating(kind):
        return st.sampled_from([1.0, 2.0, 2.5, 550.0])
    if pyarrow.types.is_timestamp(kind):
        return st.datetimes(datetime(2000, 1, 1), datetime(2001, 1, 1))
    return st.sampled_from([b"a", b"b"] if pyarrow.types.is_binary(kind) else ["a", "b ", " b", "7"])


def numbers(kind):
    if pyarrow.types.is_integer(kind):
        return st.integers(0, 6)
    if pyarrow.types.is_floating(kind):
        return st.sampled_from([0.0, 1.5, 5.0, float("nan"), float("inf"), -1.0])
    if pyarrow.types.is_boolean(kind):
        return st.booleans()
    if pyarrow.types.is_decimal(kind):
        return st.sampled_from([Decimal("1.50"), Decimal("4.00")])
    return st.sampled_from(["1", "2.5", "x", ""])


def times(kind):
    if pyarrow.types.is_timestamp(kind):
        return st.datetimes(datetime(1960, 1, 1), datetime(2030, 1, 1)).map(
            lambda when: when.replace(microsecond=0)
        )
    if pyarrow.types.is_date(kind):
        return st.dates(date(1, 1, 1), date(9999, 12, 31))
    if pyarrow.types.is_time(kind):
        return st.integers(0, 3)
    if pyarrow.types.is_integer(kind):
        return st.integers(0, 2**40)
    if pyarrow.types.is_floating(kind):
        return st.sampled_from([1.0, 1.4e9, 1.4e9 + 0.25, 1e15, float("nan")])
    return st.sampled_from(["1400000000", "2024-05-31", "1.5", ""])


STRINGS = [pyarrow.string(), pyarrow.large_string(), pyarrow.dictionary(pyarrow.int32(), pyarrow.string())]
NUMBER_TYPES = [
    pyarrow.int32(),
    pyarrow.uint8(),
    pyarrow.float64(),
    pyarrow.float32(),
    pyarrow.decimal128(6, 2),
]
MICRO = "microseconds"
TIME_TYPES = [
    pyarrow.timestamp("us"), pyarrow.timestamp("s"), pyarrow.timestamp("ms", "Europe/Berlin"),
    pyarrow.timestamp("ns"), pyarrow.date32(), pyarrow.date64(), pyarrow.time32("s"), pyarrow.int64(),
    pyarrow.uint64(), pyarrow.float64(),
    *STRINGS,
]  # fmt: skip
ID_TYPES = [
    *STRINGS,
    pyarrow.int64(),
    pyarrow.uint64(),
    pyarrow.float64(),
    pyarrow.binary(),
    pyarrow.timestamp("us"),
]


@st.composite
def parquet_tables(draw):
    nulls = draw(st.sampled_from([False, False, True]))
    columns = {"u": draw(arrays(ids, ID_TYPES, nulls)), "i": draw(arrays(ids, ID_TYPES, nulls))}
    keys = {
        "empty": draw(st.sampled_from([[], ["7"]])),
        "repeats": draw(st.sampled_from(["first", "last", "count"])),
    }
    optional = {
        "rating": arrays(numbers, [*NUMBER_TYPES, pyarrow.bool_(), *STRINGS], nulls),
        "timestamp": arrays(times, TIME_TYPES, nulls),
        "weight": arrays(numbers, NUMBER_TYPES, nulls),
    }
    for key, values in optional.items():
        if draw(st.booleans()):
            keys[key], columns[COLUMNS[key]] = COLUMNS[key], draw(values)
    if draw(st.booleans()):
        keys["timestamp_format"] = "iso"
    return keys, pyarrow.table(columns)


@fuzz(300)
@given(parquet_tables())
def test_parquet_is_read_fast_as_row_by_row(folder, table):
    keys, content = table
    parquet.write_table(content, folder / "rows.parquet")
    both(folder, {"interactions": {"file": "rows.parquet", "user": "u", "item": "i"} | keys})


@pytest.mark.parametrize(
    ("values", "keys", "expected", "unit"),
    [
        (pyarrow.array([10**9 + 7, 3], pyarrow.int64()), {}, [10**9 + 7, 3], "number"),
        (pyarrow.array([1.5, 2.0], pyarrow.float64()), {}, [1_500_000, 2_000_000], "microseconds"),
        (pyarrow.array([1.4e9, 2.0], pyarrow.float64()), {}, [1_400_000_000, 2], "number"),
        (pyarrow.array([1999, -1], pyarrow.timestamp("ns")), {"timestamp_format": "iso"}, [1, -1], MICRO),
        (pyarrow.array([1, 2], pyarrow.timestamp("s", "Asia/Tokyo")), {}, [1_000_000, 2_000_000], MICRO),
        (pyarrow.array([1, 2], pyarrow.date32()), {}, [86_400_000_000, 172_800_000_000], "microseconds"),
        (pyarrow.array(["7", "5"]), {}, [7, 5], "number"),
    ],
)  # fmt: skip
def test_times_of_parquet_by_their_type(folder, values, keys, expected, unit):
    parquet.write_table(
        pyarrow.table({"u": ["a", "b"], "i": ["x", "x"], "t": values}), folder / "rows.parquet"
    )
    schema = {"interactions": {"file": "rows.parquet", "user": "u", "item": "i", "timestamp": "t"} | keys}
    found = both(folder, schema)
    assert found.arrays["timestamps"].tolist() == expected and found.texts["time_unit"] == [unit]


def test_a_header_may_begin_like_parquet(folder):
    schema = put(folder, "PAR1,i\na,x\n")
    schema["interactions"]["user"] = "PAR1"
    assert pairs(both(folder, schema)) == [("a", "x")]


def test_an_error_in_parquet_names_the_row(folder):
    rows = pyarrow.table({"u": ["a"] * 5, "i": list("vwxyz"), "r": [1.0, 2.0, 3.0, 9.0, float("nan")]})
    parquet.write_table(rows, folder / "rows.parquet")
    schema = {"interactions": {"file": "rows.parquet", "user": "u", "item": "i", "rating": "r"}}
    assert "rows.parquet, line 4: r is '9', above the best rating, 5" in both(folder, schema)


def test_a_parquet_file_with_a_row_group_without_rows(folder):
    writer = parquet.ParquetWriter(
        folder / "rows.parquet", pyarrow.schema([("u", pyarrow.string()), ("i", pyarrow.int64())])
    )
    for rows in ([("a", 550)], [], [("b", 551)]):
        writer.write_table(
            pyarrow.table({"u": [u for u, _ in rows], "i": [i for _, i in rows]}, schema=writer.schema)
        )
    writer.close()
    schema = {"interactions": {"file": "rows.parquet", "user": "u", "item": "i"}}
    assert pairs(both(folder, schema)) == [("a", "550"), ("b", "551")]
