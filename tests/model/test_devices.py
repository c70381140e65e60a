"""Training and embedding on a GPU, checked without one: on a pretend device, and on ``meta``.

A forgotten ``.to(device)`` is an error here as it is on a GPU. The pretend device has the bits of the CPU.
"""

from dataclasses import fields

import numpy as np
import pytest
import torch
from torch.nn.parameter import UninitializedParameter
from torch_geometric.sampler import NodeSamplerInput

import pinsage
from base.checks import row_numbers
from commands.entry import main_train
from config import Config
from data.negative_sampler import NegativeSampler
from data.splits import split_movielens
from evaluation.train_once import train_once
from model.aggregators import AGGREGATIONS
from model.batch import PairBatch, make_batch
from model.checkpoint import load_checkpoint
from model.new_films.from_checkpoint import append_films
from model.new_films.from_graph import embed_films
from model.new_films.newer_data import extended_inputs
from model.pinsage import Block, PinSage, build_blocks
from model.pyg import ImportanceNeighborSampler, importance_graph
from model.trainer import Trainer
from model.training import extended_training, new_training, resumed_training
from tests.commands.test_commands import FAST, flags
from tests.factories import random_graph, random_movielens, random_table
from tests.model.test_inductive import extended, held_out
from tests.model.test_new_films import rated_by
from tests.planted import planted_movielens
from tests.pretend_device import CPU, DEVICE, PretendGPU

META = torch.device("meta")
MARKED = torch.ones(1)
MARKED._is_param = True  # as PyTorch marks parameters of other tensor classes
SETTINGS = Config().override(
    {
        "spectral_dim": 4, "num_layers": 2, "num_neighbors": (5, 3), "num_walks": 20, "hidden_dim": 16,
        "embedding_dim": 8, "epochs": 2, "batch_size": 64, "pairs_per_epoch": 128, "num_negatives": 10,
        "quiet": True,
    }
)  # fmt: skip
VARIANTS = (
    {},
    {"aggregator": "mean", "head": "directed", "loss": "max_margin", "graph_view": 0, "content_view": 0},
    {
        "aggregator": "max",
        "head": "shared",
        "precision": "bfloat16",
        "popular_negatives": 0,
        "shadow_share": 0,
    },
)


@pytest.fixture
def gpu(monkeypatch):
    """This process has a pretend GPU, which ``--device cuda`` means."""
    if isinstance(MARKED, UninitializedParameter):
        pytest.skip("this PyTorch takes every parameter of a pretend device as uninitialised")
    monkeypatch.setattr("model.trainer.FUSED_ON", ())  # it rounds otherwise
    monkeypatch.setattr("base.compute._choose", {"cpu": CPU, "cuda": DEVICE}.__getitem__)
    with PretendGPU():
        yield DEVICE


def assert_equal(one, other):
    """The same bits, both on the CPU."""
    for first, second in zip(one, other, strict=True):
        assert first.device == second.device == CPU
        assert torch.equal(first, second)


def there_and_here(run):
    """What ``run`` gives on the pretend GPU and on the CPU.

    Training on the CPU is an error for the GPU: the results are the same, but it would take longer.
    """
    train_epoch = Trainer.train_epoch

    def train_epoch_there(trainer):
        assert all(part.device == DEVICE for part in trainer.model.parameters())
        return train_epoch(trainer)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Trainer, "train_epoch", train_epoch_there)
        there = run(DEVICE)
    return there, run(CPU)


def on(device, *tensors):
    return [tensor.to(device) for tensor in tensors]


def data():
    movielens = random_movielens()
    return movielens, split_movielens(movielens, "leave_one_out")


@pytest.mark.parametrize("log_probability", [None, -torch.arange(30.0)])
def test_make_batch(gpu, log_probability):
    generator = torch.Generator().manual_seed(0)
    shapes = (12,), (12,), (12, 3)
    queries, positives, hard = (torch.randint(30, shape, generator=generator) for shape in shapes)
    shared = torch.randperm(30, generator=generator)[:10]
    here = make_batch(queries, positives, shared, hard, log_probability)
    there = make_batch(*on(gpu, queries, positives, shared, hard), log_probability)
    for field in fields(PairBatch):
        one, other = getattr(here, field.name), getattr(there, field.name)
        if not isinstance(one, torch.Tensor):
            assert one == other
            continue
        assert other.device == gpu
        assert_equal([one], [other.cpu()])


