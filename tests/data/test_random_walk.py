from dataclasses import replace

import numba
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from data.graph_builder import build_graph
from data.walks.alias_tables import alias_table
from data.walks.sampler import RandomWalkSampler
from tests.factories import random_graph, random_interactions, weighted, weighted_graph
from tests.fuzzing import fuzz


def exact_visits(graph, walk_length, restart):
    """Expected share of visits at each film by matrix algebra, the seed itself left out."""
    to_users = graph.movie_user_matrix().toarray()
    to_users = to_users.astype(np.float64)
    strength, user_strength = (np.maximum(to_users.sum(axis, keepdims=True), 1e-30) for axis in (1, 0))
    step = (to_users / strength) @ (to_users / user_strength).T
    reach, visits = np.eye(len(step)), np.zeros_like(step)
    for hop in range(walk_length):
        reach = reach @ step
        visits += (1 - restart) ** hop * reach
    np.fill_diagonal(visits, 0)
    return visits / np.maximum(visits.sum(axis=1, keepdims=True), 1e-12)


@pytest.mark.parametrize("make", [random_graph, weighted_graph])
@pytest.mark.parametrize(("walk_length", "restart"), [(1, 0.5), (2, 0.5), (3, 0.2), (4, 0.0), (5, 1.0)])
def test_visit_frequencies_match_exact_probabilities(make, walk_length, restart):
    # 200,000 walks a film. Visits of one walk depend on each other from hop 2 on, so the chi-square
    # test is for single hops; beyond, total variation stays below the noise of that many visits.
    graph = make(num_users=12, num_movies=10, density=0.4, seed=3)
    sampler = RandomWalkSampler(graph, 200_000, walk_length, restart, seed=1)
    neighbors, weights = sampler.batch_sample_neighbors(np.arange(10), num_neighbors=9)
    observed = np.zeros((10, 10))
    np.add.at(observed, (np.arange(10)[:, None], neighbors.numpy()), weights.numpy())
    expected = exact_visits(graph, walk_length, restart)
    assert 0.5 * np.abs(observed - expected).sum(axis=1).max() < 0.01


@pytest.mark.parametrize("make", [random_graph, weighted_graph])
def test_single_hop_counts_pass_a_chi_square_test(make):
    graph = make(num_users=12, num_movies=10, density=0.4, seed=3)
    expected = exact_visits(graph, 1, 0.5)
    p_values = []
    for seed in range(20):
        neighbors, weights = RandomWalkSampler(graph, 5_000, 1, seed=seed).batch_sample_neighbors([4], 9)
        landed = 5_000 * (1 - _stays(graph)[4])  # walks that did not come back to the seed, on average
        observed = np.zeros(10)
        observed[neighbors[0].numpy()] = weights[0].numpy()
        possible = expected[4] > 1e-3  # a chi-square test needs a few visits of each film
        statistic = (landed * (observed - expected[4])[possible] ** 2 / expected[4][possible]).sum()
        p_values.append(stats.chi2.sf(statistic, possible.sum() - 1))
    # Uniform p-values: the chance that the least of 20 is below 1e-5 is 2e-4, and they must not pile up.
    assert min(p_values) > 1e-5
    assert stats.kstest(p_values, "uniform").pvalue > 1e-3


def _stays(graph):
    to_users = graph.movie_user_matrix().toarray().astype(np.float64)
    step = (to_users / to_users.sum(1, keepdims=True)) @ (to_users / to_users.sum(0, keepdims=True)).T
    return np.diag(step)


@fuzz(40)
@given(
    num_users=st.integers(1, 15),
    num_movies=st.integers(1, 15),
    density=st.floats(0, 1),
    num_neighbors=st.integers(1, 20),
    seed=st.integers(0, 1000),
)
def test_rows_keep_the_contract(num_users, num_movies, density, num_neighbors, seed):
    graph = random_graph(num_users, num_movies, density, seed)
    neighbors, weights = RandomWalkSampler(graph, 30, 3, seed=seed).batch_sample_neighbors(
        np.arange(num_movies), num_neighbors
    )
    assert neighbors.shape == weights.shape == (num_movies, num_neighbors)
    assert neighbors.dtype == torch.int64 and weights.dtype == torch.float32
    assert (weights[:, :-1] >= weights[:, 1:]).all()
    connected = graph.movie_user_matrix() @ graph.movie_user_matrix().T
    for film in range(num_movies):
        real = neighbors[film][weights[film] > 0].tolist()
        assert film not in real and len(set(real)) == len(real)
        assert (neighbors[film][weights[film] == 0] == film).all()
        others = connected[[film]].nnz - (graph.movie_degree[film] > 0)
        assert weights[film].sum().item() == pytest.approx(1.0 if others else 0.0, abs=1e-5)


