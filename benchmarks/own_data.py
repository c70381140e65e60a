"""How fast interactions of one's own are read, and in how much memory.

    python -m benchmarks.own_data                      25 million rows of CSV, a few minutes with writing them
    python -m benchmarks.own_data --rows 1000000       smaller, to try it
    python -m benchmarks.own_data --form parquet       or gzip, zstd, parts
    python -m benchmarks.own_data --columns weight     amounts instead of ratings: all rows count

Writes a log in the order of time: text ids, seconds, and a rating or an amount. A process of its own reads it
as training does, cache aside. Prints seconds, processor seconds, peak memory and the speed over that of the
slow reader, which reads fewer such rows one by one. Ends with a line ``ratio: NUMBER (of what to what)``.
benchmarks/README.md says how to read it.
"""

import argparse
import json
import multiprocessing
import os
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

os.environ.setdefault("OMP_NUM_THREADS", "2")
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # for `python benchmarks/own_data.py`

import numpy as np  # noqa: E402

USERS, ITEMS = 160_000, 60_000  # of 25 million rows; of fewer rows, as many per row
ROWS = 25_000_000
BLOCK_ROWS = 1_000_000
SAMPLE_ROWS = 500_000  # the slow reader reads so many
PARTS = 8
FIRST_SECOND = 1_500_000_000
FORMS = ("csv", "gzip", "zstd", "parquet", "parts")


class Reading(NamedTuple):
    """What a reading took.

    Attributes:
        rows: rows of the file.
        interactions: interactions that came out.
        seconds: from start to end.
        cpu_seconds: of the processor, all threads together.
        gigabytes: the largest memory of the process, its libraries included.
    """

    rows: int
    interactions: int
    seconds: float
    cpu_seconds: float
    gigabytes: float


def write(folder: Path, num_rows: int, form: str, columns: str) -> None:
    """Write ``num_rows`` rows and the schema into an empty folder."""
    import pyarrow
    from pyarrow import csv, parquet

    random = np.random.default_rng(0)
    share = min(1.0, num_rows / ROWS)
    users, items = max(10, int(USERS * share)), max(10, int(ITEMS * share**0.5))
    user_ids = pyarrow.array([f"reader-{one:07d}" for one in range(users)])
    item_ids = pyarrow.array([f"B{one:05X}/{one % 97:02d}" for one in range(items)])
    blocks = -(-num_rows // BLOCK_ROWS)
    paths = [folder / f"log/part-{part:03d}.csv" for part in range(PARTS)] if form == "parts" else []
    name = {"parts": "log", "gzip": "log.csv.gz", "zstd": "log.csv.zst", "parquet": "log.parquet"}.get(
        form, "log.csv"
    )
    if form == "parts":
        (folder / "log").mkdir()
    paths = paths or [folder / name]
    schema = pyarrow.schema(
        [("user", pyarrow.string()), ("item", pyarrow.string()), ("time", pyarrow.int64())]
    )
    schema = schema.append(pyarrow.field(columns, pyarrow.float64()))
    writers = []
    for path in paths:
        if form == "parquet":
            writers.append(parquet.ParquetWriter(path, schema))
        else:
            compression = form if form in ("gzip", "zstd") else None
            stream = pyarrow.output_stream(str(path), compression=compression)
            writers.append(csv.CSVWriter(stream, schema))
    second = FIRST_SECOND
    for block in range(blocks):
        size = min(BLOCK_ROWS, num_rows - block * BLOCK_ROWS)
        times = second + np.sort(random.integers(0, 10 * size, size))
        second = int(times[-1])
        taken = (items * random.random(size) ** 2.5).astype(np.int64)
        values = (
            random.integers(1, 11, size) / 2 if columns == "rating" else random.exponential(60, size).round(1)
        )
        batch = pyarrow.record_batch(
            [
                user_ids.take(pyarrow.array((users * random.random(size) ** 1.5).astype(np.int64))),
                item_ids.take(pyarrow.array(taken)),
                pyarrow.array(times),
                pyarrow.array(values),
            ],
            schema=schema,
        )
        writers[min(block * len(writers) // blocks, len(writers) - 1)].write_table(
            pyarrow.table(batch.columns, schema=schema)
        )
    for writer in writers:
        writer.close()
    table = {"file": name, "user": "user", "item": "item", "timestamp": "time", columns: columns}
    (folder / "schema.json").write_text(json.dumps({"interactions": table}), encoding="utf-8")


def read(folder: Path, row_by_row: bool) -> Reading:
    """Read a folder without the cache."""
    from base.compute import peak_memory_gb
    from data.dataset import load_movielens
    from data.reading import own_interactions

    if row_by_row:
        own_interactions.fast_blocks = own_interactions.slow_blocks
    start, cpu = time.perf_counter(), time.process_time()
    data = load_movielens(folder, cache=False)
    seconds, cpu_seconds = time.perf_counter() - start, time.process_time() - cpu
    rows = next(one.count for one in data.findings if one.name == "rows")
    return Reading(rows, len(data.interactions), seconds, cpu_seconds, peak_memory_gb())


def alone(work: Any, *arguments: Any) -> Any:
    """The result of a function in a fresh process, so that memory is that of this work."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(work, *arguments).result()


def main() -> None:
    """Write, read and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--form", choices=FORMS, default="csv")
    parser.add_argument("--columns", choices=("rating", "weight"), default="rating")
    parser.add_argument("--work_dir", help="folder for the files, several GB; a temporary one by default")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=args.work_dir) as work:
        whole, sample = Path(work, "whole"), Path(work, "sample")
        for folder, rows in ((whole, args.rows), (sample, min(args.rows, SAMPLE_ROWS))):
            folder.mkdir()
            alone(write, folder, rows, args.form, args.columns)
        slow = alone(read, sample, True)
        fast = alone(read, whole, False)
    for name, one in (("fast", fast), ("row by row", slow)):
        print(
            f"{name}: {one.rows:,} rows to {one.interactions:,} interactions in {one.seconds:.1f} s "
            f"({one.cpu_seconds:.1f} s of the processor), {one.gigabytes:.2f} GB"
        )
    ratio = (slow.cpu_seconds / slow.rows) / (fast.cpu_seconds / fast.rows)
    print(f"ratio: {ratio:.1f} (processor time per row, row by row to fast)")


if __name__ == "__main__":
    main()
