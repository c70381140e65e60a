"""Reasons: the numbers against counting by hand, and what is said where there is no number."""

from dataclasses import replace

import numpy as np
import pytest

from commands.entry import main_train
from data.dataset import load_movielens
from data.graph_builder import build_graph
from data.splits import split_movielens
from model.checkpoint import load_checkpoint, save_checkpoint
from model.co_raters import CoRaters
from recommend import rated_both
from recommend.rated_both import with_co_raters
from recommend.recommender import Recommender
from tests.commands.test_commands import FAST, flags


@pytest.fixture(scope="module")
def model(trained_folder):
    return load_checkpoint(trained_folder / "checkpoints" / "best.pt")


@pytest.fixture(scope="module")
def split(trained_folder, model):
    movielens = load_movielens(trained_folder / "planted")
    return split_movielens(movielens, model.settings["split"], model.settings["weighted_walks"])


def raters(split):
    """The users of each film in training."""
    found = [set() for _ in range(split.num_movies)]
    for user, movie in zip(split.train.users.tolist(), split.train.movies.tolist(), strict=True):
        found[movie].add(user)
    return found


def test_every_stored_number_is_that_of_the_training_part(model, split):
    sets = raters(split)
    films, counts = model.co_raters.films.tolist(), model.co_raters.counts.tolist()
    assert any(map(any, counts))
    for row, (others, numbers) in enumerate(zip(films, counts, strict=True)):
        assert numbers == [0 if other == row else len(sets[row] & sets[other]) for other in others]


def test_every_recommended_film_has_its_number(model, split):
    sets, recommender = raters(split), Recommender(model)
    for row in range(0, split.num_movies, 7):
        for film in next(recommender.answer_rows([row], 10, reasons=True)):
            both = len(sets[row] & sets[film.row])
            start = f"{both} {'person' if both == 1 else 'people'} rated both"
            assert film.reason.startswith(start) if both else "rated both" not in film.reason
            assert model.co_raters.of(row, film.row) == model.co_raters.of(film.row, row) == both


def graph_of(split):
    return build_graph(split.train, split.num_users, split.num_movies)


def test_with_many_ratings_nothing_is_counted(model, split, monkeypatch):
    monkeypatch.setattr(rated_both, "MAX_RATINGS", len(split.train) - 1)
    unknown = replace(model, co_raters=None)
    assert with_co_raters(unknown, graph_of(split)).co_raters is None
    monkeypatch.setattr(rated_both, "MAX_RATINGS", len(split.train))
    found = with_co_raters(unknown, graph_of(split)).co_raters
    assert all(map(np.array_equal, found, model.co_raters))


def test_with_many_films_walk_neighbours_are_counted(model, split, monkeypatch):
    monkeypatch.setattr(rated_both, "MAX_FILMS", 10)
    known = with_co_raters(model, graph_of(split)).co_raters
    assert np.array_equal(known.films, model.neighbors)
    sets = raters(split)
    for row in range(0, split.num_movies, 5):
        for other in known.films[row].tolist():
            assert known.of(row, other) == (0 if other == row else len(sets[row] & sets[other]))


def test_numbers_survive_the_file_and_older_files_have_none(model, tmp_path):
    save_checkpoint(model, tmp_path / "best.pt")
    again = load_checkpoint(tmp_path / "best.pt")
    assert all(map(np.array_equal, again.co_raters, model.co_raters))
    old = Recommender(replace(model, co_raters=None))
    reasons = [film.reason for film in next(old.answer_rows([3], 10, reasons=True))]
    assert all(reasons) and not any("people" in reason for reason in reasons)


def test_a_new_film_has_words_and_no_number(model):
    film = {"title": "Guest", "genres": ["Action"], "year": 1984}
    for found in Recommender(model).similar(film, k=5, reasons=True):
        assert found.reason and "rated both" not in found.reason


def test_what_both_share_is_said(model):
    movies = replace(
        model.movies,
        titles=["Alien (1979)", "Alien 3 (1992)", *model.movies.titles[2:]],
        genres=[("Horror", "Sci-Fi"), ("Action", "Horror"), *model.movies.genres[2:]],
        years=np.array([1979, 1992, *model.movies.years[2:]], dtype=np.float32),
    )
    columns = {"studio": ["Fox", "Fox"] + [""] * (len(movies) - 2)}
    pair = np.tile(np.array([[1], [0]], dtype=np.int32), (len(movies) // 2, 1))
    known = CoRaters(*map(model.co_raters.films.new_tensor, (pair, np.full_like(pair, 1))))
    changed = replace(model, movies=movies, item_columns=columns, co_raters=known)
    reasons = Recommender(changed).reasons
    assert reasons.of(0, 1) == "1 person rated both; in common: Horror, the series, studio Fox"
    taken = replace(changed, dataset=model.dataset | {"repeats": "count"})
    assert Recommender(taken).reasons.of(1, 0).startswith("1 person took both; in common: Horror")
    liked = replace(changed, settings=model.settings | {"min_rating": 3.5})
    assert Recommender(liked).reasons.of(0, 1).startswith("1 person rated both 3.5 or higher;")


def test_films_that_have_nothing_in_common_are_told_by_their_raters(model):
    weights = model.weights.new_zeros(model.weights.shape)
    movies = replace(model.movies, genres=[()] * len(model.movies), years=np.full(40, np.nan, np.float32))
    reasons = Recommender(replace(model, movies=movies, weights=weights, co_raters=None)).reasons
    count = int(Recommender(model).num_ratings[5])
    assert reasons.of(0, 5) == f"{count} people rated it"


def test_details_say_how_the_network_came_to_it(model):
    recommender = Recommender(model)
    neighbors = [one.row for one in recommender.neighbor_table.of(4)]
    theirs = {one.row for one in recommender.neighbor_table.of(neighbors[1])}
    assert recommender.reasons.details(4, neighbors[1]) == [
        "walk neighbour no. 2",
        f"{len(theirs & set(neighbors))} of {len(neighbors)} walk neighbours in common",
    ]


def test_a_resumed_training_counts_too(trained_folder, tmp_path):
    argv = [*flags(trained_folder), "--epochs", "1", *FAST, "--checkpoint_dir", str(tmp_path)]
    assert main_train(argv) == 0
    assert main_train([*argv[:-4], "--checkpoint_dir", str(tmp_path), "--epochs", "2", "--resume"]) == 0
    assert load_checkpoint(tmp_path / "best.pt").co_raters is not None
