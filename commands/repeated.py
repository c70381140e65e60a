"""What the commands share that train many models to compare them: the rules, the seeds, the quiet."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from base.errors import UserError
from config import Config

logger = logging.getLogger("pinsage")

LAST_SEED = 2**31 - 1  # the greatest --seed


def refuse_resume(config: Config, mode: str) -> None:
    """Refuse what a comparison cannot do.

    Raises:
        UserError: ``--resume`` or ``--extend`` was typed.
    """
    if config.run.resume or config.run.extend is not None:
        flag = "resume" if config.run.resume else "extend"
        raise UserError(
            f"--{flag} continues one training, and --mode {mode} keeps no checkpoints; leave it out"
        )


def comparison_seeds(config: Config) -> tuple[int, ...]:
    """``--seed`` and the ones after it, ``--num_seeds`` in all.

    Raises:
        UserError: they end beyond the greatest seed.
    """
    first, count = config.run.seed, config.benchmark.num_seeds
    if first + count - 1 > LAST_SEED:
        raise UserError(
            f"--num_seeds {count} from --seed {first} ends beyond {LAST_SEED}; use a smaller --seed"
        )
    return tuple(range(first, first + count))


@contextmanager
def without_epoch_lines(config: Config) -> Iterator[None]:
    """Mute what a training logs after each epoch, unless ``--verbose``: here a line a training is enough."""
    level = logger.level
    if not config.run.verbose:
        logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        logger.setLevel(level)
