"""Training pairs per processor-second, beside DGL's PinSage and a plain loop around PyG's own loader.

    python -m benchmarks.training                              synthetic data, two minutes
    python -m benchmarks.training --data_dir data/ml-100k      your own data
    python -m benchmarks.training --data_dir data/ml-100k --dgl_python ../dgl/bin/python

DGL runs in an environment of its own, with ``benchmarks/rivals/requirements-dgl.txt``; without
``--dgl_python`` it is left out. All have two layers of width 64 and one thread, and take turns; the figure is
the median of their turns. ``python -m benchmarks.training_quality`` tells at which batches of ours validation
is as good as with small ones. Then come a profile of a step at the default settings, and the time to embed
all films layer by layer and in mini-batches. The last lines are ``ratio: NUMBER (of what to what)``.
"""

import argparse
import logging
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from statistics import median

if __name__ == "__main__":  # before anything starts threads; whoever imports this has some already
    for threads in ("OMP_NUM_THREADS", "NUMBA_NUM_THREADS"):  # a second thread waits by working
        os.environ[threads] = "1"
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # for `python benchmarks/training.py`

import torch  # noqa: E402

from benchmarks.rivals.pinsage_dgl_process import DglTraining  # noqa: E402
from benchmarks.training_profile import (  # noqa: E402
    cpu_rate,
    profile_table,
    step_profile,
    whole_catalogue_seconds,
)
from benchmarks.training_reference import BATCH_SIZE, NEGATIVES, reference_steps  # noqa: E402
from benchmarks.training_settings import (  # noqa: E402
    ALL_FILMS,
    CPU,
    LARGE_BATCH,
    NEIGHBORS,
    setting_name,
    settings_for,
)
from commands.cli import guarded  # noqa: E402
from config import Config  # noqa: E402
from data.dataset import MovieLens, load_movielens  # noqa: E402
from data.sources.synthetic import generate  # noqa: E402
from data.splits import Split, split_movielens  # noqa: E402
from model.inputs import build_inputs  # noqa: E402
from model.trainer import Trainer  # noqa: E402
from report.text_table import TableColumn, TableSection, render_table  # noqa: E402

Contestant = tuple[str, int, str]  # who, pairs per batch, negatives
OURS, PLAIN, DGL = "ours", "plain loop", "DGL"
# (batch, negatives); 0 is the default number of negatives, which is all films of ml-100k from 8,192 pairs on.
OUR_SETTINGS = ((4096, 0), (8192, ALL_FILMS), (LARGE_BATCH, ALL_FILMS))
DGL_BATCHES = (32, 512, 4096, LARGE_BATCH)  # the example's default is 32
COMPARED_BATCH = 512  # of DGL, in the ratio
TURNS = 3
SECONDS = 0.8  # of a turn, at least


def contestants(
    movielens: MovieLens, split: Split, setting: tuple[int, int], dgl: DglTraining | None
) -> dict[Contestant, Callable[[], float]]:
    """What takes part in one setting; a call trains for a turn and gives pairs per processor-second."""
    found: dict[Contestant, Callable[[], float]] = {}
    for batch, negatives in OUR_SETTINGS:
        config = settings_for(*setting, batch, negatives)
        inputs = build_inputs(movielens, split, config.model, seed=0)
        trainer = Trainer(inputs, split, config.model, config.training, 0, CPU)
        used = trainer.negatives.num_random
        name = "all films" if used == split.num_movies else f"{used:,}"
        cpu_rate(trainer, 0)  # compiles the kernels
        found[OURS, batch, name] = partial(cpu_rate, trainer, SECONDS)
    config = settings_for(*setting, BATCH_SIZE)
    inputs = build_inputs(movielens, split, config.model, seed=0)
    steps = reference_steps(inputs, split, config.model, config.training, seed=0)
    next(steps)
    found[PLAIN, BATCH_SIZE, f"{NEGATIVES} each"] = partial(plain_rate, steps)
    if dgl is not None:
        for batch in DGL_BATCHES:
            found[DGL, batch, "1 each"] = partial(dgl.rate, *setting, batch, SECONDS)
    return found


def plain_rate(steps: Iterator[int]) -> float:
    """Pairs per processor-second of the plain loop."""
    pairs, started = 0, time.process_time()
    while (spent := time.process_time() - started) < SECONDS:
        pairs += next(steps)
    return pairs / spent


