import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st

from data.content.facts import Content
from data.dataset import Facts, Genome, Interactions, Tags
from data.feature_extractor import film_features, fit_features, training_ratings
from data.graph_builder import ItemGraph, build_graph
from tests.factories import catalogue, random_graph, random_interactions, weighted, weighted_graph
from tests.fuzzing import fuzz


@fuzz(40)
@given(st.integers(1, 12), st.integers(1, 12), st.floats(0, 1), st.integers(0, 100))
def test_graph_holds_every_interaction_both_ways(num_users, num_movies, density, seed):
    interactions = random_interactions(num_users, num_movies, density, seed)
    graph = build_graph(interactions, num_users, num_movies)
    pairs = set(zip(interactions.users.tolist(), interactions.movies.tolist(), strict=True))
    by_movie = {
        (u, m)
        for m in range(num_movies)
        for u in graph.movie_users[graph.movie_ptr[m] : graph.movie_ptr[m + 1]]
    }
    by_user = {
        (u, m) for u in range(num_users) for m in graph.user_movies[graph.user_ptr[u] : graph.user_ptr[u + 1]]
    }
    assert by_movie == by_user == pairs
    for array in (graph.movie_ptr, graph.movie_users, graph.user_ptr, graph.user_movies):
        assert array.dtype == np.int32


PARTS = ("movie_ptr", "movie_users", "user_ptr", "user_movies")


@fuzz(60)
@given(st.integers(1, 12), st.integers(1, 12), st.floats(0, 1), st.integers(0, 100), st.booleans())
def test_from_edges_is_build_graph_whatever_the_order_of_users_and_repeats(
    num_users, num_movies, density, seed, inferred
):
    interactions = random_interactions(num_users, num_movies, density, seed)
    rng = np.random.default_rng(seed)
    users, movies = interactions.users, interactions.movies
    # Users are mixed, the films of a user stay in order, and some edges come once more at the end.
    order = np.argsort(rng.random(num_users)[users] + np.linspace(0, 1e-9, len(users)), kind="stable")
    again = rng.integers(0, len(users), 5) if len(users) else np.zeros(0, int)
    order = np.concatenate([order, again])
    sizes = (num_users, num_movies)
    if inferred:
        sizes = tuple(int(rows.max(initial=-1)) + 1 for rows in (users, movies))
    graph = ItemGraph.from_edges(users[order].tolist(), movies[order], *([None] * 2 if inferred else sizes))
    expected = build_graph(interactions, *sizes)
    for name in PARTS:
        found, wanted = getattr(graph, name), getattr(expected, name)
        assert found.dtype == wanted.dtype == np.int32 and np.array_equal(found, wanted)
    checked = ItemGraph(*(getattr(graph, name).astype(np.int64) for name in PARTS))
    assert all(getattr(checked, name).dtype == np.int32 for name in PARTS)


@pytest.mark.parametrize(
    ("users", "items", "sizes", "message"),
    [
        ([0, 1], [0], {}, "users and items must have the same length, got 2 and 1"),
        ([0, 5], [0, 1], {"num_users": 5}, "users must be whole numbers from 0 to 4, got 5"),
        ([0, 1], [0, -1], {}, "items must be whole numbers from 0 to .*, got -1"),
        ([0, 1.5], [0, 1], {}, "users must be whole numbers from 0 to .*, got 1.5"),
        ([0, True], [0, 1], {}, "users must be whole numbers from 0 to .*, got True"),
        ([0], [2**63], {}, "items must be whole numbers from 0 to .*, got 9223372036854775808"),
        ([0], [2**31], {}, "items must be whole numbers from 0 to .*, got 2147483648"),
        ([0], [10**9], {}, "items must be row numbers from 0, but 1000000000 leaves over 10000000 rows"),
        ([0], [0], {"num_items": 1.0}, "num_items must be a whole number from 0 to"),
        ([0], [0], {"num_users": -1}, "num_users must be a whole number from 0 to"),
        ([[0]], [[0]], {}, "users must have one axis"),
    ],
)
def test_edges_that_are_none(users, items, sizes, message):
    with pytest.raises(ValueError, match=message):
        ItemGraph.from_edges(users, items, **sizes)


def test_a_graph_without_edges():
    graph = ItemGraph.from_edges([], [], 3, 2)
    assert (graph.num_users, graph.num_movies, graph.num_edges) == (3, 2, 0)
    graph = ItemGraph.from_edges([], [])
    assert (graph.num_users, graph.num_movies, graph.num_edges) == (0, 0, 0)


