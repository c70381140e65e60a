"""``--extend``: the saved basis and weights on newer data."""

import csv
import re
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch

from commands.entry import main_inference, main_modes, main_train
from data.dataset import Facts
from data.feature_extractor import fit_features
from data.graph_builder import build_graph
from data.splits import split_interactions
from model.checkpoint import load_checkpoint
from model.inputs import build_inputs
from model.new_films.newer_data import extended_inputs, fold_in_users
from tests.books import library
from tests.commands.test_commands import FAST, flags, recommended, refused
from tests.factories import (
    catalogue,
    random_graph,
    random_interactions,
    random_movielens,
    weighted,
    weighted_graph,
)
from tests.planted import block_of, planted_movielens
from tests.trained import MODEL


def singular_basis(graph, dim):
    """The exact right singular vectors, which ``fit_features`` approximates."""
    by_film, by_user = (
        1 / np.sqrt(np.where(d > 0, d, 1)) for d in (graph.movie_strength, graph.user_strength)
    )
    normalised = by_film[:, None] * graph.movie_user_matrix().toarray() * by_user
    return (np.linalg.svd(normalised)[2][:dim] * by_user).T.astype(np.float32)


@pytest.mark.parametrize("make", [random_graph, weighted_graph])
@pytest.mark.parametrize("dim", [1, 4, 12])
def test_folding_in_gives_the_saved_rows_of_known_users(make, dim):
    graph = make()
    basis = singular_basis(graph, dim)
    scale = np.maximum(
        np.abs(basis).max(axis=1, keepdims=True), 1e-9
    )  # a user with small weights has a large row
    np.testing.assert_allclose(fold_in_users(basis, graph, np.arange(30)) / scale, basis / scale, atol=1e-5)


def test_the_approximate_basis_is_close_to_folding_in():
    graph = random_graph(num_users=200, num_movies=120, density=0.1)
    basis = fit_features(Facts(catalogue(120)), graph, 16, seed=0).user_basis
    folded = fold_in_users(basis, graph, np.arange(200))
    cosines = (folded * basis).sum(axis=1) / np.linalg.norm(folded, axis=1) / np.linalg.norm(basis, axis=1)
    assert np.median(cosines) > 0.99 and cosines.min() > 0.9


@pytest.mark.parametrize("inter", [random_interactions(), weighted(random_interactions())])
def test_a_new_user_with_the_films_of_a_known_user_gets_the_same_row(inter):
    twin = inter.select(inter.users == 4)
    both = [
        None if getattr(inter, name) is None else np.concatenate([getattr(inter, name), getattr(twin, name)])
        for name in vars(inter)
    ]
    both[0][len(inter) :] = 30
    graph = build_graph(type(inter)(*both), 32, 20)  # user 31 rated nothing
    basis = singular_basis(build_graph(inter, 30, 20), 4)
    rows = fold_in_users(basis, graph, np.arange(30))
    np.testing.assert_allclose(rows[30], basis[4], rtol=1e-4, atol=1e-6)
    assert (rows[31] == 0).all()


def test_on_the_same_data_nothing_changes():
    movielens = random_movielens()
    split = split_interactions(movielens.interactions, 30, 20)
    inputs = build_inputs(movielens, split, MODEL, 0)
    again = extended_inputs(inputs.basis, np.arange(30), movielens, split, MODEL, 0)
    assert again.folded_users == 0 and again.agreement > 0.99
    for name in ("features", "neighbors", "weights"):
        assert torch.equal(getattr(again.inputs.nodes, name), getattr(inputs.nodes, name))


def test_without_a_spectral_basis_there_is_nothing_to_fold_in():
    movielens = random_movielens()
    split = split_interactions(movielens.interactions, 30, 20)
    model = replace(MODEL, spectral_dim=0)
    inputs = build_inputs(movielens, split, model, 0)
    again = extended_inputs(inputs.basis, np.arange(30), movielens, split, model, 0)
    assert again.agreement is None and torch.equal(again.inputs.nodes.features, inputs.nodes.features)


