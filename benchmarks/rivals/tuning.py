"""What validation chooses: the epoch of a training, and the settings of a grid, one after the other."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from base.arrays import FloatArray
from benchmarks.rivals.judge import Outcome, figures_of
from benchmarks.rivals.questions import FACTS, Questions, Task

Settings = dict[str, Any]
Grid = dict[str, tuple[Any, ...]]  # setting to its values, the start first
Outcomes = dict[Task, Outcome]
# A model as it is after some epoch: scores of all films for questions, asked in a way.
Scores = Callable[[Questions, str], FloatArray]
Ways = dict[Task, tuple[str, ...]]
ONE_WAY = ("",)


def best_epochs(
    models: Iterable[tuple[int, Scores]],
    validation: dict[Task, Questions],
    test: dict[Task, Questions],
    ways: Ways,
    patience: int,
    least: int = 0,
) -> Outcomes:
    """Each task's best epoch, and best way to ask, of one training.

    Args:
        models: the model after some epochs, in order; nothing is taken from it after the training is stopped.
        validation: questions that choose.
        test: questions that are reported.
        ways: task to the ways in which the model can be asked; one way for a task that is not in it.
        patience: models in a row that are better in no task, after which the training is stopped.
        least: epochs before which it is not stopped: figures can fall at first.
    """
    best: Outcomes = {}
    waited = 0
    for epoch, scores in models:
        before = dict(best)
        for task, questions in validation.items():
            for way in ways.get(task, ONE_WAY):
                figure = figures_of(scores(questions, way), questions)[FACTS[task].chosen_by]
                if task not in best or figure > best[task].validation:
                    reached = figures_of(scores(test[task], way), test[task])
                    best[task] = Outcome(figure, epoch, way, reached)
        waited = waited + 1 if best == before else 0
        if waited >= patience and epoch >= least:
            break
    return best


def coordinate_search(
    grid: Grid, tasks: Sequence[Task], train: Callable[[Settings], Outcomes]
) -> dict[Task, Settings]:
    """Choose one setting after the other, in the order of the grid.

    The start is the first value of every setting. Each step tries all values of one setting and keeps the
    best one. Tasks of one split share trainings: each may choose other settings.

    Args:
        grid: setting to its values, the start first.
        tasks: tasks that choose.
        train: trains with some settings; returns what every task thinks of it. It is asked again for settings
            that it has trained with, so it should remember.

    Returns:
        Task to its settings.
    """
    start = {name: values[0] for name, values in grid.items()}
    best: dict[Task, Settings] = {task: start for task in tasks}
    for name, values in grid.items():
        for task in tasks:
            tried = [best[task] | {name: value} for value in values]
            # max keeps the first of equals.
            best[task] = max(tried, key=lambda settings: train(settings)[task].validation)
    return best


def searched_again(grid: Grid, start: Settings, names: Sequence[str]) -> Grid:
    """The grid of a search that starts from ``start`` and tries the values of ``names`` alone."""
    others = {name: tuple(value for value in grid[name] if value != start[name]) for name in names}
    return {name: (start[name], *others.get(name, ())) for name in grid}
