"""The rows of a training history as events for TensorBoard, an extra: see ``requirements-tune.txt``."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from base.errors import UserError

INSTALL = "pip install -r requirements-tune.txt"
# Row of the history to tag. TensorBoard makes a group of what stands before the slash.
TAGS = {
    "loss": "training/loss",
    "learning_rate": "training/learning_rate",
    "hard_negatives": "training/hard_negatives",
    "pairs_per_second": "speed/pairs_per_second",
    "seconds": "speed/seconds",
    "validation_mrr": "validation/mrr",
    "validation_hit_rate@10": "validation/hit_rate_10",
    "validation_hit_rate@100": "validation/hit_rate_100",
}


def check_installed() -> None:
    """Check that events can be written.

    Raises:
        UserError: TensorBoard is not installed.
    """
    try:
        import torch.utils.tensorboard  # noqa: F401
    except ImportError:
        raise UserError(f"`tensorboard` needs an extra; run `{INSTALL}`, or leave it out") from None


class EventLog:
    """Writes one event per figure and epoch; the step is the number of the epoch.

    Args:
        folder: where the events are written; it is created if it is missing.
        history: rows of epochs that are done, of a training that continues. They are written again: what
            an earlier run wrote in the folder no longer counts, not even the epochs after a kill.
    """

    def __init__(self, folder: Path, history: Sequence[Mapping[str, float]] = ()) -> None:
        from torch.utils.tensorboard import SummaryWriter

        self.writer: Any = SummaryWriter(str(folder), purge_step=0)
        for row in history:
            self.add(row)

    def add(self, row: Mapping[str, float]) -> None:
        """Write the figures of an epoch; they are on the disk when this returns."""
        for name, tag in TAGS.items():
            if name in row:
                self.writer.add_scalar(tag, row[name], int(row["epoch"]))
        self.writer.flush()

    def close(self) -> None:
        """End the file."""
        self.writer.close()
