"""Training by one process, and by two processes on two nodes: losses, memory and seconds per step.

    python -m benchmarks.nodes --data_dir data/synthetic-1m --batch_size 512

The nodes are two network namespaces of this machine with a cable between them; this needs Linux, root and the
program ``ip``. First, one process trains an epoch. Then one process and two nodes continue its checkpoint for
another epoch of the same steps, so they differ in nothing but the number of processes. Both nodes share this
machine's processors, so wall time says little; processor time per step and process is what a node of its own
would need, without waiting for the other. Sums in another order differ in their last bit; the control is
one process with two threads, whose sums have another order, too.

The last lines are ``ratio: NUMBER (of what to what)``.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # for `python benchmarks/nodes.py`

from base.errors import UserError  # noqa: E402
from benchmarks.nodes_network import ROOT, reason_against, torchrun_on_nodes, two_nodes  # noqa: E402
from benchmarks.nodes_process import STAGES  # noqa: E402
from commands.cli import guarded  # noqa: E402
from model.checkpoint import BEST, LAST  # noqa: E402
from report.text_table import TableColumn, TableSection, render_table  # noqa: E402

PROCESS = "benchmarks/nodes_process.py"
SECONDS = 7200.0
CLOSE = 1e-5
COLUMNS = (
    TableColumn("", numeric=False),
    TableColumn("first loss"),
    TableColumn("last loss"),
    TableColumn("a step", group="processor seconds"),
    TableColumn("embed all", group="processor seconds"),
    TableColumn("(network)", group="processor seconds"),
    TableColumn("validate", group="processor seconds"),
    TableColumn("wall s per step"),
    TableColumn("private", group="memory in MB"),
    TableColumn("shared", group="memory in MB"),
    TableColumn("peak", group="memory in MB"),
)


def train_alone(record: Path, flags: Sequence[str]) -> dict[str, Any]:
    """The record of a training by one process, see ``nodes_process.record_training``.

    Args:
        record: where it is written, without the number of the process.
        flags: of ``train.py``.

    Raises:
        RuntimeError: it failed; the message is its stderr.
    """
    done = subprocess.run(
        [sys.executable, PROCESS, str(record), *flags],
        cwd=ROOT,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
    )
    if done.returncode != 0:
        raise RuntimeError(done.stderr)
    return json.loads(Path(f"{record}.0.json").read_text())


def train_on_two_nodes(record: Path, flags: Sequence[str], seconds: float = SECONDS) -> list[dict[str, Any]]:
    """The records of a training by one process on each of two nodes; arguments as in ``train_alone``."""
    with two_nodes() as nodes:
        torchrun_on_nodes(nodes, [PROCESS, str(record), *flags], seconds)
    return [json.loads(Path(f"{record}.{number}.json").read_text()) for number in range(len(nodes))]


def relative_differences(losses: Sequence[float], others: Sequence[float]) -> list[float]:
    """How much two lists of losses differ, step by step, as shares of the first."""
    return [abs(one - other) / abs(one) for one, other in zip(losses, others, strict=True)]


def compare(data_dir: str, steps: int, batch_size: int, rate: float, folder: Path) -> None:
    """Train in the three ways and print the table."""
    flags = [
        *("--data_dir", data_dir, "--batch_size", str(batch_size), "--num_threads", "1"),
        *("--lr", str(rate), "--lr_schedule", "exponential", "--lr_decay", "1"),
        *("--pairs_per_epoch", str(steps * batch_size)),
    ]
    start = folder / "start"
    train_alone(start, [*flags, "--epochs", "1", *_folders(start)])

    def continued(name: str, threads: int = 1) -> tuple[Path, list[str]]:
        (folder / name).mkdir()
        for file in (LAST, BEST):
            shutil.copy(start / file, folder / name / file)
        return folder / name, [
            *("--data_dir", data_dir, "--resume", "--epochs", "2", "--num_threads", str(threads)),
            *_folders(folder / name),
        ]

    alone = train_alone(*continued("alone"))
    threads = train_alone(*continued("threads", threads=2))
    both = train_on_two_nodes(*continued("two"))
    rows = [_row("one process", alone)]
    rows += [_row("with two threads", threads)]
    rows += [_row(f"node {number} of {len(both)}", record) for number, record in enumerate(both)]
    print(render_table(COLUMNS, [TableSection(rows)]))
    for name, record in (("two nodes", both[0]), ("two threads", threads)):
        differences = relative_differences(alone["losses"], record["losses"])
        same = next((step for step, value in enumerate(differences) if value > CLOSE), len(differences))
        print(
            f"{name}: losses differ from those of one process by at most {max(differences):.1e} of "
            f"their size in {len(differences)} steps, by less than {CLOSE:g} in the first {same}"
        )
    for name, words in (
        ("step_cpu", "a step"),
        ("network", "the network over all films"),
        ("validate", "validation"),
    ):
        share = max(median(record[name]) for record in both) / median(alone[name])
        print(f"ratio: {share:.2f} (processor time of {words}, the slower of two nodes to one process)")


def _folders(folder: Path) -> list[str]:
    return ["--checkpoint_dir", str(folder), "--output_dir", str(folder)]


def _row(name: str, record: dict[str, Any]) -> list[str]:
    memory = record["memory"]
    return [
        name,
        *(f"{record['losses'][place]:.6f}" for place in (0, -1)),
        f"{median(record['step_cpu']):.3f}",
        *(f"{median(record[stage]):.1f}" for stage in STAGES),
        f"{median(record['step_wall']):.3f}",
        f"{memory['Private_Clean'] + memory['Private_Dirty']:,.0f}",
        f"{memory['Shared_Clean'] + memory['Shared_Dirty']:,.0f}",
        f"{record['peak']:,.0f}",
    ]


def main(argv: list[str] | None = None) -> int:
    """Compare; returns the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--data_dir", required=True, help="folder of the data")
    parser.add_argument("--steps", type=int, default=100, help="steps of each training")
    parser.add_argument("--batch_size", type=int, default=512, help="pairs per step")
    parser.add_argument("--lr", type=float, default=0.003, help="learning rate")
    arguments = parser.parse_args(argv)

    def checked() -> None:
        if reason := reason_against():
            raise UserError(reason)
        with tempfile.TemporaryDirectory() as folder:
            compare(
                str(Path(arguments.data_dir).resolve()),
                *(arguments.steps, arguments.batch_size, arguments.lr, Path(folder)),
            )

    return guarded(checked)


if __name__ == "__main__":
    sys.exit(main())
