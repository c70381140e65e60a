"""A training in memory, from split to scorer: what benchmark, ablation and cold-start figures repeat."""

import copy
from dataclasses import dataclass, replace

import torch

from config import Config
from data.dataset import MovieLens
from data.splits import Split
from evaluation.after_training import with_chosen_settings
from evaluation.ranking import EmbeddingScorer
from evaluation.validation import judge_by, validation_questions
from model.checkpoint import Checkpoint
from model.fit import Progress, fit
from model.heads import Embeddings
from model.inputs import ModelInputs
from model.trainer import Trainer
from model.training import Training, new_training


@dataclass(frozen=True)
class TrainedOnce:
    """A model as it was after its best epoch by validation.

    Attributes:
        trainer: holds the weights of that epoch.
        inputs: graph, features and neighbours it was trained on.
        scorer: its embeddings.
        checkpoint: the same model as a checkpoint.
        progress: history, best epoch and its validation MRR.
    """

    trainer: Trainer
    inputs: ModelInputs
    scorer: EmbeddingScorer
    checkpoint: Checkpoint
    progress: Progress


def train_once(config: Config, movielens: MovieLens, split: Split, device: torch.device) -> TrainedOnce:
    """Train on ``split`` by ``config`` (its seed included), writing nothing.

    Raises:
        UserError: the split has nothing to train on.
        WorldError: the loss diverged.
    """
    training = new_training(config, movielens, split, device)
    best = best_checkpoint(training)
    training.trainer.model.load_state_dict(best.trainer["model"])
    training.trainer.blend = best.blend
    scorer = EmbeddingScorer.of(Embeddings(best.embeddings, best.query_embeddings))
    return TrainedOnce(training.trainer, training.inputs, scorer, best, training.progress)


def best_checkpoint(training: Training) -> Checkpoint:
    """Train to the end; returns the state after the best epoch by validation, with all that it chooses.

    Raises:
        UserError: the validation part makes no question.
        WorldError: the loss diverged.
    """
    config = training.config
    questions = validation_questions(training.split, config.training, config.run.seed)
    kept: list[Checkpoint] = []

    def keep(embeddings: Embeddings, best: bool) -> None:
        if best:
            checkpoint = training.checkpoint(embeddings)
            # The trainer goes on to change these tensors in place.
            kept[:] = [replace(checkpoint, trainer=copy.deepcopy(checkpoint.trainer))]

    fit(training.trainer, judge_by(questions), training.progress, keep)
    return with_chosen_settings(kept[0], training.split, config.training)
