"""New films with the checkpoint alone, and added films, which are stored beside the checkpoint."""

import json
from dataclasses import replace

import numpy as np
import pytest
import scipy.sparse as sp
import torch
from hypothesis import given
from hypothesis import strategies as st

from base.errors import UserError
from commands.entry import main_inference, main_modes
from data.dataset import load_movielens
from data.feature_extractor import spectral_rows, training_ratings
from data.graph_builder import build_graph
from data.reading.film_file import FilmFile
from data.splits import split_interactions
from model.checkpoint import load_checkpoint
from model.inputs import build_inputs
from model.new_films.from_checkpoint import append_films, known_raters, spectral_neighbors
from recommend.added_films import ADDED, add_film, load_model, read_added, with_added_films
from tests.commands.test_commands import FAST, flags, main_train, recommended, refused
from tests.factories import random_movielens
from tests.fuzzing import fuzz
from tests.planted import block_of, planted_movielens
from tests.trained import MODEL, trained_checkpoint


@pytest.fixture(scope="module")
def checkpoint():
    return trained_checkpoint()


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    """A folder with planted data and a trained checkpoint."""
    folder = tmp_path_factory.mktemp("workspace")
    planted_movielens(folder / "planted")
    assert main_train(flags(folder) + ["--epochs", "4", "--quiet", *FAST]) == 0
    return folder


def rated_by(*users, title="New (1990)", movie_id=500):
    return FilmFile(title, 1990, ("Drama",), (), tuple((user, 4.0) for user in users), movie_id)


def test_known_films_stay_bit_for_bit_and_new_films_have_complete_rows(checkpoint):
    films = [rated_by(3, 4, 5), rated_by(title="Unrated", movie_id=501)]
    every = append_films(checkpoint, films)
    for name in ("features", "neighbors", "weights", "embeddings", "query_embeddings"):
        ours, theirs = getattr(every, name), getattr(checkpoint, name)
        assert torch.equal(ours[:20], theirs) and len(ours) == 22 and ours.dtype == theirs.dtype
    assert every.movies.ids[20:].tolist() == [500, 501] and len(every.movies.titles) == 22
    torch.testing.assert_close(every.embeddings[20:].norm(dim=1), torch.ones(2))
    assert not torch.equal(every.embeddings[20], every.embeddings[21])
    assert every.weights[20].sum() == pytest.approx(1) and (every.weights[20].diff() <= 0).all()
    assert (every.weights[21] == 0).all() and (every.neighbors[21] == 21).all()
    assert append_films(checkpoint, []) is checkpoint


def test_the_embedding_of_a_new_film_does_not_depend_on_other_new_films(checkpoint):
    film = rated_by(1, 2)
    alone, last = append_films(checkpoint, [film]), append_films(checkpoint, [rated_by(9, movie_id=7), film])
    torch.testing.assert_close(alone.embeddings[20], last.embeddings[21])


def test_known_raters(checkpoint):
    """Users of the checkpoint, once each, with a rating of at least ``min_rating``."""
    film = replace(rated_by(), ratings=((3, 4.0), (3, 2.0), (999, 5.0), (-0, 1.0), (7, 2.5)))
    assert known_raters(checkpoint, [film]).indices.tolist() == [0, 3, 7]
    picky = replace(checkpoint, settings=checkpoint.settings | {"min_rating": 2.5})
    assert known_raters(picky, [rated_by(), film]).toarray().nonzero()[1].tolist() == [3, 7]


def test_number_of_ratings_and_spectral_part_are_recovered_from_the_features():
    movielens = random_movielens(density=0.2)
    split = split_interactions(movielens.interactions, 30, 20)
    inputs = build_inputs(movielens, split, MODEL, 0)
    features = inputs.nodes.features.numpy()
    np.testing.assert_allclose(training_ratings(inputs.basis, features), inputs.graph.movie_degree, rtol=1e-4)
    spectral = inputs.graph.movie_user_matrix() @ inputs.basis.user_basis
    spectral /= np.linalg.norm(spectral, axis=1, keepdims=True).clip(1e-9)
    np.testing.assert_allclose(spectral_rows(inputs.basis, features), spectral, atol=1e-6)


