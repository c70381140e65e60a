"""A training, from its data to its checkpoints: new, resumed, or extended with newer data."""

from dataclasses import dataclass

import torch

from base.distributed import is_leader
from config import Config
from data.dataset import MovieLens
from data.graph_builder import build_graph
from data.splits import Split
from model.checkpoint import Checkpoint, split_fingerprint
from model.fit import Progress
from model.heads import Embeddings
from model.inputs import ModelInputs, build_inputs, training_facts
from model.shadows import ShadowSampler
from model.trainer import Trainer


@dataclass(frozen=True)
class Training:
    """What stays the same during a training, and goes into each of its checkpoints.

    Attributes:
        config: all settings.
        movielens: the data.
        split: of these data.
        inputs: what the model reads.
        trainer: holds the weights.
        progress: how far the training has come.
    """

    config: Config
    movielens: MovieLens
    split: Split
    inputs: ModelInputs
    trainer: Trainer
    progress: Progress

    def checkpoint(self, embeddings: Embeddings) -> Checkpoint:
        """The state after the trainer's current epoch, which made ``embeddings``."""
        nodes = self.inputs.nodes
        return Checkpoint(
            settings=self.config.model_settings(),
            dataset=data_identity(self.movielens, self.split),
            movies=self.movielens.movies,
            user_ids=torch.tensor(self.movielens.user_ids),
            user_text_ids=self.movielens.user_text_ids,
            basis=self.inputs.basis,
            features=nodes.features,
            neighbors=nodes.neighbors.int(),
            weights=nodes.weights,
            embeddings=embeddings.candidates,
            query_embeddings=embeddings.queries,
            trainer=self.trainer.state_dict(),
            progress=self.progress.as_plain(),
        )


def new_training(config: Config, movielens: MovieLens, split: Split, device: torch.device) -> Training:
    """A training before its first epoch.

    Raises:
        UserError: the split contains nothing to train on.
    """
    inputs = build_inputs(movielens, split, config.model, config.run.seed, device)
    return Training(config, movielens, split, inputs, _trainer(config, inputs, split, device), Progress())


def resumed_training(
    stored: Checkpoint, config: Config, movielens: MovieLens, split: Split, device: torch.device
) -> Training:
    """The training of a checkpoint as it was after its last epoch; arguments as it was started with."""
    graph = build_graph(split.train, split.num_users, split.num_movies)
    facts = training_facts(movielens, split)
    shadows = ShadowSampler(graph, stored.basis, facts, config.model, config.run.seed, device)
    inputs = ModelInputs(graph, stored.basis, stored.nodes, shadows)
    trainer = _trainer(config, inputs, split, device)
    trainer.load_state_dict(stored.trainer)
    return Training(config, movielens, split, inputs, trainer, Progress(**stored.progress))


def extended_training(
    stored: Checkpoint,
    inputs: ModelInputs,
    config: Config,
    movielens: MovieLens,
    split: Split,
    device: torch.device,
) -> Training:
    """A training on newer data that starts from the weights of a checkpoint.

    ``inputs`` are the newer data in the terms of the checkpoint's basis, as ``extended_inputs`` makes them.
    """
    trainer = _trainer(config, inputs, split, device)
    trainer.model.load_state_dict(stored.trainer["model"])
    return Training(config, movielens, split, inputs, trainer, Progress())


def data_identity(movielens: MovieLens, split: Split) -> dict[str, str]:
    """What a checkpoint remembers of its data: name, fingerprints of data and split, range of the ratings."""
    ratings = movielens.interactions.ratings
    return {
        "name": movielens.name,
        "data": movielens.fingerprint,
        "split": split_fingerprint(split),
        "lowest_rating": f"{ratings.min():g}",
        "highest_rating": f"{ratings.max():g}",
    }


def _trainer(config: Config, inputs: ModelInputs, split: Split, device: torch.device) -> Trainer:
    return Trainer(
        inputs,
        split,
        config.model,
        config.training,
        config.run.seed,
        device,
        show_progress=is_leader() and not config.run.quiet,
    )
