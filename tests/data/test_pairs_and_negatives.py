import math
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import stats

from data.negative_sampler import NegativeSampler, hard_band, inclusion_probabilities, num_hard_negatives
from data.pairs import TrainingPairs, WeightedPairs, training_pairs
from tests.data.test_random_walk import exact_visits
from tests.factories import random_graph, random_interactions, weighted
from tests.fuzzing import fuzz

# Users, films, density, window, whether both ways, seed.
SMALL_DATA = (
    st.integers(1, 10),
    st.integers(1, 10),
    st.floats(0, 1),
    st.integers(1, 12),
    st.booleans(),
    st.integers(0, 99),
)


def list_pairs(interactions, window, both_ways):
    """All pairs, by a loop over users."""
    pairs = []
    for user in np.unique(interactions.users):
        films = interactions.movies[interactions.users == user].tolist()
        for i, film in enumerate(films):
            for later in films[i + 1 : i + 1 + window]:
                pairs += [(film, later)] + [(later, film)] * both_ways
    return Counter(pairs)


@fuzz(50)
@given(*SMALL_DATA)
def test_pairs_are_the_films_within_the_window(num_users, num_movies, density, window, both_ways, seed):
    interactions = random_interactions(num_users, num_movies, density, seed)
    pairs = TrainingPairs(interactions, num_users, window, both_ways)
    queries, positives = pairs[torch.arange(len(pairs))]
    assert Counter(zip(queries.tolist(), positives.tolist(), strict=True)) == list_pairs(
        interactions, window, both_ways
    )


def test_an_epoch_is_every_pair_once_or_the_limit():
    pairs = TrainingPairs(random_interactions(), 30, 3, True)
    drawn = pairs.draw(10**6, torch.Generator().manual_seed(0))
    assert sorted(drawn.tolist()) == list(range(len(pairs)))
    limited = pairs.draw(50, torch.Generator().manual_seed(0))
    assert len(limited) == 50 and limited.max() < len(pairs)


def weigh_pairs(interactions, window, both_ways):
    """The geometric mean of the weights of each pair, by a loop over users; equal pairs of films add up."""
    mass = Counter()
    for user in np.unique(interactions.users):
        mine = interactions.select(interactions.users == user)
        for i in range(len(mine)):
            for j in range(i + 1, min(i + 1 + window, len(mine))):
                mean = math.sqrt(float(mine.weights[i]) * float(mine.weights[j]))
                pair = (int(mine.movies[i]), int(mine.movies[j]))
                mass[pair] += mean
                if both_ways:
                    mass[pair[::-1]] += mean
    return mass


@pytest.mark.parametrize("window", [1, 3, 50])
@pytest.mark.parametrize("both_ways", [False, True])
def test_weighted_pairs_are_drawn_in_proportion_to_the_mean_of_their_weights(window, both_ways):
    train = weighted(random_interactions(4, 6, 0.7, seed=5), seed=1)
    train = replace(train, weights=train.weights**0.5)
    pairs = WeightedPairs(train, 4, window, both_ways)
    pairs.num_pairs = 10**6  # as many draws as the test wants
    drawn = pairs.draw(10**6, torch.Generator().manual_seed(0))
    expected = weigh_pairs(train, window, both_ways)
    found = Counter(zip(*(rows.tolist() for rows in pairs[drawn]), strict=True))
    assert set(found) == set(expected)
    share = np.array([expected[pair] for pair in expected]) / expected.total()
    visits = np.array([found[pair] for pair in expected])
    assert stats.chisquare(visits, share * 10**6).pvalue > 1e-4


@fuzz(50)
@given(*SMALL_DATA)
def test_weighted_pairs_are_as_many_and_the_same_ones(
    num_users, num_movies, density, window, both_ways, seed
):
    train = weighted(random_interactions(num_users, num_movies, density, seed), seed)
    assume(len(train))
    pairs = training_pairs(train, num_users, window, both_ways)
    plain = TrainingPairs(train, num_users, window, both_ways)
    assert len(pairs) == len(plain)
    drawn = pairs.draw(40, torch.Generator().manual_seed(seed))
    assert drawn.dtype == torch.int64 and len(drawn) == min(40, len(plain))
    found = set(zip(*(rows.tolist() for rows in pairs[drawn]), strict=True))
    assert found <= set(list_pairs(train, window, both_ways))
    # The mass of each query is that of the loop.
    masses = pairs.mass_until.diff(prepend=torch.zeros(1)).clamp(min=0)
    assert masses.sum().item() == pytest.approx(weigh_pairs(train, window, both_ways).total(), rel=1e-5)


def test_weighted_pairs_continue_from_the_state_of_the_generator():
    train = weighted(random_interactions())
    one, two = torch.Generator().manual_seed(3), torch.Generator()
    pairs = training_pairs(train, 30, 3, True)
    pairs.draw(100, one)
    two.set_state(one.get_state())
    again = training_pairs(train, 30, 3, True)
    assert torch.equal(pairs.draw(100, one), again.draw(100, two))


def test_interactions_without_weights_have_the_pairs_of_before():
    assert type(training_pairs(random_interactions(), 30, 3, True)) is TrainingPairs


