from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional as F

from config import ModelConfig
from model.blend import POPULARITY_LENGTH, SURPRISING, WELL_KNOWN, Blend
from model.heads import Embeddings
from model.view_arrays import NEW_FILM_FACTOR
from model.views import Views
from tests.fuzzing import fuzz

SETTINGS = ModelConfig(graph_view=0.3, content_view=0.2)


def films(num=30, learned=6, graph=4, content=3, seed=0):
    """Learned vectors and views; the first film has no raters and no content."""
    generator = torch.Generator().manual_seed(seed)

    def draw(width):
        return torch.randn(num, width, generator=generator)

    vectors = Embeddings(*(F.normalize(draw(learned), dim=1) for _ in range(2)))
    views = Views(draw(graph), F.normalize(draw(content), dim=1), torch.ones(num), draw(1).squeeze(1))
    for view in views[:2]:
        view[0] = 0
    return vectors, views


def scores(queries, candidates):
    return np.asarray(queries, np.float64) @ np.asarray(candidates, np.float64).T


def by_hand(vectors, views, settings, graph_factor=1.0, popularity=0.0):
    """The score of every two films by the formula, one query at a time."""
    rows = []
    for query in range(len(vectors.queries)):
        learned = scores(vectors.queries[query], vectors.candidates)
        total = learned + popularity * learned.std() * views.popularity.numpy()
        for view, weight in (
            (views.graph, settings.graph_view * graph_factor),
            (views.content, settings.content_view),
        ):
            alike = scores(view[query], view)
            deviation = alike.std()
            if view is views.content:
                alike = np.where(view.any(dim=1), alike - alike.mean(), 0) * views.content_factor.numpy()
            total = total + (weight * learned.std() / deviation * alike if deviation > 0 else 0)
        rows.append(total)
    return np.array(rows)


def proportional(ours, theirs):
    """Whether every row of ``ours`` is a multiple of that of ``theirs``, by a factor above 0."""
    factor = (ours * theirs).sum(axis=1, keepdims=True) / np.square(theirs).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(ours, factor * theirs, atol=2e-5)
    return (factor > 0).all()


@fuzz(30)
@given(st.floats(0, 3), st.floats(0, 3), st.integers(0, 5))
def test_scores_follow_the_formula(graph_view, content_view, seed):
    settings = replace(SETTINGS, graph_view=graph_view, content_view=content_view)
    vectors, views = films(seed=seed)
    blend = Blend.fit(vectors, views, settings)
    joined = blend.join(vectors, views)
    for part in joined:
        torch.testing.assert_close(part.norm(dim=1), torch.ones(30))
    assert joined.candidates.shape == (30, 6 + 4 + 3 + 2)
    assert proportional(scores(joined.queries, joined.candidates), by_hand(vectors, views, settings))


@pytest.mark.parametrize("popularity", [-1.0, 0.0, 0.5])
def test_a_person_and_popularity_change_queries_alone(popularity):
    vectors, views = films()
    blend = Blend.fit(vectors, views, SETTINGS)
    joined = blend.join(vectors, views)
    queries = blend.for_person(joined.queries.numpy(), 2.5)
    asked = blend.with_popularity(queries, popularity)
    strength = popularity * (SURPRISING if popularity < 0 else WELL_KNOWN)
    wanted = by_hand(vectors, views, SETTINGS, 2.5, strength)
    assert proportional(scores(asked, joined.candidates), wanted)
    assert (joined.queries[:, -2:] == 0).all() and (queries[:, -2:] == 0).all()  # neither changed in place


def test_a_query_with_popularity_has_the_bits_that_it_has_among_others():
    vectors, views = films(num=256, learned=64)
    blend = Blend.fit(vectors, views, SETTINGS)
    queries = blend.join(vectors, views).queries.numpy()
    alone = [blend.with_popularity(query[None], 0.7)[0] for query in queries]
    np.testing.assert_array_equal(blend.with_popularity(queries, 0.7), alone)


@pytest.mark.parametrize(("graph", "content"), [(0.5, 1.0), (0.1, 0.3)])
def test_shares_of_the_views_are_left_for_films_and_not_for_people(graph, content):
    vectors, views = films()
    blend = Blend.fit(vectors, views, SETTINGS)
    joined = blend.join(vectors, views)
    less = replace(blend, graph_share=graph, content_share=content)
    queries = less.join(vectors, views).queries
    torch.testing.assert_close(blend.with_shares(joined.queries, graph, content), queries)
    of_share = replace(
        SETTINGS,
        graph_view=graph * SETTINGS.graph_view,
        content_view=content * SETTINGS.content_view,
    )
    assert proportional(scores(queries, joined.candidates), by_hand(vectors, views, of_share))
    person = less.for_person(queries.numpy(), 2.5)
    assert proportional(scores(person, joined.candidates), by_hand(vectors, views, SETTINGS, 2.5))


def test_new_films_are_joined_as_the_known_ones_were():
    vectors, views = films()
    blend = Blend.fit(vectors, views, SETTINGS)
    whole = blend.join(vectors, views)
    some = blend.join(Embeddings(*(part[7:9] for part in vectors)), Views(*(part[7:9] for part in views)))
    for part, all_parts in zip(some, whole, strict=True):
        torch.testing.assert_close(part, all_parts[7:9])
    huge = views._replace(graph=views.graph * 100)
    torch.testing.assert_close(blend.join(vectors, huge).candidates.norm(dim=1), torch.ones(30))


def test_the_content_of_new_films_counts_more():
    vectors, views = films()
    blend = Blend.fit(vectors, views, SETTINGS)
    factors = torch.ones(30)
    factors[20:] = torch.linspace(NEW_FILM_FACTOR, 1, 10)
    mixed = views._replace(content_factor=factors)
    joined = blend.join(vectors, mixed)
    assert proportional(scores(joined.queries, joined.candidates), by_hand(vectors, mixed, SETTINGS))
    torch.testing.assert_close(joined.candidates[:20], blend.join(vectors, views).candidates[:20])


def test_content_that_is_the_same_for_all_says_nothing():
    vectors, views = films()
    alike = views._replace(content=F.normalize(torch.ones(30, 3), dim=1))
    joined = Blend.fit(vectors, alike, SETTINGS).join(vectors, alike)
    wanted = by_hand(vectors, views, replace(SETTINGS, content_view=0.0))
    assert proportional(scores(joined.queries, joined.candidates), wanted)
    assert joined.queries[:, :6].norm(dim=1).min() > 0.5  # the learned part is not crowded out


def test_views_without_columns_leave_the_learned_order():
    vectors, views = films(graph=0, content=0)
    joined = Blend.fit(vectors, views, replace(SETTINGS, graph_view=0.0)).join(vectors, views)
    assert proportional(
        scores(joined.queries, joined.candidates), scores(vectors.queries, vectors.candidates)
    )
    assert joined.candidates[:, -2].abs().max() > POPULARITY_LENGTH / 10
