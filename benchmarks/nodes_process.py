"""``train.py`` that also writes down what each step costs: one process of ``benchmarks/nodes.py``.

    python benchmarks/nodes_process.py RECORD train flags ...

writes ``RECORD.0.json``; under ``torchrun`` each process writes the file of its number.
"""

import json
import os
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from commands.entry import main_train  # noqa: E402
from model import fit  # noqa: E402
from model.trainer import Trainer  # noqa: E402

MEMORY = ("Pss", "Private_Clean", "Private_Dirty", "Shared_Clean", "Shared_Dirty")
STAGES = ("embed", "network", "validate")


def memory_mb() -> dict[str, float]:
    """Memory of this process now, in MB by kind, as Linux reports it; empty elsewhere."""
    try:
        lines = Path("/proc/self/smaps_rollup").read_text().splitlines()
    except OSError:
        return {}
    kilobytes = {line.split(":")[0]: int(line.split()[1]) for line in lines[1:] if line.endswith("kB")}
    return {name: kilobytes[name] * 1024 / 1e6 for name in MEMORY}


def record_training(flags: list[str]) -> tuple[int, dict[str, Any]]:
    """Train with ``flags``; returns the exit code and the record.

    The record has, per step, ``losses`` and processor and wall seconds (``step_cpu``, ``step_wall``); the
    processor seconds per epoch of ``embed``, of it ``network`` without the views, and ``validate``;
    ``memory`` in MB at the first step and ``peak`` at the end.
    """
    record: dict[str, Any] = {name: [] for name in ("losses", "step_cpu", "step_wall", *STAGES)}
    step = Trainer.train_step

    def train_step(self: Trainer, *arguments: Any) -> float:
        if not record["losses"]:
            record["memory"] = memory_mb()
        wall, cpu = time.perf_counter(), time.process_time()
        record["losses"].append(step(self, *arguments))
        record["step_cpu"].append(time.process_time() - cpu)
        record["step_wall"].append(time.perf_counter() - wall)
        return record["losses"][-1]

    Trainer.train_step = train_step  # type: ignore
    Trainer.embeddings = _timed(Trainer.embeddings, record["embed"])  # type: ignore[method-assign]
    Trainer.learned_embeddings = _timed(  # type: ignore[method-assign]
        Trainer.learned_embeddings, record["network"]
    )
    fit.validation_figures = _timed(fit.validation_figures, record["validate"])
    code = main_train(flags)
    record["peak"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6
    return code, record


def _timed(function: Callable[..., Any], seconds: list[float]) -> Callable[..., Any]:
    """The same function; the processor seconds of each call are added to a list."""

    def call(*arguments: Any) -> Any:
        started = time.process_time()
        result = function(*arguments)
        seconds.append(time.process_time() - started)
        return result

    return call


if __name__ == "__main__":
    exit_code, its_record = record_training(sys.argv[2:])
    Path(f"{sys.argv[1]}.{os.environ.get('RANK', '0')}.json").write_text(json.dumps(its_record))
    sys.exit(exit_code)
