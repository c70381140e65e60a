"""From features and neighbours to embeddings: messages and pooling of each layer, the head, the views.

The same steps as ``PinSage.embed_all`` and ``Blend.join``, one block of films at a time. A layer needs the
messages of neighbours that may be in any block. So all messages of a layer are written before any film
pools, and each film's message is computed once per layer (paper, section 3.4).
"""

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from base.errors import UserError
from blocks.block_file import Array
from blocks.model_weights import WEIGHTS, stored_model
from blocks.stage import Stage, stage_keys
from blocks.work_dir import WorkDir
from model.heads import Embeddings
from model.views import Views

FEATURES, NEIGHBORS, CATALOGUE, EMBEDDINGS = "features", "neighbors", "catalogue", "embeddings"
POOLED_BYTES = 1 << 28  # of messages that are gathered at a time


def embedding_stages(work_dir: WorkDir) -> list[Stage]:
    """The stages from ``features`` and ``neighbors`` to ``embeddings``; those and ``weights`` are whole.

    Blocks of ``embeddings`` have ``candidates`` and ``queries``, float32 ``[films, dim]`` of unit length.
    """
    num_blocks = work_dir.num_blocks(FEATURES)
    stages = []
    source = FEATURES
    for layer in range(len(stored_model(work_dir).model_settings.layer_neighbors)):
        messages, which = _messages(layer), {"layer": layer}
        needs = (WEIGHTS, NEIGHBORS, source, messages)
        stages += [
            Stage(messages, _send, num_blocks, (WEIGHTS, source), which, temporary=True),
            Stage(_layer(layer), _pool, num_blocks, needs, which, temporary=True),
        ]
        source = _layer(layer)
    return [*stages, Stage(EMBEDDINGS, _finish, num_blocks, (WEIGHTS, FEATURES, source))]


def check_fit(work_dir: WorkDir) -> None:
    """Check that features, neighbours and views are what the model was trained on.

    Raises:
        UserError: the work folder was prepared with other settings.
    """
    stored = stored_model(work_dir)
    films, table = work_dir.block(FEATURES), work_dir.block(NEIGHBORS)
    found = {"features": films["features"].shape[1], "`num_neighbors`": table["neighbors"].shape[1]}
    wanted = {"features": stored.num_features, "`num_neighbors`": stored.model_settings.max_neighbors}
    if (blend := stored.blend()) is not None:
        for name, covariance in zip(("graph", "content"), blend.covariances[1:], strict=True):
            view = films.get(f"view_{name}", np.zeros((0, 0)))
            found[f"columns of `{name}_view`"] = view.shape[1]
            wanted[f"columns of `{name}_view`"] = len(covariance)
    for name, number in wanted.items():
        # Neighbours are sorted by weight, so a wider table begins with the same ones.
        if found[name] < number if name == "`num_neighbors`" else found[name] != number:
            raise UserError(
                f"{work_dir.folder} has {found[name]} {name}, but the checkpoint needs {number}; "
                "run --mode prepare with the settings and the data of its training"
            )


def check_current(work_dir: WorkDir, keys: Mapping[str, str]) -> None:
    """Check that the embeddings are those of the features, the neighbours and the weights that are there.

    Args:
        work_dir: has all of them.
        keys: of these stages.

    Raises:
        UserError: something was made again since.
    """
    if stage_keys(embedding_stages(work_dir), keys)[EMBEDDINGS] != keys[EMBEDDINGS]:
        raise UserError(
            f"the embeddings in {work_dir.folder} are of other features or neighbours than those there now; "
            "run --mode embed again"
        )


def _messages(layer: int) -> str:
    return f"messages-{layer + 1}"


def _layer(layer: int) -> str:
    return f"layer-{layer + 1}"


def _input(work_dir: WorkDir, block: int, layer: int) -> Tensor:
    """What a layer, counted from 0, gets of the films of a block; after the last one, what the head gets."""
    if layer == 0:
        return torch.from_numpy(work_dir.block(FEATURES, block)["features"])
    return torch.from_numpy(work_dir.block(_layer(layer - 1), block)["z"])


@torch.no_grad()
def _send(work_dir: WorkDir, block: int, layer: int) -> dict[str, Array]:
    """The messages of the films of a block, float32 ``[films, hidden_dim]``."""
    conv = stored_model(work_dir).model().convs[layer]
    return {"messages": conv.messages_of(_input(work_dir, block, layer)).numpy()}  # type: ignore[operator]


@torch.no_grad()
def _pool(work_dir: WorkDir, block: int, layer: int) -> dict[str, Array]:
    """The vectors of the films of a block after a layer, float32 ``[films, hidden_dim]``."""
    stored = stored_model(work_dir)
    conv, count = stored.model().convs[layer], stored.model_settings.layer_neighbors[layer]
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
                torch.from_numpy(work_dir.rows(_messages(layer), "messages", rows)),
                torch.from_numpy(places.reshape(neighbors.shape)),
                torch.from_numpy(weights),
            )
        )
    return {"z": torch.cat(pooled).numpy()}


@torch.no_grad()
def _finish(work_dir: WorkDir, block: int) -> dict[str, Array]:
    """The embeddings of the films of a block."""
    stored = stored_model(work_dir)
    z = _input(work_dir, block, len(stored.model_settings.layer_neighbors))
    vectors: Embeddings = stored.model().head(z)
    if (blend := stored.blend()) is not None:
        films = work_dir.block(FEATURES, block)
        views = Views(*(torch.from_numpy(films[f"view_{name}"]) for name in Views._fields))
        vectors = blend.join(vectors, views)
    return {name: part.numpy() for name, part in vectors._asdict().items()}
