"""Every method on every task: what validation chooses, trained with each seed."""

import sys
from collections.abc import Callable, Sequence
from contextlib import closing
from importlib.metadata import version
from typing import Any, NamedTuple

from benchmarks.rivals import known, light_gcn, sasrec_files
from benchmarks.rivals.light_gcn_scorer import WAYS
from benchmarks.rivals.questions import TASKS, Task, questions_of
from benchmarks.rivals.results import OnTask, Result, Stopwatch
from benchmarks.rivals.tuning import Grid, Outcomes, Settings, best_epochs, coordinate_search, searched_again
from data.dataset import MovieLens
from data.splits import Split
from report.names import PINSAGE

METHODS = ("baselines", "pinsage", "lightgcn", "sasrec")


class Tuned(NamedTuple):
    """A rival on the tasks of one split: what each chose, the number of trainings, versions of libraries."""

    tasks: dict[Task, OnTask]
    trainings: int
    versions: dict[str, str]


def measured(
    method: str,
    movielens: MovieLens,
    splits: Sequence[Split],
    data: dict[str, Any],
    rectools_python: str | None,
) -> list[Result]:
    """The results of one of ``METHODS``; of the baselines, one result each.

    Args:
        method: one of ``METHODS``.
        movielens: the data.
        splits: the temporal split, then leave one out.
        data: as in ``Result``; ``num_seeds`` is the number of seeds, from 0.
        rectools_python: as in ``sasrec_files.RecTools``; needed for SASRec only.
    """
    seeds = range(data["num_seeds"])
    watch = Stopwatch()
    if method == "baselines":
        found: dict[str, dict[Task, OnTask]] = {}
        for split in splits:
            for name, by_task in known.baseline_outcomes(movielens, split).items():
                of_split = {
                    task: OnTask(settings, [outcome]) for task, (settings, outcome) in by_task.items()
                }
                found[name] = found.get(name, {}) | of_split
        return [Result(name, data, by_task) for name, by_task in found.items()]
    if method == "pinsage":
        runs = [known.pinsage_outcomes(movielens, split, seed) for split in splits for seed in seeds]
        tasks = {task: OnTask({}, [run[task] for run in runs if task in run]) for task in TASKS}
        return [Result(PINSAGE, data, tasks, seconds=watch.read())]
    if method == "lightgcn":
        title, grid = "LightGCN", light_gcn.GRID
        tuned = [_light_gcn(movielens, split, seeds) for split in splits]
    else:
        assert rectools_python is not None
        title, grid = "SASRec", sasrec_files.GRID
        tuned = [_sasrec(movielens, splits[0], seeds, rectools_python, grid)]
        (people,) = tuned[0].tasks.values()
        again = searched_again(grid, people.settings, sasrec_files.AGAIN)
        tuned.append(_sasrec(movielens, splits[1], seeds, rectools_python, again))
    tasks = {task: on_task for one in tuned for task, on_task in one.tasks.items()}
    trainings = sum(one.trainings for one in tuned)
    return [Result(title, data, tasks, grid, trainings, watch.read(), tuned[0].versions)]


def _light_gcn(movielens: MovieLens, split: Split, seeds: Sequence[int]) -> Tuned:
    validation, test = questions_of(split, "validation", movielens), questions_of(split, "test", movielens)
    graph = light_gcn.user_film_graph(split)

    def train(settings: Settings, seed: int) -> Outcomes:
        models = light_gcn.train(graph, settings, seed)
        return best_epochs(models, validation, test, WAYS, light_gcn.PATIENCE, light_gcn.MIN_EPOCHS)

    versions = {name: version(name) for name in ("torch_geometric", "torch")}
    return Tuned(*_tuned(light_gcn.GRID, list(test), seeds, train), versions)


def _sasrec(movielens: MovieLens, split: Split, seeds: Sequence[int], python: str, grid: Grid) -> Tuned:
    validation, test = questions_of(split, "validation", movielens), questions_of(split, "test", movielens)
    with sasrec_files.RecTools(python, split, [validation, test]) as rectools:

        def train(settings: Settings, seed: int) -> Outcomes:
            with closing(rectools.train(settings, seed)) as models:
                return best_epochs(
                    models, validation, test, {}, sasrec_files.PATIENCE, sasrec_files.MIN_EPOCHS
                )

        return Tuned(*_tuned(grid, list(test), seeds, train), rectools.versions)


def _tuned(
    grid: Grid, tasks: Sequence[Task], seeds: Sequence[int], train: Callable[[Settings, int], Outcomes]
) -> tuple[dict[Task, OnTask], int]:
    """Search the grid with the first seed, then train what each task chose with every other seed.

    Returns:
        The tasks, and the number of trainings.
    """
    done: dict[tuple[Any, ...], Outcomes] = {}

    def train_once(settings: Settings, seed: int = seeds[0]) -> Outcomes:
        key = (seed, *settings.values())
        if key not in done:
            watch = Stopwatch()
            done[key] = train(settings, seed)
            found = ", ".join(
                f"{task} {one.validation:.4f} at {one.epoch}" for task, one in done[key].items()
            )
            print(
                f"{watch.read()['clock_s']:.0f} s, seed {seed}, {settings}: {found}",
                file=sys.stderr,
                flush=True,
            )
        return done[key]

    chosen = coordinate_search(grid, tasks, train_once)
    return {
        task: OnTask(chosen[task], [train_once(chosen[task], seed)[task] for seed in seeds]) for task in tasks
    }, len(done)
