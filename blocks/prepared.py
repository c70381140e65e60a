"""Training from a prepared folder: every process maps the same files."""

from pathlib import Path

import numpy as np
import torch

from blocks.description import read_description
from blocks.features import read_basis
from blocks.ingest.facts import read_best_rating, read_facts
from blocks.ingest.graph import read_graph, read_split
from blocks.work_dir import WorkDir
from config import ModelConfig
from data.dataset import Facts, Interactions, MovieLens
from data.feature_extractor import content_columns
from data.splits import Split
from model.inputs import ModelInputs
from model.nodes import Nodes
from model.shadows import ShadowSampler
from model.views import Views


def prepared_data(folder: Path) -> tuple[MovieLens, Split]:
    """Films, users and the split of a prepared folder, mapped; of the interactions only the range of ratings.

    Tags are those of training.

    Raises:
        UserError: it is not prepared.
    """
    description, work_dir = read_description(folder), WorkDir(folder)
    ends = np.zeros(2, np.int32)
    ratings = Interactions(ends, ends, work_dir.block("held_out")["range"], np.zeros(2, np.int64))
    facts = read_facts(work_dir)
    movielens = MovieLens(
        description.name,
        facts.movies,
        work_dir.block("users")["user_ids"],
        ratings,
        description.fingerprint,
        tags=facts.tags,
        genome=facts.genome,
        best_rating=read_best_rating(work_dir),
        content=facts.content,
    )
    return movielens, read_split(work_dir, description.settings["split"])


def prepared_inputs(folder: Path, facts: Facts, settings: ModelConfig, seed: int) -> ModelInputs:
    """The inputs of a model, mapped.

    Args:
        folder: prepared with the same settings and seed.
        facts: of its ``prepared_data``.
        settings: of features, walks and views.
        seed: of the shadows.
    """
    work_dir = WorkDir(folder)
    graph, basis = read_graph(work_dir), read_basis(work_dir)
    arrays = {name: torch.from_numpy(array) for name, array in work_dir.block("nodes").items()}
    shadows = ShadowSampler(
        graph, basis, facts, settings, seed, content_columns(basis, arrays["features"].numpy())
    )
    views = Views(*(arrays[f"view_{name}"] for name in Views._fields)) if settings.has_views else None
    return ModelInputs(
        graph, basis, Nodes(arrays["features"], arrays["neighbors"], arrays["weights"]), shadows, views
    )
