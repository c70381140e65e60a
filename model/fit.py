"""The training loop: epochs of a ``Trainer`` with validation, early stopping and checkpoints."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from statistics import fmean
from typing import Any

import torch

from base.distributed import broadcast_from_leader
from base.errors import WorldError
from model.heads import Embeddings
from model.trainer import Trainer

logger = logging.getLogger("pinsage")

EPOCHS_TO_AVERAGE = 3  # with few validation questions, the validation MRR of a single epoch is mostly noise
STANDARD_ERRORS = 1  # an epoch may be so many standard errors below the highest and still be kept

# From embeddings to validation figures: `mrr`, its standard error `mrr_error`, `hit_rate@10`, `hit_rate@100`.
Validate = Callable[[Embeddings], dict[str, float]]


@dataclass
class Progress:
    """The progress of a training. Checkpoints contain it, so a resumed training stops at the same epoch.

    Attributes:
        best_epoch: the epoch that is kept. An epoch is judged by the mean validation MRR of itself and the
            two before. The latest epoch is kept that is at most one standard error below the highest:
            smaller differences are noise, and another machine would choose another epoch. (The rule of one
            standard error of Breiman et al., Classification and Regression Trees, 1984.) Without validation,
            the last epoch. 0 if no epoch is better than the weights before the first one (``--extend``).
        best_mrr: the validation MRR of ``best_epoch`` alone; None without validation.
        stale_epochs: number of epochs since ``best_epoch``.
        history: one row per epoch.
    """

    best_epoch: int = 0
    best_mrr: float | None = None
    stale_epochs: int = 0
    history: list[dict[str, float]] = field(default_factory=list)

    def record(self, row: dict[str, float]) -> bool:
        """Add the row of an epoch; returns whether it is the one to keep."""
        self.history.append(row)
        mrr = row.get("validation_mrr")
        if mrr is None or self.best_mrr is None:
            improved = True
        elif self.best_epoch == 0:  # the weights before the first epoch are the best so far
            improved = self._mean_mrr(-1) > self.best_mrr
        else:
            means = [self._mean_mrr(epoch) for epoch in range(len(self.history))]
            highest = max(range(len(means)), key=means.__getitem__)
            error = self.history[highest].get("validation_mrr_error", 0.0)  # 0: of an earlier version
            improved = means[-1] >= means[highest] - STANDARD_ERRORS * error
        if improved:
            self.best_epoch, self.best_mrr, self.stale_epochs = int(row["epoch"]), mrr, 0
        else:
            self.stale_epochs += 1
        return improved

    def _mean_mrr(self, row: int) -> float:
        """The mean validation MRR of row ``row`` of the history and the rows just before it."""
        last = range(len(self.history))[row]
        rows = self.history[max(0, last + 1 - EPOCHS_TO_AVERAGE) : last + 1]
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
    """Train until all epochs are done, or until ``patience`` epochs in a row were not kept.

    Args:
        trainer: a new trainer, or one with the state of a checkpoint.
        validate: computes the validation figures; None means no validation and no early stopping.
        progress: updated in place.
        save: called after every epoch with the embeddings and with whether this epoch is kept.

    Raises:
        WorldError: the loss or the embeddings became NaN or infinite; files saved before are intact.
    """
    settings = trainer.settings
    while trainer.epoch < settings.epochs and progress.stale_epochs < settings.patience:
        row = broadcast_from_leader(trainer.train_epoch())  # the measured seconds differ between processes
        embeddings = trainer.embeddings()
        # The loss is computed before a step, so it does not show that the last step diverged.
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
        logger.info("stopped early: the validation MRR was lower for %d epochs", settings.patience)


def validation_figures(validate: Validate, embeddings: Embeddings) -> dict[str, float]:
    """Validation figures for the training history, as ``validation_<name>``.

    Several processes answer a share of the questions each. All take the leader's figures, so that all stop
    at the same epoch, whatever their processors do with the last bit of a mean.
    """
    figures = validate(embeddings)
    return broadcast_from_leader({f"validation_{name}": value for name, value in figures.items()})


def validation_words(figures: Mapping[str, float]) -> str:
    """Validation figures as text for the screen."""
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
