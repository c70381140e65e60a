"""The tables of the comparison, one per task, and what was chosen in what time."""

from collections.abc import Mapping, Sequence

from benchmarks.rivals.questions import FACTS, Task
from benchmarks.rivals.results import OnTask, Result
from evaluation.statistics import deviation_metrics, difference, mean_metrics
from report.names import PINSAGE
from report.text_table import TableColumn, TableSection, render_table


def task_table(task: Task, results: Mapping[str, Result], questions: int) -> str:
    """Every method on one task: means over the seeds, and whether PinSage differs by more than seed noise.

    Args:
        task: the task.
        results: method to result; those without the task are left out.
        questions: number of test questions, for the heading.
    """
    facts = FACTS[task]
    columns = [TableColumn("method", numeric=False)]
    columns += [TableColumn(figure) for figure in facts.figures]
    reference = results[PINSAGE].tasks.get(task) if PINSAGE in results else None
    if reference is not None:
        columns += [TableColumn(figure, "minus PinSage") for figure in facts.figures]
    rows = []
    for name, result in results.items():
        if task in result.tasks:
            on_task = result.tasks[task]
            cells = [name, *(_cell(on_task, figure) for figure in facts.figures)]
            if reference is not None:
                cells += ["" if name == PINSAGE else _gap(on_task, reference, f) for f in facts.figures]
            rows.append(cells)
    heading = f"{facts.title}: {questions} test questions, split {facts.split}"
    notes = [
        f"settings and epochs are chosen by validation {facts.chosen_by}",
        "+- over seeds: standard deviation for a method, 95 % interval for a difference",
    ]
    return "\n".join([heading, "", render_table(columns, [TableSection(rows)], notes)])


def _cell(on_task: OnTask, figure: str) -> str:
    runs = [run.test for run in on_task.runs]
    spread = deviation_metrics(runs)[figure]
    return f"{mean_metrics(runs)[figure]:.3f}" + ("" if spread is None else f" +- {spread:.3f}")


def _gap(on_task: OnTask, reference: OnTask, figure: str) -> str:
    """The difference of two means. A method without seeds is the same in each of PinSage's."""
    theirs, ours = on_task.test(figure), reference.test(figure)
    if len(theirs) == 1:
        theirs = theirs * len(ours)
    gap = difference(theirs, ours)
    return f"{gap.mean:+.3f}" + ("" if gap.noise is None else f" +- {gap.noise:.3f}")


def chosen_lines(result: Result, tasks: Sequence[Task]) -> list[str]:
    """The grid of a method, its time, and what each task chose from it."""
    clock, processor = (result.seconds[name] / 60 for name in ("clock_s", "processor_s"))
    versions = ", ".join(f"{name} {version}" for name, version in result.versions.items())
    lines = [
        f"{result.method}: {clock:.1f} minutes, {processor:.1f} of processor time"
        + f" ({versions})" * bool(versions)
    ]
    if result.grid:
        grid = "; ".join(f"{name} {', '.join(map(str, values))}" for name, values in result.grid.items())
        lines.append(f"  grid, one setting after the other, {result.trainings} trainings: {grid}")
    for task in tasks:
        if task in result.tasks and (on_task := result.tasks[task]).settings:
            settings = ", ".join(f"{name} {value}" for name, value in on_task.settings.items())
            epochs = ", ".join(str(run.epoch) for run in on_task.runs if run.epoch)
            ways = sorted({run.way for run in on_task.runs if run.way})
            lines.append(
                f"  {FACTS[task].title}: {settings}"
                + f"; epochs {epochs}" * bool(epochs)
                + f"; asked by {' or '.join(ways)}" * bool(ways)
            )
    return lines
