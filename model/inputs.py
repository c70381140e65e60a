"""All that the model reads, made from training interactions alone.

This is the one place where data becomes model input, so the promise that nothing held out leaks
into training is kept, and tested, here.
"""

from dataclasses import dataclass, replace

import numpy as np
import torch

from config import ModelConfig
from data.dataset import Facts, Interactions, MovieLens, Tags
from data.feature_extractor import FeatureBasis, film_features, fit_features
from data.graph_builder import ItemGraph, build_graph
from data.splits import Split
from data.walks.torch_sampler import walk_sampler
from model.nodes import Nodes
from model.shadows import ShadowSampler


@dataclass(frozen=True)
class ModelInputs:
    """What a model reads of one split.

    Attributes:
        graph: training graph.
        basis: what features are computed with, for unseen films too.
        nodes: features and importance neighbours of the catalogue.
        shadows: draws the films as they would look if they were new.
    """

    graph: ItemGraph
    basis: FeatureBasis
    nodes: Nodes
    shadows: ShadowSampler


def build_inputs(
    movielens: MovieLens,
    split: Split,
    settings: ModelConfig,
    seed: int,
    device: torch.device | str = "cpu",
) -> ModelInputs:
    """Build graph, features and neighbour table from the training part of ``split``.

    Args:
        movielens: the data; of its interactions and tags only the training ones are used. The tag
            genome is taken whole: it describes films and names no user.
        split: of these data.
        settings: of features and walks.
        seed: of the spectral features and the walks.
        device: where the walks are taken; changes no bit of the result, which is on the CPU.
    """
    graph = build_graph(split.train, split.num_users, split.num_movies)
    facts = training_facts(movielens, split)
    basis = fit_features(facts, graph, settings.spectral_dim, seed)
    return inputs_by_basis(basis, graph, facts, settings, seed, device)


def inputs_by_basis(
    basis: FeatureBasis,
    graph: ItemGraph,
    facts: Facts,
    settings: ModelConfig,
    seed: int,
    device: torch.device | str = "cpu",
) -> ModelInputs:
    """Features in the terms of ``basis``, and the neighbour table.

    ``graph`` and ``facts`` are those of training; other arguments as in ``build_inputs``.
    """
    features = film_features(basis, facts, graph.movie_user_matrix())
    walks = walk_sampler(graph, settings, seed, device)
    table = walks.batch_sample_neighbors(np.arange(graph.num_movies), settings.max_neighbors)
    shadows = ShadowSampler(graph, basis, facts, settings, seed, device)
    return ModelInputs(graph, basis, Nodes(torch.from_numpy(features), *table), shadows)


def training_facts(movielens: MovieLens, split: Split) -> Facts:
    """What is known of the films, without the tags that a user put on a film held out from that user."""
    tags = movielens.tags
    if tags is None:
        return movielens.facts

    def keys(rows: Interactions | Tags) -> np.ndarray:
        return rows.users.astype(np.int64) * split.num_movies + rows.movies

    held_out = np.concatenate([keys(split.validation), keys(split.test)])
    kept = np.flatnonzero(~np.isin(keys(tags), held_out))
    training_tags = Tags(tags.users[kept], tags.movies[kept], [tags.texts[row] for row in kept])
    return replace(movielens.facts, tags=training_tags)
