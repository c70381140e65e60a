"""Ratings of ten from end to end: what is typed, what is shown and what is kept."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch

import pinsage
from commands.entry import main_inference, main_modes, main_train
from data.dataset import load_movielens
from model.checkpoint import Checkpoint, load_checkpoint
from recommend.recommender import Recommender
from tests.commands.test_commands import FAST, flags, refused
from tests.other_data import out_of_ten
from tests.planted import planted_movielens
from tests.workspaces import ask, trained

LIMIT = ["--min_rating", "4"]  # of ten: keeps 4 and 5, which are 2 and 2.5 stars, and drops 2


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Data with ratings of ten, and a model trained on those of 4 or more."""
    folder = tmp_path_factory.mktemp("ten")
    out_of_ten(folder / "planted", num_movies=60, per_user=20)
    return trained(folder, *LIMIT, "--epochs", "3", "--split", "temporal")


@pytest.fixture(scope="module")
def model(folder) -> Checkpoint:
    return load_checkpoint(folder / "checkpoints" / "best.pt")


@pytest.fixture(scope="module")
def older(folder, model):
    """The same model as a version that knew only stars would have kept it."""
    dataset = {key: value for key, value in model.dataset.items() if key != "best_rating"}
    dataset |= {"lowest_rating": "2", "highest_rating": "5"}
    older = replace(model, dataset=dataset, settings=model.settings | {"min_rating": 2.0})
    for name in ("best.pt", "last.pt"):
        older.save(folder / "older" / name)
    return older


def test_a_minimum_is_typed_on_the_scale_of_the_data(folder, model):
    inside = load_movielens(folder / "planted", 4.0)
    assert inside.best_rating == 10 and inside.interactions.ratings.min() == 2
    every = load_movielens(folder / "planted")
    dropped = int((every.interactions.ratings < 2).sum())
    assert dropped > 0
    assert f"{dropped} of {len(every.interactions)} ratings below 4 of 10 dropped" in inside.notes
    assert (model.dataset["lowest_rating"], model.dataset["highest_rating"]) == ("4", "10")
    assert model.best_rating == 10 and model.rating_range == (1, 10) and model.settings["min_rating"] == 4


def test_the_model_is_that_of_the_same_ratings_in_stars(tmp_path, model):
    planted_movielens(tmp_path / "planted", num_movies=60, per_user=20)
    argv = [*flags(tmp_path), "--min_rating", "2", "--epochs", "3", "--split", "temporal", *FAST]
    assert main_train(argv) == 0
    stars = load_checkpoint(tmp_path / "checkpoints" / "best.pt")
    assert "best_rating" not in stars.dataset and stars.best_rating == 5
    # Users of own data stand in the order of the file, which is the order of their numbers here.
    assert torch.equal(stars.embeddings, model.embeddings)


def test_too_high_a_minimum_names_the_scale(folder, capsys):
    line = refused(capsys, main_train, [*flags(folder), "--min_rating", "11", *FAST])
    assert "ratings has 11 of 10 or more, the highest has 10; lower --min_rating" in line


def test_a_history_is_rated_and_answered_on_the_scale_of_the_data(folder, capsys):
    shown = json.loads(ask(folder, capsys, "--history", "7:8,8:10,10:5", "--format", "json"))
    reasons = {film["reason"] for film in shown[0]["recommendations"]}
    assert reasons <= {
        "because you rated Planted 007 (1987) 8",
        "because you rated Planted 008 (1988) 10",
        "near Planted 010 (1990), which you rated 5",
    }
    assert "because you rated Planted 008 (1988) 10" in reasons
    for typed, rating in (("7:11", "'11'"), ("7:0.5", "'0.5'")):
        line = refused(capsys, main_inference, [*flags(folder), "--history", typed])
        assert f"a rating must be a number from 1 to 10, got {rating} for '7'" in line


def test_liked_is_six_of_ten(model):
    recommender = Recommender(model)
    assert recommender.rating_range == (1, 10)
    (liked,) = {film.reason for film in recommender.for_history({"7": 6}, k=3)}
    (near,) = {film.reason for film in recommender.for_history({"7": 5.9}, k=3)}
    assert liked == "because you rated Planted 007 (1987) 6"
    assert near == "near Planted 007 (1987), which you rated 5.9"
    with pytest.raises(ValueError, match="a rating must be a number from 1 to 10, got 10.5 for '7'"):
        recommender.for_history({"7": 10.5})


def test_a_user_is_answered_with_ratings_of_ten(folder, capsys):
    shown = ask(folder, capsys, "--user_id", "3", "--num_recommendations", "30", "--format", "json")
    given = {film["reason"].rsplit(" ", 1)[1] for film in json.loads(shown)[0]["recommendations"]}
    assert given <= {"4", "5", "8", "9", "10"} and given & {"8", "9", "10"}


