"""The stage ``weights``: what workers need of a checkpoint, mapped instead of read.

A checkpoint also holds features, neighbours and embeddings of the films that it was trained on. A worker
that embeds a block of films needs none of them. ``blocks/network.py`` makes the network of them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from base.errors import UserError
from blocks.block_file import Array, file_digest
from blocks.plain_values import from_json
from blocks.stage import Later, Stage
from blocks.work_dir import WorkDir
from config import ModelConfig

WEIGHTS = "weights"
OF_BLEND = ("covariances.0", "covariances.1", "covariances.2", "content_mean")  # its tensors


@dataclass(frozen=True)
class StoredModel:
    """What the stage stores.

    Attributes:
        settings: ``Config.model_settings()`` of the training.
        dataset: name and fingerprints of the data of the training.
        num_features: of the films that it was trained on.
        arrays: the block.
    """

    settings: dict[str, Any]
    dataset: dict[str, str]
    num_features: int
    arrays: Mapping[str, Array]

    @property
    def model_settings(self) -> ModelConfig:
        """The settings of the network."""
        return ModelConfig(**{field.name: self.settings[field.name] for field in fields(ModelConfig)})

    @property
    def view_widths(self) -> dict[str, int] | None:
        """The number of columns of each view that is joined; None if the learned vectors are all."""
        if from_json(self.arrays["blend"]) is None:
            return None
        names = zip(("graph", "content"), OF_BLEND[1:3], strict=True)
        return {view: len(self.arrays[f"blend.{name}"]) for view, name in names}


def weights_stage(checkpoint: Path) -> Stage:
    """The stage that takes the weights out of a checkpoint.

    Raises:
        UserError: the checkpoint cannot be read.
    """
    # The path is no setting: a checkpoint that was moved is still the same.
    compute = Later("blocks.network", "store_weights", (checkpoint.resolve(),))
    return Stage(WEIGHTS, compute, 1, settings={"checkpoint": checkpoint_digest(checkpoint)})


def stored_model(work_dir: WorkDir) -> StoredModel:
    """What the stage has stored."""
    arrays = work_dir.block(WEIGHTS)
    text = from_json(arrays["training"])
    return StoredModel(**text, arrays=arrays)


def checkpoint_digest(path: Path) -> str:
    """Of the bytes of a checkpoint.

    Raises:
        UserError: it cannot be read.
    """
    try:
        return file_digest(path)
    except OSError as error:
        raise UserError(
            f"no checkpoint at {path} ({error.strerror}); train a model first, or check `checkpoint_dir`"
        ) from error
