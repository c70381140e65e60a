"""What a prepared folder holds, and training from it: every process maps the same files."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from base.errors import UserError
from base.files import write_json
from blocks.features import read_basis
from blocks.ingest.catalogue import read_movies
from blocks.ingest.graph import read_graph, read_split
from blocks.ingest.source import Source
from blocks.json_arrays import from_json
from blocks.work_dir import WorkDir
from config import Config, ModelConfig
from data.dataset import Facts, Interactions, MovieLens
from data.splits import Split
from model.inputs import ModelInputs
from model.nodes import Nodes
from model.shadows import ShadowSampler
from model.views import Views

DESCRIPTION = "work.json"  # written when everything is whole
# What the blocks depend on, of the settings that a checkpoint stores.
SETTINGS = (
    *("split", "min_rating", "weighted_walks", "seed", "spectral_dim", "num_layers", "num_neighbors"),
    *("num_walks", "walk_length", "restart_probability", "graph_view", "content_view"),
)


@dataclass(frozen=True)
class Description:
    """What a folder was prepared from.

    Attributes:
        name: of the data.
        fingerprint: hex digest of their files.
        settings: by name, those of data and model that features and neighbours depend on, and the seed.
    """

    name: str
    fingerprint: str
    settings: Mapping[str, Any]

    @classmethod
    def of(cls, source: Source, config: Config) -> "Description":
        """What a folder is when it was prepared from ``source`` with these settings."""
        stored = config.model_settings()
        return cls(
            source.folder.resolve().name, source.fingerprint, {name: stored[name] for name in SETTINGS}
        )


def write_description(folder: Path, description: Description) -> None:
    """Say that the folder is prepared.

    Raises:
        OSError: the file could not be written.
    """
    write_json(vars(description), folder / DESCRIPTION)


def read_description(folder: Path) -> Description:
    """What the folder was prepared from.

    Raises:
        UserError: it is not prepared.
    """
    try:
        return Description(**from_json((folder / DESCRIPTION).read_bytes()))
    except (OSError, ValueError, TypeError) as error:
        raise UserError(f"{folder} is not prepared; run --mode prepare with this `work_dir` first") from error


def prepared_data(folder: Path) -> tuple[MovieLens, Split]:
    """Films, users and the split of a prepared folder, mapped; of the interactions only the range of ratings.

    Raises:
        UserError: it is not prepared.
    """
    description, work_dir = read_description(folder), WorkDir(folder)
    users = work_dir.block("users")
    ends = np.zeros(2, np.int32)
    ratings = Interactions(ends, ends, users["range"], np.zeros(2, np.int64))
    movielens = MovieLens(
        description.name, read_movies(work_dir), users["user_ids"], ratings, description.fingerprint
    )
    return movielens, read_split(work_dir, description.settings["split"])


def prepared_inputs(folder: Path, settings: ModelConfig, seed: int) -> ModelInputs:
    """The inputs of a model, mapped.

    Args:
        folder: prepared with the same settings and seed.
        settings: of features, walks and views.
        seed: of the shadows.
    """
    work_dir = WorkDir(folder)
    graph, facts = read_graph(work_dir), Facts(read_movies(work_dir))
    basis = read_basis(work_dir, graph, facts, seed)
    arrays = {name: torch.from_numpy(array) for name, array in work_dir.block("nodes").items()}
    shadows = ShadowSampler(graph, basis, facts, settings, seed)
    views = Views(*(arrays[f"view_{name}"] for name in Views._fields)) if settings.has_views else None
    return ModelInputs(
        graph, basis, Nodes(arrays["features"], arrays["neighbors"], arrays["weights"]), shadows, views
    )
