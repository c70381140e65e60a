"""All that the model reads, made from training interactions alone.

This is the one place where data becomes model input, so the promise that nothing held out leaks
into training is kept, and tested, here.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from config import ModelConfig
from data.dataset import Interactions, MovieLens, Tags
from data.feature_extractor import FeatureBasis, film_features, fit_features
from data.graph_builder import ItemGraph, build_graph
from data.splits import Split
from data.walks.torch_sampler import walk_sampler
from model.shadows import ShadowSampler


@dataclass(frozen=True)
class ModelInputs:
    """Graph, features and neighbour table of one split.

    Attributes:
        graph: training graph.
        basis: what features are computed with, for unseen films too.
        features: float32 ``[num_movies, num_features]``.
        neighbors: int64 ``[num_movies, T]``.
        weights: float32 ``[num_movies, T]``.
        shadows: draws the films as they would look if they were new.
    """

    graph: ItemGraph
    basis: FeatureBasis
    features: Tensor
    neighbors: Tensor
    weights: Tensor
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
    tags = training_tags(movielens.tags, split)
    basis = fit_features(movielens.movies, graph, settings.spectral_dim, seed, tags, movielens.genome)
    return inputs_by_basis(basis, graph, movielens, tags, settings, seed, device)


def inputs_by_basis(
    basis: FeatureBasis,
    graph: ItemGraph,
    movielens: MovieLens,
    tags: Tags | None,
    settings: ModelConfig,
    seed: int,
    device: torch.device | str = "cpu",
) -> ModelInputs:
    """Features in the terms of ``basis``, and the neighbour table.

    ``tags`` are those of training, ``graph`` is of training; other arguments as in ``build_inputs``.
    """
    features = film_features(basis, movielens.movies, graph.movie_user_matrix(), tags, movielens.genome)
    walks = walk_sampler(graph, settings, seed, device)
    neighbors, weights = walks.batch_sample_neighbors(np.arange(graph.num_movies), settings.most_neighbors)
    shadows = ShadowSampler(graph, basis, movielens.movies, tags, movielens.genome, settings, seed, device)
    return ModelInputs(graph, basis, torch.from_numpy(features), neighbors, weights, shadows)


def shadow_sampler(
    movielens: MovieLens,
    split: Split,
    graph: ItemGraph,
    basis: FeatureBasis,
    settings: ModelConfig,
    seed: int,
    device: torch.device | str = "cpu",
) -> ShadowSampler:
    """The sampler of shadows, from the training part of ``split`` alone; arguments as in ``build_inputs``."""
    tags = training_tags(movielens.tags, split)
    return ShadowSampler(graph, basis, movielens.movies, tags, movielens.genome, settings, seed, device)


def training_tags(tags: Tags | None, split: Split) -> Tags | None:
    """The tags that a user did not put on a film held out from that user."""
    if tags is None:
        return None

    def keys(rows: Interactions | Tags) -> np.ndarray:
        return rows.users.astype(np.int64) * split.num_movies + rows.movies

    held_out = np.concatenate([keys(split.validation), keys(split.test)])
    kept = np.flatnonzero(~np.isin(keys(tags), held_out))
    return Tags(tags.users[kept], tags.movies[kept], [tags.texts[row] for row in kept])
