"""A training in memory, from split to scorer: what benchmark, ablation and cold-start figures repeat."""

import copy
from dataclasses import dataclass

import torch
from torch import Tensor

from config import Config
from data.dataset import MovieLens
from data.splits import Split
from evaluation.ranking import EmbeddingScorer
from evaluation.validation import judge_by, validation_questions
from model.fit import Progress, fit
from model.heads import Embeddings
from model.inputs import ModelInputs, build_inputs
from model.trainer import Trainer


@dataclass(frozen=True)
class TrainedOnce:
    """A model as it was after its best epoch by validation.

    Attributes:
        trainer: holds the weights of that epoch.
        inputs: graph, features and neighbours it was trained on.
        scorer: its embeddings.
        progress: history, best epoch and its validation MRR.
    """

    trainer: Trainer
    inputs: ModelInputs
    scorer: EmbeddingScorer
    progress: Progress


def train_once(config: Config, movielens: MovieLens, split: Split, device: torch.device) -> TrainedOnce:
    """Train on ``split`` by ``config`` (its seed included), writing nothing.

    Raises:
        UserError: the split has nothing to train on.
        WorldError: the loss diverged.
    """
    inputs = build_inputs(movielens, split, config.model, config.run.seed, device)
    trainer = Trainer(inputs, split, config.model, config.training, config.run.seed, device)
    progress = Progress()
    questions = validation_questions(split, config.training, config.run.seed)
    best_weights: dict[str, Tensor] = {}

    def keep(embeddings: Embeddings, best: bool) -> None:
        if best:
            best_weights.update(copy.deepcopy(trainer.model.state_dict()))

    fit(trainer, judge_by(questions), progress, keep)
    trainer.model.load_state_dict(best_weights)
    scorer = EmbeddingScorer.of(trainer.embeddings())
    return TrainedOnce(trainer, inputs, scorer, progress)