@pytest.mark.parametrize("make", [random_graph, weighted_graph])
def test_a_film_does_not_depend_on_its_batch_the_calls_before_or_the_threads(make):
    graph = make(60, 300, 0.05)
    sampler = RandomWalkSampler(graph, 50, seed=7)
    whole = sampler.batch_sample_neighbors(np.arange(300), 10)
    alone = sampler.batch_sample_neighbors([299, 17], 10)
    before = numba.get_num_threads()
    numba.set_num_threads(1)
    one_thread = sampler.batch_sample_neighbors(np.arange(300), 10)
    numba.set_num_threads(before)
    for table, single, rows in zip(whole, one_thread, alone, strict=True):
        assert torch.equal(table, single)
        assert torch.equal(table[[299, 17]], rows)


def test_seed_and_refresh_number_choose_the_stream():
    graph = random_graph(60, 100, 0.2)
    first = RandomWalkSampler(graph, 50, seed=7)
    table = first.batch_sample_neighbors(np.arange(100), 10)[1]
    assert not torch.equal(
        table, RandomWalkSampler(graph, 50, seed=8).batch_sample_neighbors(np.arange(100), 10)[1]
    )
    first.refresh(1)
    assert not torch.equal(table, first.batch_sample_neighbors(np.arange(100), 10)[1])
    first.refresh(0)
    assert torch.equal(table, first.batch_sample_neighbors(np.arange(100), 10)[1])


@pytest.mark.parametrize(
    "nodes",
    [
        [45],
        [1_000_000],
        [-1],
        [1.7],
        [np.nan],
        [True],
        [2**63],
        [2**70],
        np.array([2**64 - 1], np.uint64),
        ["1"],
    ],
)
def test_rows_that_the_graph_does_not_have(nodes):
    with pytest.raises(ValueError, match="nodes must be whole numbers from 0 to 39, got"):
        RandomWalkSampler(random_graph(num_movies=40), 5).batch_sample_neighbors(nodes, 4)


@pytest.mark.parametrize("nodes", [[], (), np.zeros(0), torch.zeros(0, dtype=torch.int64), range(0)])
def test_no_rows_give_empty_tables(nodes):
    neighbors, weights = RandomWalkSampler(random_graph(), 5).batch_sample_neighbors(nodes, 4)
    assert neighbors.shape == weights.shape == (0, 4)
    assert neighbors.dtype == torch.int64 and weights.dtype == torch.float32


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("num_walks", [0, -1, 1.5, True, 2**63, 2**70, np.uint64(2**64 - 1), None]),
        ("walk_length", [0, -3, 2.0, True, 2**63, 2**70, np.uint64(2**64 - 1), None]),
        ("restart_probability", [-0.1, 1.1, np.nan, np.inf, True, "0.5", None]),
        ("seed", [-1, 0.0, True, 2**63, 2**70, np.uint64(2**64 - 1), None]),
    ],
)
def test_arguments_that_no_walk_can_have(name, values):
    graph = random_graph()
    for value in values:
        with pytest.raises(ValueError, match=f"{name} must be a .* from "):
            RandomWalkSampler(graph, **{name: value})


def test_other_arguments_of_a_sampler():
    with pytest.raises(ValueError, match="graph must be an ItemGraph, got list"):
        RandomWalkSampler([])
    with pytest.raises(
        ValueError, match="num_walks times walk_length must be a whole number from 1 to 100000000"
    ):
        RandomWalkSampler(random_graph(), 1_000_000, 1_000)
    walks = RandomWalkSampler(random_graph(), np.int64(5), np.uint8(2), np.float32(0.5), np.int32(3))
    for value in (-1, 1.5, True, 2**63, 2**70, None):
        with pytest.raises(ValueError, match="number must be a whole number from 0 to"):
            walks.refresh(value)
        with pytest.raises(ValueError, match="num_neighbors must be a whole number from 1 to"):
            walks.batch_sample_neighbors([0], value)
    with pytest.raises(ValueError, match="num_neighbors must be a whole number from 1 to"):
        walks.batch_sample_neighbors([0], 0)
    expected = RandomWalkSampler(random_graph(), 5, 2, 0.5, 3).batch_sample_neighbors([0], 4)
    assert all(map(torch.equal, walks.batch_sample_neighbors(np.array([0], np.uint64), np.int8(4)), expected))


