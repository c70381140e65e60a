"""The exact nearest films of all films, block by block, beside a plain product of matrices of the same shape.

    python -m benchmarks.all_items                     200,000 films x 400 columns, two minutes
    python -m benchmarks.all_items --films 50000       to try it

Both run on one thread, in turns; the figures are medians of processor time. A score takes two operations per
column, in the search as in the product. Random vectors lie in a work folder, as ``--mode embed`` leaves
them. The last step makes one block in a process of its own and says how much memory that had at most. Ends
with a line ``ratio: NUMBER (of what to what)``.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from base.arrays import FloatArray, unit_rows
from benchmarks.search import one_thread
from blocks.answers import answer_stages, exact_answers
from blocks.block_file import Array
from blocks.embedding import EMBEDDINGS
from blocks.local_engine import LocalEngine
from blocks.runner import opened
from blocks.stage import Made, Stage, Task
from blocks.work_dir import WorkDir
from config import SearchConfig

FILMS_PER_BLOCK = 16_384
AT_ONCE = 4096  # candidates of one plain product, whose scores are 64 MB for 4,096 queries


def random_vectors(work_dir: WorkDir, block: int, films: int, dim: int) -> dict[str, Array]:
    """The block of a stage: random candidates and queries of unit length."""
    rng = np.random.default_rng(block)
    num_films = min(FILMS_PER_BLOCK, films - block * FILMS_PER_BLOCK)
    drawn = rng.standard_normal((2, num_films, dim), dtype=np.float32)
    return {"candidates": unit_rows(drawn[0]), "queries": unit_rows(drawn[1])}


def plain_product(work_dir: WorkDir, queries: FloatArray) -> None:
    """Every score, and nothing done with it."""
    scores = np.empty((len(queries), AT_ONCE), dtype=np.float32)
    for block in work_dir.each(EMBEDDINGS):
        for start in range(0, len(block["candidates"]), AT_ONCE):
            part = block["candidates"][start : start + AT_ONCE]
            out = scores.reshape(-1)[: len(queries) * len(part)].reshape(len(queries), -1)
            np.matmul(queries, part.T, out=out)


def processor_time(function: Callable[[], object]) -> float:
    """Seconds of the processor."""
    started = time.process_time()
    function()
    return time.process_time() - started


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--films", type=int, default=200_000)
    parser.add_argument("--dim", type=int, default=400)
    parser.add_argument("--k", type=int, default=20)
    parser.add_argument("--queries", type=int, default=4096, help="of the first block, for the figures")
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    one_thread()
    num_blocks = -(-args.films // FILMS_PER_BLOCK)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with opened(folder, LocalEngine(1)) as runner:
            which = {"films": args.films, "dim": args.dim}
            runner.run([Stage(EMBEDDINGS, random_vectors, num_blocks, settings=which)])
        work_dir = WorkDir(folder)
        queries = work_dir.block(EMBEDDINGS)["queries"][: args.queries]
        exact_answers(work_dir, queries[:8], 0, args.k)  # compiles, and reads the files
        ours, plain = [], []
        for _ in range(args.rounds):
            ours.append(processor_time(lambda: exact_answers(work_dir, queries, 0, args.k)))
            plain.append(processor_time(lambda: plain_product(work_dir, queries)))
        operations = 2 * len(queries) * args.films * args.dim
        rates = [operations / statistics.median(times) / 1e9 for times in (ours, plain)]
        print(
            f"{args.films:,} films x {args.dim} columns, top {args.k} of {len(queries):,} films, one thread"
        )
        print(
            f"exact search   {rates[0]:6.1f} Gflop/s   {len(queries) / statistics.median(ours):8.0f} films/s"
        )
        print(f"plain product  {rates[1]:6.1f} Gflop/s")
        made: list[Made] = []
        engine = LocalEngine(1)
        stage = answer_stages(work_dir, SearchConfig(), args.k, 0)[0]
        task = Task(folder, stage.name, stage.compute, stage.settings, 0, "key")
        (folder / stage.name).mkdir()
        engine.run([task], lambda _, what: made.append(what))
        engine.close()
        print(f"a block of {min(args.films, FILMS_PER_BLOCK):,} films: peak of {made[0].memory_gb:.2f} GB")
    print(f"ratio: {rates[0] / rates[1]:.2f} (operations per second of exact search to a plain product)")


if __name__ == "__main__":
    main()
