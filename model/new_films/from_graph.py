"""Films that a trained model has never seen: features, neighbours and embeddings without retraining.

PinSage owns no vector of any film (paper, section 3.2: one function embeds all nodes), so a new film
takes its features, the neighbours that its ratings lead to, and one pass through the layers.
"""

from dataclasses import replace

import numpy as np
import torch

from config import ModelConfig
from data.dataset import Facts
from data.feature_extractor import film_features
from data.graph_builder import ItemGraph
from data.walks.torch_sampler import walk_sampler
from model.heads import Embeddings
from model.inputs import ModelInputs
from model.nodes import Nodes
from model.trainer import Trainer


def extend_inputs(
    inputs: ModelInputs, graph: ItemGraph, new: Facts, settings: ModelConfig, seed: int
) -> ModelInputs:
    """Append new films to what the model reads; the known films' rows stay bit for bit.

    Args:
        inputs: of the trained model, for its ``n`` films.
        graph: the training graph with ``len(new.movies)`` films more, from row ``n`` on, and whatever
            ratings of theirs there are.
        new: of the new films, their rows from 0.
        settings: of features and walks, those of the training.
        seed: of the walks.

    Returns:
        Features, neighbours and weights with a row for every film of ``graph``.
    """
    num_known = len(inputs.nodes.features)
    new_films = np.arange(num_known, graph.num_movies)
    raters = graph.movie_user_matrix()[num_known:]
    features = film_features(inputs.basis, new, raters, degree_known=False)
    walks = walk_sampler(graph, settings, seed)
    table = walks.batch_sample_neighbors(new_films, settings.max_neighbors)
    new_nodes = Nodes(torch.from_numpy(features), *table)
    return replace(inputs, graph=graph, nodes=inputs.nodes.followed_by(new_nodes))


def embed_films(trainer: Trainer, nodes: Nodes) -> Embeddings:
    """Embed all films of ``nodes`` layer by layer with the trainer's weights; float32 on the CPU."""
    trainer.model.eval()
    embeddings = trainer.model.embed_all(*nodes.to(trainer.device))
    return Embeddings(*(part.cpu() for part in embeddings))
