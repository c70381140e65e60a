import numpy as np
import pytest

from data.graph_builder import ItemGraph
from data.graph_view import NOISE_SHARE, fit_graph_view, rater_matrix


def random_graph(num_users=40, num_movies=25, weights=None):
    rng = np.random.default_rng(3)
    users, movies = np.nonzero(rng.random((num_users, num_movies)) < 0.3)
    values = None if weights is None else rng.uniform(*weights, size=len(users))
    return ItemGraph.from_edges(users, movies, num_users, num_movies, values)


def test_inner_products_are_those_of_the_wiener_filter():
    graph = random_graph()
    matrix = rater_matrix(graph)
    view = matrix @ fit_graph_view(graph, seed=0)
    left, values, _ = np.linalg.svd(matrix.toarray(), full_matrices=False)
    kept, noise = slice(0, view.shape[1]), NOISE_SHARE * values[0] ** 2
    shrunk = values[kept] ** 2 / (values[kept] ** 2 + noise)
    assert view.shape[1] == 24
    np.testing.assert_allclose(view @ view.T, (left[:, kept] * shrunk) @ left[:, kept].T, atol=1e-4)


def test_weights_of_edges_do_not_matter():
    plain, weighted = random_graph(), random_graph(weights=(0.5, 100))
    np.testing.assert_array_equal(fit_graph_view(plain, 0), fit_graph_view(weighted, 0))


@pytest.mark.parametrize(("num_users", "num_movies"), [(1, 5), (5, 1)])
def test_too_little_data_give_a_view_without_columns(num_users, num_movies):
    users, movies = np.indices((num_users, num_movies)).reshape(2, -1)
    assert fit_graph_view(ItemGraph.from_edges(users, movies), seed=0).shape == (num_users, 0)
