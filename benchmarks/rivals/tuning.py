"""A grid, one coordinate after the other: the settings that validation prefers, for each task."""

from collections.abc import Callable, Sequence
from typing import Any

from benchmarks.rivals.judge import Outcome
from benchmarks.rivals.questions import Task

Settings = dict[str, Any]
Outcomes = dict[Task, Outcome]
TrainAll = Callable[[Sequence[Settings]], list[Outcomes]]


def coordinate_search(
    grid: dict[str, tuple[Any, ...]], tasks: Sequence[Task], train_all: TrainAll
) -> tuple[dict[Task, Settings], int]:
    """Choose one setting after the other, in the order of the grid.

    The start is the first value of every setting. Each step tries all values of one setting and keeps the
    best one. Tasks of one split share trainings: each may choose other settings, and a training that two
    tasks want is made once.

    Args:
        grid: setting to its values, the default first.
        tasks: tasks that choose.
        train_all: trains each of some settings; returns for each what every task thinks of it.

    Returns:
        Task to its settings, and the number of trainings.
    """
    start = {name: values[0] for name, values in grid.items()}
    best: dict[Task, Settings] = {task: start for task in tasks}
    known: dict[tuple[Any, ...], Outcomes] = {}
    for name, values in grid.items():
        tried = {task: [best[task] | {name: value} for value in values] for task in tasks}
        wanted = {_key(one): one for task in tasks for one in tried[task] if _key(one) not in known}
        known |= zip(wanted, train_all(list(wanted.values())), strict=True)
        for task in tasks:
            # max keeps the first of equals: the default.
            best[task] = max(tried[task], key=lambda one: known[_key(one)][task].validation)
    return best, len(known)


def _key(settings: Settings) -> tuple[Any, ...]:
    return tuple(settings.values())
