"""Whether content says which items the same people take: planted groups, and the same vectors shuffled."""

import numpy as np
import pytest

from base.arrays import unit_rows
from data.content.basis import ContentBasis
from data.content.facts import Content, ItemVectors
from data.content.informative import is_informative
from data.dataset import movielens_of
from data.feature_extractor import fit_features
from data.graph_builder import build_graph
from data.in_memory import columns_from_arrays, fingerprint_of
from data.splits import split_interactions

NUM_ITEMS, NUM_USERS, TAKEN = 200, 1500, 8


@pytest.fixture(scope="module")
def planted():
    """Data in which a user takes items of one of ten groups, and vectors near the centre of each group."""
    rng = np.random.default_rng(0)
    groups = np.arange(NUM_ITEMS) % 10
    items = [
        rng.choice(np.flatnonzero(groups == user % 10), TAKEN, replace=False) for user in range(NUM_USERS)
    ]
    titles = {item: f"Item {item}" for item in range(NUM_ITEMS)}
    columns = columns_from_arrays(
        np.repeat(np.arange(NUM_USERS), TAKEN), np.concatenate(items), titles=titles
    )
    movielens = movielens_of(columns, "groups", fingerprint_of(columns))
    split = split_interactions(movielens.interactions, movielens.num_users, movielens.num_movies)
    centres, noise = unit_rows(rng.normal(size=(10, 16))), unit_rows(rng.normal(size=(NUM_ITEMS, 16)))
    vectors = (0.5 * centres[groups] + noise).astype(np.float32)
    return movielens, build_graph(split.train, split.num_users, split.num_movies), vectors


def test_groups_are_informative_and_shuffled_ones_are_not(planted):
    _, graph, vectors = planted
    everything = np.ones(NUM_ITEMS, dtype=bool)
    for seed in range(5):
        shuffled = np.random.default_rng(seed).permutation(vectors)
        assert is_informative(vectors, everything, graph, seed)
        assert not is_informative(shuffled, everything, graph, seed)


def test_neighbours_of_different_users_are_no_pairs():
    """Each user takes one item only, so there is nothing to judge content by."""
    columns = columns_from_arrays(np.arange(400), np.arange(400) % 4)
    movielens = movielens_of(columns, "single", fingerprint_of(columns))
    graph = build_graph(movielens.interactions, movielens.num_users, movielens.num_movies)
    assert is_informative(np.eye(4, dtype=np.float32), np.ones(4, dtype=bool), graph, 0)


def test_content_is_trusted_where_pairs_are_few(planted):
    _, _, vectors = planted
    columns = columns_from_arrays(np.repeat(np.arange(10), 5), np.arange(50))
    movielens = movielens_of(columns, "few", fingerprint_of(columns))
    graph = build_graph(movielens.interactions, movielens.num_users, movielens.num_movies)
    assert all(is_informative(vectors[:50], np.ones(50, dtype=bool), graph, seed) for seed in range(5))


def test_equal_content_says_nothing(planted):
    _, graph, _ = planted
    everything = np.ones(NUM_ITEMS, dtype=bool)
    assert not is_informative(np.ones((NUM_ITEMS, 3), dtype=np.float32), everything, graph, 0)
    assert not is_informative(np.zeros((NUM_ITEMS, 3), dtype=np.float32), everything, graph, 0)


def test_the_basis_keeps_the_judgement(planted):
    movielens, graph, vectors = planted
    items = np.arange(NUM_ITEMS, dtype=np.int32)
    for rows, informative in ((items, True), (np.random.default_rng(1).permutation(items), False)):
        content = Content((ItemVectors("v", vectors, rows, items, 16),))
        facts = movielens.facts
        basis = fit_features(type(facts)(facts.movies, content=content), graph, 8, 0).content
        assert basis.informative == informative
        assert ContentBasis.from_plain(basis.as_plain()).informative == informative
        features = basis.features(content, NUM_ITEMS)
        assert bool(features[:, :-1].any()) == informative and (features[:, -1] == (not informative)).all()
    old = basis.as_plain()
    del old["informative"]
    assert ContentBasis.from_plain(old).informative  # checkpoints of before


def test_masks_are_no_values(planted):
    movielens, graph, vectors = planted
    items = np.arange(NUM_ITEMS - 1, dtype=np.int32)  # one item has no vector
    content = Content((ItemVectors("v", vectors, items, items, 16),))
    facts = type(movielens.facts)(movielens.facts.movies, content=content)
    basis = fit_features(facts, graph, 8, 0).content
    features = basis.features(content, NUM_ITEMS)
    assert features[-1].tolist() == [0] * 16 + [1]
    assert not basis.values(features)[-1].any() and features[-1, -1] == 1
