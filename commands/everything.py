"""``run.py``: the whole way in one command, from the download to recommendations."""

import logging
import time
from pathlib import Path
from typing import Any

from base.compute import peak_memory_gb
from base.errors import UserError
from commands.common import check_who_asks
from commands.modes import COMMANDS, find_command
from commands.where import typed_condition
from config import Config
from data.prepare import has_parts, prepare_dataset

logger = logging.getLogger("pinsage")


def run(config: Config, typed: dict[str, Any]) -> None:
    """Download, train, evaluate, draw and recommend.

    Args:
        config: all settings.
        typed: the flags that were typed.

    Raises:
        UserError, WorldError: an error of one of the steps.
    """
    started = time.perf_counter()
    check_who_asks(typed)  # these checks fail before the training instead of after it
    typed_condition(config.inference.where)
    wanted = config.download
    if wanted.dataset == "synthetic":
        _refuse_parts(wanted.scale)
    data_dir = typed.get("data_dir", f"data/{wanted.dataset}")
    archive = None if wanted.archive is None else Path(wanted.archive)
    _step(1, f"data: {wanted.dataset}")
    prepare_dataset(wanted.dataset, Path(data_dir), archive, wanted.scale, config.run.seed, config.run.quiet)
    config = config.override({"data_dir": data_dir})
    _step(2, "training")
    config = find_command(COMMANDS["train"])(config, typed)
    # The training has checked these flags. In a resumed training, an older best.pt may have other values.
    typed = {name: value for name, value in typed.items() if name not in config.model_settings()}
    if config.data.split == "none":
        logger.info("no evaluation: --split none holds nothing out")
    else:
        _step(3, "evaluation")
        find_command(COMMANDS["evaluate"])(config, typed)
    _step(4, "recommendations")
    asked = {name: value for name, value in typed.items() if name != "data_dir"}
    find_command(COMMANDS["inference"])(config, asked)
    logger.info(
        "\ndone in %.0f s, peak memory %.2f GB; pictures: %s",
        time.perf_counter() - started,
        peak_memory_gb(),
        ", ".join(sorted(str(path) for path in Path(config.run.output_dir).glob("*.png"))),
    )


def _refuse_parts(scale: str) -> None:
    """Check that the training can read synthetic data of this size.

    Raises:
        UserError: they are written in parts.
    """
    if has_parts(scale):
        raise UserError(
            f"--scale {scale} is written in parts, which the training does not read yet; give at most 25m, "
            "or make the data alone with download_dataset.py"
        )


def _step(number: int, name: str) -> None:
    logger.info("\n[%d/4] %s", number, name)