# Film 0 has users 0 and 1, film 1 has user 1.
VALID = {"movie_ptr": [0, 2, 3], "movie_users": [0, 1, 1], "user_ptr": [0, 1, 3], "user_movies": [0, 0, 1]}


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"movie_ptr": [0, 2, 4]}, "movie_ptr must end at the 3 edges of movie_users, got 4"),
        ({"movie_ptr": [1, 2, 3]}, "movie_ptr must start at 0, got 1"),
        ({"user_ptr": [0, 4, 3]}, "user_ptr must not fall, but it does after entry 1"),
        ({"user_ptr": []}, "user_ptr must have one axis and at least one entry"),
        ({"user_ptr": [0, 1.5, 3]}, "user_ptr must be whole numbers from 0 to 2147483647, got 1.5"),
        ({"movie_users": [0, 1, 2]}, "movie_users must be whole numbers from 0 to 1, got 2"),
        ({"user_movies": [0, -1, 1]}, "user_movies must be whole numbers from 0 to 1, got -1"),
        ({"user_movies": [0, 0]}, "user_ptr must end at the 2 edges of user_movies, got 3"),
        ({"movie_users": [0, 0, 1]}, "but 0 occurs 2 times in movie_users and has 1 edges in the other"),
        ({"user_movies": [0, 1, 1]}, "but 0 occurs 1 times in user_movies and has 2 edges in the other"),
        (
            {"movie_ptr": [0, 2], "movie_users": [0, 1]},
            "user_movies must be whole numbers from 0 to 0, got 1",
        ),
    ],
)
def test_graphs_that_walks_would_leave(changed, message):
    assert ItemGraph(**VALID).num_edges == 3
    with pytest.raises(ValueError, match=message):
        ItemGraph(**(VALID | changed))


@fuzz(60)
@given(st.integers(1, 12), st.integers(1, 12), st.floats(0, 1), st.integers(0, 100))
def test_an_edge_has_its_weight_in_both_directions(num_users, num_movies, density, seed):
    interactions = weighted(random_interactions(num_users, num_movies, density, seed))
    graph = build_graph(interactions, num_users, num_movies)
    weights = np.zeros((num_movies, num_users), np.float32)
    for user, movie, weight in zip(
        interactions.users, interactions.movies, interactions.weights, strict=True
    ):
        weights[movie, user] = weight
    by_film, by_user = np.zeros_like(weights), np.zeros_like(weights)
    by_film[np.repeat(np.arange(num_movies), graph.movie_degree), graph.movie_users] = graph.movie_weights
    by_user[graph.user_movies, np.repeat(np.arange(num_users), graph.user_degree)] = graph.user_weights
    for found in (by_film, by_user, graph.movie_user_matrix().toarray()):
        assert np.array_equal(found, weights)
    assert graph.movie_weights.dtype == graph.user_weights.dtype == np.float32
    np.testing.assert_allclose(graph.movie_strength, weights.sum(1, dtype=np.float64))
    np.testing.assert_allclose(graph.user_strength, weights.sum(0, dtype=np.float64))
    checked = ItemGraph(*(getattr(graph, name) for name in WEIGHTED_PARTS))
    assert np.array_equal(checked.movie_weights, graph.movie_weights)
    # In any order and with the weight in two parts: the same graph.
    rng = np.random.default_rng(seed)
    order = np.argsort(rng.random(num_users)[interactions.users], kind="stable")
    part = (interactions.weights * rng.choice([0.25, 0.5], len(interactions)))[order]
    users, movies = interactions.users[order], interactions.movies[order]
    again = ItemGraph.from_edges(
        np.concatenate([users, users]),
        np.concatenate([movies, movies]),
        num_users,
        num_movies,
        np.concatenate([part, interactions.weights[order] - part]),
    )
    for name in WEIGHTED_PARTS:
        assert np.array_equal(getattr(again, name), getattr(graph, name))


WEIGHTED_PARTS = (*PARTS, "movie_weights", "user_weights")
# Film 0 has users 0 and 1, film 1 has user 1.
WEIGHTED = VALID | {"movie_weights": [1.0, 2.0, 3.0], "user_weights": [1.0, 2.0, 3.0]}


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"movie_weights": None}, "movie_weights must be an array of numbers|movie_weights must be real"),
        ({"user_weights": None}, "user_weights must be"),
        ({"movie_weights": [1.0, 2.0]}, r"movie_weights must have one entry per edge, \[3\], got shape"),
        ({"movie_weights": [1.0, 2.0, 0.0]}, "movie_weights must be above 0, got 0"),
        ({"user_weights": [1.0, -2.0, 3.0]}, "user_weights must be above 0, got -2"),
        ({"user_weights": [1.0, np.nan, 3.0]}, "user_weights must be finite"),
        ({"user_weights": [1.0, np.inf, 3.0]}, "user_weights must be finite"),
        ({"user_weights": ["1", "2", "3"]}, "user_weights must be real numbers"),
        ({"user_weights": [1.0, 3.0, 2.0]}, "must have the same weights, but those of film 0 and user 1"),
    ],
)
def test_weights_that_no_graph_can_have(changed, message):
    assert ItemGraph(**WEIGHTED).movie_strength.tolist() == [3, 3]
    with pytest.raises(ValueError, match=message):
        ItemGraph(**(WEIGHTED | changed))


