"""Training speed with batches of 512 pairs against the default batches, on the same data.

    python -m benchmarks.batch_size                  25 million synthetic ratings, two minutes
    python -m benchmarks.batch_size --scale 1m       smaller, to try it

Both have the default network and one thread. They take turns, and the figure is the median of their turns, in
training pairs per processor-second. Ends with a line ``ratio: NUMBER (of what to what)``.
"""

import argparse
import os
import sys
import time
from pathlib import Path
from statistics import median

if __name__ == "__main__":  # before anything starts threads; whoever imports this has some already
    for threads in ("OMP_NUM_THREADS", "NUMBA_NUM_THREADS"):  # a second thread waits by working
        os.environ[threads] = "1"
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # for `python benchmarks/batch_size.py`

import torch  # noqa: E402

from benchmarks.synthetic_data import SCALES, synthetic_movielens  # noqa: E402
from config import Config  # noqa: E402
from data.splits import split_movielens  # noqa: E402
from model.inputs import build_inputs  # noqa: E402
from model.trainer import Trainer  # noqa: E402

SMALL = 512
TURNS = 9
PAIRS_PER_TURN = 16_384


def rates(trainers: dict[int, Trainer]) -> dict[int, float]:
    """Median pairs per processor-second of each batch size; walks and shadows are drawn before."""
    nodes = next(iter(trainers.values())).draw_nodes()
    batches = {}
    seconds: dict[int, list[float]] = {size: [] for size in trainers}
    for size, trainer in trainers.items():
        trainer.model.train()
        pairs = trainer.pairs.draw((TURNS + 1) * PAIRS_PER_TURN, trainer.generator)
        batches[size] = trainer.batches(pairs)
        for _ in range(PAIRS_PER_TURN // size):  # loads memory
            trainer.train_step(nodes, *next(batches[size]), rate=1e-3)
    for _ in range(TURNS):
        for size, trainer in trainers.items():
            started = time.process_time()
            for _ in range(PAIRS_PER_TURN // size):
                trainer.train_step(nodes, *next(batches[size]), rate=1e-3)
            seconds[size].append(time.process_time() - started)
    return {size: PAIRS_PER_TURN / median(spent) for size, spent in seconds.items()}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--scale", choices=SCALES, default="25m")
    scale = parser.parse_args().scale
    torch.set_num_threads(1)
    config = Config().override({"split": "temporal"})
    movielens = synthetic_movielens(scale)
    split = split_movielens(movielens, "temporal")
    inputs = build_inputs(movielens, split, config.model, 0)
    trainers = {}
    for size in (config.training.batch_size, SMALL):
        settings = config.override({"batch_size": size})
        trainers[size] = Trainer(inputs, split, settings.model, settings.training, 0, torch.device("cpu"))
    found = rates(trainers)
    for size, rate in found.items():
        print(f"batches of {size:>5,}: {rate:>7,.0f} pairs per processor-second")
    large, small = found.values()
    print(f"ratio: {small / large:.2f} (pairs per processor-second, batches of {SMALL} to default, {scale})")


if __name__ == "__main__":
    main()
