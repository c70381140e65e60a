"""Films that a trained model has never seen: features, neighbours and embeddings without retraining.

PinSage owns no vector of any film (paper, section 3.2: one function embeds all nodes), so a new film
takes its features, the neighbours that its ratings lead to, and one pass through the layers.
"""

from dataclasses import replace

import numpy as np
import torch

from config import ModelConfig
from data.dataset import MovieLens
from data.feature_extractor import film_features
from data.graph_builder import ItemGraph
from data.walks.torch_sampler import walk_sampler
from evaluation.ranking import EmbeddingScorer
from model.inputs import ModelInputs
from model.trainer import Trainer


def extend_inputs(
    inputs: ModelInputs, graph: ItemGraph, new: MovieLens, settings: ModelConfig, seed: int
) -> ModelInputs:
    """Append new films to what the model reads; the known films' rows stay bit for bit.

    Args:
        inputs: of the trained model, for its ``n`` films.
        graph: the training graph with ``len(new.movies)`` films more, from row ``n`` on, and whatever
            ratings of theirs there are.
        new: the new films, their rows from 0; of it films, tags and genome are read.
        settings: of features and walks, those of the training.
        seed: of the walks.

    Returns:
        Features, neighbours and weights with a row for every film of ``graph``.
    """
    num_known = len(inputs.features)
    new_films = np.arange(num_known, graph.num_movies)
    raters = graph.movie_user_matrix()[num_known:]
    features = film_features(inputs.basis, new.movies, raters, new.tags, new.genome, degree_known=False)
    walks = walk_sampler(graph, settings, seed)
    neighbors, weights = walks.batch_sample_neighbors(new_films, settings.most_neighbors)
    return replace(
        inputs,
        graph=graph,
        features=torch.cat([inputs.features, torch.from_numpy(features)]),
        neighbors=torch.cat([inputs.neighbors, neighbors]),
        weights=torch.cat([inputs.weights, weights]),
    )


def embed_films(trainer: Trainer, inputs: ModelInputs) -> EmbeddingScorer:
    """Embed all films of ``inputs`` layer by layer with the trainer's weights."""
    model, device = trainer.model, trainer.device
    model.eval()
    embeddings = model.embed_all(
        inputs.features.to(device), inputs.neighbors.to(device), inputs.weights.to(device)
    )
    return EmbeddingScorer(*(part.cpu().numpy() for part in embeddings))