def test_ties_do_not_favour_low_ids():
    # One user rated everything: all films are visited alike, so a film kept by a low id would show.
    interactions = random_interactions(1, 200, 1.0)
    sampler = RandomWalkSampler(build_graph(interactions, 1, 200), 100, 1)
    neighbors, _ = sampler.batch_sample_neighbors(np.arange(200), 5)
    assert 90 < neighbors.float().mean() < 110


def test_relabelling_films_relabels_exact_visits():
    graph = random_graph(12, 10, 0.4, seed=3)
    interactions = random_interactions(12, 10, 0.4, seed=3)
    permutation = np.random.default_rng(0).permutation(10).astype(np.int32)
    interactions.movies[:] = permutation[interactions.movies]
    relabelled = build_graph(interactions, 12, 10)
    original, moved = (
        _dense(RandomWalkSampler(g, 100_000, 2).batch_sample_neighbors(np.arange(10), 9))
        for g in (graph, relabelled)
    )
    assert np.abs(original - moved[np.ix_(permutation, permutation)]).max() < 0.01


def _dense(table):
    neighbors, weights = table
    dense = np.zeros((len(neighbors), len(neighbors)))
    np.add.at(dense, (np.arange(len(neighbors))[:, None], neighbors.numpy()), weights.numpy())
    return dense


@fuzz(100)
@given(
    st.lists(
        st.lists(st.floats(2**-40, 2**40, width=32), max_size=20) | st.just([0.1] * 7), min_size=1, max_size=8
    )
)
def test_alias_tables_hold_the_exact_probabilities(rows):
    ptr = np.cumsum([0, *map(len, rows)]).astype(np.int32)
    ends = np.concatenate([np.arange(len(row)) for row in rows]).astype(np.int32)
    weights = np.array([weight for row in rows for weight in row], np.float32)
    table = alias_table(ptr, ends, weights)
    assert table.dtype == np.uint32 and table.shape == (len(ends), 3)
    assert np.array_equal(table[:, 1], ends)
    for start, end in zip(ptr, ptr[1:], strict=False):
        threshold, own, alias = table[start:end].T
        chance = np.zeros(end - start)
        np.add.at(chance, own, threshold / 2**32)
        np.add.at(chance, alias, 1 - threshold / 2**32)
        exact = weights[start:end].astype(np.float64)
        np.testing.assert_allclose(chance, exact / exact.sum() * (end - start), atol=2**-31 * (end - start))


def test_the_draw_of_an_edge_is_the_word_read_by_the_table():
    # One walk, one hop: the edges are those of the first word, read by plain Python.
    graph = weighted_graph(20, 15, 0.5, seed=2)
    for film in np.flatnonzero(graph.movie_degree):
        for seed in range(20):
            sampler = RandomWalkSampler(graph, 1, 1, seed=seed)
            stream = _mix(int(sampler._key) ^ _mix((int(film) + GOLDEN) % 2**64))
            word = _mix((stream + GOLDEN) % 2**64)
            node = int(film)
            directions = (
                (graph.movie_ptr, graph.movie_users, graph.movie_weights, word >> 32),
                (graph.user_ptr, graph.user_movies, graph.user_weights, word % 2**32),
            )
            for ptr, ends, weights, half in directions:
                edge, chance = divmod(half * int(ptr[node + 1] - ptr[node]), 2**32)
                threshold, own, alias = alias_table(ptr, ends, weights)[ptr[node] + edge].tolist()
                node = own if chance < threshold else alias
            found = sampler.batch_sample_neighbors([film], 1)[0].item()
            assert found == node


GOLDEN = 0x9E3779B97F4A7C15


def _mix(z):
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 % 2**64
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB % 2**64
    return z ^ (z >> 31)


def test_equal_weights_give_the_neighbours_of_a_graph_without_weights():
    interactions = random_interactions(40, 30, 0.3)
    interactions = replace(interactions, weights=np.full(len(interactions), 0.3, np.float32))
    same = build_graph(interactions, 40, 30)
    tables = (
        RandomWalkSampler(graph, 50).batch_sample_neighbors(np.arange(30), 10)
        for graph in (same, random_graph(40, 30, 0.3))
    )
    assert all(map(torch.equal, *tables))


def test_only_the_proportions_of_weights_matter():
    interactions = weighted(random_interactions(40, 30, 0.3))
    larger = replace(interactions, weights=interactions.weights * np.float32(1024))
    tables = (
        RandomWalkSampler(build_graph(rows, 40, 30), 50).batch_sample_neighbors(np.arange(30), 10)
        for rows in (interactions, larger)
    )
    assert all(map(torch.equal, *tables))