def test_both_directions_of_a_weighted_graph_must_have_the_same_edges():
    # Degrees agree, edges do not: film 0 has users 0 and 1 and film 1 users 2 and 3, the users say otherwise.
    parts = {"movie_ptr": [0, 2, 4], "movie_users": [0, 1, 2, 3], "user_ptr": [0, 1, 2, 3, 4]}
    ones = {"movie_weights": np.ones(4), "user_weights": np.ones(4)}
    with pytest.raises(ValueError, match="must have the same edges, but those of film 0 and user 1 differ"):
        ItemGraph(**parts, user_movies=[0, 1, 0, 1], **ones)


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ([1.0], r"weights must have one entry per edge, \[2\], got shape \(1,\)"),
        ([1.0, 0.0], "weights must be above 0, got 0"),
        ([1.0, 1e-60], "weights must be above 0, got 0"),
        ([1.0, np.nan], "weights must be finite"),
        ([1e15, 1e15], "sums of weights must be from"),
        ([True, True], "weights must be real numbers, got True"),
    ],
)
def test_weights_that_edges_cannot_have(weights, message):
    with pytest.raises(ValueError, match=message):
        ItemGraph.from_edges([0, 0], [0, 0], weights=weights)


def test_interactions_with_weights_that_no_graph_can_have():
    train = weighted(random_interactions(5, 4, 0.8))
    train.weights[3] = 0
    with pytest.raises(ValueError, match="train.weights must be above 0, got 0"):
        build_graph(train, 5, 4)


def test_hetero_data_has_the_weights_of_the_edges():
    graph = weighted_graph()
    data = graph.to_hetero_data()
    assert data.validate()
    matrix = graph.movie_user_matrix().toarray()
    for kind, order in ((("movie", "rated_by", "user"), (0, 1)), (("user", "rated", "movie"), (1, 0))):
        rows = data[kind].edge_index[list(order)].numpy()
        assert np.array_equal(matrix[tuple(rows)], data[kind].edge_weight.numpy())
    assert "edge_weight" not in random_graph().to_hetero_data()["movie", "rated_by", "user"]


def test_interactions_that_no_graph_can_be_built_from():
    train = random_interactions(5, 4, 0.8)
    with pytest.raises(ValueError, match="train.users must be whole numbers from 0 to 3, got 4"):
        build_graph(train, 4, 4)
    with pytest.raises(ValueError, match="train.movies must be whole numbers from 0 to 2, got 3"):
        build_graph(train, 5, 3)
    train.users[:] = train.users[::-1].copy()
    with pytest.raises(ValueError, match="train must be sorted by user"):
        build_graph(train, 5, 4)


def test_hetero_data_is_valid_and_complete():
    graph = random_graph()
    data = graph.to_hetero_data()
    assert data.validate()
    assert data["movie"].num_nodes == 20 and data["user"].num_nodes == 30
    assert (
        data["movie", "rated_by", "user"].num_edges
        == data["user", "rated", "movie"].num_edges
        == graph.num_edges
    )


@pytest.mark.parametrize("make", [random_graph, weighted_graph])
def test_spectral_features_are_the_normalised_matrix_projected_on_its_singular_vectors(make):
    graph = make(40, 25, 0.3)
    basis = fit_features(Facts(catalogue(25)), graph, 5, seed=0)
    matrix = graph.movie_user_matrix().toarray()
    normalised = matrix / np.sqrt(matrix.sum(1, keepdims=True)) / np.sqrt(matrix.sum(0, keepdims=True))
    left, values, _ = np.linalg.svd(normalised)
    expected = left[:, :5] * values[:5]
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    features = film_features(basis, Facts(catalogue(25)), graph.movie_user_matrix())
    ours = features[:, -6:-1]
    # Singular vectors are free in sign; inner products between films are not.
    np.testing.assert_allclose(ours @ ours.T, expected @ expected.T, atol=0.02)


