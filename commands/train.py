"""``--mode train``: train on a data folder and write ``best.pt`` and ``last.pt``."""

import csv
import logging
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import torch

from base.agreement import agreeing, check_equal
from base.compute import peak_memory_gb, set_up_compute
from base.distributed import broadcast_from_leader, is_leader, leave_process_group, world_size
from base.errors import UserError
from base.files import locked
from blocks.description import read_description
from blocks.prepared import prepared_data, prepared_inputs
from commands.cli import adopt
from commands.common import load_and_split
from commands.extend import MAY_CHANGE_ON_EXTEND, checkpoint_path, inputs_on_newer_data, record_start
from commands.same_data import check_same_data
from config import Config
from data.dataset import MovieLens
from data.earlier_reading import TODAY, EarlierReading
from data.graph_builder import ItemGraph, build_graph
from data.inspection.inspect import inspect_data
from data.splits import Split
from data.trainable import check_trainable
from evaluation.after_training import with_chosen_settings
from evaluation.validation import judge_by, validation_questions
from model.checkpoint import (
    BEST,
    LAST,
    Checkpoint,
    load_checkpoint,
    read_checkpoint_file,
    remove_unfinished,
    save_checkpoint,
    split_fingerprint,
)
from model.fit import Progress, fit
from model.heads import Embeddings
from model.inputs import ModelInputs
from model.training import Training, extended_training, new_training, resumed_training
from recommend.rated_both import with_co_raters
from report.event_log import EventLog, check_installed
from report.inspection import held_out_line
from report.training_curves import plot_training_curves

logger = logging.getLogger("pinsage")

LOCK = ".training.lock"  # in the folder of the checkpoints while a training runs
PREPARED = "contradicts the prepared folder, made with {}; drop the flag, or run --mode prepare with it"
# These make the training longer or shorter. With more epochs, the learning rate rises again and then falls.
MAY_CHANGE_ON_RESUME = frozenset({"epochs", "patience"})


def train(config: Config, typed: dict[str, Any]) -> Config:
    """Train, or continue with ``--resume`` or ``--extend``; write checkpoints, history and curves.

    Args:
        config: all settings.
        typed: the flags that were typed.

    Returns:
        The settings of the training. For ``--resume`` and ``--extend`` they come from the checkpoint.

    Raises:
        UserError: data, settings or checkpoint do not fit together, or another training uses the folder.
        WorldError: the loss diverged, or a checkpoint could not be written.
    """
    if config.run.resume and config.run.extend is not None:
        raise UserError("--resume continues with the same data, --extend with newer data; give one of them")
    if "work_dir" in typed and (other := typed.keys() & {"data_dir", "extend"}):
        raise UserError(f"--work_dir has the data of a new training; drop it, or --{min(other)}")
    device = set_up_compute(config.run, _equal_everywhere(config))
    folder = Path(config.run.checkpoint_dir)
    if not is_leader() and not config.run.verbose:
        logger.setLevel(logging.WARNING)  # only the leader logs its progress
    with ExitStack() as held:
        with agreeing():  # the others begin when the folder is the leader's
            if is_leader():
                if config.watch.tensorboard:
                    check_installed()
                held.enter_context(locked(folder, LOCK, "a training"))
                remove_unfinished(folder)
        config = _train(config, typed, device)
    leave_process_group()
    return config


def _equal_everywhere(config: Config) -> dict[str, str]:
    """Settings that must be equal where several processes train one model, as flags in messages."""
    settings = config.model_settings()
    settings |= {"resume": config.run.resume, "extend": config.run.extend is not None}
    return {f"`{name}`": str(value) for name, value in settings.items()}


def _train(config: Config, typed: dict[str, Any], device: torch.device) -> Config:
    """``train`` while the folder of the checkpoints is locked."""
    started = time.perf_counter()
    folder = Path(config.run.checkpoint_dir)
    config, split, graph, progress = _all_epochs(config, typed, device)
    with agreeing():  # the others wait, so that an error of the leader is known on every machine
        if is_leader():
            # Windows does not replace a file that is mapped.
            stored = load_checkpoint(folder / BEST, mapped=sys.platform != "win32")
            best = with_chosen_settings(stored, split, config.training)
            if graph is None:
                graph = build_graph(split.train, split.num_users, split.num_movies)
            save_checkpoint(with_co_raters(best, graph), folder / BEST)
            _finish(config, progress, started)
    return config


def _all_epochs(
    config: Config, typed: dict[str, Any], device: torch.device
) -> tuple[Config, Split, ItemGraph | None, Progress]:
    """Train until the last epoch; graph, features and pairs are out of memory when this returns.

    A graph that is mapped from a prepared folder takes none, so it is returned.
    """
    folder = Path(config.run.checkpoint_dir)
    if config.run.resume:
        training = _resume(config, typed, folder / LAST, device)
    elif config.run.extend is not None:
        training = _extend(config, typed, checkpoint_path(config.run.extend), device)
    else:
        if "work_dir" in typed:
            config = _adopt_prepared(config, typed)
        movielens, split, inputs = _look_at_data(config, typed)
        training = new_training(config, movielens, split, device, inputs)
    config = training.config
    events = _event_log(config, training.progress)
    with agreeing():
        validate = judge_by(validation_questions(training.split, config.training, config.run.seed))

    def save(embeddings: Embeddings, best: bool) -> None:
        with agreeing():
            if not is_leader():
                return
            # best.pt first: if the process is killed between the two, --resume trains this epoch again.
            checkpoint = training.checkpoint(embeddings)
            if events is not None:
                for row in training.progress.history[-1:]:  # none before the first epoch
                    events.add(row)
            if best:
                save_checkpoint(checkpoint, folder / BEST)
            save_checkpoint(checkpoint, folder / LAST)

    if not config.run.resume:  # with this checkpoint, --resume also works before the first epoch is done
        embeddings = training.trainer.embeddings()
        if config.run.extend is not None:
            record_start(embeddings, validate, training.progress)
        save(embeddings, best=config.run.extend is not None)
    fit(training.trainer, validate, training.progress, save)
    if events is not None:
        events.close()
    graph = training.inputs.graph if "work_dir" in typed else None
    return config, training.split, graph, training.progress


