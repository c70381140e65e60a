"""Held-out films: they do not influence training, and as new films they do not influence known films."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from base.errors import UserError
from config import Config
from data.dataset import Genome, Tags, load_movielens
from data.graph_builder import build_graph
from data.splits import split_interactions, split_movielens
from evaluation.cold_start.held_out import (
    MIN_RATINGS,
    choose_films,
    first_ratings,
    fold_in,
    hold_out_films,
    select_films,
)
from evaluation.train_once import train_once
from model.inputs import build_inputs
from model.new_films.from_graph import embed_films, inputs_with_new_films
from model.nodes import Nodes
from tests.factories import logged_movielens, random_interactions, random_movielens, repeated_rows
from tests.planted import block_of, planted_movielens

SMALL = Config().override(
    {
        "spectral_dim": 4, "num_neighbors": 5, "num_walks": 20, "hidden_dim": 16, "embedding_dim": 8,
        "epochs": 2, "batch_size": 64, "num_negatives": 10, "quiet": True,
    }
)  # fmt: skip
CPU = torch.device("cpu")
FILMS = np.array([3, 7, 11])


def rated(interactions):
    """The set of (user, film) pairs."""
    return set(zip(interactions.users.tolist(), interactions.movies.tolist(), strict=True))


def described_movielens(seed=0):
    """Random data with a tag for every rating, and a tag genome for every second film."""
    movielens = random_movielens(num_users=60, num_movies=40, density=0.6, seed=seed)
    inter = movielens.interactions
    tags = Tags(inter.users, inter.movies, [f"tag {row % 7}" for row in range(len(inter))])
    relevance = np.random.default_rng(seed).random((20, 6)).astype(np.float32)
    genome = Genome(np.arange(0, 40, 2), relevance, [f"g{i}" for i in range(6)])
    return replace(movielens, tags=tags, genome=genome)


def held_out(movielens, films=FILMS):
    split = split_interactions(movielens.interactions, movielens.num_users, movielens.num_movies, "temporal")
    return hold_out_films(movielens, split, films)


def extended(films, inputs, ratings, config=SMALL):
    """Inputs of the trained model, followed by the held-out films as new films with ``ratings``."""
    graph = build_graph(
        fold_in(films.known_split.train, ratings), films.whole.num_users, films.whole.num_movies
    )
    new = select_films(films.whole, films.new_films).facts
    return inputs_with_new_films(inputs, graph, new, config.model, config.run.seed)


def test_held_out_films_come_last_and_nothing_else_changes():
    movielens = described_movielens()
    films = held_out(movielens)
    order = np.concatenate([np.delete(np.arange(40), FILMS), FILMS])
    assert films.whole.movies.titles == [movielens.movies.titles[row] for row in order]
    assert films.known.movies.titles == films.whole.movies.titles[:37]
    assert films.new_films.tolist() == [37, 38, 39]
    original = split_interactions(movielens.interactions, 60, 40, "temporal")
    for part in ("train", "validation", "test"):
        before, whole = getattr(original, part), getattr(films.whole_split, part)
        known = getattr(films.known_split, part)
        np.testing.assert_array_equal(order[whole.movies], before.movies)
        np.testing.assert_array_equal(known.movies, whole.movies[whole.movies < 37])
        np.testing.assert_array_equal(known.timestamps, before.timestamps[~np.isin(before.movies, FILMS)])
    assert rated(films.withheld) | rated(films.known_split.train) == rated(films.whole_split.train)
    assert films.known.tags == films.whole.tags  # held-out films have no tags
    assert len(films.known.tags.texts) == np.sum(~np.isin(movielens.tags.movies, FILMS))
    assert films.known.genome.movies.max() < 37
    np.testing.assert_array_equal(np.sort(order[films.whole.genome.movies]), np.sort(movielens.genome.movies))


def test_the_films_are_a_tenth_of_those_with_enough_ratings():
    movielens = random_movielens(num_users=60, num_movies=50, density=0.4, seed=1)
    counts = np.bincount(movielens.interactions.movies, minlength=50)
    chosen = choose_films(movielens.interactions, 50, seed=0)
    assert len(chosen) == len(set(chosen)) == round(0.1 * (counts >= MIN_RATINGS).sum())
    assert (counts[chosen] >= MIN_RATINGS).all()
    assert chosen.tolist() == choose_films(movielens.interactions, 50, seed=0).tolist()
    assert chosen.tolist() != choose_films(movielens.interactions, 50, seed=1).tolist()
    with pytest.raises(UserError, match="no film has 20 ratings, which a held-out film must have"):
        choose_films(random_movielens(num_users=10).interactions, 20, seed=0)


def test_drawn_ratings_are_nested_and_a_function_of_the_seed():
    ratings = random_interactions(density=0.5)
    drawn = {count: rated(first_ratings(ratings, count, seed=3)) for count in (0, 1, 5, 100)}
    assert not drawn[0] and drawn[1] < drawn[5] < drawn[100] == rated(ratings)
    counts = np.bincount(ratings.movies, minlength=20)
    for count in (1, 5):
        kept = np.bincount(first_ratings(ratings, count, seed=3).movies, minlength=20)
        np.testing.assert_array_equal(kept, np.minimum(counts, count))
    assert drawn[5] == rated(first_ratings(ratings, 5, seed=3)) != rated(first_ratings(ratings, 5, seed=4))


def test_all_ratings_of_a_film_are_drawn_with_equal_probability():
    ratings = random_interactions(num_users=12, num_movies=1, density=1)
    draws = [int(first_ratings(ratings, 1, seed).users[0]) for seed in range(600)]
    share = np.bincount(draws, minlength=12) / 600
    assert np.abs(share - 1 / 12).max() < 4 * np.sqrt(1 / 12 * 11 / 12 / 600)


def test_folding_everything_back_in_gives_the_old_training_part():
    movielens = logged_movielens(repeated_rows())
    films = hold_out_films(movielens, split_movielens(movielens, "temporal"), FILMS)
    assert films.whole_split.train.weights is not None and films.known.events is None
    folded = fold_in(films.known_split.train, films.withheld)
    for name in ("users", "movies", "ratings", "timestamps", "weights"):
        np.testing.assert_array_equal(getattr(folded, name), getattr(films.whole_split.train, name))


def test_held_out_films_do_not_influence_training():
    """Change all ratings and tags of the held-out films: the trained model has the same bits."""
    movielens = described_movielens()
    inter = movielens.interactions
    theirs = np.isin(inter.movies, FILMS)
    changed = inter.movies.copy()
    changed[theirs] = FILMS[(np.searchsorted(FILMS, inter.movies[theirs]) + 1) % len(FILMS)]
    texts = [f"{text} new" if new else text for text, new in zip(movielens.tags.texts, theirs, strict=True)]
    altered = replace(
        movielens,
        interactions=replace(inter, movies=changed, ratings=np.where(theirs, 0.5, inter.ratings)),
        tags=Tags(inter.users, changed, texts),
    )
    runs = []
    for data in (movielens, altered):
        films = held_out(data)
        runs.append(train_once(SMALL, films.known, films.known_split, CPU))
    first, second = runs
    assert first.inputs.graph.num_movies == first.trainer.pairs.movies.max() + 1 == 37
    for name in ("features", "neighbors", "weights"):
        assert torch.equal(getattr(first.inputs.nodes, name), getattr(second.inputs.nodes, name)), name
    assert first.progress.best_epoch == second.progress.best_epoch
    np.testing.assert_array_equal(first.scorer.embeddings, second.scorer.embeddings)


def test_a_new_film_with_all_its_ratings_has_the_features_of_a_known_film():
    """With the same feature basis, which was fitted on all films here; all features except the degree."""
    movielens = described_movielens()
    films = held_out(movielens)
    there = build_inputs(films.whole, films.whole_split, SMALL.model, seed=0)
    cut = replace(there, nodes=Nodes(*(part[:37] for part in there.nodes)))
    again = extended(films, cut, films.withheld)
    degree = len(there.basis.genre_names) + 3  # after genres, their mask, the year and its mask
    assert torch.equal(again.nodes.features[:37], there.nodes.features[:37])
    assert again.nodes.features[37:, degree : degree + 2].tolist() == [[0, 1]] * 3
    for columns in (slice(0, degree), slice(degree + 2, None)):
        assert torch.equal(again.nodes.features[37:, columns], there.nodes.features[37:, columns])
    assert again.nodes.weights[37:].sum(dim=1).allclose(torch.ones(3))


def test_embedding_new_films_does_not_change_known_films():
    films = held_out(described_movielens())
    trained = train_once(SMALL, films.known, films.known_split, CPU)
    embeddings = {}
    for count in (0, 2, 100):
        inputs = extended(films, trained.inputs, first_ratings(films.withheld, count, seed=0))
        for name in ("features", "neighbors", "weights"):
            assert torch.equal(getattr(inputs.nodes, name)[:37], getattr(trained.inputs.nodes, name)), name
        embeddings[count] = embed_films(trained.trainer, inputs.nodes, inputs.views).candidates.numpy()
        np.testing.assert_allclose(np.linalg.norm(embeddings[count], axis=1), 1, atol=1e-5)
    np.testing.assert_array_equal(embeddings[0][:37], embeddings[2][:37])
    np.testing.assert_array_equal(embeddings[0][:37], embeddings[100][:37])
    np.testing.assert_allclose(embeddings[0][:37], trained.scorer.embeddings, atol=1e-6)
    assert np.abs(embeddings[0][37:] - embeddings[100][37:]).max() > 0.01


def test_a_new_film_does_not_change_another_new_film():
    """Features and neighbours of a new film depend on its own ratings and the known films only."""
    films = held_out(random_movielens())
    inputs = build_inputs(films.known, films.known_split, SMALL.model, seed=0)
    ratings = films.withheld
    alone = extended(films, inputs, ratings.select(ratings.movies == 17))
    together = extended(films, inputs, ratings)
    assert torch.equal(alone.nodes.features[17], together.nodes.features[17])
    assert (alone.nodes.weights[18:] == 0).all() and (
        alone.nodes.neighbors[18:] == torch.tensor([[18], [19]])
    ).all()


def test_a_new_film_with_five_ratings_is_close_to_its_taste_block(tmp_path):
    movielens = load_movielens(planted_movielens(tmp_path, num_movies=50, per_user=20))
    films = held_out(movielens, np.array([4, 9, 20, 33]))
    config = SMALL.override({"epochs": 8, "lr": 0.01, "patience": 8})
    trained = train_once(config, films.known, films.known_split, CPU)
    inputs = extended(films, trained.inputs, first_ratings(films.withheld, 5, seed=0), config)
    candidates, queries = (part.numpy() for part in embed_films(trained.trainer, inputs.nodes, inputs.views))
    block = np.array([block_of(movie_id) for movie_id in films.whole.movies.ids.tolist()])
    nearest = np.argsort(-queries[46:] @ candidates[:46].T, axis=1)[:, :5]
    assert (block[nearest] == block[46:, None]).mean() >= 0.95