# --- the command ------------------------------------------------------------------------------------


def rewrite(source, target, movies=lambda row: row, ratings=lambda row: row):
    """A copy of a folder; each row as the functions give it, left out where that is None."""
    target.mkdir()
    for name, change in (("movies.csv", movies), ("ratings.csv", ratings)):
        rows = list(csv.DictReader((source / name).open(newline="")))
        kept = [row for row in map(change, rows) if row is not None]
        with (target / name).open("w", newline="") as file:
            writer = csv.DictWriter(file, rows[0].keys())
            writer.writeheader()
            writer.writerows(kept)


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    """``older`` with 50 of 60 users and 36 of 40 films, a model trained on it, and ``planted`` with all."""
    folder = tmp_path_factory.mktemp("workspace")
    planted_movielens(folder / "planted")
    rewrite(
        folder / "planted",
        folder / "older",
        lambda film: film if int(film["movieId"]) <= 36 else None,
        lambda row: row if int(row["movieId"]) <= 36 and int(row["userId"]) <= 50 else None,
    )
    assert main_train([*flags(folder, data="older"), *FAST, "--epochs", "3"]) == 0
    return folder


def extend_flags(workspace, target, data="planted"):
    return [
        *("--data_dir", str(workspace / data), "--extend", str(workspace / "checkpoints")),
        *("--checkpoint_dir", str(target / "checkpoints"), "--output_dir", str(target / "output")),
    ]


def test_new_films_and_users_are_included_and_training_continues_from_the_saved_weights(
    workspace, tmp_path, capsys
):
    before = (workspace / "checkpoints" / "best.pt").read_bytes()
    assert main_train([*extend_flags(workspace, tmp_path), "--epochs", "2", "--num_threads", "1"]) == 0
    log = capsys.readouterr().err
    assert "4 new films, 10 new users, " in log and "10 users folded into the saved basis" in log
    assert "before fine-tuning  validation: MRR 0." in log and "epoch  2/2" in log
    old, new = (load_checkpoint(folder / "checkpoints" / "best.pt") for folder in (workspace, tmp_path))
    assert len(new.movies) == len(new.embeddings) == 40 and len(new.user_ids) == 60
    assert np.array_equal(new.basis.user_basis[:50], old.basis.user_basis)
    assert new.basis.user_basis[50:].any(axis=1).all() and new.basis.genre_names == old.basis.genre_names
    assert (workspace / "checkpoints" / "best.pt").read_bytes() == before
    there = flags(tmp_path)[2:]
    assert main_inference([*there, "--movie_id", "39"]) == 0
    assert sum(block_of(movie) == 0 for movie in recommended(capsys.readouterr().out)) >= 9
    newer = ["--data_dir", str(workspace / "planted"), *there]
    assert main_train([*newer, "--resume", "--epochs", "3"]) == 0
    assert "continuing after epoch 2" in capsys.readouterr().err
    assert main_modes(["--mode", "evaluate", *newer]) == 0


def test_weights_that_fine_tuning_does_not_improve_are_kept(workspace, tmp_path, capsys):
    argv = [*extend_flags(workspace, tmp_path), "--epochs", "1", "--lr", "1e-30"]
    assert main_train(argv) == 0
    assert "nothing better than the saved weights, which are kept" in capsys.readouterr().err
    old, new = (load_checkpoint(folder / "checkpoints" / "best.pt") for folder in (workspace, tmp_path))
    assert new.trainer["epoch"] == 0 and new.progress["best_mrr"] > 0
    for name, weights in new.trainer["model"].items():
        assert torch.equal(weights, old.trainer["model"][name])


