"""``--mode train``: from a data folder to ``best.pt`` and ``last.pt``."""

import csv
import logging
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from base.compute import peak_memory_gb, set_up_compute
from base.errors import UserError
from base.files import locked
from base.team import is_leader, leave_team
from commands.cli import adopt
from commands.extend import MAY_CHANGE_ON_EXTEND, checkpoint_path, inputs_on_newer_data, record_start
from config import Config
from data.dataset import MovieLens, load_movielens
from data.graph_builder import build_graph
from data.splits import Queries, Split, held_out_queries, split_interactions
from evaluation.ranking import sample_questions
from model.checkpoint import (
    BEST,
    LAST,
    Checkpoint,
    load_checkpoint,
    remove_unfinished,
    save_checkpoint,
    split_fingerprint,
)
from model.fit import Progress, fit
from model.heads import Embeddings
from model.inputs import ModelInputs, build_inputs, shadow_sampler
from model.trainer import Trainer
from report.plots import plot_training_curves

logger = logging.getLogger("pinsage")

LOCK = ".training.lock"  # in the folder of the checkpoints, while a training runs
# A longer or shorter training of the same model: the schedule does not depend on them.
MAY_CHANGE_ON_RESUME = frozenset({"epochs", "patience"})


@dataclass(frozen=True)
class _Training:
    """What stays the same through a training, and goes into each of its checkpoints."""

    config: Config
    movielens: MovieLens
    split: Split
    inputs: ModelInputs
    trainer: Trainer
    progress: Progress

    def checkpoint(self, embeddings: Embeddings) -> Checkpoint:
        """The state after the trainer's current epoch."""
        inputs = self.inputs
        return Checkpoint(
            settings=self.config.model_settings(),
            dataset=_identity(self.movielens, self.split),
            movies=self.movielens.movies,
            user_ids=torch.tensor(self.movielens.user_ids),
            user_text_ids=self.movielens.user_text_ids,
            basis=inputs.basis,
            features=inputs.features,
            neighbors=inputs.neighbors.int(),
            weights=inputs.weights,
            embeddings=embeddings.candidates,
            query_embeddings=embeddings.queries,
            trainer=self.trainer.state_dict(),
            progress=self.progress.as_plain(),
        )


def train(config: Config, typed: dict[str, Any]) -> Config:
    """Train, or continue with ``--resume`` or ``--extend``, and leave checkpoints, history and curves behind.

    Args:
        config: all settings.
        typed: the flags that were typed.

    Returns:
        The settings as trained; those of the checkpoint where one was continued.

    Raises:
        UserError: data, settings or checkpoint do not fit.
        WorldError: the loss diverged or a checkpoint could not be written.
    """
    if config.run.resume and config.run.extend is not None:
        raise UserError("--resume goes on with the same data, --extend with newer ones; give one of them")
    device = set_up_compute(config.run)
    if not is_leader():
        if not config.run.verbose:
            logger.setLevel(logging.WARNING)  # once is enough
        return _train(config, typed, device)
    folder = Path(config.run.checkpoint_dir)
    with locked(folder, LOCK, "a training"):
        remove_unfinished(folder)
        return _train(config, typed, device)


def _train(config: Config, typed: dict[str, Any], device: torch.device) -> Config:
    """``train`` once no other run can write into the folder."""
    started = time.perf_counter()
    folder = Path(config.run.checkpoint_dir)
    source = _source(config)
    stored = None if source is None else load_checkpoint(source)
    if stored is not None:
        may_change = MAY_CHANGE_ON_RESUME if config.run.resume else MAY_CHANGE_ON_EXTEND
        config = adopt(config, stored.settings, typed, may_change)
    movielens, split = load_and_split(config)
    if stored is None or source is None:
        training = _new_training(config, movielens, split, device)
    elif config.run.resume:
        check_same_data(stored, movielens, split, source)
        training = _resumed_training(config, movielens, split, device, stored)
    else:
        inputs = inputs_on_newer_data(stored, config, movielens, split, source, device)
        training = _new_training(config, movielens, split, device, inputs)
        training.trainer.model.load_state_dict(stored.trainer["model"])
    validation = _validation_questions(config, split)

    def save(embeddings: Embeddings, best: bool) -> None:
        if not is_leader():
            return
        # The best one first: cut between the two, the last one still asks for this epoch again.
        checkpoint = training.checkpoint(embeddings)
        if best:
            save_checkpoint(checkpoint, folder / BEST)
        save_checkpoint(checkpoint, folder / LAST)

    if not config.run.resume:  # from now on an interrupted training can be resumed
        embeddings = training.trainer.embeddings()
        if config.run.extend is not None:
            record_start(embeddings, validation, training.progress)
        save(embeddings, best=config.run.extend is not None)
    fit(training.trainer, validation, training.progress, save)
    if is_leader():
        _finish(training, folder, started)
    leave_team()
    return config