def test_negatives(gpu):
    queries, positives = torch.arange(10), torch.arange(10, 20)
    here = NegativeSampler(random_graph(), 10, popular_share=0.5)
    there = NegativeSampler(random_graph(), 10, popular_share=0.5)
    found = there.sample_batch_negatives(queries.to(gpu), gpu, 2, positives.to(gpu))
    assert all(part.device == gpu for part in found)
    assert_equal([part.cpu() for part in found], here.sample_batch_negatives(queries, CPU, 2, positives))


@pytest.mark.parametrize("aggregator", AGGREGATIONS)
@pytest.mark.parametrize("films", [[4, 2, 9], torch.tensor([4, 2, 9])])
def test_blocks_and_edges(gpu, aggregator, films):
    """Films whose table is on the device may be named on the CPU."""
    torch.manual_seed(0)
    model, features, table = PinSage(7, 16, 8, (4, 4), aggregator), torch.randn(40, 7), random_table(40, 4)
    here = model.embed_all(features, *table)
    model, features, table = model.to(gpu), features.to(gpu), on(gpu, *table)
    assert_equal(here, [part.cpu() for part in model.embed_all(features, *table)])
    sources, blocks = build_blocks(films, *table, (4, 4))
    batch = model.forward_blocks(features[sources], blocks).queries.detach()
    torch.testing.assert_close(batch.cpu(), here.queries[[4, 2, 9]])
    graph = importance_graph(*table, features)
    over_edges = model(graph.x, graph.edge_index, graph.edge_weight).queries.detach()
    torch.testing.assert_close(over_edges.cpu(), here.queries)
    sampled = ImportanceNeighborSampler(*table, 2).sample_from_nodes(
        NodeSamplerInput(None, torch.as_tensor(films))
    )
    assert sampled.node.device == sampled.edge.device == gpu
    pooled = model.convs[0].aggr_module.pool(features, *table)
    assert pooled.device == gpu
    with pytest.raises(ValueError, match="must be on the device of h"):
        model.convs[0].aggr_module.pool(features.cpu(), *table)


def test_checks_read_values_of_the_device(gpu):
    assert row_numbers("films", torch.tensor([2, 0], device=gpu), 3).tolist() == [2, 0]


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_training_with_validation(gpu, variant):
    config = SETTINGS.override(variant)
    there, here = there_and_here(lambda device: train_once(config, *data(), device))
    assert all(state["exp_avg"].device == gpu for state in there.trainer.optimizer.state.values())
    losses = [[row["loss"] for row in once.progress.history] for once in (there, here)]
    assert losses[0] == losses[1] and there.progress.best_mrr == here.progress.best_mrr
    for name in ("embeddings", "query_embeddings", "features", "neighbors", "weights"):
        assert_equal([getattr(there.checkpoint, name)], [getattr(here.checkpoint, name)])


def test_a_training_is_saved_read_and_resumed(gpu, tmp_path):
    """Saved on one device, continued on the other; as if it had not been interrupted."""

    def run(device):
        whole = new_training(SETTINGS, *data(), device)
        whole.trainer.train_epoch()
        whole.progress.history.append({"epoch": 1})
        whole.checkpoint(whole.trainer.embeddings()).save(tmp_path / f"{device.type}.pt")
        whole.trainer.train_epoch()
        return whole.trainer.embeddings()

    def resume(device):
        stored = load_checkpoint(tmp_path / f"{(CPU if device == gpu else gpu).type}.pt")
        assert all(part.device == CPU for part in stored.trainer["model"].values())
        trainer = resumed_training(stored, SETTINGS, *data(), device).trainer
        trainer.train_epoch()
        return trainer.embeddings()

    whole = there_and_here(run)
    for embeddings in (whole[1], *there_and_here(resume)):
        assert_equal(embeddings, whole[0])