def test_spectral_neighbors_are_the_films_that_walks_visit(tmp_path):
    """With a full basis, compare with the exact probabilities of the first hop of a walk."""
    movielens = load_movielens(planted_movielens(tmp_path, num_users=200))
    split = split_interactions(movielens.interactions, 200, 40, "none")
    inputs = build_inputs(movielens, split, replace(MODEL, spectral_dim=39), 0)
    graph = build_graph(split.train, 200, 40)
    pairs = np.random.default_rng(0).permutation(200)[:40].reshape(20, 2)  # two raters for each of 20 films
    raters = sp.csr_matrix((np.ones(40, np.float32), (np.repeat(np.arange(20), 2), pairs.ravel())), (20, 200))
    neighbors, weights = spectral_neighbors(inputs.basis, inputs.nodes.features.numpy(), raters, 40)
    visits = np.zeros((20, 60))
    np.put_along_axis(visits, neighbors.numpy(), weights.numpy(), axis=1)
    one_hop = raters @ graph.movie_user_matrix().T.multiply(1 / graph.user_degree[:, None])
    exact = one_hop.toarray() / 2
    assert np.corrcoef(visits[:, :40].ravel(), exact.ravel())[0, 1] > 0.98


@pytest.mark.parametrize(("spectral_dim", "graph_view"), [(0, 0.0), (4, 0.0), (0, 0.1)])
def test_without_a_basis_of_users_ratings_have_no_effect(spectral_dim, graph_view):
    settings = replace(MODEL, spectral_dim=spectral_dim, graph_view=graph_view, content_view=0.0)
    checkpoint = trained_checkpoint(model=settings)
    rated, unrated = (
        append_films(checkpoint, [film]).embeddings[20] for film in (rated_by(1, 2), rated_by())
    )
    assert torch.equal(rated, unrated) == (spectral_dim == 0 and graph_view == 0)


@fuzz(25)
@given(st.lists(st.integers(0, 40), max_size=30), st.booleans())
def test_any_raters_give_a_valid_neighbour_table(checkpoint, users, described):
    film = rated_by(*users) if described else FilmFile("x", ratings=rated_by(*users).ratings, movie_id=3)
    every = append_films(checkpoint, [film])
    neighbors, weights = every.neighbors[20], every.weights[20]
    assert ((neighbors >= 0) & (neighbors <= 20)).all() and ((neighbors == 20) == (weights == 0)).all()
    assert torch.isfinite(every.embeddings).all() and weights.sum() == pytest.approx(1) or not weights.any()


# --- added films, stored beside the checkpoint ------------------------------------------------------


def test_ids_of_added_films_are_assigned_kept_or_refused(checkpoint, tmp_path):
    new = FilmFile("Heat (1995)", 1995)
    first, again = add_film(tmp_path, checkpoint, new)
    assert (first.movie_id, again) == (30, False)  # the last id of the catalogue is 29
    assert add_film(tmp_path, checkpoint, replace(new, title="Ronin"))[0].movie_id == 31
    better = replace(new, title="HEAT (1995)", ratings=((1, 5.0),))
    assert add_film(tmp_path, checkpoint, better) == (replace(better, movie_id=30), True)
    assert [film.title for film in read_added(tmp_path)] == ["Ronin (1995)", "HEAT (1995)"]
    assert add_film(tmp_path, checkpoint, replace(better, movie_id=77)) == (
        replace(better, movie_id=77),
        True,
    )
    assert [film.movie_id for film in read_added(tmp_path)] == [31, 77]
    before = (tmp_path / ADDED).read_bytes()
    for film, message in (
        (FilmFile("Film 3 (1953)", 1953), r"Film 3 \(1953\) is in the catalogue already, as id 13"),
        (FilmFile("Other", movie_id=12), r"movieId 12 is Film 2 \(1952\); give another one, or none"),
        (FilmFile("Other", movie_id=31), "movieId 31 is the added film Ronin .1995.; give another one"),
    ):
        with pytest.raises(UserError, match=message):
            add_film(tmp_path, checkpoint, film)
    assert (tmp_path / ADDED).read_bytes() == before
    add_film(tmp_path, checkpoint, FilmFile("Last", movie_id=2**63 - 1))
    with pytest.raises(UserError, match="no id is left above 9223372036854775807"):
        add_film(tmp_path, checkpoint, FilmFile("One more"))
    assert {entry.name for entry in tmp_path.iterdir()} == {ADDED, ".added.lock"}


