"""The results of a method: measured, timed, and kept in a file per method."""

import json
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from base.files import write_json
from benchmarks.rivals.judge import Figures, Outcome
from benchmarks.rivals.questions import Task
from benchmarks.rivals.tuning import Settings


class Stopwatch:
    """Seconds on the clock and of the processor since the start, those of ended child processes included."""

    def __init__(self) -> None:
        self._clock, self._processor = time.perf_counter(), _processor_seconds()

    def read(self) -> dict[str, float]:
        """``clock_s`` and ``processor_s``."""
        return {
            "clock_s": round(time.perf_counter() - self._clock, 1),
            "processor_s": round(_processor_seconds() - self._processor, 1),
        }


def _processor_seconds() -> float:
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


@dataclass(frozen=True)
class OnTask:
    """A method on one task.

    Attributes:
        settings: what validation chose from the grid.
        runs: one outcome per seed; a single one for a method that draws nothing at random.
    """

    settings: Settings
    runs: Sequence[Outcome]

    def test(self, figure: str) -> list[float]:
        """A test figure of each seed."""
        return [run.test[figure] for run in self.runs]


@dataclass(frozen=True)
class Result:
    """A method on all tasks.

    Attributes:
        method: its name in tables.
        data: what it was measured on: the fingerprint of the data and the number of seeds.
        tasks: task to what it reached.
        grid: setting to the values that were tried; empty for methods whose grid is documented elsewhere.
        trainings: number of trainings of the grid.
        seconds: ``clock_s`` and ``processor_s`` of everything, the grid included.
        versions: library to version.
    """

    method: str
    data: dict[str, Any]
    tasks: Mapping[Task, OnTask]
    grid: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    trainings: int = 0
    seconds: Mapping[str, float] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)


def store(result: Result, folder: Path) -> None:
    """Write ``METHOD.json`` into the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    write_json(asdict(result), folder / f"{result.method.replace(' ', '_')}.json")


def stored(folder: Path, data: dict[str, Any]) -> dict[str, Result]:
    """The results of a folder that were measured on the same data and seeds, by method."""
    found = {}
    for path in sorted(folder.glob("*.json")):
        entry = json.loads(path.read_text(encoding="utf-8"))
        if entry["data"] == data:
            tasks = {
                task: OnTask(one["settings"], [_outcome(run) for run in one["runs"]])
                for task, one in entry["tasks"].items()
            }
            found[entry["method"]] = Result(**(entry | {"tasks": tasks}))
    return found


def _outcome(entry: dict[str, Any]) -> Outcome:
    test: Figures = entry["test"]
    return Outcome(entry["validation"], entry["epoch"], entry["way"], test)
