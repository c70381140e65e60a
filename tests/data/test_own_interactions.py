"""What the rows of own data count: repeats, weights, kinds, equal rows and unknown items, against loops."""

import json
import math
from pathlib import Path

import numpy as np
import pyarrow
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

from base.errors import UserError
from data.dataset import MovieLens, load_movielens
from data.reading import text_blocks
from data.reading.near_ids import NearIds
from tests.fuzzing import fuzz

KINDS = {"view": 1, "cart": 3, "click": 1, "void": 0}
NAMES = ("u", "i", "r", "t", "w", "k", "note")
CATALOGUE = ("x", "y", "z")


@pytest.fixture
def folder(tmp_path):
    """A folder that the examples of a test use one after the other."""
    return tmp_path


def read(folder: Path, rows: str | list[str], catalogue: tuple[str, ...] = (), **keys: object) -> MovieLens:
    """The data of one table, or of a folder of parts, with the columns ``u`` and ``i``."""
    if isinstance(rows, str):
        (folder / "rows.csv").write_text(rows)
    else:
        (folder / "parts").mkdir(exist_ok=True)
        for part, content in enumerate(rows):
            (folder / "parts" / f"{part}.csv").write_text(content)
    name = "rows.csv" if isinstance(rows, str) else "parts"
    schema = {"interactions": {"file": name, "user": "u", "item": "i"} | keys}
    if catalogue:
        (folder / "items.csv").write_text("\n".join(["id", *catalogue]) + "\n")
        schema["items"] = {"file": "items.csv", "id": "id"}
    (folder / "schema.json").write_text(json.dumps(schema))
    return load_movielens(folder, cache=False)


def edges(data: MovieLens) -> list[tuple[str, str, float, int]]:
    """The interactions as (user, item, rating, time)."""
    columns = (
        data.interactions.users,
        data.interactions.movies,
        data.interactions.ratings,
        data.interactions.timestamps,
    )
    return [
        (data.user_text_ids[user], data.movies.public_id(movie), float(rating), int(time))
        for user, movie, rating, time in zip(*columns, strict=True)
    ]


def amounts(data: MovieLens) -> list[list[float]]:
    """What the events of each interaction count, in their order."""
    if data.events is None:
        return [[1.0]] * len(data.interactions)
    found = [[] for _ in range(len(data.interactions))]
    for edge, amount in zip(data.events.edges.tolist(), data.events.amounts.tolist(), strict=True):
        found[edge].append(amount)
    return found


# --- everything at once, against a loop -------------------------------------------------------------

ROWS = st.lists(
    st.tuples(
        st.sampled_from("ab"), st.sampled_from([*CATALOGUE, "X"]), st.sampled_from(["1", "5", "5.0"]),
        st.integers(0, 3).map(str), st.sampled_from(["1", "2", "0", "-3", "7.5"]), st.sampled_from([*KINDS]),
        st.sampled_from(["", "same", "other"]),
    ),
    min_size=1,
    max_size=12,
)  # fmt: skip


def naive(rows, used, catalogue, repeats):
    """Edges, the amounts behind each, and the counts of the notes; every row is (user, ..., note) as text."""
    unknown = [row for row in rows if catalogue and row[1] not in catalogue]
    kept, weightless, equal, seen = [], 0, 0, set()
    for row in rows:
        user, item, rating, time, weight, kind, note = row
        if catalogue and item not in catalogue:
            continue
        amount = 1.0
        if "w" in used:
            amount *= math.log1p(max(float(weight), 0))
        if "k" in used:
            amount *= KINDS[kind]
        if amount <= 0:
            weightless += 1
            continue
        whole = (user, item, float(rating) if "r" in used else rating, time, weight, kind, note)
        if whole in seen:
            equal += 1
            continue
        seen.add(whole)
        kept.append(
            (user, item, float(rating) if "r" in used else 5.0, int(time) if "t" in used else None, amount)
        )
    users = list(dict.fromkeys(row[0] for row in kept))
    ordered = sorted(range(len(kept)), key=lambda n: (users.index(kept[n][0]), kept[n][3] or 0, n))
    by_pair: dict[tuple[str, str], list[int]] = {}
    for n in ordered:
        by_pair.setdefault(kept[n][:2], []).append(n)
    own = {pair: {"first": min(ns), "last": ns[-1], "count": ns[0]}[repeats] for pair, ns in by_pair.items()}
    in_order = [n for n in ordered if own[kept[n][:2]] == n]
    counted = {pair: ns if repeats == "count" else [own[pair]] for pair, ns in by_pair.items()}
    return (
        [kept[n][:4] for n in in_order],
        [[kept[m][4] for m in counted[kept[n][:2]]] for n in in_order],
        {"unknown_items": len(unknown), "zero_weight": weightless, "equal_rows": equal},
    )


