"""float16 and int8 vectors mapped from disk beside float32 in memory: memory, opening, recall, time.

    python -m benchmarks.compact_vectors                        62,423 x 128 vectors
    python -m benchmarks.compact_vectors --scale 1m             1,000,000 x 128 vectors; some minutes, 5 GB
    python -m benchmarks.compact_vectors --checkpoint_dir DIR   the films of DIR/best.pt, by their queries

Each index is built once over float32. Its compact forms are saved and opened again. A process of its own
opens each file, which the system has dropped from its cache before, asks all queries and says what that added
to its memory. Queries of the mapped index take turns with those of float32 in memory. Ends with a line
``ratio: NUMBER (of what to what)``.
"""

import argparse
import copy
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from base.arrays import FloatArray
from benchmarks.search import one_thread
from benchmarks.search_data import Task, clustered, trained
from config import VECTOR_FORMS
from search import ExactIndex, LSHIndex, VectorIndex, WeakANDIndex
from search.tuning import recall_by_score
from search.vectors import Vectors

K = 10
METHODS: dict[str, Any] = {"exact": ExactIndex, "lsh": LSHIndex, "ivf": WeakANDIndex}
BATCH_ROUNDS = 3
PARTS = ("RssAnon", "RssFile")


def in_form(index: VectorIndex, form: str) -> VectorIndex:
    """The same index with its vectors in another form, without training again."""
    changed = copy.copy(index)
    changed.vectors, changed._stored = form, Vectors.encode(index.embeddings, form)
    changed._refresh()
    return changed


def memory() -> dict[str, float]:
    """MB of this process: of its own, and of files that are mapped (Linux)."""
    lines = dict(line.split(":") for line in Path("/proc/self/status").read_text().splitlines())
    return {part: int(lines[part].split()[0]) * 1024 / 1e6 for part in PARTS}


def open_and_ask(path: Path, method: str, queries_path: Path) -> None:
    """In a process of its own: print seconds to open and to the first answer, and the memory added."""
    one_thread()
    queries = np.load(queries_path)
    warm = METHODS[method]().build(queries[:50], np.arange(50))
    warm.search(queries[0], K)  # imports, and kernels for float32
    with path.open("rb") as file:
        os.fsync(file)
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    before, started = memory(), time.perf_counter()
    index = METHODS[method].load(path)
    opened = time.perf_counter() - started
    for query in queries:
        index.search(query, K)
    added = {part: value - before[part] for part, value in memory().items()}
    print(json.dumps({"open": opened, **added}))


def in_turns(indexes: list[VectorIndex], queries: FloatArray) -> list[float]:
    """Median microseconds of processor time per query of each index, one query at a time."""
    times: list[list[float]] = [[] for _ in indexes]
    for index in indexes:
        for query in queries[:20]:
            index.search(query, K)
    for query in queries:
        for index, taken in zip(indexes, times, strict=True):
            started = time.process_time()
            index.search(query, K)
            taken.append(1e6 * (time.process_time() - started))
    return [float(np.median(taken)) for taken in times]


def batched(indexes: list[VectorIndex], queries: FloatArray) -> list[float]:
    """Microseconds of processor time per query of each index, all queries in one call; the best of three."""
    times: list[list[float]] = [[] for _ in indexes]
    for _ in range(BATCH_ROUNDS):
        for index, taken in zip(indexes, times, strict=True):
            started = time.process_time()
            index.search(queries, K)
            taken.append(1e6 * (time.process_time() - started) / len(queries))
    return [min(taken) for taken in times]


def run(task: Task, folder: Path, methods: list[str]) -> list[float]:
    """Print one line per method and form; the ratios of float32's time to that of each compact form."""
    print(f"{task.name}, {len(task.queries):,} queries, k = {K}, one thread", flush=True)
    vectors, queries, ratios = task.vectors, task.queries, []
    np.save(folder / "queries.npy", queries)
    exact = ExactIndex().build(vectors, np.arange(len(vectors)))
    best = exact.search(queries, K).scores
    for method in methods:
        index = exact if method == "exact" else METHODS[method]().build(vectors, exact.ids)
        opened, files, seen = [index], [], []
        for form in VECTOR_FORMS:
            path = folder / f"{method}-{form}.npz"
            (index if form == "float32" else in_form(index, form)).save(path)
            files.append(path)
            # Before anybody else maps the file: the system would keep it in memory.
            command = [sys.executable, "-m", "benchmarks.compact_vectors", "--open", str(path), method]
            seen.append(
                json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
            )
            if form != "float32":
                opened.append(type(index).load(path, verify=True))
        alone, together = in_turns(opened, queries), batched(opened, queries)
        for form, one, path, added, single, batch in zip(
            VECTOR_FORMS, opened, files, seen, alone, together, strict=True
        ):
            # By products of the float32 vectors: the scores of an index are of its own.
            found = np.einsum("qkd,qd->qk", vectors[one.search(queries, K).ids], queries)
            stored = (one._stored.codes.nbytes + one._stored.scales.nbytes) / 1e6
            print(
                f"{method:<6} {form:<8} vectors {stored:6.1f} MB; file {path.stat().st_size / 1e6:6.1f} MB, "
                f"opened in {added['open']:.3f} s; after all queries {added['RssAnon']:6.1f} MB own and "
                f"{added['RssFile']:6.1f} MB mapped; recall@{K} "
                f"{recall_by_score(found, best):.4f}; microseconds per query "
                f"{single:8.1f} alone, {batch:8.1f} of {len(queries):,} at once; float32 in memory over it "
                f"{alone[0] / single:.2f} and {together[0] / batch:.2f}",
                flush=True,
            )
        ratios += [alone[0] / single for single in alone[1:]]
    return ratios


def main(argv: list[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Compact vectors mapped from disk beside float32 in memory.")
    parser.add_argument("--scale", choices=("62k", "1m"), default="62k", help="size of the synthetic vectors")
    parser.add_argument("--methods", choices=METHODS, nargs="+", default=list(METHODS))
    parser.add_argument("--queries", type=int, default=300, help="number of queries")
    parser.add_argument("--checkpoint_dir", help="folder of best.pt, whose vectors are taken instead")
    parser.add_argument("--open", nargs=2, help=argparse.SUPPRESS)
    flags = parser.parse_args(argv)
    if flags.open:
        open_and_ask(Path(flags.open[0]), flags.open[1], Path(flags.open[0]).parent / "queries.npy")
        return
    one_thread()
    size = (62_423, 2_000) if flags.scale == "62k" else (1_000_000, 32_000)
    task = trained(Path(flags.checkpoint_dir), flags.queries) if flags.checkpoint_dir else None
    with tempfile.TemporaryDirectory() as folder:
        ratios = run(task or clustered(*size, flags.queries), Path(folder), flags.methods)
    print(
        f"ratio: {min(ratios):.2f} (processor time per query, float32 in memory to float16 or int8 mapped; "
        "the smallest of all, one query at a time, one thread)"
    )


if __name__ == "__main__":
    main()
