"""Columns of times that a schema does not name."""

import gzip
import json

import pytest

from data.dataset import load_movielens
from data.inspection.findings import Finding
from tests.data.test_inspection import looked_at

SCHEMA = {"interactions": {"file": "log.csv", "user": "user", "item": "item"}}
SAME_DAY = "2024-05-31T10:{:02d}:00Z"


def found(folder, columns, rows, **keys):
    """The findings on times of a log with the columns user, item and others."""
    text = "\n".join([",".join(["user", "item", *columns]), *(",".join(map(str, row)) for row in rows)])
    (folder / "log.csv").write_text(text)
    schema = {"interactions": SCHEMA["interactions"] | keys}
    (folder / "schema.json").write_text(json.dumps(schema))
    data = load_movielens(folder, cache=False)
    return [one for one in data.findings if one.name in ("unused_times", "newest_first")], data


def log(values):
    return [(f"u{n // 4}", f"i{(7 * n) % 20}", value) for n, value in enumerate(values)]


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("day", [f"2024-05-{1 + n % 28:02d}" for n in range(40)]),
        ("bought", [SAME_DAY.format(n) for n in range(40)]),
        ("bought", ["", *[f"2011-12-09 12:{n:02d}" for n in range(39)]]),
        ("bought", [f"{1 + n % 28}.5.2024 10:00" for n in range(40)]),
        ("InvoiceDate", [f"5/{1 + n % 28}/24" for n in range(40)]),
        ("ts", [1_500_000_000 + n for n in range(40)]),
        ("created_at", [f"{1_500_000_000_000 + n}.0" for n in range(40)]),
    ],
)
def test_a_column_of_times_is_found(tmp_path, column, values):
    findings, data = found(tmp_path, [column], log(values))
    assert findings == [Finding("unused_times", 1, 1, (column,))]
    odd = {one.name: one for one in looked_at(data).oddities}["unused_times"]
    assert odd.text == f"the schema names no times, but the column {column} looks like times"
    assert "interactions.timestamp" in odd.advice


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("basket", [1_500_000_000 + n for n in range(40)]),  # an id of the size of a time
        ("time", [n % 24 for n in range(40)]),
        ("time", ["morning"] * 40),
        ("time", [""] * 40),
        ("day", ["2024-05-31", *["later"] * 39]),
        ("version", [f"1.{n}.0" for n in range(40)]),
        ("size", [f"10-{n}" for n in range(40)]),
    ],
)
def test_other_columns_are_none(tmp_path, column, values):
    assert found(tmp_path, [column], log(values))[0] == []


def test_a_column_that_the_schema_names_is_used(tmp_path):
    rows = log([SAME_DAY.format(n) for n in range(40)])
    assert found(tmp_path, ["t"], rows, timestamp="t", timestamp_format="iso")[0] == []
    numbers = log([1_500_000_000 + n for n in range(40)])
    assert found(tmp_path, ["time_spent"], numbers, weight="time_spent")[0] == []


def test_no_other_column_and_a_column_twice_are_none(tmp_path):
    assert found(tmp_path, [], [row[:2] for row in log(range(40))])[0] == []
    twice = [(*row, row[2]) for row in log([SAME_DAY.format(n) for n in range(40)])]
    assert found(tmp_path, ["day", "day"], twice)[0] == []


@pytest.mark.parametrize(
    "values", [[SAME_DAY.format(59 - n) for n in range(40)], range(1_500_000_040, 1_500_000_000, -1)]
)
def test_a_log_with_its_newest_rows_first_is_said_to_fall(tmp_path, values):
    findings, data = found(tmp_path, ["time"], log(values))
    assert findings == [Finding("unused_times", 1, 1, ("time",)), Finding("newest_first", 39, 39)]
    assert "looks like times and fall from row to row" in looked_at(data).oddities[0].text


def test_compressed_files_and_files_without_a_header_are_looked_at(tmp_path):
    rows = log([SAME_DAY.format(n) for n in range(40)])
    text = "\n".join(",".join(row) for row in rows)
    (tmp_path / "log.csv").write_bytes(gzip.compress(text.encode()))
    schema = SCHEMA["interactions"] | {"header": ["user", "item", "t"]}
    (tmp_path / "schema.json").write_text(json.dumps({"interactions": schema}))
    data = load_movielens(tmp_path, cache=False)
    assert Finding("unused_times", 1, 1, ("t",)) in data.findings


def test_parquet_is_looked_at(tmp_path):
    pa = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    users, items, times = zip(*log([f"2024-05-31 10:{n:02d}:00" for n in range(40)]), strict=True)
    table = pa.table({"user": users, "item": items, "t": times, "list": [[1.0, 2.0]] * 40})
    parquet.write_table(table, tmp_path / "log.parquet")
    schema = {"interactions": SCHEMA["interactions"] | {"file": "log.parquet"}}
    (tmp_path / "schema.json").write_text(json.dumps(schema))
    data = load_movielens(tmp_path, cache=False)
    assert Finding("unused_times", 1, 2, ("t",)) in data.findings
