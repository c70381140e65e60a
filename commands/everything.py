"""``run.py``: the whole road, from an empty machine to recommendations."""

import logging
import time
from pathlib import Path
from typing import Any

from base.compute import peak_memory_gb
from commands.evaluate import evaluate_checkpoint
from commands.inference import check_request, recommend
from commands.train import train
from config import Config
from data.prepare import prepare_dataset

logger = logging.getLogger("pinsage")


def run(config: Config, typed: dict[str, Any]) -> None:
    """Download, train, evaluate, draw and recommend.

    Raises:
        UserError, WorldError: whatever one of the steps raises.
    """
    started = time.perf_counter()
    check_request(config, typed)
    wanted = config.download
    data_dir = typed.get("data_dir", f"data/{wanted.dataset}")
    archive = None if wanted.archive is None else Path(wanted.archive)
    _step(1, f"data: {wanted.dataset}")
    prepare_dataset(wanted.dataset, Path(data_dir), archive, wanted.scale, config.run.seed, config.run.quiet)
    config = config.override({"data_dir": data_dir})
    _step(2, "training")
    config = train(config, typed)
    # What the training checked already must not be held against an older best.pt of a resumed one.
    typed = {name: value for name, value in typed.items() if name not in config.model_settings()}
    if config.data.split == "none":
        logger.info("nothing is held out by --split none, so there is nothing to evaluate")
    else:
        _step(3, "evaluation")
        evaluate_checkpoint(config, typed)
    _step(4, "recommendations")
    recommend(config, {name: value for name, value in typed.items() if name != "data_dir"})
    logger.info(
        "\ndone in %.0f s, peak memory %.2f GB; pictures: %s",
        time.perf_counter() - started,
        peak_memory_gb(),
        ", ".join(sorted(str(path) for path in Path(config.run.output_dir).glob("*.png"))),
    )


def _step(number: int, name: str) -> None:
    logger.info("\n[%d/4] %s", number, name)