def _source(config: Config) -> Path | None:
    """The checkpoint to go on from, if any."""
    if config.run.extend is not None:
        return checkpoint_path(config.run.extend)
    return Path(config.run.checkpoint_dir) / LAST if config.run.resume else None


def load(config: Config) -> MovieLens:
    """Read the data folder and say what is in it."""
    movielens = load_movielens(config.data.data_dir, config.data.min_rating, schema=config.data.schema)
    logger.info(
        "%s: %s ratings of %s films by %s users",
        movielens.name,
        *(f"{n:,}" for n in (len(movielens.interactions), movielens.num_movies, movielens.num_users)),
    )
    for note in movielens.notes:
        logger.info("  %s", note)
    return movielens


def load_and_split(config: Config) -> tuple[MovieLens, Split]:
    """Read the data folder and split it as the settings say."""
    movielens = load(config)
    split = split_interactions(
        movielens.interactions, movielens.num_users, movielens.num_movies, config.data.split  # type: ignore[arg-type]
    )  # fmt: skip
    return movielens, split


def check_same_data(stored: Checkpoint, movielens: MovieLens, split: Split, path: Path) -> None:
    """Refuse data that the checkpoint was not trained on.

    Raises:
        UserError: the content of the files or the split differs.
    """
    here = _identity(movielens, split)
    if any(stored.dataset[key] != here[key] for key in ("data", "split")):
        raise UserError(
            f"{path} was trained on {stored.dataset['name']} with other content than --data_dir "
            f"{movielens.name} has; give the folder it was trained on, or train again"
        )


def _identity(movielens: MovieLens, split: Split) -> dict[str, str]:
    ratings = movielens.interactions.ratings
    return {
        "name": movielens.name,
        "data": movielens.fingerprint,
        "split": split_fingerprint(split),
        "lowest_rating": f"{ratings.min():g}",
        "highest_rating": f"{ratings.max():g}",
    }


def _new_training(
    config: Config,
    movielens: MovieLens,
    split: Split,
    device: torch.device,
    inputs: ModelInputs | None = None,
) -> _Training:
    """A training at its first epoch, on inputs made for the occasion where none are given."""
    if inputs is None:
        inputs = build_inputs(movielens, split, config.model, config.run.seed, device)
    trainer = Trainer(
        inputs,
        split,
        config.model,
        config.training,
        config.run.seed,
        device,
        show_progress=is_leader() and not config.run.quiet,
    )
    return _Training(config, movielens, split, inputs, trainer, Progress())


def _resumed_training(
    config: Config, movielens: MovieLens, split: Split, device: torch.device, stored: Checkpoint
) -> _Training:
    """The stored training as it was after its last epoch."""
    graph = build_graph(split.train, split.num_users, split.num_movies)
    shadows = shadow_sampler(movielens, split, graph, stored.basis, config.model, config.run.seed, device)
    inputs = ModelInputs(
        graph, stored.basis, stored.features, stored.neighbors.long(), stored.weights, shadows
    )
    training = _new_training(config, movielens, split, device, inputs)
    training.trainer.load_state_dict(stored.trainer)
    logger.info("continuing after epoch %d", training.trainer.epoch)
    return replace(training, progress=Progress(**stored.progress))


def _validation_questions(config: Config, split: Split) -> Queries | None:
    if split.name == "none":
        return None
    questions = held_out_queries(split, "validation")
    return sample_questions(questions, config.training.eval_queries, config.run.seed)


def _finish(training: _Training, folder: Path, started: float) -> None:
    """Write history and curves, and say what was achieved."""
    output = Path(training.config.run.output_dir)
    output.mkdir(parents=True, exist_ok=True)
    progress = training.progress
    history = progress.history
    with (output / "training_history.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(history[0]))
        writer.writeheader()
        writer.writerows(history)
    plot_training_curves(history, output / "training_curves.png", progress.best_epoch)
    if progress.best_epoch == 0:
        logger.info("fine-tuning found nothing better than the saved weights, which are kept")
    logger.info(
        "trained in %.0f s, peak memory %.2f GB; best epoch %d%s -> %s",
        time.perf_counter() - started,
        peak_memory_gb(),
        progress.best_epoch,
        "" if progress.best_mrr is None else f" (validation MRR {progress.best_mrr:.4f})",
        folder / BEST,
    )