@pytest.mark.parametrize("make", [random_graph, weighted_graph])
def test_an_unseen_film_folds_in_like_a_seen_one(make):
    graph = make(40, 25, 0.3)
    movies = catalogue(25)
    basis = fit_features(Facts(movies), graph, 5, seed=0)
    matrix = graph.movie_user_matrix()
    features = film_features(basis, Facts(movies), matrix)
    one = type(movies)(movies.ids[3:4], movies.titles[3:4], movies.genres[3:4], movies.years[3:4])
    np.testing.assert_allclose(film_features(basis, Facts(one), matrix[[3]]), features[[3]], atol=1e-6)


def test_missing_parts_are_zeros_with_a_mask():
    movies = catalogue(6)  # film 0 has no genre, film 4 no year
    none = Interactions(*(np.zeros(0, dtype) for dtype in (np.int32, np.int32, np.float32, np.int64)))
    interactions = random_interactions(8, 5, 0.6)
    graph = build_graph(interactions, 8, 6)  # film 5 has no rating
    basis = fit_features(Facts(movies), graph, 3, seed=0)
    features = film_features(basis, Facts(movies), graph.movie_user_matrix())
    genre_columns = len(basis.genre_names)
    assert features[0, :genre_columns].sum() == 0 and features[0, genre_columns] == 1
    assert features[4, genre_columns + 1 : genre_columns + 3].tolist() == [0, 1]
    assert features[5, genre_columns + 3 : genre_columns + 5].tolist() == [0, 1]
    assert not features[5, -4:-1].any() and features[5, -1] == 1
    assert np.isfinite(features).all()
    empty = build_graph(none, 8, 6)
    assert np.isfinite(
        film_features(fit_features(Facts(movies), empty, 3, 0), Facts(movies), empty.movie_user_matrix())
    ).all()


@pytest.mark.parametrize("make", [random_graph, weighted_graph])
def test_log_degree_and_year_are_standardised(make):
    graph = make(40, 25, 0.3)
    movies = catalogue(25)
    basis = fit_features(Facts(movies), graph, 0, seed=0)
    features = film_features(basis, Facts(movies), graph.movie_user_matrix())
    degree, year = features[:, -2], features[np.isfinite(movies.years), -4]
    assert degree.mean() == pytest.approx(0, abs=1e-5) and degree.std() == pytest.approx(1, abs=1e-5)
    assert year.mean() == pytest.approx(0, abs=1e-5) and year.std() == pytest.approx(1, abs=1e-5)
    assert np.array_equal(training_ratings(basis, features), graph.movie_degree)  # raters, not weights


def test_tags_and_genome_bring_like_films_together():
    movies = catalogue(9)
    graph = random_graph(20, 9, 0.4)
    tags = Tags(
        np.zeros(12, np.int32),
        np.array([0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5], np.int32),
        [
            "space",
            "robot",
            "space",
            "robot",
            "robot",
            "space",
            "love",
            "paris",
            "paris",
            "love",
            "love",
            "paris",
        ],
    )
    relevance = np.array([[0.9, 0.1, 0.2], [0.8, 0.2, 0.1], [0.1, 0.9, 0.8], [0.2, 0.8, 0.9]], np.float32)
    genome = Genome(np.array([0, 1, 3, 4], np.int32), relevance, ["a", "b", "c"])
    facts = Facts(movies, tags, genome)
    basis = fit_features(facts, graph, 0, 0)
    features = film_features(basis, facts, graph.movie_user_matrix())
    plain = film_features(
        fit_features(Facts(movies), graph, 0, 0), Facts(movies), graph.movie_user_matrix()
    ).shape[1]
    extra = features[:, plain:]
    tag_dim = basis.tag_basis.shape[1]
    tag_part, genome_part = extra[:, :tag_dim], extra[:, tag_dim + 1 : -1]
    assert tag_part[0] @ tag_part[1] > tag_part[0] @ tag_part[3] + 0.5
    assert genome_part[0] @ genome_part[1] > genome_part[0] @ genome_part[2] + 0.5
    assert extra[6:, tag_dim].all() and extra[[2, 5, 6], -1].all()  # masks
    unknown = film_features(basis, Facts(movies), sp.csr_matrix((9, 20), dtype=np.float32))
    assert unknown.shape == features.shape and np.isfinite(unknown).all()


def test_columns_for_filters_alone_are_no_features():
    graph, movies = random_graph(30, 25), catalogue(25)
    plain, kept = Facts(movies), Facts(movies, content=Content(kept={"code": ["a"] * 25}))
    basis = fit_features(kept, graph, 3, seed=0)
    assert basis.content is None
    users = graph.movie_user_matrix()
    assert np.array_equal(film_features(basis, kept, users), film_features(basis, plain, users))
