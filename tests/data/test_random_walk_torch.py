import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from config import ModelConfig
from data.walks import torch_sampler as random_walk_torch
from data.walks.sampler import RandomWalkSampler
from data.walks.torch_sampler import TorchRandomWalkSampler, walk_sampler
from tests.data.test_random_walk import exact_visits
from tests.factories import random_graph, weighted_graph
from tests.fuzzing import fuzz


@fuzz(40)
@given(
    num_users=st.integers(1, 30),
    num_movies=st.integers(1, 30),
    density=st.floats(0, 1),
    num_walks=st.integers(1, 50),
    walk_length=st.integers(1, 4),
    restart=st.sampled_from([0.0, 0.15, 0.5, 1.0]),
    num_neighbors=st.integers(1, 40),
    seed=st.integers(0, 2**40),
    refresh=st.integers(0, 3),
    make=st.sampled_from([random_graph, weighted_graph]),
)
def test_same_bits_as_the_kernel(
    num_users, num_movies, density, num_walks, walk_length, restart, num_neighbors, seed, refresh, make
):
    graph = make(num_users, num_movies, density, seed % 1000)
    arguments = (graph, num_walks, walk_length, restart, seed)
    samplers = RandomWalkSampler(*arguments), TorchRandomWalkSampler(*arguments)
    tables = []
    for sampler in samplers:
        sampler.refresh(refresh)
        tables.append(sampler.batch_sample_neighbors(np.arange(num_movies), num_neighbors))
    for kernel, tensor in zip(*tables, strict=True):
        assert kernel.dtype == tensor.dtype
        assert torch.equal(kernel, tensor)


def test_blocks_change_nothing(monkeypatch):
    sampler = TorchRandomWalkSampler(random_graph(40, 50, 0.1), 20)
    whole = sampler.batch_sample_neighbors(np.arange(50), 10)
    monkeypatch.setattr(random_walk_torch, "BLOCK_WALKS", 7 * 20)
    for one_block, blocks in zip(whole, sampler.batch_sample_neighbors(np.arange(50), 10), strict=True):
        assert torch.equal(one_block, blocks)


@pytest.mark.parametrize("make", [random_graph, weighted_graph])
@pytest.mark.parametrize("walk_length", [1, 2, 3])
def test_visit_frequencies_match_exact_probabilities(make, walk_length):
    graph = make(num_users=12, num_movies=10, density=0.4, seed=3)
    sampler = TorchRandomWalkSampler(graph, 100_000, walk_length, 0.5, seed=1)
    neighbors, weights = sampler.batch_sample_neighbors(np.arange(10), num_neighbors=9)
    observed = torch.zeros(10, 10).scatter_add_(1, neighbors, weights).numpy()
    expected = exact_visits(graph, walk_length, 0.5)
    assert 0.5 * np.abs(observed - expected).sum(axis=1).max() < 0.03


def test_the_device_chooses_the_sampler():
    graph = random_graph(6, 5, 0.5)
    assert type(walk_sampler(graph, ModelConfig(), seed=0)) is RandomWalkSampler
    assert type(walk_sampler(graph, ModelConfig(), 0, torch.device("cpu"))) is RandomWalkSampler


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.parametrize("make", [random_graph, weighted_graph])
def test_same_bits_on_cuda(make):
    graph = make(400, 300, 0.1)
    on_gpu = walk_sampler(graph, ModelConfig(), seed=3, device="cuda")
    assert type(on_gpu) is TorchRandomWalkSampler
    on_cpu = walk_sampler(graph, ModelConfig(), seed=3)
    tables = (sampler.batch_sample_neighbors(np.arange(300), 50) for sampler in (on_cpu, on_gpu))
    for kernel, tensor in zip(*tables, strict=True):
        assert torch.equal(kernel, tensor)
