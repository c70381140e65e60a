"""The training loop around ``Trainer``: validation, early stopping and checkpoints after every epoch."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from statistics import fmean
from typing import Any

import torch

from base.distributed import broadcast_from_leader, is_leader
from base.errors import WorldError
from model.heads import Embeddings
from model.trainer import Trainer

logger = logging.getLogger("pinsage")

EPOCHS_TO_JUDGE_BY = 3  # an epoch's own validation MRR is mostly noise where few users answer

# From embeddings to validation figures: at least `mrr`, `hit_rate@10` and `hit_rate@100`.
Validate = Callable[[Embeddings], dict[str, float]]


@dataclass
class Progress:
    """How far a training has come; stored in the checkpoint, so early stopping resumes too.

    Attributes:
        best_epoch: epoch with the best mean of its own validation MRR and that of the two epochs before;
            the last one where nothing is validated; 0 for the weights that fine-tuning started from.
        best_mrr: the validation MRR of that epoch itself, or None.
        stale_epochs: epochs since the best one.
        history: one row an epoch.
    """

    best_epoch: int = 0
    best_mrr: float | None = None
    stale_epochs: int = 0
    history: list[dict[str, float]] = field(default_factory=list)

    def record(self, row: dict[str, float]) -> bool:
        """Add an epoch's row; true where it is the best so far."""
        self.history.append(row)
        mrr = row.get("validation_mrr")
        if mrr is None or self.best_mrr is None:
            improved = True
        else:  # before the first best epoch, the weights that were started from
            to_beat = self._judged(self.best_epoch - 1) if self.best_epoch else self.best_mrr
            improved = self._judged(-1) > to_beat
        if improved:
            self.best_epoch, self.best_mrr, self.stale_epochs = int(row["epoch"]), mrr, 0
        else:
            self.stale_epochs += 1
        return improved

    def _judged(self, row: int) -> float:
        """Mean validation MRR of the epochs that end with row ``row`` of the history."""
        last = range(len(self.history))[row]
        rows = self.history[max(0, last + 1 - EPOCHS_TO_JUDGE_BY) : last + 1]
        return fmean(row["validation_mrr"] for row in rows)

    def as_plain(self) -> dict[str, Any]:
        """Plain values for the checkpoint."""
        return asdict(self)


def fit(
    trainer: Trainer,
    validate: Validate | None,
    progress: Progress,
    save: Callable[[Embeddings, bool], None],
) -> None:
    """Train until the epochs are done or none has been the best for ``patience`` epochs.

    Args:
        trainer: fresh, or loaded from a checkpoint.
        validate: gives the figures that decide which epoch is best; None trains all epochs.
        progress: continued in place.
        save: called after every epoch with the embeddings and whether they are the best so far.

    Raises:
        WorldError: the loss diverged; what was saved before stays.
    """
    settings = trainer.settings
    while trainer.epoch < settings.epochs and progress.stale_epochs < settings.patience:
        row = broadcast_from_leader(trainer.train_epoch())  # whose seconds it is that are written down
        embeddings = trainer.embeddings()
        # The last step of an epoch can diverge unseen by its loss.
        if not all(torch.isfinite(part).all() for part in embeddings):
            raise WorldError(
                f"the embeddings contain NaN or infinity after epoch {trainer.epoch}; the last good "
                f"checkpoint is intact, train again with `lr` below {settings.lr:g}"
            )
        if validate is not None:
            row |= validation_figures(validate, embeddings)
        best = progress.record(row)
        save(embeddings, best)
        logger.info("%s", _epoch_line(row, settings.epochs, best))
    if progress.stale_epochs >= settings.patience:
        logger.info("stopped early: no better validation MRR for %d epochs", settings.patience)


def validation_figures(validate: Validate, embeddings: Embeddings) -> dict[str, float]:
    """The figures of the training history, as the leader computes them: every process must decide alike."""
    figures = validate(embeddings) if is_leader() else {}
    return broadcast_from_leader({f"validation_{name}": value for name, value in figures.items()})


def validation_words(figures: Mapping[str, float]) -> str:
    """Validation figures for the screen."""
    return (
        f"  validation: MRR {figures['validation_mrr']:.4f}"
        f"  hit rate @10 {figures['validation_hit_rate@10']:.4f}"
        f"  @100 {figures['validation_hit_rate@100']:.4f}"
    )


def _epoch_line(row: dict[str, float], epochs: int, best: bool) -> str:
    line = (
        f"epoch {row['epoch']:>2}/{epochs}  loss {row['loss']:.4f}  {row['pairs_per_second']:>9,.0f} pairs/s"
    )
    if "validation_mrr" in row:
        line += validation_words(row) + "  *" * best
    return line
