"""The network in the processes that embed: its weights from a checkpoint, and its steps for a block."""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from base.errors import UserError
from blocks.block_file import Array
from blocks.embedding import FEATURES, NEIGHBORS, layer_stage, messages_stage
from blocks.model_weights import OF_BLEND, StoredModel, checkpoint_digest, stored_model
from blocks.plain_values import as_json, from_json
from blocks.work_dir import WorkDir
from model.blend import Blend
from model.checkpoint import load_checkpoint
from model.heads import Embeddings
from model.pinsage import PinSage
from model.trainer import build_model
from model.views import Views

POOLED_BYTES = 1 << 28  # of messages that are gathered at a time


def store_weights(path: Path, work_dir: WorkDir, block: int, checkpoint: str) -> dict[str, Array]:
    """The weights of the checkpoint at ``path``, whose digest is ``checkpoint``."""
    loaded = load_checkpoint(path, mapped=True)
    if checkpoint_digest(path) != checkpoint:
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


def network(stored: StoredModel) -> PinSage:
    """The trained network. Its weights are mapped from the block."""
    model = build_model(stored.num_features, stored.model_settings, 0)
    state = {
        name.removeprefix("model."): torch.from_numpy(array)
        for name, array in stored.arrays.items()
        if name.startswith("model.")
    }
    model.load_state_dict(state, assign=True)
    return model.eval()


def blend_of(stored: StoredModel) -> Blend | None:
    """How learned vectors and views are joined; None if the learned ones are all."""
    plain = from_json(stored.arrays["blend"])
    if plain is None:
        return None
    learned, graph, content, mean = (torch.from_numpy(stored.arrays[f"blend.{name}"]) for name in OF_BLEND)
    return Blend(**plain, covariances=(learned, graph, content), content_mean=mean)


def _input(work_dir: WorkDir, block: int, layer: int) -> Tensor:
    """What a layer, counted from 0, gets of the films of a block; after the last one, what the head gets."""
    if layer == 0:
        return torch.from_numpy(work_dir.block(FEATURES, block)["features"])
    return torch.from_numpy(work_dir.block(layer_stage(layer - 1), block)["z"])


@torch.no_grad()
def send(work_dir: WorkDir, block: int, layer: int) -> dict[str, Array]:
    """The messages of the films of a block, float32 ``[films, hidden_dim]``."""
    conv = network(stored_model(work_dir)).convs[layer]
    return {"messages": conv.messages_of(_input(work_dir, block, layer)).numpy()}  # type: ignore[operator]


@torch.no_grad()
def pool(work_dir: WorkDir, block: int, layer: int) -> dict[str, Array]:
    """The vectors of the films of a block after a layer, float32 ``[films, hidden_dim]``."""
    stored = stored_model(work_dir)
    conv, count = network(stored).convs[layer], stored.model_settings.layer_neighbors[layer]
    table = work_dir.block(NEIGHBORS, block)
    films_at_once = max(1, POOLED_BYTES // (4 * count * stored.model_settings.hidden_dim))
    targets = _input(work_dir, block, layer)
    pooled = []
    for start in range(0, len(targets), films_at_once):
        part = slice(start, start + films_at_once)
        neighbors, weights = (table[name][part, :count] for name in ("neighbors", "weights"))
        rows, places = np.unique(neighbors, return_inverse=True)  # each neighbour's message once
        pooled.append(
            conv.convolve(  # type: ignore[operator]
                targets[part],
                torch.from_numpy(work_dir.rows(messages_stage(layer), "messages", rows)),
                torch.from_numpy(places.reshape(neighbors.shape)),
                torch.from_numpy(weights),
            )
        )
    return {"z": torch.cat(pooled).numpy()}


@torch.no_grad()
def finish(work_dir: WorkDir, block: int) -> dict[str, Array]:
    """The embeddings of the films of a block."""
    stored = stored_model(work_dir)
    z = _input(work_dir, block, len(stored.model_settings.layer_neighbors))
    vectors: Embeddings = network(stored).head(z)
    if (blend := blend_of(stored)) is not None:
        films = work_dir.block(FEATURES, block)
        views = Views(*(torch.from_numpy(films[f"view_{name}"]) for name in Views._fields))
        vectors = blend.join(vectors, views)
    return {name: part.numpy() for name, part in vectors._asdict().items()}
