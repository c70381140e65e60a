"""Reading own data: seconds, rows per second and memory, and the ratio to reading row by row.

    python -m benchmarks.own_data                     25 million rows as CSV, most of a minute each
    python -m benchmarks.own_data --rows 1000000      to try it
    python -m benchmarks.own_data --formats csv csv.gz csv.zst parquet --tables ratings visits

``ratings`` are rows of user, item, rating and time; ``visits`` are rows of user, item and time, and a user
takes some items several times. Ids are text, items have Zipf's popularity, rows are in order of time. Each
reading runs in a process of its own, whose peak memory is known; ``row by row`` is a smaller sample of the
same data through the csv module and the rules of each value, as a reading takes where pyarrow refuses. On a
busy machine the processor time says more than the clock. Ends with the line ``ratio: NUMBER (of what to
what)``.
"""

import argparse
import json
import logging
import multiprocessing
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # for `python benchmarks/own_data.py`

import numpy as np  # noqa: E402

from report.text_table import TableColumn, TableSection, render_table  # noqa: E402

FORMATS = ("csv", "csv.gz", "csv.zst", "parquet")
TABLES = ("ratings", "visits")
ROWS = 25_000_000
ROWS_PER_USER = 156  # 160,000 users of 25 million rows
NUM_ITEMS = 60_000
SAMPLE_SHARE = 50  # one row in so many is read row by row
FIRST_TIME, LAST_TIME = 1_400_000_000, 1_700_000_000
WRITTEN_ROWS = 1 << 20  # at a time
COLUMNS = (
    "rows",
    "interactions",
    "seconds",
    "processor seconds",
    "rows per second",
    "peak memory, GB",
    "file, MB",
)


class Reading(NamedTuple):
    """What one reading took.

    Attributes:
        rows: of the table.
        seconds: on the clock.
        processor_seconds: of all threads.
        gigabytes: the largest resident memory of the process.
        interactions: that were kept, one for each user and item.
    """

    rows: int
    seconds: float
    processor_seconds: float
    gigabytes: float
    interactions: int


def write_data(folder: Path, rows: int, table: str, form: str, seed: int = 0) -> Path:
    """Write a table of random rows, and the schema of it.

    Args:
        folder: to write into, made when missing.
        rows: how many.
        table: one of ``TABLES``.
        form: one of ``FORMATS``.
        seed: of the random choices.

    Returns:
        The folder.
    """
    import pyarrow
    from pyarrow import csv, parquet

    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    num_users = max(2, rows // ROWS_PER_USER)
    num_items = min(NUM_ITEMS, max(2, rows // 10))
    users = pyarrow.array([f"reader-{number:06d}" for number in rng.permutation(num_users)])
    items = pyarrow.array(
        [f"B{number:08X}" for number in rng.choice(2**31, num_items, replace=False).tolist()]
    )
    popularity = np.cumsum(1 / np.arange(1, num_items + 1))
    times = np.sort(rng.integers(FIRST_TIME, LAST_TIME, size=rows))
    path = folder / f"rows.{form}"
    text, whole, number = pyarrow.string(), pyarrow.int64(), pyarrow.float64()
    rated = [("stars", number)] if table == "ratings" else []
    arrow_schema = pyarrow.schema([("reader", text), ("book", text), *rated, ("time", whole)])
    with path.open("wb") as file:
        sink = _compressed(pyarrow, file, form)
        writer = (
            parquet.ParquetWriter(sink, arrow_schema)
            if form == "parquet"
            else csv.CSVWriter(sink, arrow_schema, write_options=csv.WriteOptions(quoting_style="none"))
        )
        for start in range(0, rows, WRITTEN_ROWS):
            size = min(WRITTEN_ROWS, rows - start)
            took = {
                "reader": users.take(pyarrow.array(rng.integers(num_users, size=size))),
                "book": items.take(
                    pyarrow.array(np.searchsorted(popularity, rng.random(size) * popularity[-1]))
                ),
                "stars": pyarrow.array(rng.integers(1, 11, size=size) / 2),
                "time": pyarrow.array(times[start : start + size]),
            }
            writer.write_table(
                pyarrow.table([took[name] for name in arrow_schema.names], schema=arrow_schema)
            )
        writer.close()
        if sink is not file:
            sink.close()
    keys = {"file": path.name, "user": "reader", "item": "book", "timestamp": "time"}
    keys |= {"rating": "stars"} if table == "ratings" else {}
    (folder / "schema.json").write_text(json.dumps({"interactions": keys}), encoding="utf-8")
    return folder


def _compressed(pyarrow: Any, file: Any, form: str) -> Any:
    kind = {"csv.gz": "gzip", "csv.zst": "zstd"}.get(form)
    return file if kind is None else pyarrow.CompressedOutputStream(file, kind)


def read_data(folder: Path, row_by_row: bool) -> Reading:
    """Read a folder of ``write_data`` as a training does the first time, without keeping the result."""
    import pyarrow  # noqa: F401  (imported before the clock starts, as every training does)

    from base.compute import peak_memory_gb
    from data.dataset import load_movielens
    from data.reading import own_blocks

    logging.getLogger("pinsage").setLevel(logging.WARNING)
    if row_by_row:
        own_blocks.FAST = False
    started, before = time.perf_counter(), time.process_time()
    data = load_movielens(folder, cache=False)
    seconds, processor = time.perf_counter() - started, time.process_time() - before
    rows = next(finding.total for finding in data.findings if finding.total)
    return Reading(rows, seconds, processor, peak_memory_gb(), len(data.interactions))


def _in_own_process(function: Callable[..., Any], *arguments: Any) -> Any:
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(function, *arguments).result()


def _row(name: str, reading: Reading, path: Path) -> list[str]:
    per_second = reading.rows / reading.seconds
    return [
        name,
        f"{reading.rows:,}",
        f"{reading.interactions:,}",
        f"{reading.seconds:.1f}",
        f"{reading.processor_seconds:.1f}",
        f"{per_second:,.0f}",
        f"{reading.gigabytes:.2f}",
        f"{path.stat().st_size / 1e6:,.0f}",
    ]


def main() -> None:
    """Write, read and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--formats", nargs="+", choices=FORMATS, default=FORMATS)
    parser.add_argument("--tables", nargs="+", choices=TABLES, default=TABLES)
    parser.add_argument("--folder", type=Path, help="where to write the data; a temporary folder by default")
    arguments = parser.parse_args()
    rows, ratios = [], []
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        for table in arguments.tables:
            sample = Path(folder) / "sample"
            size = max(1, arguments.rows // SAMPLE_SHARE)
            _in_own_process(write_data, sample, size, table, "csv")
            slow = _in_own_process(read_data, sample, True)
            rows.append(_row(f"{table}, csv, row by row", slow, sample / "rows.csv"))
            shutil.rmtree(sample)
            for form in arguments.formats:
                data = Path(folder) / form
                _in_own_process(write_data, data, arguments.rows, table, form)
                fast = _in_own_process(read_data, data, False)
                rows.append(_row(f"{table}, {form}", fast, data / f"rows.{form}"))
                print("  ".join(rows[-1]), flush=True)
                shutil.rmtree(data)
                if form == "csv":
                    ratios.append(slow.processor_seconds / slow.rows / (fast.processor_seconds / fast.rows))
    headings = [TableColumn("table", numeric=False), *(TableColumn(name) for name in COLUMNS)]
    print(render_table(headings, [TableSection(rows)]))
    if ratios:
        print(f"ratio: {min(ratios):.1f} (rows per processor second, CSV to row by row, the lower table)")


if __name__ == "__main__":
    main()