def _event_log(config: Config, progress: Progress) -> EventLog | None:
    """What ``--tensorboard`` writes to, in the leader alone; else None."""
    with agreeing():
        if not config.watch.tensorboard or not is_leader():
            return None
        return EventLog(Path(config.run.output_dir) / "tensorboard", progress.history)


def _read_checkpoint(path: Path) -> Checkpoint:
    """The checkpoint at ``path``, in every process.

    Only the leader reads the file, which it will replace after the first epoch: another process could find
    the next one, or on another machine none.
    """
    if world_size() == 1:
        return load_checkpoint(path)
    with agreeing():
        read = read_checkpoint_file(path) if is_leader() else b""
    content = broadcast_from_leader(np.frombuffer(read, np.uint8)).tobytes()
    with agreeing():
        return load_checkpoint(path, content)


def _look_at_data(
    config: Config, typed: dict[str, Any], earlier: EarlierReading = TODAY
) -> tuple[MovieLens, Split, ModelInputs | None]:
    """Read and split the data; log what is held out and what looks odd.

    Args:
        config: all settings.
        typed: the flags that were typed; with ``work_dir`` the data are prepared already.
        earlier: as in ``load``.

    Returns:
        The data, their split and, of prepared data, the inputs of the model.

    Raises:
        UserError: the data cannot be read or not be trained on.
    """
    if "work_dir" in typed:
        return _prepared(config)
    with agreeing():
        movielens, split = load_and_split(config, earlier)
        check_trainable(split)
        logger.info("%s", held_out_line(inspect_data(movielens, split)))
        movielens.interactions.release()  # the split has copies
        split = split.without_times()
    if world_size() > 1:
        check_equal(
            {"the fingerprint of `data_dir`": movielens.fingerprint, "split": split_fingerprint(split)}
        )
    return movielens, split, None


def _prepared(config: Config) -> tuple[MovieLens, Split, ModelInputs]:
    """The data and the inputs of a folder that ``--mode prepare`` made, mapped.

    Raises:
        UserError: it is not prepared, or cannot be trained on.
    """
    folder = Path(config.blocks.work_dir)
    with agreeing():
        movielens, split = prepared_data(folder)
        check_trainable(split)
        counts = (split.num_movies, split.num_users, len(split.train))
        logger.info("%s: %s films, %s users, %s training ratings", folder, *(f"{n:,}" for n in counts))
        inputs = prepared_inputs(folder, movielens.facts, config.model, config.run.seed)
    if world_size() > 1:
        check_equal({"the fingerprint of `work_dir`": movielens.fingerprint})
    return movielens, split, inputs


def _adopt_prepared(config: Config, typed: dict[str, Any]) -> Config:
    """The settings with those of the prepared folder, if the training is on one.

    Args:
        config: all settings.
        typed: settings that must not contradict it.

    Raises:
        UserError: it is not prepared, or a setting contradicts it.
    """
    with agreeing():
        return adopt(
            config, read_description(Path(config.blocks.work_dir)).settings, typed, contradicted=PREPARED
        )


def _resume(config: Config, typed: dict[str, Any], path: Path, device: torch.device) -> Training:
    """The training that ``path`` (``last.pt``) contains, after its last epoch."""
    stored = _read_checkpoint(path)
    with agreeing():
        config = adopt(config, stored.settings, typed, MAY_CHANGE_ON_RESUME)
    if "work_dir" in typed:
        config = _adopt_prepared(config, stored.settings)
    movielens, split, inputs = _look_at_data(config, typed, stored.earlier)
    with agreeing():
        check_same_data(stored, movielens, split, path)
    training = resumed_training(stored, config, movielens, split, device, inputs)
    logger.info("continuing after epoch %d", training.trainer.epoch)
    return training


def _extend(config: Config, typed: dict[str, Any], path: Path, device: torch.device) -> Training:
    """A training on newer data that starts with the weights in ``path``."""
    stored = _read_checkpoint(path)
    with agreeing():
        config = adopt(config, stored.settings, typed, MAY_CHANGE_ON_EXTEND)
    movielens, split, _ = _look_at_data(config, typed, stored.earlier)
    with agreeing():
        inputs = inputs_on_newer_data(stored, config, movielens, split, path)
    return extended_training(stored, inputs, config, movielens, split, device)


def _finish(config: Config, progress: Progress, started: float) -> None:
    """Write history and curves, and log time, memory and the best epoch."""
    output = Path(config.run.output_dir)
    output.mkdir(parents=True, exist_ok=True)
    history = progress.history
    with (output / "training_history.csv").open("w", newline="") as file:
        # Epochs of an earlier version may lack a figure that the latest one has.
        writer = csv.DictWriter(file, fieldnames=list(history[-1]))
        writer.writeheader()
        writer.writerows(history)
    plot_training_curves(history, output / "training_curves.png", progress.best_epoch)
    if progress.best_epoch == 0:
        logger.info("fine-tuning gave nothing better than the saved weights, which are kept")
    logger.info(
        "trained in %.0f s, peak memory %.2f GB; best epoch %d%s -> %s",
        time.perf_counter() - started,
        peak_memory_gb(),
        progress.best_epoch,
        "" if progress.best_mrr is None else f" (validation MRR {progress.best_mrr:.4f})",
        Path(config.run.checkpoint_dir) / BEST,
    )