def test_a_training_on_newer_data(gpu):
    stored = train_once(SETTINGS, *data(), gpu).checkpoint
    newer = random_movielens(num_movies=25)
    split = split_movielens(newer, "leave_one_out")

    def run(device):
        inputs = extended_inputs(stored.basis, np.arange(30), newer, split, SETTINGS.model, 0).inputs
        trainer = extended_training(stored, inputs, SETTINGS, newer, split, device).trainer
        trainer.train_epoch()
        return trainer.embeddings()

    assert_equal(*there_and_here(run))


def test_new_films(gpu):
    """With the graph, and with the checkpoint alone."""
    films = held_out(random_movielens(num_users=60, num_movies=40, density=0.6))
    found = []
    for trained in there_and_here(
        lambda device: train_once(SETTINGS, films.known, films.known_split, device)
    ):
        inputs = extended(films, trained.inputs, films.withheld, SETTINGS)
        with_graph = embed_films(trained.trainer, inputs.nodes, inputs.views)
        alone = append_films(trained.checkpoint, [rated_by(1, 2), rated_by(movie_id=501)])
        found.append([*with_graph, alone.embeddings, alone.query_embeddings])
    assert_equal(*found)


def test_commands(gpu, tmp_path, monkeypatch):
    monkeypatch.setattr("commands.train.plot_training_curves", lambda *arguments: None)
    planted_movielens(tmp_path / "planted")
    planted_movielens(tmp_path / "newer")
    with (tmp_path / "newer" / "ratings.csv").open("a") as file:
        file.writelines(f"61,{movie},5,2000000000\n" for movie in (1, 3, 5, 7))
    settings = [*FAST, "--pairs_per_epoch", "128", "--epochs"]

    def run(device):
        place = ["--device", {CPU: "cpu", gpu: "cuda"}[device]]
        assert main_train([*flags(tmp_path), *place, *settings, "1"]) == 0
        assert main_train([*flags(tmp_path), *place, *settings, "2", "--resume"]) == 0
        resumed = load_checkpoint(tmp_path / "checkpoints" / "last.pt")
        newer = [*flags(tmp_path, data="newer"), *place, *settings, "1"]
        assert main_train([*newer, "--extend", str(tmp_path / "checkpoints")]) == 0
        return [resumed.embeddings, load_checkpoint(tmp_path / "checkpoints" / "last.pt").embeddings]

    assert_equal(*there_and_here(run))


def test_a_training_in_memory(gpu):
    inter = random_movielens().interactions
    settings = {"epochs": 1, "batch_size": 64, "hidden_dim": 16, "embedding_dim": 8, "quiet": True}

    def run(device):
        name = {CPU: "cpu", gpu: "cuda"}[device]
        return pinsage.train(inter.users, inter.movies, device=name, **settings)

    there, here = map(pinsage.Recommender, there_and_here(run))
    assert there.similar(3, k=4) == here.similar(3, k=4)


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_step_on_meta(variant):
    """Forward, backward and the optimiser with a batch that is ready: sizes only, no values."""
    config = SETTINGS.override(variant)
    here, there = (new_training(config, *data(), device).trainer for device in (CPU, META))
    queries, positives = here.pairs[torch.arange(32)]
    negatives = here.negatives.sample_batch_negatives(queries, CPU, 2, positives)
    batch = make_batch(queries, positives, *negatives, here.negatives.log_probability)
    table = here.nodes.neighbors, here.nodes.weights
    sources, blocks = build_blocks(batch.films, *table, here.model.layer_neighbors)
    blocks = [Block(block.num_targets, *on(META, block.neighbors, block.weights)) for block in blocks]
    parts = {field.name: getattr(batch, field.name) for field in fields(batch)}
    parts = {name: part.to(META) if isinstance(part, torch.Tensor) else part for name, part in parts.items()}
    batch = PairBatch(**parts)
    features = there.nodes.features.index_select(0, sources.to(META))
    z = there.model.forward_blocks(features, blocks, batch.num_queries)
    losses = [there.loss(view, batch) for view in z.views(there.model.num_views)]
    torch.stack(losses).mean().backward()
    torch.nn.utils.clip_grad_norm_(there.model.parameters(), config.training.clip_norm)
    there.optimizer.step()
    for part in there.model.parameters():
        assert part.device == part.grad.device == there.optimizer.state[part]["exp_avg"].device == META
    assert z.candidates.shape == (len(batch.films), 8) and z.queries.shape == (batch.num_queries, 8)
