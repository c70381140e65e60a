"""``--mode inspect``: what the data contain, what will be held out and what looks wrong; without PyTorch."""

import json
import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

from base.files import write_json
from commands.cli import as_flags
from commands.common import load_and_split
from config import Config
from data.inspection.inspect import Inspection, inspect_data
from data.trainable import check_trainable
from recommend.formats import terminal_width
from report.inspection import as_plain, as_screen

logger = logging.getLogger("pinsage")


def inspect(config: Config, typed: dict[str, Any]) -> None:
    """Inspect a data folder; print the result and write ``inspect.json``.

    Args:
        config: all settings.
        typed: the flags that were typed.

    Raises:
        UserError: training would refuse the data, with the same line.
    """
    movielens, split = load_and_split(config)
    check_trainable(split)
    inspection = _with_flags(inspect_data(movielens, split))
    path = Path(config.run.output_dir) / "inspect.json"
    plain = as_plain(inspection)
    write_json(plain, path)
    if config.inference.format == "json":
        print(json.dumps(plain, indent=2))
        logger.info("written: %s", path)
    else:
        print("\n" + as_flags(as_screen(inspection, terminal_width())))
        print(f"\nwritten: {path}")


def _with_flags(inspection: Inspection) -> Inspection:
    """The same with settings as flags, for the command line."""
    oddities = (
        replace(one, text=as_flags(one.text), advice=as_flags(one.advice)) for one in inspection.oddities
    )
    return replace(inspection, oddities=tuple(oddities))
