"""The stage ``weights``: what workers need of a checkpoint, mapped instead of read.

A checkpoint also holds features, neighbours and embeddings of the films that it was trained on. A worker
that embeds a block of films needs none of them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path
from typing import Any

import torch

from base.errors import UserError
from blocks.block_file import Array
from blocks.json_arrays import as_json, from_json
from blocks.stage import Stage
from blocks.work_dir import WorkDir
from config import ModelConfig
from data.sources.archives import file_digest
from model.blend import Blend
from model.checkpoint import load_checkpoint
from model.pinsage import PinSage
from model.trainer import build_model

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

    def model(self) -> PinSage:
        """The trained network. Its weights are mapped from the block."""
        network = build_model(self.num_features, self.model_settings, 0)
        state = {
            name.removeprefix("model."): torch.from_numpy(array)
            for name, array in self.arrays.items()
            if name.startswith("model.")
        }
        network.load_state_dict(state, assign=True)
        return network.eval()

    def blend(self) -> Blend | None:
        """How learned vectors and views are joined; None if the learned ones are all."""
        plain = from_json(self.arrays["blend"])
        if plain is None:
            return None
        graph, content, popularity, mean = (
            torch.from_numpy(self.arrays[f"blend.{name}"]) for name in OF_BLEND
        )
        return Blend(**plain, covariances=(graph, content, popularity), content_mean=mean)


def weights_stage(checkpoint: Path) -> Stage:
    """The stage that takes the weights out of a checkpoint.

    Raises:
        UserError: the checkpoint cannot be read.
    """
    # The path is no setting: a checkpoint that was moved is still the same.
    compute = partial(_store_weights, checkpoint.resolve())
    return Stage(WEIGHTS, compute, 1, settings={"checkpoint": _digest(checkpoint)})


def stored_model(work_dir: WorkDir) -> StoredModel:
    """What the stage has stored."""
    arrays = work_dir.block(WEIGHTS)
    text = from_json(arrays["training"])
    return StoredModel(**text, arrays=arrays)


def _store_weights(path: Path, work_dir: WorkDir, block: int, checkpoint: str) -> dict[str, Array]:
    """The weights of the checkpoint at ``path``, whose digest is ``checkpoint``."""
    loaded = load_checkpoint(path, mapped=True)
    if _digest(path) != checkpoint:
        raise UserError(f"{path} was replaced in the meantime; run the same command again")
    text = {
        "settings": loaded.settings,
        "dataset": loaded.dataset,
        "num_features": loaded.features.size(1),
    }
    arrays = {"training": as_json(text)}
    arrays |= {f"model.{name}": weight.numpy() for name, weight in loaded.trainer["model"].items()}
    if (blend := loaded.blend) is None:
        return arrays | {"blend": as_json(None)}
    plain = blend.as_plain()
    tensors = (*plain.pop("covariances"), plain.pop("content_mean"))
    arrays |= {f"blend.{name}": tensor.numpy() for name, tensor in zip(OF_BLEND, tensors, strict=True)}
    return arrays | {"blend": as_json(plain)}


def _digest(path: Path) -> str:
    try:
        return file_digest(path, "blake2b")
    except OSError as error:
        raise UserError(
            f"no checkpoint at {path} ({error.strerror}); train a model first, or check `checkpoint_dir`"
        ) from error