def test_curriculum_adds_one_hard_negative_per_epoch_up_to_six():
    assert [num_hard_negatives(epoch) for epoch in range(9)] == [0, 1, 2, 3, 4, 5, 6, 6, 6]
    sampler = NegativeSampler(random_graph(), num_random=5)
    queries = torch.tensor([3, 1, 3])
    for epoch, expected in enumerate([0, 1, 2, 3, 4, 5, 6, 6]):
        shared, hard = sampler.sample_batch_negatives(queries, "cpu", epoch=epoch)
        assert shared.shape == (5,) and hard.shape == (3, expected)
        assert shared.dtype == hard.dtype == torch.int64


def test_band_is_the_papers_from_the_size_of_ml_25m_on_and_in_proportion_below():
    assert hard_band(62_423) == hard_band(1_000_000) == (2000, 5000)
    assert hard_band(6_242) == (200, 500)
    assert hard_band(3) == (1, 2)


def test_random_negatives_are_distinct_and_uniform():
    sampler = NegativeSampler(random_graph(num_movies=20), num_random=5, seed=0)
    counts = np.zeros(20)
    for _ in range(4000):
        shared, _ = sampler.sample_batch_negatives(torch.tensor([0]), "cpu", epoch=0)
        assert len(shared.unique()) == 5
        counts[shared.numpy()] += 1
    assert abs(counts / 4000 - 0.25).max() < 0.035  # five standard errors
    everything, _ = NegativeSampler(random_graph(), 500).sample_batch_negatives(
        torch.tensor([0]), "cpu", epoch=0
    )
    assert everything.tolist() == list(range(20))


@fuzz(100)
@given(st.lists(st.floats(0.001, 1000), min_size=2, max_size=30), st.data())
def test_inclusion_probabilities_below_one_are_proportional_to_the_weights(weights, data):
    count = data.draw(st.integers(1, len(weights) - 1))
    weights = torch.tensor(weights, dtype=torch.float64)
    probabilities = inclusion_probabilities(weights, count)
    assert probabilities.sum().item() == pytest.approx(count) and probabilities.max() <= 1
    factors = (probabilities / weights)[probabilities < 1]
    assert len(factors) == 0 or factors.max() == pytest.approx(factors.min())
    # A probability is 1 only if the proportional one would be at least 1.
    assert len(factors) == 0 or (weights[probabilities == 1] * factors[0] >= 1 - 1e-9).all()


def test_popular_negatives_have_their_probabilities_and_estimate_sums_over_all_films():
    graph = random_graph(num_users=40, num_movies=20, density=0.3)
    sampler = NegativeSampler(graph, num_random=6, seed=0, popular_share=0.8)
    probability = sampler.log_probability.exp()
    degree = graph.movie_degree / graph.num_edges
    assert np.corrcoef(probability, degree)[0, 1] > 0.99 and probability.sum().item() == pytest.approx(6)
    values = torch.arange(20.0) ** 2
    counts, sums = torch.zeros(20), []
    for _ in range(4000):
        shared, _ = sampler.sample_batch_negatives(torch.tensor([0]), "cpu", epoch=0)
        assert len(shared.unique()) == len(shared) == 6
        counts[shared] += 1
        sums.append((values / probability)[shared].sum())
    assert (counts / 4000 - probability).abs().max() < 0.04  # five standard errors
    error = torch.stack(sums).std() / 4000**0.5
    assert abs(torch.stack(sums).mean() - values.sum()) < 5 * error
    everything = NegativeSampler(graph, num_random=20, popular_share=0.8)
    assert everything.log_probability is None and NegativeSampler(graph, num_random=6).log_probability is None


@fuzz(30)
@given(st.integers(1, 12), st.integers(3, 12), st.floats(0, 1), st.integers(0, 99))
def test_hard_negatives_are_never_the_query_or_its_positive(num_users, num_movies, density, seed):
    sampler = NegativeSampler(random_graph(num_users, num_movies, density, seed), seed=seed)
    queries = torch.arange(num_movies).repeat(5)
    positives = (queries + 1) % num_movies
    _, hard = sampler.sample_batch_negatives(queries, "cpu", epoch=9, positive_indices=positives)
    assert hard.min() >= 0 and hard.max() < num_movies
    assert not (hard == queries.unsqueeze(1)).any()
    assert not (hard == positives.unsqueeze(1)).any()


def test_hard_negatives_come_from_the_middle_of_the_pagerank_ranking():
    graph = random_graph(num_users=400, num_movies=600, density=0.02, seed=1)
    first, last = hard_band(600)
    ranking = np.argsort(-exact_visits(graph, 8, 0.5), axis=1)
    rank_of = np.argsort(ranking, axis=1)
    pool = NegativeSampler(graph, seed=0).hard_pool()
    ranks = np.take_along_axis(rank_of, pool.numpy().astype(np.int64), axis=1)
    # Walks only estimate the ranking: the ends of the band are blurred, its middle must be right.
    assert first < np.median(ranks) < 2 * last
    assert np.median(ranks) < 600 / 4


def test_same_seed_same_negatives_and_the_generator_state_continues_them():
    queries = torch.arange(10)
    one, two = (NegativeSampler(random_graph(), 5, seed=3) for _ in range(2))
    for _ in range(3):
        one.sample_batch_negatives(queries, "cpu", epoch=3)
    two.generator.set_state(one.generator.get_state())
    for ours, theirs in zip(
        one.sample_batch_negatives(queries, "cpu", epoch=3),
        two.sample_batch_negatives(queries, "cpu", epoch=3),
        strict=True,
    ):
        assert torch.equal(ours, theirs)


def test_epoch_must_be_given():
    with pytest.raises(TypeError):
        NegativeSampler(random_graph()).sample_batch_negatives(torch.tensor([0]), "cpu")
