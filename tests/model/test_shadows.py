"""Shadows: a few raters of the film, the neighbours that they lead to, no degree, never the film itself."""

from dataclasses import replace

import numpy as np
import pytest
import scipy.sparse as sp
import torch

from config import ModelConfig
from data.dataset import Facts, Tags
from data.feature_extractor import film_features
from data.graph_builder import ItemGraph
from data.splits import split_interactions
from model import shadows
from model.inputs import build_inputs
from tests.factories import random_movielens, weighted

SETTINGS = ModelConfig(spectral_dim=4, num_neighbors=6, num_walks=50, hidden_dim=8, embedding_dim=8)


@pytest.fixture(scope="module")
def data():
    movielens = random_movielens(num_users=60, num_movies=40, density=0.2)
    split = split_interactions(movielens.interactions, 60, 40, "none")
    return movielens, build_inputs(movielens, split, SETTINGS, seed=3)


def kept_users(graph, seed):
    places, ptr = shadows._draw_raters(graph, np.random.default_rng(seed))
    return graph.movie_users[places], ptr


def test_kept_raters_are_distinct_raters_of_the_film_and_few(data):
    graph = data[1].graph
    for epoch in range(20):
        users, ptr = kept_users(graph, epoch)
        for film in range(graph.num_movies):
            kept = users[ptr[film] : ptr[film + 1]].tolist()
            raters = graph.movie_users[graph.movie_ptr[film] : graph.movie_ptr[film + 1]].tolist()
            assert len(set(kept)) == len(kept) <= 20 and set(kept) <= set(raters)
            assert len(kept) in shadows.MAX_KEPT_RATINGS or len(kept) == len(raters)


def test_every_rater_is_kept_equally_often():
    degree = 7
    graph = ItemGraph(
        np.array([0, degree], dtype=np.int32), np.arange(degree, dtype=np.int32),
        np.arange(degree + 1, dtype=np.int32), np.zeros(degree, dtype=np.int32),
    )  # fmt: skip
    rng = np.random.default_rng(0)
    counts = sum(np.bincount(shadows._draw_raters(graph, rng)[0], minlength=degree) for _ in range(7_000))
    # 0, 0, 1, 2, 5, 7 or 7 of 7 raters are kept: 22 / 7 on average, so each rater in 22 / 49 of the draws.
    np.testing.assert_allclose(counts / 7_000, 22 / 49, atol=0.02)


def test_features_are_those_of_a_film_with_the_kept_raters_and_no_degree(data):
    movielens, inputs = data
    for epoch in (0, 1):
        drawn = inputs.shadows.draw(epoch)
        users, ptr = kept_users(inputs.graph, [3, epoch])
        few = ItemGraph.unchecked(
            ptr.astype(np.int32), users, inputs.graph.user_ptr, inputs.graph.user_movies
        )
        expected = film_features(
            inputs.basis, Facts(movielens.movies), few.movie_user_matrix(), degree_known=False
        )
        np.testing.assert_array_equal(drawn.features.numpy(), expected)


def test_a_shadow_keeps_the_weights_of_its_edges():
    movielens = random_movielens(num_users=60, num_movies=40, density=0.2)
    interactions = weighted(movielens.interactions)
    split = replace(split_interactions(interactions, 60, 40, "none"), train=interactions)
    inputs = build_inputs(movielens, split, SETTINGS, seed=3)
    graph = inputs.graph
    places, ptr = shadows._draw_raters(graph, np.random.default_rng([3, 1]))
    raters = np.zeros((40, 60), np.float32)
    for film in range(40):
        here = places[ptr[film] : ptr[film + 1]]
        raters[film, graph.movie_users[here]] = graph.movie_weights[here]
    expected = film_features(inputs.basis, Facts(movielens.movies), sp.csr_matrix(raters), degree_known=False)
    drawn = inputs.shadows.draw(1)
    np.testing.assert_allclose(drawn.features.numpy(), expected, atol=1e-5)  # another order of the raters
    # Walks from a shadow: the visits by matrix algebra, of one hop.
    settings = replace(SETTINGS, num_walks=50_000, walk_length=1, num_neighbors=40)
    drawn = build_inputs(movielens, split, settings, seed=3).shadows.draw(1)
    to_films = graph.movie_user_matrix().toarray().T / np.maximum(graph.user_strength, 1e-30)[:, None]
    visits = raters / np.maximum(raters.sum(1, keepdims=True), 1e-30) @ to_films
    for film in np.flatnonzero(np.diff(ptr)):
        found = np.bincount(drawn.neighbors[film], drawn.weights[film], minlength=40)
        visits[film, film] = 0
        np.testing.assert_allclose(found, visits[film], atol=0.015)


def test_neighbours_are_films_that_the_kept_raters_lead_to_and_never_the_film_itself(data):
    _, inputs = data
    graph = inputs.graph
    drawn = inputs.shadows.draw(0)
    users, ptr = kept_users(graph, [3, 0])
    for film in range(graph.num_movies):
        weighed = drawn.weights[film] > 0
        assert film not in drawn.neighbors[film][weighed].tolist()
        assert (drawn.neighbors[film][~weighed] == film).all()
        assert drawn.neighbors[film].max() < graph.num_movies
        if ptr[film] == ptr[film + 1]:
            assert not weighed.any()
        elif ptr[film + 1] - ptr[film] == 1:  # the first hop leads to films of the one rater
            user = users[ptr[film]]
            own = set(graph.user_movies[graph.user_ptr[user] : graph.user_ptr[user + 1]].tolist()) - {film}
            assert not own or int(drawn.neighbors[film][drawn.weights[film].argmax()]) in own | {film}


def test_shadows_depend_on_the_epoch_and_not_on_earlier_draws(data):
    _, inputs = data
    first, second, again = (inputs.shadows.draw(epoch) for epoch in (0, 1, 0))
    for part in range(3):
        assert torch.equal(first[part], again[part])
    assert not torch.equal(first.features, second.features)


def test_shadows_have_tags_in_even_epochs_only():
    movielens = random_movielens(num_users=60, num_movies=40, density=0.2)
    tags = Tags(np.arange(30, dtype=np.int32), np.arange(30, dtype=np.int32), ["noir"] * 15 + ["space"] * 15)
    split = split_interactions(movielens.interactions, 60, 40, "none")
    inputs = build_inputs(movielens.__class__(**{**vars(movielens), "tags": tags}), split, SETTINGS, seed=0)
    tag_part = slice(-1 - inputs.basis.tag_basis.shape[1], -1)
    assert inputs.shadows.draw(0).features[:30, tag_part].any(dim=1).all()
    assert not inputs.shadows.draw(1).features[:, tag_part].any()