def test_new_films_are_rated_on_the_scale_of_the_data(caplog):
    # Users whose ids are numbers are there only in data from Python or in MovieLens's form.
    rng = np.random.default_rng(0)
    users, films = rng.integers(0, 40, 900), rng.integers(0, 25, 900)
    fast = dict(epochs=1, hidden_dim=16, embedding_dim=8, spectral_dim=4, num_walks=20, num_neighbors=5)
    model = pinsage.train(users, films, rng.integers(1, 11, 900), best_rating=10, min_rating=6, **fast)
    assert (model.best_rating, model.rating_range) == (10, (1, 10))
    raters = zip(model.user_ids[:3].tolist(), (5, 6, 10), strict=True)
    ratings = [{"userId": user, "rating": rating} for user, rating in raters]
    with caplog.at_level("INFO", logger="pinsage"):
        Recommender(model).embed({"title": "New", "ratings": ratings})
    assert "1 of 3 ratings are below 6 of 10 and are ignored, as in training" in caplog.text
    assert "New is placed by its features and 2 of 3 ratings" in caplog.text
    with pytest.raises(ValueError, match="a rating is 11, above the best rating of data in memory, 10; "):
        Recommender(model).embed({"title": "New", "ratings": [{"userId": 1, "rating": 11}]})


def test_from_python_as_from_files(folder, model):
    ratings = pd.read_csv(folder / "planted" / "ratings.csv", dtype={"userId": str, "movieId": str})
    films = pd.read_csv(folder / "planted" / "movies.csv", dtype={"movieId": str})
    fast = {name.removeprefix("--"): float(value) for name, value in zip(FAST[::2], FAST[1::2], strict=True)}
    fast = {name: value if name == "lr" else int(value) for name, value in fast.items()}
    same = pinsage.train(ratings, films, best_rating=10, min_rating=4, epochs=3, split="temporal", **fast)
    assert torch.equal(same.embeddings, model.embeddings)
    assert same.best_rating == 10 and same.rating_range == (1, 10)


def test_evaluation_names_liked_on_the_scale_of_the_data(folder, capsys):
    assert main_modes(["--mode", "evaluate", *flags(folder)]) == 0
    assert "users with a test rating of 8 or more" in capsys.readouterr().out


def test_an_older_checkpoint_keeps_stars(folder, model, older, capsys):
    older_flags = [*flags(folder)[:2], "--checkpoint_dir", str(folder / "older"), *flags(folder)[4:]]
    assert older.rating_range == (0.5, 5)
    assert main_modes(["--mode", "evaluate", *older_flags]) == 0
    assert "users with a test rating of 4 or more" in capsys.readouterr().out
    assert main_inference([*older_flags, "--user_id", "3", "--format", "json"]) == 0
    (answer,) = json.loads(capsys.readouterr().out)
    given = {film["reason"].rsplit(" ", 1)[1] for film in answer["recommendations"]}
    assert given <= {"2", "2.5", "4", "4.5", "5"} and given & {"4", "4.5", "5"}
    assert main_inference([*older_flags, "--history", "7:4"]) == 0
    assert "because you rated Planted 007 (1987) 4" in capsys.readouterr().out
    assert main_train([*older_flags, "--resume", "--epochs", "4"]) == 0
    resumed = load_checkpoint(folder / "older" / "last.pt")
    assert resumed.settings["min_rating"] == 2 and resumed.earlier.in_stars
    assert resumed.dataset["split"] == model.dataset["split"]


def test_newer_data_must_have_the_same_scale(tmp_path, folder, capsys):
    newer = out_of_ten(tmp_path / "newer", num_movies=60, per_user=20, seed=1)
    schema = json.loads((newer / "schema.json").read_text())
    schema["interactions"]["best_rating"] = 11  # with 20, nobody would have liked anything
    (newer / "schema.json").write_text(json.dumps(schema))
    argv = [*flags(tmp_path, "newer"), "--extend", str(folder / "checkpoints" / "best.pt")]
    line = refused(capsys, main_train, argv)
    assert "has 11 as its best rating, " in line and "best.pt 10; give data on the same scale" in line


def test_ratings_above_the_scale_are_refused_with_the_way_to_say_it(tmp_path, capsys):
    out_of_ten(tmp_path / "planted")
    (tmp_path / "planted" / "schema.json").unlink()
    line = refused(capsys, main_train, [*flags(tmp_path), *FAST])
    assert line.endswith(
        "planted has ratings up to 10, above the best rating, 5; correct them, or give the best one in "
        'features.json beside the files: {"interactions": {"best_rating": 10}}'
    )
    with pytest.raises(ValueError, match="up to 10, above the best rating, 5; give best_rating=10"):
        pinsage.train([1, 2, 3], [1, 2, 3], [1, 10, 2])


@pytest.mark.parametrize("value", ["0", "-1", "nan", "ten", 10])
def test_a_checkpoint_with_a_scale_that_is_none_is_refused(tmp_path, model, value):
    broken = replace(model, dataset=model.dataset | {"best_rating": value})
    broken.save(tmp_path)
    if value == 10:
        assert load_checkpoint(tmp_path / "best.pt").best_rating == 10
        return
    with pytest.raises(ValueError, match="dataset.best_rating must be a finite number above 0; train again"):
        load_checkpoint(tmp_path / "best.pt")
