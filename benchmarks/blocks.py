"""From ratings to embeddings over blocks, beside today's way in memory; what each stage costs.

    python -m benchmarks.blocks --data_dir data/synthetic            25 million ratings
    python -m benchmarks.blocks --data_dir data/synthetic-1m         to try it

Both read the same files, make graph, features and neighbours, and embed all films with random weights. The
way in memory runs in a process of its own with one thread; so does each block. Figures are processor seconds,
and memory is the peak of a process. The blocks' figure has everything: starting processes, digests, and
writing and reading the files. Ends with a line ``ratio: NUMBER (of what to what)``.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

from base.compute import peak_memory_gb
from base.files import write_json
from blocks.embedding import FEATURES, NEIGHBORS, embedding_stages
from blocks.engines import make_engine
from blocks.ingest.source import find_source
from blocks.local_engine import ONE_THREAD
from blocks.model_weights import weights_stage
from blocks.preparation import preparation
from blocks.prepared import Description, prepared_data, prepared_inputs, write_description
from blocks.runner import Runner, opened
from blocks.stage import Made
from config import Config
from data.dataset import load_movielens
from data.splits import SplitName, split_movielens
from model.checkpoint import save_checkpoint
from model.inputs import build_inputs
from model.training import new_training

SPLIT: SplitName = "temporal"
WEIGHTS = "random.pt"
COSTS = "output/block_costs.json"


def in_memory(data_dir: str) -> None:
    """Today's way, in this process; prints its figures as JSON."""
    import torch

    torch.set_num_threads(1)
    config = Config().override({"split": SPLIT})
    movielens = load_movielens(data_dir, cache=False)
    split = split_movielens(movielens, SPLIT)
    inputs = build_inputs(movielens, split, config.model, 0)
    training = new_training(config, movielens, split, torch.device("cpu"), inputs)
    training.trainer.embeddings()
    print(json.dumps({"seconds": time.process_time(), "memory": peak_memory_gb()}))


def prepare(data_dir: str, folder: Path, config: Config, runner: Runner) -> None:
    """``--mode prepare``."""
    source = find_source(Path(data_dir))
    runner.run(preparation(source, SPLIT, 0.0, config.model, 0))
    write_description(folder, Description.of(source, config))


def embed(folder: Path, runner: Runner) -> None:
    """``--mode embed``."""
    runner.adopt((FEATURES, NEIGHBORS), "prepare")
    runner.run([weights_stage(folder / WEIGHTS)])
    runner.run(embedding_stages(runner.work_dir))


def write_random_weights(folder: Path, config: Config) -> None:
    """Write a checkpoint before any training, which is not counted."""
    import torch

    movielens, split = prepared_data(folder)
    inputs = prepared_inputs(folder, config.model, 0)
    training = new_training(config, movielens, split, torch.device("cpu"), inputs)
    save_checkpoint(training.checkpoint(training.trainer.embeddings()), folder / WEIGHTS)


def processor_seconds() -> float:
    """Of this process and of all of its children that have ended."""
    return sum(sum(resource.getrusage(who)[:2]) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))


def total_cost(blocks: list[Made]) -> dict[str, float]:
    """Of all blocks of a stage: processor seconds and bytes."""
    return {
        "seconds": sum(made.processor_seconds for made in blocks),
        "bytes": sum(made.bytes for made in blocks),
    }


def counts(folder: Path) -> dict[str, int]:
    """How large the data are."""
    _, split = prepared_data(folder)
    parts = (split.train, split.validation, split.test)
    return {"ratings": sum(map(len, parts)), "users": split.num_users, "films": split.num_movies}


def show_stages(runner: Runner) -> None:
    """Print what each stage took."""
    print(f"{'stage':<22}{'blocks':>7}{'seconds':>10}{'share':>8}{'GB':>9}{'memory':>9}")
    total = sum(made.processor_seconds for stage in runner.made.values() for made in stage)
    for name, stage in runner.made.items():
        seconds = sum(made.processor_seconds for made in stage)
        print(
            f"{name:<22}{len(stage):>7}{seconds:>10.1f}{seconds / total:>8.1%}"
            f"{sum(made.bytes for made in stage) / 1e9:>9.3f}{max(made.memory_gb for made in stage):>9.2f}"
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
    parser.add_argument("--only_in_memory", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.only_in_memory:
        in_memory(args.data_dir)
        return
    line = [sys.executable, "-m", "benchmarks.blocks", "--only_in_memory", "--data_dir", args.data_dir]
    answer = subprocess.run(line, env=os.environ | ONE_THREAD, stdout=subprocess.PIPE, text=True, check=True)
    before = json.loads(answer.stdout.splitlines()[-1])
    print(f"in memory: {before['seconds']:.1f} processor seconds, {before['memory']:.2f} GB", flush=True)
    config = Config().override({"split": SPLIT})
    seconds = clock = 0.0
    made: dict[str, list[Made]] = {}
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(args.work_dir or temporary)
        steps = {
            "prepare": partial(prepare, args.data_dir, folder, config),
            "embed": partial(embed, folder),
        }
        for name, step in steps.items():
            clock_before, seconds_before = time.perf_counter(), processor_seconds()
            with opened(folder, make_engine(args.engine, args.workers)) as runner:
                step(runner)
            seconds += processor_seconds() - seconds_before
            clock += time.perf_counter() - clock_before
            show_stages(runner)
            made |= runner.made
            if name == "prepare" and not (folder / WEIGHTS).exists():
                write_random_weights(folder, config)
        costs = {name: total_cost(stage) for name, stage in made.items()}
        write_json({"counts": counts(folder), "stages": costs}, Path(args.costs))
    print(f"blocks: {seconds:.1f} processor seconds, {clock:.1f} s by the clock with {args.workers} workers")
    print(f"ratio: {seconds / before['seconds']:.2f} (processor seconds of blocks to the way in memory)")


if __name__ == "__main__":
    main()