@fuzz(400)
@given(
    ROWS, st.sets(st.sampled_from("rtwk")), st.booleans(), st.sampled_from(["first", "last", "count"]),
    st.sampled_from([1, 2, 3]), st.sampled_from([20, 1 << 20]),
)  # fmt: skip
def test_rows_count_as_in_a_loop(folder, rows, used, has_catalogue, repeats, num_parts, block_bytes):
    """Every column is in the file, whether or not the schema names it, so equal rows are known everywhere."""
    catalogue = CATALOGUE if has_catalogue else ()
    keys = {key: name for key, name in (("rating", "r"), ("timestamp", "t"), ("weight", "w")) if name in used}
    keys |= {"kind": {"column": "k", "weights": KINDS}} if "k" in used else {}
    header = ",".join(NAMES) + "\n"
    cuts = np.linspace(0, len(rows), num_parts + 1).astype(int)
    parts = [
        header + "".join(",".join(row) + "\n" for row in rows[start:end])
        for start, end in zip(cuts, cuts[1:], strict=False)
    ]
    for old in folder.glob("parts/*"):
        old.unlink()
    expected, weights, counts = naive(rows, used, catalogue, repeats)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(text_blocks, "BLOCK_BYTES", block_bytes)
        try:
            data = read(folder, parts, catalogue, repeats=repeats, **keys)
        except UserError:
            assert 2 * counts["unknown_items"] > len(rows) or not expected
            return
    assert 2 * counts["unknown_items"] <= len(rows) and expected
    found = edges(data)
    assert [row[:3] for row in found] == [row[:3] for row in expected]
    if "t" in used:
        assert [row[3] for row in found] == [row[3] for row in expected]
    if len({len(own) for own in weights}) > 1 or len({amount for own in weights for amount in own}) > 1:
        for ours, theirs in zip(amounts(data), weights, strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=1e-6)
    of = {one.name: one.count for one in data.findings}
    assert {name: of.get(name, 0) for name in counts} == counts


# --- repeats ----------------------------------------------------------------------------------------

REPEATED = "u,i,r,t\na,x,1,30\na,y,2,20\na,x,3,10\na,x,4,40\n"


@pytest.mark.parametrize(
    ("repeats", "expected", "behind"),
    [
        ("first", [("a", "y", 2, 20), ("a", "x", 1, 30)], [1, 1]),  # the first row of the file
        ("last", [("a", "y", 2, 20), ("a", "x", 4, 40)], [1, 1]),
        ("count", [("a", "x", 3, 10), ("a", "y", 2, 20)], [3, 1]),
    ],
)
def test_repeats(tmp_path, repeats, expected, behind):
    data = read(tmp_path, REPEATED, rating="r", timestamp="t", repeats=repeats)
    assert edges(data) == expected and [len(own) for own in amounts(data)] == behind


def test_repeats_count_by_default_only_without_ratings(tmp_path):
    assert read(tmp_path, REPEATED, rating="r", timestamp="t").events is None
    counted = read(tmp_path, REPEATED, timestamp="t")
    assert [len(own) for own in amounts(counted)] == [3, 1]
    assert counted.notes == ("2 repeated interactions counted in the weight of the first",)


# --- weight and kind --------------------------------------------------------------------------------


def test_a_row_counts_the_logarithm_of_its_weight_times_its_kind(tmp_path):
    rows = "u,i,w,k\na,x,59,view\na,x,0.5,cart\na,y,1e6,view\n"
    data = read(tmp_path, rows, weight="w", kind={"column": "k", "weights": {"view": 1, "cart": 3}})
    expected = [[math.log1p(59), 3 * math.log1p(0.5)], [math.log1p(1e6)]]
    for ours, theirs in zip(amounts(data), expected, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-6)


def test_rows_without_weight_are_left_out_and_so_are_users_and_items_without_others(tmp_path):
    rows = "u,i,w\na,x,0\nb,y,2\na,z,-5\nb,x,1\n"
    data = read(tmp_path, rows, weight="w")
    assert [row[:2] for row in edges(data)] == [("b", "y"), ("b", "x")]
    assert data.user_text_ids == ["b"] and data.movies.text_ids == ["y", "x"]
    assert data.notes == ("2 interactions with a weight of 0 or less left out",)


def test_an_unknown_kind_names_line_value_and_key(tmp_path):
    kind = {"column": "k", "weights": {"view": 1}}
    with pytest.raises(UserError) as error:
        read(tmp_path, "u,i,k\na,x,view\na,y,View\n", kind=kind)
    expected = "rows.csv, line 3: k is 'View', and interactions.kind.weights has no such kind; add it there"
    assert expected in str(error.value)


