"""New films with the training graph: their features, neighbours and embeddings, without training again.

A new film needs its features, the neighbours that random walks from it find, and one pass through
the layers (paper, section 3.2).
"""

from dataclasses import replace

import numpy as np
import torch

from config import ModelConfig
from data.dataset import Facts
from data.feature_extractor import film_features
from data.graph_builder import ItemGraph
from data.graph_view import rater_matrix
from data.walks.sampler import walk_sampler
from model.heads import Embeddings
from model.inputs import ModelInputs
from model.nodes import Nodes
from model.trainer import Trainer
from model.views import Views, film_views


def inputs_with_new_films(
    inputs: ModelInputs, graph: ItemGraph, new: Facts, settings: ModelConfig, seed: int
) -> ModelInputs:
    """Append new films to the inputs of a model. The rows of the known films do not change.

    Args:
        inputs: inputs of the trained model, with n known films.
        graph: the training graph with the new films as rows n, n + 1, … and with their ratings, if any.
        new: facts about the new films; row 0 is film n of the graph.
        settings: settings of features and walks, as in training.
        seed: seed of the walks.

    Returns:
        Inputs with one row per film of ``graph``.
    """
    num_known = len(inputs.nodes.features)
    new_films = np.arange(num_known, graph.num_movies)
    raters = graph.movie_user_matrix()[num_known:]
    features = film_features(inputs.basis, new, raters, degree_known=False)
    walks = walk_sampler(graph, settings, seed)
    table = walks.batch_sample_neighbors(new_films, settings.max_neighbors)
    nodes = inputs.nodes.followed_by(Nodes(torch.from_numpy(features), *table))
    views = inputs.views
    if views is not None:
        of_new = film_views(inputs.basis, features, rater_matrix(graph)[num_known:], settings, new=True)
        views = views.followed_by(of_new)
    return replace(inputs, graph=graph, nodes=nodes, views=views)


def embed_films(trainer: Trainer, nodes: Nodes, views: Views | None) -> Embeddings:
    """Embed all films of ``nodes`` with the weights of the trainer.

    Args:
        trainer: holds the model.
        nodes: features and neighbours of n films.
        views: of the same films; None if the model has none.

    Returns:
        Embeddings float32 ``[n, dim]`` on the CPU.
    """
    learned = trainer.learned_embeddings(nodes.to(trainer.device))
    return learned if trainer.blend is None or views is None else trainer.blend.join(learned, views)
