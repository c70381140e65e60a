"""Walks, training, embedding and search on a GPU, each against all processors of the same machine.

    python -m benchmarks.gpu                  25 million synthetic ratings, five minutes
    python -m benchmarks.gpu --scale 1m       smaller, to try it

Prints the name of the card and a table with the ratio of each stage. Both sides do the same work on the same
data; copies to and from the card count. Without a GPU it says so and ends with exit code 1.
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # for `python benchmarks/gpu.py`

import numpy as np  # noqa: E402
import torch  # noqa: E402

from config import Config  # noqa: E402
from data.dataset import load_movielens  # noqa: E402
from data.sources.synthetic import generate  # noqa: E402
from data.splits import Split, split_interactions  # noqa: E402
from data.walks.sampler import RandomWalkSampler  # noqa: E402
from data.walks.torch_sampler import TorchRandomWalkSampler  # noqa: E402
from model.inputs import ModelInputs, build_inputs  # noqa: E402
from model.trainer import Trainer  # noqa: E402
from report.text_table import TableColumn, TableSection, render_table  # noqa: E402

ROUNDS = 3
TRAINING_SECONDS = 10.0
BATCH_SIZES = (8192, 512)


def seconds_of(work: Callable[[], object]) -> float:
    """The fewest seconds on the clock of some calls; the first call, which compiles, does not count."""
    work()
    best = float("inf")
    for _ in range(ROUNDS):
        _wait()
        started = time.perf_counter()
        work()
        _wait()
        best = min(best, time.perf_counter() - started)
    return best


def _wait() -> None:
    """Wait until the card has done all that it was asked."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def walk_seconds(inputs: ModelInputs, config: Config, device: str) -> tuple[float, float]:
    """Seconds for the neighbour table of all films: Numba's kernel, and the tensor operations on ``device``.

    Raises:
        AssertionError: the tables differ.
    """
    films = np.arange(inputs.graph.num_movies)
    settings = config.model
    arguments = (inputs.graph, settings.num_walks, settings.walk_length, settings.restart_probability, 0)
    samplers = RandomWalkSampler(*arguments), TorchRandomWalkSampler(*arguments, device=device)
    tables = [sampler.batch_sample_neighbors(films, settings.max_neighbors) for sampler in samplers]
    assert all(torch.equal(cpu, gpu) for cpu, gpu in zip(*tables, strict=True))
    cpu, gpu = (
        seconds_of(lambda sampler=sampler: sampler.batch_sample_neighbors(films, settings.max_neighbors))
        for sampler in samplers
    )
    return cpu, gpu


def training_rate(trainer: Trainer) -> float:
    """Training pairs per second on the clock, over whole steps of one epoch's inputs."""
    size = trainer.settings.batch_size
    trainer.epoch = 1  # one hard negative per pair
    nodes = trainer.draw_nodes()
    numbers = trainer.pairs.draw(trainer.pairs_per_epoch, trainer.generator).split(size)
    trained, started = 0, 0.0
    for step, batch in enumerate(numbers):
        if step == 5:  # the first steps compile and reserve memory
            _wait()
            trained, started = 0, time.perf_counter()
        trainer.train_step(nodes, *trainer.pairs[batch], rate=1e-4)
        trained += len(batch)
        if step > 5 and time.perf_counter() - started > TRAINING_SECONDS:
            break
    _wait()
    return trained / (time.perf_counter() - started)


