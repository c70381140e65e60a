"""One trial: a training of which only the validation figures are kept."""

from collections.abc import Callable

import torch

from config import Config
from data.dataset import MovieLens
from data.splits import Split
from evaluation.validation import judge_by, validation_questions
from model.fit import fit
from model.heads import Embeddings
from model.training import new_training

Report = Callable[[int, float], bool]  # of an epoch and its validation MRR: whether the trial is to end there


class EndedEarly(Exception):
    """The trial promises less than others did at the same epoch."""


def validation_mrr(
    config: Config, movielens: MovieLens, split: Split, device: torch.device, report: Report
) -> float:
    """Train; returns the validation MRR of the epoch that is kept, by the rule of every training.

    Args:
        config: all settings.
        movielens: the data.
        split: split of these data, with validation questions.
        device: device of all tensors.
        report: asked after every epoch.

    Raises:
        EndedEarly: ``report`` said so before the last epoch.
        WorldError: the loss diverged.
    """
    questions = validation_questions(split, config.training, config.run.seed)
    training = new_training(config, movielens, split, device)
    progress = training.progress

    def tell(embeddings: Embeddings, best: bool) -> None:
        row = progress.history[-1]
        if report(int(row["epoch"]), row["validation_mrr"]) and row["epoch"] < config.training.epochs:
            raise EndedEarly

    fit(
        training.trainer,
        judge_by(questions),
        progress,
        tell,
    )
    assert progress.best_mrr is not None  # there are validation questions
    return progress.best_mrr
