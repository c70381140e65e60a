"""PinSage and the project's baselines beside SASRec and LightGCN, on people and on the next item.

    python -m benchmarks.rivals.compare --data_dir data/ml-100k --rectools_python ../rectools/bin/python

SASRec runs in an environment of its own, with ``requirements-rivals.txt``. Each method writes its results to
``output/rivals/METHOD.json`` as soon as it has them. The tables have all methods with results on the same
data and seeds, so ``--methods`` can measure them one by one.

Every method trains on the training part alone. Settings, epoch and the way to ask are chosen on validation;
the test is only reported. Grids are searched one setting after the other with seed 0.
"""

import argparse
import logging
import sys
from collections.abc import Callable, Sequence
from contextlib import closing
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

from base.errors import UserError
from benchmarks.rivals import known, light_gcn, sasrec_files
from benchmarks.rivals.questions import FACTS, TASKS, Task, questions_of
from benchmarks.rivals.results import OnTask, Result, Stopwatch, store, stored
from benchmarks.rivals.table import chosen_lines, task_table
from benchmarks.rivals.tuning import Outcomes, Settings, best_epochs, coordinate_search
from commands.cli import guarded
from data.dataset import MovieLens, load_movielens
from data.splits import Split, split_movielens
from report.names import PINSAGE

METHODS = ("baselines", "pinsage", "lightgcn", "sasrec")
TITLES = {"lightgcn": "LightGCN", "sasrec": "SASRec"}
SPLITS = tuple(dict.fromkeys(facts.split for facts in FACTS.values()))


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, and print the tables; returns the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--data_dir", default="data/ml-100k", help="folder of the data (default: %(default)s)"
    )
    parser.add_argument("--rectools_python", help="Python of the environment with requirements-rivals.txt")
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=list(METHODS), help="default: all")
    parser.add_argument("--num_seeds", type=int, default=3, help="default: %(default)s")
    parser.add_argument(
        "--output_dir", default="output", help="folder for rivals/METHOD.json (default: %(default)s)"
    )
    return guarded(partial(compare, parser.parse_args(argv)))


def compare(flags: argparse.Namespace) -> None:
    """Measure the methods that the flags name, and print the tables of all that are there.

    Raises:
        UserError: a flag is wrong, or the environment of RecTools is not there.
    """
    logging.basicConfig(level=logging.WARNING)
    if flags.num_seeds < 1:
        raise UserError(f"--num_seeds must be at least 1, got {flags.num_seeds}")
    if "sasrec" in flags.methods and flags.rectools_python is None:
        raise UserError(
            "SASRec needs --rectools_python, the Python of an environment with requirements-rivals.txt; "
            "or leave it out: --methods baselines pinsage lightgcn"
        )
    movielens = load_movielens(flags.data_dir)
    data = {"name": movielens.name, "fingerprint": movielens.fingerprint, "num_seeds": flags.num_seeds}
    folder = Path(flags.output_dir) / "rivals"
    splits = [split_movielens(movielens, name) for name in SPLITS]
    seeds = range(flags.num_seeds)
    for method in METHODS:
        if method in flags.methods:
            for result in _measured(method, movielens, splits, seeds, data, flags.rectools_python):
                store(result, folder)
    results = stored(folder, data)
    order = sorted(results, key=lambda name: (name == PINSAGE, not name.startswith("item"), name))
    results = {name: results[name] for name in order}
    for split in splits:
        for task, questions in questions_of(split, "test", movielens).items():
            print("\n" + task_table(task, results, len(questions)))
    print()
    for result in results.values():
        if result.seconds:
            print("\n".join(chosen_lines(result, TASKS)))


def _measured(
    method: str,
    movielens: MovieLens,
    splits: Sequence[Split],
    seeds: Sequence[int],
    data: dict[str, Any],
    rectools_python: str | None,
) -> list[Result]:
    """The results of one of ``METHODS``."""
    watch = Stopwatch()
    if method == "baselines":
        tasks: dict[str, dict[Task, OnTask]] = {}
        for split in splits:
            for name, by_task in known.baseline_outcomes(movielens, split).items():
                entry = tasks.setdefault(name, {})
                entry |= {task: OnTask(settings, [outcome]) for task, (settings, outcome) in by_task.items()}
        return [Result(name, data, by_task) for name, by_task in tasks.items()]
    if method == "pinsage":
        runs = [known.pinsage_outcomes(movielens, split, seed) for split in splits for seed in seeds]
        on_tasks = {task: OnTask({}, [run[task] for run in runs if task in run]) for task in TASKS}
        return [Result(PINSAGE, data, on_tasks, seconds=watch.read())]
    tuned = [_tuned_on(method, movielens, split, seeds, rectools_python) for split in splits]
    return [
        Result(
            TITLES[method],
            data,
            {task: on_task for one in tuned for task, on_task in one.tasks.items()},
            light_gcn.GRID if method == "lightgcn" else sasrec_files.GRID,
            sum(one.trainings for one in tuned),
            watch.read(),
            tuned[0].versions,
        )
    ]


class Tuned(NamedTuple):
    """A rival on the tasks of one split: what was chosen, the number of trainings, versions of libraries."""

    tasks: dict[Task, OnTask]
    trainings: int
    versions: dict[str, str]


def _tuned_on(
    method: str, movielens: MovieLens, split: Split, seeds: Sequence[int], rectools_python: str | None
) -> Tuned:
    validation = questions_of(split, "validation", movielens)
    test = questions_of(split, "test", movielens)
    if method == "lightgcn":
        graph = light_gcn.user_film_graph(split)

        def train_light_gcn(settings: Settings, seed: int) -> Outcomes:
            models = light_gcn.train(graph, settings, seed)
            return best_epochs(models, validation, test, light_gcn.WAYS, light_gcn.PATIENCE)

        versions = {name: version(name) for name in ("torch_geometric", "torch")}
        return Tuned(*_tuned(light_gcn.GRID, list(test), seeds, train_light_gcn), versions)
    assert rectools_python is not None
    with sasrec_files.RecTools(rectools_python, split, [validation, test]) as rectools:

        def train_sasrec(settings: Settings, seed: int) -> Outcomes:
            with closing(rectools.train(settings, seed)) as models:
                return best_epochs(models, validation, test, {}, sasrec_files.PATIENCE)

        return Tuned(*_tuned(sasrec_files.GRID, list(test), seeds, train_sasrec), rectools.versions)


def _tuned(
    grid: dict[str, tuple[Any, ...]],
    tasks: Sequence[Task],
    seeds: Sequence[int],
    train: Callable[[Settings, int], Outcomes],
) -> tuple[dict[Task, OnTask], int]:
    """Search the grid with the first seed, then train what each task chose with every other seed.

    Returns:
        The tasks, and the number of trainings.
    """
    known_runs: dict[tuple[Any, ...], Outcomes] = {}

    def train_once(settings: Settings, seed: int = seeds[0]) -> Outcomes:
        key = (seed, *settings.values())
        if key not in known_runs:
            watch = Stopwatch()
            known_runs[key] = train(settings, seed)
            shown = ", ".join(
                f"{task} {one.validation:.4f} at {one.epoch}" for task, one in known_runs[key].items()
            )
            print(f"seed {seed} {settings}: {shown}; {watch.read()}", file=sys.stderr, flush=True)
        return known_runs[key]

    chosen = coordinate_search(grid, tasks, train_once)
    on_tasks = {
        task: OnTask(chosen[task], [train_once(chosen[task], seed)[task] for seed in seeds]) for task in tasks
    }
    return on_tasks, len(known_runs)


if __name__ == "__main__":
    sys.exit(main())
