"""The parts of one training, for its three kinds: new, resumed, or extended with newer data."""

from dataclasses import dataclass

import torch
from torch import Tensor

from base.distributed import is_leader
from config import Config
from data.content.facts import Content
from data.dataset import MovieLens
from data.feature_extractor import content_columns
from data.film_facts import training_facts
from data.graph_builder import build_graph
from data.graph_view import rater_matrix
from data.rating_scale import from_stars
from data.reading.columns import STARS
from data.splits import Split
from model.checkpoint import Checkpoint, split_fingerprint
from model.fit import Progress
from model.heads import Embeddings
from model.inputs import ModelInputs, build_inputs
from model.shadows import ShadowSampler
from model.trainer import Trainer
from model.views import film_views


@dataclass(frozen=True)
class Training:
    """All that a training consists of; its checkpoints are made from this.

    Attributes:
        config: all settings.
        movielens: the data.
        split: split of these data.
        inputs: inputs of the model.
        trainer: holds the weights and the state of the optimiser.
        progress: epochs so far and the best of them.
    """

    config: Config
    movielens: MovieLens
    split: Split
    inputs: ModelInputs
    trainer: Trainer
    progress: Progress

    def checkpoint(self, embeddings: Embeddings) -> Checkpoint:
        """The checkpoint of the current epoch.

        Args:
            embeddings: embeddings of all films by the current weights.
        """
        nodes = self.inputs.nodes
        return Checkpoint(
            settings=self.config.model_settings(),
            dataset=data_identity(self.movielens, self.split),
            movies=self.movielens.movies,
            user_ids=torch.tensor(self.movielens.user_ids),
            user_text_ids=self.movielens.user_text_ids,
            basis=self.inputs.basis,
            item_columns=item_columns(self.movielens.content),
            features=nodes.features,
            neighbors=nodes.neighbors.int(),
            weights=nodes.weights,
            embeddings=embeddings.candidates,
            query_embeddings=embeddings.queries,
            trainer=self.trainer.state_dict(),
            progress=self.progress.as_plain(),
            blend=self.trainer.blend,
        )


def new_training(
    config: Config,
    movielens: MovieLens,
    split: Split,
    device: torch.device,
    inputs: ModelInputs | None = None,
) -> Training:
    """A new training, before its first epoch.

    Args:
        config: all settings.
        movielens: the data.
        split: split of these data.
        device: device of all tensors.
        inputs: of the model, if they are made already.

    Raises:
        UserError: there are fewer than three films, or no user has two training ratings.
    """
    if inputs is None:
        inputs = build_inputs(movielens, split, config.model, config.run.seed)
    return Training(config, movielens, split, inputs, _trainer(config, inputs, split, device), Progress())


def resumed_training(
    stored: Checkpoint,
    config: Config,
    movielens: MovieLens,
    split: Split,
    device: torch.device,
    inputs: ModelInputs | None = None,
) -> Training:
    """The training of a checkpoint, in its state after the last epoch.

    Args:
        stored: the checkpoint.
        config: the settings of the training.
        movielens: the data of the training.
        split: the split of the training.
        device: device of all tensors.
        inputs: of the model, if they are made already; those of the training.

    Raises:
        UserError: there are fewer than three films, or no user has two training ratings.
    """
    if inputs is None:
        inputs = _stored_inputs(stored, config, movielens, split)
    trainer = _trainer(config, inputs, split, device)
    trainer.load_state_dict(stored.trainer)
    return Training(config, movielens, split, inputs, trainer, Progress(**stored.progress))


def _stored_inputs(stored: Checkpoint, config: Config, movielens: MovieLens, split: Split) -> ModelInputs:
    """The inputs of the training of a checkpoint: what it lacks is made anew from the data."""
    graph = build_graph(split.train, split.num_users, split.num_movies)
    facts = training_facts(movielens.facts, split)
    content = content_columns(stored.basis, stored.features.numpy())
    shadows = ShadowSampler(graph, stored.basis, facts, config.model, config.run.seed, content)
    views = None
    if config.model.has_views:
        views = film_views(stored.basis, stored.features.numpy(), rater_matrix(graph), config.model)
    return ModelInputs(graph, stored.basis, stored.nodes, shadows, views)


def extended_training(
    stored: Checkpoint,
    inputs: ModelInputs,
    config: Config,
    movielens: MovieLens,
    split: Split,
    device: torch.device,
) -> Training:
    """A training on newer data that starts with the weights of a checkpoint.

    Args:
        stored: the checkpoint.
        inputs: inputs on the newer data with the feature basis of the checkpoint, see ``extended_inputs``.
        config: settings of the new training.
        movielens: the newer data.
        split: split of the newer data.
        device: device of all tensors.

    Raises:
        UserError: there are fewer than three films, or no user has two training ratings.
    """
    trainer = _trainer(config, inputs, split, device)
    trainer.model.load_state_dict(stored.trainer["model"])
    return Training(config, movielens, split, inputs, trainer, Progress())


def data_identity(movielens: MovieLens, split: Split) -> dict[str, str]:
    """The description of the data in a checkpoint: name, two fingerprints and the range of the ratings.

    Ratings are of the data's own scale. ``best_rating`` is there only if it is not 5, and ``repeats`` only in
    data without ratings.
    """
    ratings, best_rating = movielens.interactions.ratings, movielens.best_rating
    identity = {
        "name": movielens.name,
        "data": movielens.fingerprint,
        "split": split_fingerprint(split),
        "lowest_rating": f"{from_stars(float(ratings.min()), best_rating):g}",
        "highest_rating": f"{from_stars(float(ratings.max()), best_rating):g}",
    }
    if best_rating != STARS:
        identity["best_rating"] = repr(best_rating)
    if movielens.counted is not None:
        identity["repeats"] = movielens.counted
    return identity


def item_columns(content: Content | None) -> dict[str, Tensor | list[str]]:
    """The columns of numbers and categories, and those that are only kept: numbers float64, else text."""
    if content is None:
        return {}
    numbers = {name: torch.tensor(values, dtype=torch.float64) for name, values in content.numbers.items()}
    return {name: _once(values) for name, values in (content.kept | content.categories).items()} | numbers


def _once(values: list[str]) -> list[str]:
    """The same texts, equal ones as one object, which a checkpoint then writes once."""
    first: dict[str, str] = {}
    return [first.setdefault(value, value) for value in values]


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
