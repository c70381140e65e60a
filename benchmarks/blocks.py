"""From ratings to embeddings over blocks, beside today's way in memory; what each stage costs.

    python -m benchmarks.blocks --data_dir data/synthetic            25 million ratings
    python -m benchmarks.blocks --data_dir data/synthetic-1m         to try it
    python -m benchmarks.blocks --data_dir data/synthetic --engine ray --workers 2

Both read the same files, make graph, features and neighbours, and embed all films with random weights. Over
blocks that is two commands, in memory one. Each runs in a process of its own with one thread, and so do the
processes that make blocks. Figures are processor seconds from the start of a command until all is made, with
all that it starts and imports; memory is the peak of a process. With Ray, what it takes to start its
processes is measured alone, and left out of a second ratio. Ends with ``ratio: NUMBER (of what to what)``.
"""

import argparse
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from base.compute import peak_memory_gb
from base.files import write_json
from blocks.block_file import Array
from blocks.description import Description, write_description
from blocks.embedding import FEATURES, NEIGHBORS, embedding_stages
from blocks.engines import make_engine
from blocks.ingest.source import find_source
from blocks.local_engine import ONE_THREAD
from blocks.model_weights import weights_stage
from blocks.preparation import preparation
from blocks.runner import Runner, opened
from blocks.stage import Stage
from blocks.work_dir import WorkDir
from config import Config
from data.splits import SplitName

SPLIT: SplitName = "temporal"
WEIGHTS = "random.pt"
COSTS = "output/block_costs.json"
CONFIG = Config().override({"split": SPLIT})


def in_memory(args: argparse.Namespace) -> dict[str, Any]:
    """Today's way: the peak memory of its process."""
    import torch

    from data.dataset import load_movielens
    from data.splits import split_movielens
    from model.inputs import build_inputs
    from model.training import new_training

    movielens = load_movielens(args.data_dir, cache=False)
    split = split_movielens(movielens, SPLIT)
    inputs = build_inputs(movielens, split, CONFIG.model, 0)
    new_training(CONFIG, movielens, split, torch.device("cpu"), inputs).trainer.embeddings()
    return {"memory": peak_memory_gb(), "seconds": processor_seconds()}


def start(args: argparse.Namespace) -> dict[str, Any]:
    """The engine with blocks of nothing: what it takes to start its processes, beside this one."""
    before = processor_seconds()
    with (
        tempfile.TemporaryDirectory() as folder,
        opened(Path(folder), make_engine(args.engine, args.workers)) as runner,
    ):
        runner.run([Stage("nothing", nothing, args.workers)])
        return {"seconds": processor_seconds() - before}


def nothing(work_dir: WorkDir, block: int) -> dict[str, Array]:
    """A block of a second without work, so that each process gets one."""
    time.sleep(1)
    return {"nothing": np.zeros(1)}


def prepare(args: argparse.Namespace) -> dict[str, Any]:
    """``--mode prepare``: what the blocks took."""
    source = find_source(Path(args.data_dir))
    with opened(Path(args.work_dir), make_engine(args.engine, args.workers)) as runner:
        runner.run(preparation(source, SPLIT, 0.0, CONFIG.model, 0))
        write_description(Path(args.work_dir), Description.of(source, CONFIG))
        return {"stages": costs_of(runner), "seconds": processor_seconds()}


def embed(args: argparse.Namespace) -> dict[str, Any]:
    """``--mode embed``: what the blocks took."""
    folder = Path(args.work_dir)
    with opened(folder, make_engine(args.engine, args.workers)) as runner:
        runner.adopt((FEATURES, NEIGHBORS), "prepare")
        runner.run([weights_stage(folder / WEIGHTS)])
        runner.run(embedding_stages(runner.work_dir))
        return {"stages": costs_of(runner), "seconds": processor_seconds()}


def random_weights(args: argparse.Namespace) -> dict[str, Any]:
    """Write a checkpoint before any training: how large the data are."""
    import torch

    from blocks.prepared import prepared_data, prepared_inputs
    from model.checkpoint import save_checkpoint
    from model.training import new_training

    folder = Path(args.work_dir)
    movielens, split = prepared_data(folder)
    inputs = prepared_inputs(folder, movielens.facts, CONFIG.model, 0)
    training = new_training(CONFIG, movielens, split, torch.device("cpu"), inputs)
    save_checkpoint(training.checkpoint(training.trainer.embeddings()), folder / WEIGHTS)
    ratings = sum(map(len, (split.train, split.validation, split.test)))
    return {"ratings": ratings, "users": split.num_users, "films": split.num_movies}


