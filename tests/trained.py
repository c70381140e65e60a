"""A small trained checkpoint, in memory."""

from dataclasses import replace

import torch

from config import Config, ModelConfig, TrainingConfig
from data.dataset import MovieLens
from data.splits import split_interactions
from model.checkpoint import Checkpoint, split_fingerprint
from model.inputs import build_inputs
from model.trainer import Trainer
from tests.factories import random_movielens

MODEL = ModelConfig(spectral_dim=4, num_neighbors=5, num_walks=20, hidden_dim=16, embedding_dim=8)
TRAINED_DIM = 8 + 19 + 4 + 2  # learned, graph view, genres and year, popularity and filler
TRAINING = TrainingConfig(epochs=4, batch_size=64, num_negatives=10, max_hard_negatives=6, patience=10)


def trained_checkpoint(movielens: MovieLens | None = None, model: ModelConfig = MODEL) -> Checkpoint:
    """What one epoch leaves behind, on random data by default."""
    movielens = movielens or random_movielens()
    split = split_interactions(movielens.interactions, movielens.num_users, movielens.num_movies)
    inputs = build_inputs(movielens, split, model, 0)
    trainer = Trainer(inputs, split, model, TRAINING, 0, torch.device("cpu"))
    trainer.train_epoch()
    embeddings = trainer.embeddings()
    return Checkpoint(
        settings=replace(Config(), model=model, training=TRAINING).model_settings(),
        dataset={"name": "random", "data": "0", "split": split_fingerprint(split)},
        movies=movielens.movies,
        user_ids=torch.tensor(movielens.user_ids),
        basis=inputs.basis,
        features=inputs.nodes.features,
        neighbors=inputs.nodes.neighbors.int(),
        weights=inputs.nodes.weights,
        embeddings=embeddings.candidates,
        query_embeddings=embeddings.queries,
        trainer=trainer.state_dict(),
        progress={"best_epoch": 1, "best_mrr": 0.5, "stale_epochs": 0, "history": [{"epoch": 1}]},
        blend=trainer.blend,
    )
