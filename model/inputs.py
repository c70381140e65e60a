"""The inputs of the model, made from training interactions only.

The data of a split become model inputs only here. So this module ensures that nothing held out gets into
training.
"""

from dataclasses import dataclass, replace

import numpy as np
import torch

from base.distributed import from_leader
from config import ModelConfig
from data.dataset import Facts, MovieLens
from data.feature_extractor import FeatureBasis, content_columns, film_features, fit_features
from data.film_facts import training_facts
from data.graph_builder import ItemGraph, build_graph
from data.graph_view import fit_graph_view, rater_matrix
from data.splits import Split
from data.walks.sampler import walk_sampler
from model.nodes import Nodes
from model.shadows import ShadowSampler
from model.views import Views, film_views


@dataclass(frozen=True)
class ModelInputs:
    """The inputs of a model, made from the training part of a split.

    Attributes:
        graph: training graph.
        basis: computes the features, also those of new films.
        nodes: features and neighbours of all films.
        shadows: draws the shadows of each epoch.
        views: what is added to the learned score; None if nothing is.
    """

    graph: ItemGraph
    basis: FeatureBasis
    nodes: Nodes
    shadows: ShadowSampler
    views: Views | None = None


def build_inputs(
    movielens: MovieLens,
    split: Split,
    settings: ModelConfig,
    seed: int,
) -> ModelInputs:
    """Build graph, features and neighbour table from the training part of ``split``.

    Args:
        movielens: the data. Only the training part of interactions and tags is used. The tag genome is
            used completely, because it describes films and does not depend on single users.
        split: split of these data.
        settings: settings of features and walks.
        seed: seed of the spectral features and the walks.
    """
    graph = build_graph(split.train, split.num_users, split.num_movies)
    facts = training_facts(movielens.facts, split)

    def fit_basis() -> FeatureBasis:
        basis = fit_features(facts, graph, settings.spectral_dim, seed)
        return replace(basis, view_basis=fit_graph_view(graph, seed)) if settings.graph_view else basis

    # Singular vectors have no sign of their own, and processors that round differently may find the other
    # one; so all processes take those of the first.
    basis = from_leader(fit_basis)
    return inputs_by_basis(basis, graph, facts, settings, seed)


def inputs_by_basis(
    basis: FeatureBasis,
    graph: ItemGraph,
    facts: Facts,
    settings: ModelConfig,
    seed: int,
) -> ModelInputs:
    """Features with a given feature basis, and the neighbour table.

    Args:
        basis: a fitted feature basis.
        graph: training graph.
        facts: facts about all films, see ``data.film_facts.training_facts``.
        settings: as in ``build_inputs``.
        seed: as in ``build_inputs``.
    """
    features = film_features(basis, facts, graph.movie_user_matrix())
    walks = walk_sampler(graph, settings, seed)
    table = walks.batch_sample_neighbors(np.arange(graph.num_movies), settings.max_neighbors)
    content = content_columns(basis, features)
    shadows = ShadowSampler(graph, basis, facts, settings, seed, content)
    views = film_views(basis, features, rater_matrix(graph), settings) if settings.has_views else None
    return ModelInputs(graph, basis, Nodes(torch.from_numpy(features), *table), shadows, views)