def test_a_table_of_which_nothing_counts_is_refused(tmp_path):
    with pytest.raises(UserError, match="none of its 2 rows counts, all have a weight of 0 or less"):
        read(tmp_path, "u,i,w\na,x,0\na,y,-1\n", weight="w")


# --- equal rows -------------------------------------------------------------------------------------


def test_rows_that_differ_in_a_column_that_is_not_read_are_two(tmp_path):
    rows = "u,i,t,session\na,x,1,s1\na,x,1,s2\na,x,1,s1\n"
    data = read(tmp_path, rows, timestamp="t")
    assert [len(own) for own in amounts(data)] == [2]
    assert data.notes[0] == "1 row equal to another in every column left out"


def test_kinds_of_equal_weight_are_two_rows(tmp_path):
    kind = {"column": "k", "weights": {"view": 1, "click": 1}}
    data = read(tmp_path, "u,i,t,k\na,x,1,view\na,x,1,click\na,x,1,view\n", timestamp="t", kind=kind)
    assert [len(own) for own in amounts(data)] == [2]


def test_weights_that_are_equal_only_as_float32_are_two_rows(tmp_path):
    data = read(tmp_path, "u,i,t,w\na,x,1,1000000001\na,x,1,1000000002\n", timestamp="t", weight="w")
    assert [len(own) for own in amounts(data)] == [2]


def test_equal_rows_of_several_parts_with_their_columns_in_another_order(tmp_path):
    data = read(tmp_path, ["u,i,n\na,x,1\na,y,2\n", "n,i,u\n1,x,a\n3,y,a\n", "u,i\na,x\na,x\n"])
    assert [len(own) for own in amounts(data)] == [2, 2]  # a part without the column has "" there
    assert data.notes[0] == "2 rows equal to another in every column left out"


def test_equal_rows_with_columns_of_one_name(tmp_path):
    data = read(tmp_path, "u,i,n,n\na,x,1,1\na,x,1,2\na,x,1,1\n")
    assert [len(own) for own in amounts(data)] == [2]


def test_an_export_written_twice_counts_once(tmp_path):
    rows = "".join(f"u{n % 7},i{n},{n},{n % 3}\n" for n in range(50))
    once, twice = (read(tmp_path, "u,i,t,n\n" + rows * times, timestamp="t") for times in (1, 2))
    assert edges(once) == edges(twice) and twice.events is None
    assert twice.notes == ("50 rows equal to another in every column left out",)


def test_without_anything_to_tell_them_apart_rows_are_events(tmp_path):
    """A log of users and items alone can say only by its rows that a user came back."""
    assert [len(own) for own in amounts(read(tmp_path, "u,i\na,x\na,x\na,y\n"))] == [2, 1]
    kind = {"column": "k", "weights": {"view": 1}}
    assert [len(own) for own in amounts(read(tmp_path, "u,i,k\na,x,view\na,x,view\n", kind=kind))] == [2]
    rated = read(tmp_path, "u,i,r\na,x,4\na,x,4\na,x,5\n", rating="r")
    assert rated.notes == ("2 repeated interactions dropped, the first of each kept",)


def test_equal_rows_of_parquet(tmp_path):
    table = {"u": ["a"] * 4, "i": [550] * 4, "s": [1.5, None, 1.5, None], "tags": [["p"], [], ["p"], ["q"]]}
    parquet.write_table(pyarrow.table(table), tmp_path / "rows.parquet")
    schema = {"interactions": {"file": "rows.parquet", "user": "u", "item": "i"}}
    (tmp_path / "schema.json").write_text(json.dumps(schema))
    data = load_movielens(tmp_path, cache=False)
    assert [len(own) for own in amounts(data)] == [3] and data.movies.text_ids == ["550"]


# --- rows, times, ids -------------------------------------------------------------------------------


def test_users_and_items_are_numbered_by_their_first_row_that_counts(tmp_path):
    rows = "u,i\nd,gone\nc,y\na,x\nb,y\nd,x\n"
    data = read(tmp_path, rows, CATALOGUE)
    assert data.user_text_ids == ["c", "a", "b", "d"] and data.movies.text_ids == list(CATALOGUE)
    assert read(tmp_path, rows).movies.text_ids == ["gone", "y", "x"]