def test_it_may_replace_the_checkpoint_that_it_extends(workspace, tmp_path):
    shutil.copytree(workspace / "checkpoints", tmp_path / "checkpoints")
    argv = extend_flags(workspace, tmp_path)
    argv[3] = str(tmp_path / "checkpoints" / "best.pt")
    assert main_train([*argv, "--epochs", "1", "--quiet"]) == 0
    assert len(load_checkpoint(tmp_path / "checkpoints" / "best.pt").movies) == 40


def test_ids_that_are_text_may_change_their_rows(tmp_path, capsys):
    library(tmp_path / "newer")
    head, *rows = (tmp_path / "newer" / "loans.txt").read_text().splitlines()
    library(tmp_path / "older")
    (tmp_path / "older" / "loans.txt").write_text("\n".join([head, *reversed(rows[:600])]))
    assert main_train([*flags(tmp_path, data="older"), *FAST, "--epochs", "1"]) == 0
    old = load_checkpoint(tmp_path / "checkpoints" / "best.pt")
    argv = [*flags(tmp_path, data="newer"), "--extend", str(tmp_path / "checkpoints"), "--epochs", "1"]
    assert main_train(argv) == 0
    assert "0 new films, 10 new users" in capsys.readouterr().err
    new = load_checkpoint(tmp_path / "checkpoints" / "best.pt")
    rows = [new.user_text_ids.index(reader) for reader in old.user_text_ids]
    assert rows != sorted(rows) and np.array_equal(new.basis.user_basis[rows], old.basis.user_basis)


def renumbered(row):
    """Other people under the ids 1 to 50."""
    user = int(row["userId"])
    return row | {"userId": str(OTHERS[user - 1] if user <= 50 else user)}


OTHERS = np.random.default_rng(0).permutation(50) + 1


@pytest.mark.parametrize(
    ("data", "movies", "ratings", "message"),
    [
        ("older", None, None, "--data_dir older has the data that .*best.pt was trained on, nothing in it"),
        (
            "fewer_films", lambda film: film if film["movieId"] != "7" else None,
            lambda row: row if row["movieId"] != "7" else None,
            r"lacks 1 of the 36 films of .*best.pt \(film 7\)",
        ),
        (
            "fewer_users", lambda film: film, lambda row: row if int(row["userId"]) > 5 else None,
            r"lacks 5 of the 50 users of .*best.pt \(user 1, 2, 3 and 2 more\), so it is not a newer version",
        ),
        (
            "other_titles", lambda film: film | {"title": "Other " + film["title"]}, lambda row: row,
            "has other titles for 36 of the 36 ids of .*, for instance 'Other Planted 001 .1981.'",
        ),
        (
            "earlier", lambda film: film,
            lambda row: row if int(row["userId"]) > 50 or int(row["timestamp"]) % 10_000 < 400 else None,
            "is older than .*best.pt: it has .* training ratings, the checkpoint .*; give newer data",
        ),
        ("renumbered", lambda film: film, renumbered, "the ids belong to other people; train a new model"),
    ],
)  # fmt: skip
def test_data_that_are_not_newer_are_refused(workspace, tmp_path, capsys, data, movies, ratings, message):
    if movies is not None and not (workspace / data).exists():
        rewrite(workspace / "planted", workspace / data, movies, ratings)
    line = refused(capsys, main_train, extend_flags(workspace, tmp_path, data))
    assert re.search(message, line), line
    assert [path.name for path in (tmp_path / "checkpoints").iterdir()] == [".training.lock"]


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["--resume"], "--resume continues with the same data, --extend with newer data"),
        (["--split", "temporal"], "--split temporal contradicts the checkpoint, trained with leave_one_out"),
        (["--hidden_dim", "32"], "--hidden_dim 32 contradicts the checkpoint, trained with 16"),
        (["--extend", "nowhere"], "no checkpoint at nowhere; train one first"),
    ],
)
def test_flags_that_do_not_fit_are_one_line(workspace, tmp_path, capsys, argv, message):
    assert message in refused(capsys, main_train, [*extend_flags(workspace, tmp_path), *argv])