def test_added_films_that_a_later_training_knows_are_left_out(checkpoint, tmp_path, caplog):
    add_film(tmp_path, checkpoint, FilmFile("Same id"))
    add_film(tmp_path, checkpoint, FilmFile("Same title (1999)", 1999, movie_id=70))
    add_film(tmp_path, checkpoint, FilmFile("Still new", movie_id=71))
    later = trained_checkpoint(random_movielens(num_movies=21))
    later.movies.titles[5] = "Same Title (1999)"
    caplog.clear()
    assert with_added_films(later, tmp_path).movies.titles[21:] == ["Still new"]
    assert [line.split(" is left out")[0] for line in caplog.messages] == [
        "the added film Same id (id 30)",
        "the added film Same title (1999) (id 70)",
    ]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "line 1, column 1: the JSON ends too early"),
        ("{}", "not a list of added films of this program"),
        ('{"format": "pinsage-added-films", "version": 2}', "is of version 2, this program reads 1"),
        ('{"format": "pinsage-added-films", "version": 1}', "has no list of films"),
        ('{"format": "pinsage-added-films", "version": 1, "films": [{}]}', "film 1: title is missing"),
        ('{"format": "pinsage-added-films", "version": 1, "films": [{"title": "x"}]}', "x needs a movieId"),
    ],
)
def test_a_damaged_list_of_added_films_is_refused(tmp_path, content, message):
    (tmp_path / ADDED).write_text(content)
    with pytest.raises(UserError, match=message):
        read_added(tmp_path)


# --- the command ------------------------------------------------------------------------------------


def write_film(folder, name="film.json", **film):
    (folder / name).write_text(json.dumps(film))
    return str(folder / name)


def test_a_new_film_can_be_the_query_without_being_added(workspace, tmp_path, capsys):
    raters = [{"userId": user, "rating": 4} for user in (1, 3, 5, 7, 9)]
    path = write_film(
        tmp_path, title="Guest", genres=["Action", "Akshun"], ratings=[*raters, {"userId": 999, "rating": 1}]
    )
    assert main_inference([*flags(workspace), "--new_movie", path]) == 0
    shown = capsys.readouterr()
    found = recommended(shown.out)
    assert "films that go with Guest:" in shown.out and 41 not in found
    assert sum(block_of(movie) == 0 for movie in found) >= 9
    assert "does not know the genre Akshun and ignores it; it knows Action, Romance" in shown.err
    assert "ratings by 1 users that the model does not know are ignored: user 999" in shown.err
    assert "placed by its features and 5 of 6 ratings" in shown.err and "with --add it is" in shown.err
    assert not (workspace / "checkpoints" / ADDED).exists()


def test_an_added_film_is_recommended_and_does_not_change_the_checkpoint(workspace, tmp_path, capsys):
    best = (workspace / "checkpoints" / "best.pt").read_bytes()
    raters = [{"userId": user, "rating": 5} for user in range(2, 60, 2)]
    path = write_film(tmp_path, title="Newcomer", year=1990, genres=["Romance"], ratings=raters)
    search = ["--search_method", "lsh"]
    assert main_inference([*flags(workspace), "--movie_id", "2", *search, "--quiet"]) == 0
    assert main_inference([*flags(workspace), "--new_movie", path, "--add", *search]) == 0
    capsys.readouterr()
    found = []
    for movie in range(2, 41, 2):
        assert main_inference([*flags(workspace), "--movie_id", str(movie), *search]) == 0
        shown = capsys.readouterr()
        assert "building it" not in shown.err  # the index in the folder already contains the film
        found.append(41 in recommended(shown.out))
    assert sum(found) >= 5
    assert main_inference([*flags(workspace), "--title", "newcomer"]) == 0
    assert all(block_of(movie) == 1 for movie in recommended(capsys.readouterr().out))
    assert main_modes(["--mode", "export", *flags(workspace)]) == 0
    rows = (workspace / "output" / "embeddings" / "movies.csv").read_text().splitlines()
    assert rows[-1] == "40,41,Newcomer (1990),Romance"
    assert len(np.load(workspace / "output" / "embeddings" / "embeddings.npy")) == 41
    assert (workspace / "checkpoints" / "best.pt").read_bytes() == best
    assert len(load_checkpoint(workspace / "checkpoints" / "best.pt").movies) == 40
    assert len(load_model(workspace / "checkpoints").movies) == 41
    assert "Newcomer (1990) is in the catalogue" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["--add"], "--add keeps the film of --new_movie; give its JSON file there too"),
        (
            ["--new_movie", "x.json", "--movie_id", "1"],
            "--movie_id 1 and --new_movie 'x.json' both name a film",
        ),
        (["--new_movie", "x.json", "--title", "a"], "--title 'a' and --new_movie 'x.json' both name a film"),
        (["--new_movie", "nowhere.json"], "nowhere.json cannot be read (No such file or directory)"),
    ],
)
def test_wrong_flags_are_one_line(workspace, capsys, argv, message):
    assert message in refused(capsys, main_inference, flags(workspace) + argv)
