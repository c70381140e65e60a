"""Functions that several commands share: read the data, check flags, seeds of a comparison."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from base.errors import UserError
from blocks.engines import make_engine
from blocks.runner import Runner, opened
from commands.modes import WHO_ASKS
from config import Config, RunConfig
from data.dataset import MovieLens, load_movielens
from data.earlier_reading import TODAY, EarlierReading
from data.splits import Split, split_movielens
from report.inspection import data_line

logger = logging.getLogger("pinsage")

GRID_QUESTIONS = 5_000  # maximum number of validation questions that choose the settings of a baseline
PROTOCOL_WORDS = {
    "next_item": "next item: the query is a user's last training film, the target is the held-out film",
    "pairs": "pairs: the query is a held-out film, the target is the next one that the same user liked",
}


def load(config: Config, earlier: EarlierReading = TODAY) -> MovieLens:
    """Read the data folder and log what it contains.

    Args:
        config: all settings.
        earlier: ``Checkpoint.earlier`` of the model that the data are for.

    Raises:
        UserError: the data cannot be read.
    """
    data = config.data
    movielens = load_movielens(data.data_dir, data.min_rating, schema=data.schema, earlier=earlier)
    logger.info("%s", data_line(movielens))
    for note in movielens.notes:
        logger.info("  %s", note)
    return movielens


def load_and_split(config: Config, earlier: EarlierReading = TODAY) -> tuple[MovieLens, Split]:
    """Read the data folder and split it as the settings say; arguments as in ``load``.

    Raises:
        UserError: the data cannot be read, or have too few ratings to split.
    """
    movielens = load(config, earlier)
    return movielens, split_data(movielens, config)


def split_data(movielens: MovieLens, config: Config) -> Split:
    """Split data as the settings say; log the weights of the training interactions, if they have any.

    Raises:
        UserError: the data have too few ratings to split, or not the weights that the settings want.
    """
    source = config.data.weighted_walks
    split = split_movielens(movielens, config.data.split, source)  # type: ignore[arg-type]
    if (weights := split.train.weights) is not None:
        logger.info(
            "  training interactions have weights from %.3g to %.3g (`weighted_walks` %s)",
            *(weights.min(), weights.max(), source),
        )
    return split


@contextmanager
def opened_work(config: Config, begin: bool = False) -> Iterator[Runner]:
    """A runner for the blocks in ``--work_dir``.

    Args:
        config: all settings.
        begin: make the folder if it is missing.

    Raises:
        UserError: there is no such folder, another process works there, or the engine is not there.
    """
    work = config.blocks
    folder = Path(work.work_dir)
    if not begin and not folder.is_dir():
        raise UserError(f"there is no folder {folder}; run --mode prepare first, or check --work_dir")
    engine = make_engine(work.engine, work.workers, work.ray_address)
    with opened(folder, engine, config.run.quiet) as runner:
        yield runner


def check_who_asks(typed: dict[str, Any]) -> None:
    """Check that at most one flag names the query of a recommendation.

    Raises:
        UserError: two flags do; the text names both.
    """
    named = [f"--{name} {_as_typed(typed[name])}" for name in WHO_ASKS if name in typed]
    if len(named) > 1:
        raise UserError(f"{named[0]} and {named[1]} both name a film or a person; give one of them")


def _as_typed(value: str) -> str:
    return value if value.isdecimal() else repr(value)


def refuse_resume(config: Config, mode: str) -> None:
    """Check that no training is to be continued, which a comparison cannot do.

    Raises:
        UserError: ``--resume`` or ``--extend`` was typed.
    """
    if config.run.resume or config.run.extend is not None:
        flag = "resume" if config.run.resume else "extend"
        raise UserError(f"--{flag} continues one training, but --mode {mode} keeps no checkpoints; drop it")


def comparison_seeds(config: Config, first: int | None = None) -> tuple[int, ...]:
    """``--num_seeds`` seeds.

    Args:
        config: all settings.
        first: the first of them, ``--seed`` by default; the others are the numbers after it.

    Raises:
        UserError: the last one is above the maximum of a seed.
    """
    first, count = config.run.seed if first is None else first, config.benchmark.num_seeds
    max_seed = RunConfig.__dataclass_fields__["seed"].metadata["high"]
    if first + count - 1 > max_seed:
        raise UserError(
            f"--num_seeds {count} from --seed {first} ends beyond {max_seed}; use a smaller --seed"
        )
    return tuple(range(first, first + count))


@contextmanager
def without_epoch_lines(config: Config) -> Iterator[None]:
    """Hide the log lines of single epochs, unless ``--verbose``: a comparison logs one line per training."""
    level = logger.level
    if not config.run.verbose:
        logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        logger.setLevel(level)