def search_rows(vectors: np.ndarray, device: str) -> list[list[str]]:
    """Exact top 20 of all vectors among all, and of one vector at a time."""
    import faiss

    index = faiss.IndexFlatIP(vectors.shape[1])
    index.add(vectors)
    on_device = torch.from_numpy(vectors).to(device)

    def search(queries: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        found = []
        for block in torch.from_numpy(queries).split(4096):
            scores, rows = (block.to(device) @ on_device.T).topk(20, dim=1)
            found.append((scores.cpu().numpy(), rows.cpu().numpy()))
        scores, rows = (np.concatenate(parts) for parts in zip(*found, strict=True))
        return scores, rows

    rows = []
    for name, queries in (("exact top 20, 10,000 queries", vectors[:10_000]), ("exact top 20, one query", vectors[:1])):
        same = (index.search(queries, 20)[1] == search(queries)[1]).mean()
        cpu = seconds_of(lambda queries=queries: index.search(queries, 20))
        gpu = seconds_of(lambda queries=queries: search(queries))
        rows.append([f"{name} ({len(vectors):,} x {vectors.shape[1]}; ids equal {same:.4f})", f"{cpu:.5f} s", f"{gpu:.5f} s", f"{cpu / gpu:.2f}"])
    return rows


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scale", choices=("small", "100k", "1m", "10m", "25m"), default="25m")
    parser.add_argument("--device", default="cuda", help="the device that is compared")
    args = parser.parse_args()
    if args.device == "cuda" and not torch.cuda.is_available():
        print("PyTorch finds no GPU on this machine", file=sys.stderr)
        return 1
    card = torch.cuda.get_device_name() if args.device == "cuda" else args.device
    cores = len(os.sched_getaffinity(0))
    print(f"{card} against {cores} processors, PyTorch {torch.__version__} ({torch.get_num_threads()} threads)", flush=True)
    started = time.perf_counter()

    def clock(what: str) -> None:
        print(f"  [{time.perf_counter() - started:.0f} s] {what}", flush=True)

    config = Config().override({"split": "temporal"})
    with tempfile.TemporaryDirectory() as folder:
        generate(args.scale, seed=0, out_dir=Path(folder))
        clock("generated")
        movielens = load_movielens(folder, cache=False)
    clock("loaded")
    split: Split = split_interactions(movielens.interactions, movielens.num_users, movielens.num_movies, "temporal")
    inputs = build_inputs(movielens, split, config.model, 0, "cpu")
    clock("inputs")
    pool = Trainer(inputs, split, config.model, config.training, 0, torch.device("cpu")).negatives.hard_pool()
    clock("hard negatives")
    rows = []
    cpu, gpu = walk_seconds(inputs, config, args.device)
    rows.append(["neighbours of all films by walks", f"{cpu:.3f} s", f"{gpu:.3f} s", f"{cpu / gpu:.2f}"])
    clock(f"walks {rows[-1]}")
    for size in BATCH_SIZES:
        settings = config.override({"batch_size": size}).training
        rates = []
        for device in ("cpu", args.device):
            trainer = Trainer(inputs, split, config.model, settings, 0, torch.device(device))
            trainer.negatives._pool = pool
            rates.append(training_rate(trainer))
            clock(f"training {size} on {device}: {rates[-1]:,.0f} pairs/s")
        rows.append([f"training, batches of {size:,}", f"{rates[0]:,.0f} pairs/s", f"{rates[1]:,.0f} pairs/s", f"{rates[1] / rates[0]:.2f}"])
    trainers = [Trainer(inputs, split, config.model, config.training, 0, torch.device(device)) for device in ("cpu", args.device)]
    found = [trainer.learned_embeddings(trainer.nodes) for trainer in trainers]
    print(f"  largest difference of embeddings: {max(float((a - b).abs().max()) for a, b in zip(*found, strict=True)):.1e}")
    cpu, gpu = (seconds_of(lambda trainer=trainer: trainer.learned_embeddings(trainer.nodes)) for trainer in trainers)
    rows.append(["embedding of all films", f"{cpu:.3f} s", f"{gpu:.3f} s", f"{cpu / gpu:.2f}"])
    clock(f"embed {rows[-1]}")
    rows += search_rows(found[0].candidates.numpy(), args.device)
    clock("search")
    columns = [TableColumn("stage", numeric=False), TableColumn(f"{cores} processors"), TableColumn("GPU"), TableColumn("times as fast")]
    print(render_table(columns, [TableSection(rows)]))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
