from pathlib import Path

import numpy as np
import pytest

from data.dataset import Movies
from report.embedding_map import plot_embedding_map
from report.hit_rates import plot_hit_rates
from report.map_layout import lay_out_films
from report.training_curves import plot_training_curves


def is_picture(path: Path) -> bool:
    """A PNG with something on it: more than a blank sheet's few colours."""
    from matplotlib.image import imread

    red = imread(path)[..., 0]
    return red.shape[0] > 300 and len(np.unique(red)) > 20


def history(num_epochs: int) -> list[dict[str, float]]:
    return [
        {
            "epoch": epoch,
            "loss": 5 / (epoch + 1),
            "learning_rate": 0.001 * 0.8**epoch,
            "hard_negatives": 0,
            "pairs_per_second": 60_000 + epoch,
            "seconds": 3.0,
            "validation_mrr": 0.04 + 0.001 * epoch,
            "validation_hit_rate@10": 0.1,
            "validation_hit_rate@100": 0.4,
        }
        for epoch in range(num_epochs)
    ]


def catalogue(num_movies: int) -> Movies:
    genres = [("Drama",), ("Comedy", "Drama"), (), ("Sci-Fi",)]
    return Movies(
        np.arange(num_movies),
        [f"The $film {i}, A (19{i % 100:02d})" for i in range(num_movies)],
        [genres[i % 4] for i in range(num_movies)],
        np.full(num_movies, 1990, dtype=np.float32),
    )


@pytest.mark.parametrize("num_epochs", [1, 6])
def test_training_curves_are_drawn(tmp_path, num_epochs):
    path = tmp_path / "new folder" / "training.png"
    plot_training_curves(history(num_epochs), path)
    assert is_picture(path)


@pytest.mark.parametrize(("best_epoch", "marks"), [(3, 3), (9, 0), (None, 0)])
def test_the_epoch_that_was_kept_is_marked(tmp_path, monkeypatch, best_epoch, marks):
    marked = []
    monkeypatch.setattr(
        "report.training_curves._mark_best", lambda axes, epoch, value, line: marked.append(epoch)
    )
    plot_training_curves(history(5), tmp_path / "curves.png", best_epoch)
    assert marked == [best_epoch] * marks


def test_training_curves_do_without_validation(tmp_path):
    rows = [{k: v for k, v in row.items() if not k.startswith("validation")} for row in history(4)]
    rows[0]["loss"] = None
    plot_training_curves(rows, tmp_path / "bare.png")
    plot_training_curves(history(4), tmp_path / "full.png")
    assert is_picture(tmp_path / "bare.png")
    assert (tmp_path / "bare.png").stat().st_size < (tmp_path / "full.png").stat().st_size


def test_training_curves_need_an_epoch(tmp_path):
    with pytest.raises(ValueError, match="at least one epoch"):
        plot_training_curves([], tmp_path / "none.png")


@pytest.mark.parametrize("num_methods", [1, 12])
def test_hit_rates_are_drawn(tmp_path, num_methods):
    rng = np.random.default_rng(0)
    ranks = {"PinSage": rng.integers(1, 500, 200) / 2}
    ranks |= {f"baseline {i}": rng.integers(1, 900, 200) + 0.5 for i in range(num_methods - 1)}
    plot_hit_rates(ranks, tmp_path / "hits.png", "a title with $ in it")
    assert is_picture(tmp_path / "hits.png")


def test_hit_rates_without_any_hit_are_drawn(tmp_path):
    plot_hit_rates({"PinSage": np.array([900.0])}, tmp_path / "hits.png", "nobody hits")
    assert is_picture(tmp_path / "hits.png")


def test_hit_rates_need_a_method(tmp_path):
    with pytest.raises(ValueError, match="at least one method"):
        plot_hit_rates({}, tmp_path / "none.png", "nothing")


def draw_map(embeddings, path):
    movies = catalogue(len(embeddings))
    plot_embedding_map(lay_out_films(embeddings, movies, np.arange(len(movies)), seed=3), movies, path)


@pytest.mark.parametrize("num_movies", [1, 3, 5, 60])
def test_embedding_map_is_drawn_at_any_size(tmp_path, num_movies):
    embeddings = np.random.default_rng(0).normal(size=(num_movies, 4)).astype(np.float32)
    draw_map(embeddings, tmp_path / "map.png")
    assert is_picture(tmp_path / "map.png")


def test_embedding_map_of_equal_embeddings_is_drawn(tmp_path):
    draw_map(np.ones((8, 3), np.float32), tmp_path / "map.png")
    assert is_picture(tmp_path / "map.png")


def test_embedding_map_is_a_function_of_the_seed(tmp_path):
    embeddings = np.random.default_rng(1).normal(size=(30, 4)).astype(np.float32)
    for name in ("a", "b"):
        draw_map(embeddings, tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
