"""Training, embedding and search on a GPU, against all processors of the same machine.

    python -m benchmarks.gpu                  25 million synthetic ratings, two minutes
    python -m benchmarks.gpu --scale 1m       smaller, to try it

Prints the name of the card and a table with the ratio of each stage. Both do the same work on the same data;
copies to and from the card count. Without a GPU it says so and ends with exit code 1.
"""

import argparse
import os
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # for `python benchmarks/gpu.py`

import faiss  # noqa: E402
import numpy as np  # noqa: E402
import torch  # noqa: E402

from base.arrays import FloatArray  # noqa: E402
from benchmarks.synthetic_data import SCALES, synthetic_movielens  # noqa: E402
from config import Config  # noqa: E402
from data.splits import Split, split_movielens  # noqa: E402
from model.inputs import ModelInputs, build_inputs  # noqa: E402
from model.trainer import Trainer  # noqa: E402
from report.text_table import TableColumn, TableSection, render_table  # noqa: E402
from search.scan import Catalogue, best_on_device  # noqa: E402
from search.vectors import Vectors  # noqa: E402

ROUNDS = 3
TRAINING_SECONDS = 10.0
FIRST_STEPS = 5  # they compile and reserve memory, so they are not timed
BATCH_SIZES = (8192, 512)
QUERIES = 10_000
K = 20


def seconds_of(work: Callable[[], object]) -> float:
    """The fewest seconds on the clock of some calls after a first one; ``work`` must end on the CPU."""
    work()
    seconds = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - started)
    return min(seconds)


def training_rate(trainer: Trainer) -> float:
    """Training pairs per second on the clock."""
    nodes = trainer.draw_nodes()
    numbers = trainer.pairs.draw(trainer.pairs_per_epoch, trainer.generator)
    trained, started = 0, time.perf_counter()
    for step, pairs in enumerate(trainer.batches(numbers)):
        if step == FIRST_STEPS:
            trained, started = 0, time.perf_counter()
        trainer.train_step(nodes, *pairs, rate=1e-4)  # the loss is read, so it waits
        trained += len(pairs[0])
        if step > FIRST_STEPS and time.perf_counter() - started > TRAINING_SECONDS:
            break
    return trained / (time.perf_counter() - started)


def training_rows(inputs: ModelInputs, split: Split, config: Config) -> list[list[str]]:
    """Rows of the table for training in large and small batches, and for the embedding of all films."""
    rows = []
    for size in BATCH_SIZES:
        settings = config.override({"batch_size": size})
        trainers = [
            Trainer(inputs, split, settings.model, settings.training, 0, torch.device(device))
            for device in ("cpu", "cuda")
        ]
        cpu, gpu = map(training_rate, trainers)
        name = f"training, batches of {size:,}, pairs per second"
        rows.append([name, f"{cpu:,.0f}", f"{gpu:,.0f}", f"{gpu / cpu:.1f}"])
    cpu, gpu = (seconds_of(partial(trainer.learned_embeddings, trainer.nodes)) for trainer in trainers)
    rows.append(["embedding all films, s", f"{cpu:.3f}", f"{gpu:.3f}", f"{cpu / gpu:.1f}"])
    return rows


def search_rows(vectors: FloatArray) -> list[list[str]]:
    """Rows of the table for exact search, many queries in a call and one."""
    index = faiss.IndexFlatIP(vectors.shape[1])
    index.add(vectors)
    on_gpu = torch.from_numpy(vectors).cuda()
    catalogue = Catalogue.of(Vectors.encode(vectors, "float32"), np.arange(len(vectors)))
    rows = []
    for queries in (vectors[:QUERIES], vectors[:1]):
        cpu = seconds_of(partial(index.search, queries, K))
        gpu = seconds_of(partial(best_on_device, on_gpu, catalogue, queries, K))
        name = f"exact top {K} of {len(queries):,} among {len(vectors):,} x {vectors.shape[1]}, ms"
        rows.append([name, f"{1e3 * cpu:.2f}", f"{1e3 * gpu:.2f}", f"{cpu / gpu:.1f}"])
    return rows


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--scale", choices=SCALES, default="25m")
    scale = parser.parse_args().scale
    if not torch.cuda.is_available():
        print("PyTorch finds no GPU on this machine", file=sys.stderr)
        return 1
    config = Config().override({"split": "temporal"})
    movielens = synthetic_movielens(scale)
    split = split_movielens(movielens, "temporal")
    inputs = build_inputs(movielens, split, config.model, 0)
    rows = training_rows(inputs, split, config)
    vectors = np.random.default_rng(0).normal(size=(split.num_movies, config.model.embedding_dim))
    rows += search_rows(vectors.astype(np.float32))
    processors = f"{len(os.sched_getaffinity(0))} processors"
    columns = [TableColumn(name) for name in (processors, "GPU", "times as fast")]
    notes = [f"{torch.cuda.get_device_name()}; {scale} synthetic ratings; PyTorch {torch.__version__}"]
    print(render_table([TableColumn("what", numeric=False), *columns], [TableSection(rows)], notes))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
