"""``--mode prepare``: graph, features and neighbours of ratings of any size, block by block."""

import logging
import time
from pathlib import Path
from typing import Any

from base.errors import UserError
from blocks.description import DESCRIPTION, Description, write_description
from blocks.ingest.source import find_source
from blocks.preparation import preparation
from commands.common import opened_work
from config import Config

logger = logging.getLogger("pinsage")


def prepare(config: Config, typed: dict[str, Any]) -> None:
    """Bring the folder of the blocks up to date.

    Args:
        config: all settings.
        typed: the flags that were typed.

    Raises:
        UserError: the data cannot be read or split, settings do not fit, or another process works in the
            folder.
        WorldError: a block could not be written, or processes died again and again.
    """
    data, seed = config.data, config.run.seed
    if data.schema is not None or data.weighted_walks == "rating":
        flag = "schema" if data.schema is not None else "weighted_walks"
        raise UserError(f"--mode prepare does not know `{flag}` yet; drop it, or use --mode train")
    started = time.perf_counter()
    source = find_source(Path(data.data_dir))
    folder = Path(config.blocks.work_dir)
    stages = preparation(source, data.split, data.min_rating, config.model, seed)  # type: ignore[arg-type]
    with opened_work(config, begin=True) as runner:
        (folder / DESCRIPTION).unlink(missing_ok=True)  # until everything is whole again
        runner.run(stages)
        write_description(folder, Description.of(source, config))
        logger.info(
            "%d of the blocks were made, in %.0f s -> %s",
            sum(map(len, runner.made.values())),
            time.perf_counter() - started,
            folder,
        )