@pytest.mark.parametrize("block_bytes", [8, 1 << 20])
def test_fractions_anywhere_make_all_times_microseconds(tmp_path, monkeypatch, block_bytes):
    monkeypatch.setattr(text_blocks, "BLOCK_BYTES", block_bytes)
    rows = "u,i,t\na,x,1400000000\na,y,1399999999.000001\na,z,1400000000\na,v,1400000000.0\n"
    data = read(tmp_path, rows, timestamp="t")
    assert [row[1] for row in edges(data)] == [
        "y",
        "x",
        "z",
        "v",
    ]  # equal times stay in the order of the file
    start = 1_399_999_999_000_001
    assert data.interactions.timestamps.tolist() == [start, *[1_400_000_000_000_000] * 3]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2024-05-31", 1_717_113_600_000_000),
        ("2024-05-31T18:30:00.25Z", 1_717_180_200_250_000),
        ("2024-05-31 18:30:00.25+02:00", 1_717_173_000_250_000),
        ("2024-05-31T18:30:00.1234567", 1_717_180_200_123_456),
        ("1969-12-31T23:59:59.999999", -1),
        ("20240531T183000", 1_717_180_200_000_000),
    ],
)
def test_dates_of_iso_8601(tmp_path, text, expected):
    data = read(tmp_path, f"u,i,t\na,x,{text}\n", timestamp="t", timestamp_format="iso")
    assert data.interactions.timestamps.tolist() == [expected] and data.time_unit == "microseconds"


def test_dates_with_and_without_zones_may_be_mixed(tmp_path):
    rows = "u,i,t\na,x,2024-05-31T12:00:00+02:00\na,y,2024-05-31T10:30:00\na,z,2024-05-31T10:15:00Z\n"
    data = read(tmp_path, rows, timestamp="t", timestamp_format="iso")
    assert [row[1] for row in edges(data)] == ["x", "z", "y"]


def test_times_of_milliseconds_with_fractions_have_no_known_unit(tmp_path):
    data = read(tmp_path, "u,i,t\na,x,1400000000000.5\na,y,1400000000001\n", timestamp="t")
    assert data.time_unit == "number"
    expected = [1_400_000_000_000_500_000, 1_400_000_000_001_000_000]
    np.testing.assert_allclose(data.interactions.timestamps, expected, rtol=1e-15)


def test_dates_and_numbers_in_the_parts_of_a_table_are_refused(tmp_path):
    (tmp_path / "parts").mkdir()
    dates = pyarrow.array([1, 2], pyarrow.timestamp("s"))
    parquet.write_table(
        pyarrow.table({"u": ["a", "a"], "i": ["x", "y"], "t": dates}), tmp_path / "parts" / "x.parquet"
    )
    with pytest.raises(UserError, match="x.parquet has dates in t, other files of the folder do not; write"):
        read(tmp_path, ["u,i,t\na,x,1\n"], timestamp="t")


@pytest.mark.parametrize(
    ("known", "text", "expected"),
    [
        ("550", "550.0", "'550.0' (the catalogue has '550')"),
        ("550.0", "550", "'550' (the catalogue has '550.0')"),
        ("7", "007", "'007' (the catalogue has '7')"),
        ("007", "7", "'7' (the catalogue has '007')"),
        ("00x7", "x7", "'x7' (the catalogue has '00x7')"),
        ("ABC", "abc", "'abc' (the catalogue has 'ABC')"),
        ("1e3", "1000", "'1000' (the catalogue has '1e3')"),
        ("550", "551", "'551'"),
        ("a b", "ab", "'ab'"),
    ],
)
def test_an_id_that_is_probably_meant(known, text, expected):
    assert NearIds([known]).with_near(text) == expected


def test_more_than_half_of_unknown_items_stops(tmp_path):
    rows = "u,i\n" + "a,x\n" + "a,q\n" * 2
    with pytest.raises(
        UserError, match="1 of its 3 rows is of items in the catalogue; it does not have 'q'; check"
    ):
        read(tmp_path, rows, CATALOGUE)
    assert len(read(tmp_path, rows + "b,y\n", CATALOGUE).interactions) == 2


def test_genres_beyond_a_thousand_and_no_genres(tmp_path):
    (tmp_path / "rows.csv").write_text("u,i\na,x0\n")
    items = "id,g\nx0,(no genres listed)\nx1, a | b|| a/b \n" + "".join(f"y{n},g{n}\n" for n in range(1000))
    (tmp_path / "items.csv").write_text(items)
    schema = {
        "items": {"file": "items.csv", "id": "id", "genres": "g"},
        "interactions": {"file": "rows.csv", "user": "u", "item": "i"},
    }
    (tmp_path / "schema.json").write_text(json.dumps(schema))
    data = load_movielens(tmp_path, cache=False)
    assert data.movies.genres[:2] == [(), ("a", "b", "a/b")]
    assert data.content.categories["genres"][:3] == ["", "a b a/b", "g0"]