def compare_speed(
    movielens: MovieLens, split: Split, setting: tuple[int, int], dgl: DglTraining | None
) -> dict[Contestant, float]:
    """Median pairs per processor-second of each, measured in turns."""
    taking_part = contestants(movielens, split, setting, dgl)
    rates: dict[Contestant, list[float]] = {who: [] for who in taking_part}
    for _ in range(TURNS):
        for who, turn in taking_part.items():
            rates[who].append(turn())
    return {who: median(found) for who, found in rates.items()}


def speed_table(setting: tuple[int, int], speeds: dict[Contestant, float]) -> str:
    """One row per contestant."""
    columns = [
        TableColumn(setting_name(*setting), numeric=False),
        TableColumn("batch"),
        TableColumn("negatives"),
        TableColumn("pairs per processor-second"),
    ]
    rows = [[who, f"{batch:,}", used, f"{rate:,.0f}"] for (who, batch, used), rate in speeds.items()]
    return render_table(columns, [TableSection(rows)])


def ratio_lines(setting: tuple[int, int], speeds: dict[Contestant, float]) -> list[str]:
    """Our large batches beside the plain loop, and beside DGL at two sizes of its batches."""
    rates = {(who, batch): rate for (who, batch, _), rate in speeds.items()}
    others = [(PLAIN, BATCH_SIZE), (DGL, COMPARED_BATCH), (DGL, LARGE_BATCH)]
    return [
        f"ratio: {rates[OURS, LARGE_BATCH] / rates[other]:.1f} (training pairs per processor-second, hidden "
        f"64, {setting_name(*setting)}, batches of {LARGE_BATCH:,}, to {other[0]} at {other[1]:,})"
        for other in others
        if other in rates
    ]


def describe_default(movielens: MovieLens, split: Split) -> None:
    """Print the profile of a step at the default settings, and the times of two ways to embed all films."""
    config = Config().override({"split": "temporal"})
    inputs = build_inputs(movielens, split, config.model, seed=0)
    trainer = Trainer(inputs, split, config.model, config.training, 0, CPU)
    rate = cpu_rate(trainer, 0)
    rate = max(rate, cpu_rate(trainer, 3))
    print(f"\ndefault settings: {rate:,.0f} pairs per processor-second\n")
    print(profile_table(step_profile(trainer)))
    best = min((whole_catalogue_seconds(trainer) for _ in range(3)), key=sum)
    films = f"{len(inputs.nodes.features):,} films"
    print(f"embedding all {films}: {best[0]:.3f} s layer by layer, {best[1]:.3f} s in mini-batches")


def measure(flags: argparse.Namespace) -> None:
    """Measure and print.

    Raises:
        UserError: the Python of DGL's environment is not there.
        WorldError: DGL does not run in it.
    """
    logging.getLogger("pinsage").setLevel(logging.WARNING)
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        if flags.data_dir is None:
            generate("100k", seed=0, out_dir=Path(folder))
        movielens = load_movielens(flags.data_dir or folder, cache=False)
    split = split_movielens(movielens, "temporal")
    print(f"{split.num_movies:,} films, {len(split.train):,} training ratings, one thread")
    ratios = []
    with DglTraining(flags.dgl_python, split, movielens.movies) if flags.dgl_python else nullcontext() as dgl:
        if dgl is not None:
            print(f"DGL {dgl.versions['dgl']} with PyTorch {dgl.versions['torch']}")
        for setting in (one for one in NEIGHBORS if flags.num_neighbors in (None, one[0])):
            speeds = compare_speed(movielens, split, setting, dgl)
            print("\n" + speed_table(setting, speeds), flush=True)
            ratios += ratio_lines(setting, speeds)
    if not flags.no_profile:
        describe_default(movielens, split)
    print("\n" + "\n".join(ratios))


def main() -> int:
    """Read the flags and measure; returns the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data_dir", help="folder of a dataset; by default synthetic data of ml-100k's size")
    parser.add_argument("--dgl_python", help="Python of the environment with rivals/requirements-dgl.txt")
    parser.add_argument(
        "--num_neighbors", type=int, choices=[setting[0] for setting in NEIGHBORS], help="default: all"
    )
    parser.add_argument("--no_profile", action="store_true", help="leave out the default settings")
    return guarded(partial(measure, parser.parse_args()), when_interrupted="interrupted")


if __name__ == "__main__":
    sys.exit(main())
