"""The stages from features and neighbours to embeddings, and whether they fit together.

The same steps as ``PinSage.embed_all`` and ``Blend.join``, one block of films at a time. A layer needs the
messages of neighbours that may be in any block. So all messages of a layer are written before any film
pools, and each film's message is computed once per layer (paper, section 3.4).
"""

from collections.abc import Mapping
from functools import partial

import numpy as np

from base.errors import UserError
from blocks.model_weights import WEIGHTS, stored_model
from blocks.stage import Later, Stage, stage_keys
from blocks.work_dir import WorkDir

FEATURES, NEIGHBORS, CATALOGUE, EMBEDDINGS = "features", "neighbors", "catalogue", "embeddings"
# PyTorch and PyG are for the processes that embed: they take four seconds to import.
_step = partial(Later, "blocks.network")


def embedding_stages(work_dir: WorkDir) -> list[Stage]:
    """The stages from ``features`` and ``neighbors`` to ``embeddings``; those and ``weights`` are whole.

    Blocks of ``embeddings`` have ``candidates`` and ``queries``, float32 ``[films, dim]`` of unit length.
    """
    num_blocks = work_dir.num_blocks(FEATURES)
    stages = []
    source = FEATURES
    for layer in range(len(stored_model(work_dir).model_settings.layer_neighbors)):
        messages, which = messages_stage(layer), {"layer": layer}
        needs = (WEIGHTS, NEIGHBORS, source, messages)
        stages += [
            Stage(messages, _step("send"), num_blocks, (WEIGHTS, source), which, temporary=True),
            Stage(layer_stage(layer), _step("pool"), num_blocks, needs, which, temporary=True),
        ]
        source = layer_stage(layer)
    return [*stages, Stage(EMBEDDINGS, _step("finish"), num_blocks, (WEIGHTS, FEATURES, source))]


def check_fit(work_dir: WorkDir) -> None:
    """Check that features, neighbours and views are what the model was trained on.

    Raises:
        UserError: the work folder was prepared with other settings.
    """
    stored = stored_model(work_dir)
    films, table = work_dir.block(FEATURES), work_dir.block(NEIGHBORS)
    found = {"features": films["features"].shape[1], "`num_neighbors`": table["neighbors"].shape[1]}
    wanted = {"features": stored.num_features, "`num_neighbors`": stored.model_settings.max_neighbors}
    for name, width in (stored.view_widths or {}).items():
        found[f"columns of `{name}_view`"] = films.get(f"view_{name}", np.zeros((0, 0))).shape[1]
        wanted[f"columns of `{name}_view`"] = width
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


def messages_stage(layer: int) -> str:
    """The stage with the messages of a layer, counted from 0."""
    return f"messages-{layer + 1}"


def layer_stage(layer: int) -> str:
    """The stage with the vectors after a layer, counted from 0."""
    return f"layer-{layer + 1}"
