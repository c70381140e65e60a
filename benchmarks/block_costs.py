"""What blocks cost at other sizes and on other numbers of machines, from measured costs of each stage.

    python -m benchmarks.blocks --data_dir data/synthetic-250m
    python -m benchmarks.block_costs

Each stage grows with something: the ratings, the users, the films, or panels times films. Its measured
seconds and bytes are scaled by that. Stages of one block do not get faster with more machines. These are
estimates, for machines like the one that measured, with two cores each.
"""

import argparse
import json
from dataclasses import dataclass
from pathlib import Path

from benchmarks.blocks import COSTS
from blocks.preparation import RATINGS_PER_PANEL
from config import ModelConfig
from data.spectral import OVERSAMPLES

CORES = 2  # of a machine
GB = 1e9


@dataclass(frozen=True)
class Size:
    """How large data are."""

    name: str
    ratings: float
    users: float
    films: float

    @property
    def panels(self) -> float:
        """Panels of users."""
        return max(1.0, self.ratings / RATINGS_PER_PANEL)


SIZES = (
    Size("25 million ratings", 25e6, 162_541, 62_423),
    Size("a billion ratings", 1e9, 6_500_000, 400_000),
    Size("the paper: 18 billion edges", 18e9, 1e9, 2e9),
)
MACHINES = (1, 10, 100)
# Stages of one block: one process makes them, whatever the number of machines.
ALONE = ("catalogue", "users", "user_side", "movie_side", "held_out", "user_basis", "nodes", "weights")


def driver(stage: str, size: Size) -> float:
    """What the seconds of a stage grow with."""
    if stage in ("runs", "panels", "user_side", "movie_side", "held_out", "features", "user_rows"):
        return size.ratings
    if stage.endswith("-parts"):
        return size.ratings
    if stage in ("users", "user_basis"):
        return size.users
    return 1.0 if stage == "weights" else size.films


def byte_driver(stage: str, size: Size) -> float:
    """What the bytes of a stage grow with."""
    if stage.endswith("-parts"):  # each panel writes a product for all films
        return size.panels * size.films
    if stage in ("user_rows", "users"):
        return size.users
    return size.films if stage == "features" else driver(stage, size)


def is_alone(stage: str) -> bool:
    """Whether one process makes the stage."""
    is_sum = stage.startswith(("spectral-", "view-")) and not stage.endswith("-parts")
    return stage in ALONE or is_sum


def largest_process(size: Size) -> tuple[float, str]:
    """The memory in GB that the largest process needs, and for what."""
    rank = ModelConfig().spectral_dim + OVERSAMPLES
    needs = {
        "the directions of the power iteration, of all films": 3 * 4 * rank * size.films,
        "the ids of all users": 5 * 8 * size.users,
        "where the films of each panel begin": 2 * 8 * size.films * size.panels,
        "the ratings of one panel": 80 * min(size.ratings, RATINGS_PER_PANEL),
    }
    name = max(needs, key=needs.__getitem__)
    return needs[name] / GB, name


def main() -> None:
    """Print a table of sizes and machines."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--costs", default=COSTS, help="file that benchmarks.blocks wrote", metavar="FILE")
    measured = json.loads(Path(parser.parse_args().costs).read_text())
    base = Size("measured", *(measured["counts"][name] for name in ("ratings", "users", "films")))
    print("| data | machines | minutes | of them in one process | GB written | GB per machine, network |")
    print("|---|---|---|---|---|---|")
    for size in (base, *SIZES):
        alone = shared = written = 0.0
        for stage, cost in measured["stages"].items():
            seconds = cost["seconds"] * driver(stage, size) / driver(stage, base)
            written += cost["bytes"] * byte_driver(stage, size) / byte_driver(stage, base) / GB
            alone, shared = (alone + seconds, shared) if is_alone(stage) else (alone, shared + seconds)
        graph = 2 * 4 * size.ratings / GB
        for machines in MACHINES:
            minutes = (alone + shared / (CORES * machines)) / 60
            # What is written is read once more; every machine reads the graph.
            network = 0.0 if machines == 1 else 2 * written / machines + graph
            figures = f"{minutes:,.1f} | {alone / 60:,.1f} | {written:,.0f} | {network:,.0f}"
            print(f"| {size.name} | {machines} | {figures} |")
    print()
    for size in (base, *SIZES):
        memory, what = largest_process(size)
        print(f"{size.name}: the largest process needs {memory:,.1f} GB, for {what}")


if __name__ == "__main__":
    main()
