"""The settings of recommendations for people follow the validation part."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from config import ModelConfig, TrainingConfig
from data.dataset import Interactions, MovieLens
from data.histories import user_questions
from data.splits import split_interactions
from evaluation.after_training import SHARES, with_chosen_settings, with_person_settings, with_view_shares
from evaluation.users import evaluate_users
from model.blend import Blend
from model.heads import Embeddings
from model.person_settings import PersonSettings
from model.views import Views
from recommend.taste import TasteScorer
from tests.factories import catalogue, random_interactions
from tests.trained import trained_checkpoint

NUM_MOVIES, NUM_USERS = 60, 80
FACTORS = (PersonSettings(0.01, 4.0), PersonSettings(100.0, 4.0))


def two_tastes() -> MovieLens:
    """Half of the users take films of even rows only, the others films of odd rows, in random order."""
    rng = np.random.default_rng(0)
    movies = np.stack([2 * rng.permutation(NUM_MOVIES // 2)[:20] + user % 2 for user in range(NUM_USERS)])
    users = np.repeat(np.arange(NUM_USERS), 20)
    num = len(users)
    inter = Interactions(
        users.astype(np.int32), movies.ravel().astype(np.int32), np.full(num, 5, np.float32), np.arange(num)
    )
    return MovieLens("two tastes", catalogue(NUM_MOVIES), np.arange(NUM_USERS), inter, "two-tastes")


def told_by(part: str, movielens: MovieLens, strength: float = 3, weight: float = 1):
    """A checkpoint whose learned vectors (``learned``) or graph view (``graph``) tell the taste of a film."""
    generator = torch.Generator().manual_seed(0)
    noise = F.normalize(torch.randn(NUM_MOVIES, 8, generator=generator), dim=1)
    taste = torch.tensor([1.0, -1.0]).repeat(NUM_MOVIES // 2)[:, None]
    telling = F.normalize(noise + strength * F.pad(taste, (0, 7)), dim=1)
    learned, graph = (telling, noise) if part == "learned" else (noise, telling)
    ones = torch.ones(NUM_MOVIES)
    views = Views(graph, torch.zeros(NUM_MOVIES, 0), ones, torch.zeros(NUM_MOVIES))
    vectors = Embeddings(learned, learned)
    blend = Blend.fit(vectors, views, ModelConfig(graph_view=weight, content_view=0.0))
    joined = blend.join(vectors, views)
    return replace(
        trained_checkpoint(movielens),
        embeddings=joined.candidates,
        query_embeddings=joined.queries,
        blend=blend,
    )


@pytest.mark.parametrize(("part", "best"), [("learned", FACTORS[0]), ("graph", FACTORS[1])])
@pytest.mark.parametrize("order", [1, -1])
def test_the_part_that_tells_what_people_like_counts_most(part, best, order):
    movielens = two_tastes()
    split = split_interactions(movielens.interactions, NUM_USERS, NUM_MOVIES, "temporal")
    checkpoint = told_by(part, movielens)
    chosen = with_person_settings(checkpoint, split, 1000, FACTORS[::order])
    assert chosen.person == best
    test = user_questions(split, "test")
    found, other = (
        evaluate_users(TasteScorer.of(replace(checkpoint, person=settings)), test)["recall@20"]
        for settings in (best, next(settings for settings in FACTORS if settings != best))
    )
    assert found > other + 0.1


def test_the_views_count_less_where_they_clearly_cost():
    movielens = two_tastes()
    split = split_interactions(movielens.interactions, NUM_USERS, NUM_MOVIES, "temporal")
    settings = TrainingConfig()
    hurt, helped = (told_by(part, movielens, weight=5) for part in ("learned", "graph"))
    less = with_view_shares(hurt, split, settings)
    shares = less.blend.graph_share, less.blend.content_share
    assert shares in SHARES
    wanted = hurt.blend.with_shares(hurt.query_embeddings, *shares)
    assert torch.equal(less.query_embeddings, wanted) and torch.equal(less.embeddings, hurt.embeddings)
    assert with_view_shares(helped, split, settings) is helped
    # A finished training that is resumed chooses once.
    chosen = with_chosen_settings(hurt, split, settings)
    again = with_chosen_settings(chosen, split, settings)
    assert torch.equal(again.query_embeddings, chosen.query_embeddings) and again.person == chosen.person


def test_a_small_cost_leaves_the_views_as_they_are():
    """Graph view and learned vectors are noise both, so nothing is gained beyond doubt."""
    movielens = two_tastes()
    split = split_interactions(movielens.interactions, NUM_USERS, NUM_MOVIES, "temporal")
    for strength in (0.0, 0.1):
        checkpoint = told_by("learned", movielens, strength)
        assert with_view_shares(checkpoint, split, TrainingConfig()) is checkpoint


def test_the_rank_offset_follows_validation_too():
    movielens = two_tastes()
    split = split_interactions(movielens.interactions, NUM_USERS, NUM_MOVIES, "temporal")
    checkpoint = replace(told_by("learned", movielens), blend=None)
    grid = [PersonSettings(rank_offset=offset) for offset in (0.1, 3.0, 1000.0)]
    questions = user_questions(split, "validation")
    figures = [
        evaluate_users(TasteScorer.of(replace(checkpoint, person=settings)), questions)["ndcg@20"]
        for settings in grid
    ]
    assert len(set(figures)) == 3
    assert with_person_settings(checkpoint, split, 1000, grid).person == grid[int(np.argmax(figures))]


def test_without_validation_the_settings_stay():
    checkpoint = trained_checkpoint()
    for name, interactions in (
        ("none", random_interactions()),
        ("temporal", replace(inter := random_interactions(), ratings=np.full(len(inter), 1, np.float32))),
    ):
        split = split_interactions(interactions, 30, 20, name)
        assert with_person_settings(checkpoint, split, 1000) is checkpoint