COMMANDS = {
    "in_memory": in_memory,
    "start": start,
    "prepare": prepare,
    "random_weights": random_weights,
    "embed": embed,
}


def costs_of(runner: Runner) -> dict[str, Any]:
    """Of each stage: processor seconds and bytes of all blocks, their number, and the largest process."""
    return {
        name: {
            "seconds": sum(made.processor_seconds for made in blocks),
            "bytes": sum(made.bytes for made in blocks),
            "blocks": len(blocks),
            "memory": max(made.memory_gb for made in blocks),
        }
        for name, blocks in runner.made.items()
    }


def processor_seconds() -> float:
    """Of this process, all that it has started, and of what has ended of that."""
    this, total = psutil.Process(), 0.0
    for process in [this, *this.children(recursive=True)]:
        with contextlib.suppress(psutil.NoSuchProcess):
            total += sum(process.cpu_times()[:4])
    return total


def in_a_process(command: str, args: argparse.Namespace) -> dict[str, Any]:
    """Run a command, and return what it found."""
    line = [sys.executable, "-m", "benchmarks.blocks", "--command", command, "--data_dir", args.data_dir]
    line += ["--work_dir", args.work_dir, "--engine", args.engine, "--workers", str(args.workers)]
    answer = subprocess.run(line, env=os.environ | ONE_THREAD, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(answer.stdout.splitlines()[-1])


def show_stages(stages: dict[str, dict[str, float]]) -> None:
    """Print what each stage took."""
    print(f"{'stage':<22}{'blocks':>7}{'seconds':>10}{'share':>8}{'GB':>9}{'memory':>9}")
    total = sum(stage["seconds"] for stage in stages.values())
    for name, stage in stages.items():
        print(
            f"{name:<22}{stage['blocks']:>7}{stage['seconds']:>10.1f}{stage['seconds'] / total:>8.1%}"
            f"{stage['bytes'] / 1e9:>9.3f}{stage['memory']:>9.2f}"
        )


def main() -> None:
    """Run both ways and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data_dir", required=True)
    parser.add_argument("--work_dir", help="kept, so that a second run continues (default: a temporary one)")
    parser.add_argument("--engine", default="local", choices=("local", "ray"))
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--costs", default=COSTS, help="written for benchmarks.block_costs", metavar="FILE")
    parser.add_argument("--command", choices=COMMANDS, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.command:
        print(json.dumps(COMMANDS[args.command](args)))
        return
    with tempfile.TemporaryDirectory() as temporary:
        args.work_dir = args.work_dir or temporary
        before = in_a_process("in_memory", args)
        print(f"in memory: {before['seconds']:.1f} processor seconds, {before['memory']:.2f} GB", flush=True)
        seconds = clock = 0.0
        stages: dict[str, Any] = {}
        for command in ("prepare", "embed"):
            started = time.perf_counter()
            answer = in_a_process(command, args)
            clock += time.perf_counter() - started
            seconds += answer["seconds"]
            show_stages(answer["stages"])
            print(f"{command}: {answer['seconds']:.1f} processor seconds", flush=True)
            stages |= answer["stages"]
            if command == "prepare":
                counts = in_a_process("random_weights", args)
        write_json({"counts": counts, "stages": stages}, Path(args.costs))
    print(f"blocks: {seconds:.1f} processor seconds, {clock:.1f} s by the clock with {args.workers} workers")
    if args.engine == "ray":
        starting = 2 * in_a_process("start", args)["seconds"]
        print(f"starting its processes, in both commands: {starting:.1f} processor seconds")
        print(
            f"ratio: {(seconds - starting) / before['seconds']:.2f} (processor seconds of blocks on Ray, "
            "without starting its processes, to the way in memory)"
        )
    print(f"ratio: {seconds / before['seconds']:.2f} (processor seconds of blocks to the way in memory)")


if __name__ == "__main__":
    main()
