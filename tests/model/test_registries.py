"""Names in ``config`` equal the keys of the registries; a new aggregator or loss is a class and its line."""

import pytest
import torch
from torch import Tensor

import config
from config import ModelConfig, TrainingConfig
from model.aggregators import AGGREGATIONS, ImportanceAggregation, NeighborAggregation
from model.batch import PairBatch
from model.heads import HEADS, Embeddings
from model.loss import LOSSES, Loss
from tests.factories import random_movielens
from tests.model.test_trainer import MODEL, TRAINING, make_trainer


def test_config_names_what_the_registries_hold():
    assert config.AGGREGATORS == list(AGGREGATIONS)
    assert config.HEADS == list(HEADS)
    assert config.LOSSES == list(LOSSES)


class ToyAggregation(NeighborAggregation):
    """Half the importance-weighted mean."""

    def pool_unchecked(self, h: Tensor, neighbors: Tensor, weights: Tensor) -> Tensor:
        return ImportanceAggregation().pool_unchecked(h, neighbors, weights) / 2


class ToyLoss(Loss):
    """The mean distance of a pair's cosine from 1."""

    def __call__(self, z: Embeddings, batch: PairBatch) -> Tensor:
        return (1 - (z.queries[batch.query] * z.candidates[batch.positive]).sum(dim=1)).mean()


@pytest.fixture
def toys(monkeypatch):
    monkeypatch.setitem(AGGREGATIONS, "toy", ToyAggregation)
    monkeypatch.setitem(LOSSES, "toy", ToyLoss)
    for names in (config.AGGREGATORS, config.LOSSES):
        names.append("toy")
    yield
    for names in (config.AGGREGATORS, config.LOSSES):
        names.remove("toy")


def test_a_class_and_its_line_are_enough_for_a_new_aggregator_and_a_new_loss(toys):
    model = ModelConfig(**{**vars(MODEL), "aggregator": "toy"})
    settings = TrainingConfig(**{**vars(TRAINING), "loss": "toy", "lr": 0.02})
    trainer = make_trainer(random_movielens(), model=model, training=settings)
    losses = [trainer.train_epoch()["loss"] for _ in range(5)]
    assert losses[-1] < losses[0]
    assert torch.isfinite(trainer.embeddings().candidates).all()


def test_without_their_line_they_are_refused():
    with pytest.raises(ValueError, match="`loss` must be one of softmax, max_margin, got 'toy'"):
        TrainingConfig(loss="toy")
    with pytest.raises(ValueError, match="`aggregator` must be one of importance, mean, max, got 'toy'"):
        ModelConfig(aggregator="toy")
