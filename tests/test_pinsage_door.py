"""``import pinsage``: training in memory gives the bits of training from files, and the door is complete."""

import csv
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

import pinsage
from commands.entry import main_train
from model.checkpoint import Checkpoint, load_checkpoint
from tests.books import library
from tests.planted import planted_movielens

ROOT = Path(__file__).resolve().parent.parent
FAST = {
    "epochs": 3,
    "batch_size": 500,
    "num_negatives": 20,
    "spectral_dim": 8,
    "num_neighbors": 5,
    "hidden_dim": 16,
    "embedding_dim": 8,
    "num_threads": 1,
    "device": "cpu",
}


def flags(folder: Path, data: Path) -> list[str]:
    places = [f"--data_dir={data}", f"--checkpoint_dir={folder}", f"--output_dir={folder}"]
    return [*places, *(f"--{name}={value}" for name, value in FAST.items())]


def from_files(folder: Path, data: Path) -> Checkpoint:
    assert main_train(flags(folder, data)) == 0
    return load_checkpoint(folder / "best.pt")


def assert_same_model(one: Checkpoint, other: Checkpoint) -> None:
    for name in ("features", "neighbors", "weights", "embeddings", "query_embeddings", "user_ids"):
        assert torch.equal(getattr(one, name), getattr(other, name)), name
    for name, weight in one.trainer["model"].items():
        assert torch.equal(weight, other.trainer["model"][name]), name
    assert one.settings == other.settings
    assert one.movies.titles == other.movies.titles and one.movies.genres == other.movies.genres
    assert one.movies.text_ids == other.movies.text_ids and one.user_text_ids == other.user_text_ids
    assert one.progress["best_epoch"] == other.progress["best_epoch"]


@pytest.fixture(scope="module")
def planted(tmp_path_factory):
    folder = tmp_path_factory.mktemp("door")
    data = planted_movielens(folder)
    return data, from_files(folder / "trained", data)


def rows(path: Path, separator: str = ",") -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter=separator))


def columns(data: Path) -> dict[str, list]:
    ratings = rows(data / "ratings.csv")
    return {
        "users": [int(row["userId"]) for row in ratings],
        "items": [int(row["movieId"]) for row in ratings],
        "ratings": [float(row["rating"]) for row in ratings],
        "times": [int(row["timestamp"]) for row in ratings],
        "titles": {int(row["movieId"]): row["title"] for row in rows(data / "movies.csv")},
        "genres": {int(row["movieId"]): row["genres"].split("|") for row in rows(data / "movies.csv")},
    }


def test_arrays_give_the_bits_of_files(planted):
    data, stored = planted
    assert_same_model(pinsage.train(**columns(data), **FAST), stored)


def test_frames_give_the_bits_of_files(planted):
    data, stored = planted
    frames = (pd.read_csv(data / "ratings.csv"), pd.read_csv(data / "movies.csv"))
    assert_same_model(pinsage.train(*frames, **FAST), stored)


def test_ratings_below_a_minimum_are_dropped_as_from_files(tmp_path, planted):
    data, _ = planted
    assert main_train([*flags(tmp_path, data), "--min_rating", "3"]) == 0
    model = pinsage.train(**columns(data), **FAST, min_rating=3.0)
    assert_same_model(model, load_checkpoint(tmp_path / "best.pt"))


def test_text_ids_give_the_bits_of_own_data(tmp_path):
    data = library(tmp_path / "books")
    schema = json.loads((data / "schema.json").read_text(encoding="utf-8"))
    del schema["items"]["year"]  # in memory a year stands in the title
    (data / "schema.json").write_text(json.dumps(schema), encoding="utf-8")
    stored = from_files(tmp_path / "trained", data)
    loans, shelf = rows(data / "loans.txt", ";"), rows(data / "books.csv", ";")
    model = pinsage.train(
        [loan["reader"] for loan in loans],
        [loan["book"] for loan in loans],
        titles={book["isbn"]: book["name"] for book in shelf},
        genres={book["isbn"]: book["subjects"].split(",") for book in shelf},
        **FAST,
    )
    assert_same_model(model, stored)


def test_content_gives_the_bits_of_features_json(tmp_path, planted):
    data = tmp_path / "data"
    data.mkdir()
    for name in ("ratings.csv", "movies.csv"):
        (data / name).write_bytes((planted[0] / name).read_bytes())
    arrays = columns(planted[0])
    ids, rng = list(arrays["titles"]), np.random.default_rng(0)
    vectors = rng.standard_normal((len(ids) - 5, 12)).astype(np.float32)
    text = {one: f"words of {one % 7} and {one % 3}" for one in ids[::2]}
    price = {one: float(one) ** 2 for one in ids[3:]}
    brand = {one: "Acme" if one % 2 else "Bolt" for one in ids}
    np.save(data / "image.npy", vectors)
    (data / "ids.txt").write_text("\n".join(map(str, ids[5:])))
    lines = [f"{one},{text.get(one, '')},{price.get(one, '')},{brand[one]}\n" for one in reversed(ids)]
    (data / "more.csv").write_text("movieId,text,price,brand\n" + "".join(lines))
    block = {"name": "image", "file": "image.npy", "ids": "ids.txt", "dim": 6}
    keys = {"text": ["text"], "numbers": ["price"], "categories": ["brand"], "vectors": [block]}
    (data / "features.json").write_text(json.dumps({"items": {"file": "more.csv", **keys}}))
    stored = from_files(tmp_path / "trained", data)
    model = pinsage.train(
        **arrays,
        vectors={"image": (ids[5:], vectors, 6)},
        text=text,
        numbers={"price": price},
        categories={"brand": brand},
        **FAST,
    )
    assert_same_model(model, stored)
    assert model.features.shape[1] > planted[1].features.shape[1]


def test_weights_and_repeats_reach_the_graph(planted):
    arrays = columns(planted[0])
    num = len(arrays["users"])
    log = {name: arrays[name] * 2 for name in ("users", "items")} | {"times": list(range(2 * num))}
    first = pinsage.train(**log, repeats="first", **FAST)
    counted = pinsage.train(**log, weights=np.arange(2 * num) % 5 + 1.0, **FAST)
    assert not torch.equal(first.weights, counted.weights)
    assert_same_model(pinsage.train(**log, repeats="first", weights=np.ones(2 * num), **FAST), first)


def test_the_scale_of_ratings_is_that_of_the_data(planted):
    data, stored = planted
    arrays = columns(data)
    arrays["ratings"] = [2 * rating for rating in arrays["ratings"]]
    model = pinsage.train(**arrays, best_rating=10, **FAST)
    assert torch.equal(model.embeddings, stored.embeddings)
    assert model.dataset["highest_rating"] == "10"


def test_what_comes_out_answers(planted):
    data, _ = planted
    model = pinsage.train(**columns(data), **FAST)
    assert len(pinsage.Recommender(model).similar(model.movies.titles[0], k=3)) == 3


def test_nothing_but_users_and_items_is_enough():
    rng = np.random.default_rng(0)
    model = pinsage.train(rng.integers(0, 40, 900), rng.integers(0, 25, 900), **FAST)
    assert model.embeddings.shape == (25, 8 + 24 + 1 + 2) and model.movies.titles == [
        str(row) for row in range(25)
    ]
    assert model.dataset["lowest_rating"] == model.dataset["highest_rating"] == "5"


def test_dates_are_times(planted):
    data, stored = planted
    arrays = columns(data)
    arrays["times"] = np.array(arrays["times"], dtype="datetime64[s]")
    assert_same_model(pinsage.train(**arrays, **FAST), stored)


WRONG = [
    ({"items": [1, 2]}, "users and items must have one entry per interaction, got 3 and 2"),
    ({"users": [], "items": []}, "users and items must have at least one interaction, got none"),
    (
        {"users": [1.5, 2, 3]},
        "users must be whole numbers from 0 to .*, or texts that are not empty, got 1.5",
    ),
    ({"users": [True, False, True]}, "users must be whole numbers .*, got True"),
    ({"users": [-1, 2, 3]}, "users must be whole numbers from 0 to .*got .*-1"),
    (
        {"users": [2**64, 2, 3]},
        "users must be .* to 9223372036854775807.*, got 18446744073709551616",
    ),
    ({"items": ["a", "", "c"]}, "items must be .*, or texts that are not empty, got ''"),
    ({"items": ["a", 1, "c"]}, "items must be"),
    ({"users": [[1], [2], [3]]}, r"users must have one dimension, got the shape \(3, 1\)"),
    ({"ratings": [1, 2, np.nan]}, "ratings must be finite numbers of 0 or more, got nan"),
    ({"ratings": [1, 2, -3]}, "ratings must be finite numbers of 0 or more, got -3"),
    ({"ratings": ["good", 2, 3]}, "ratings must be numbers of 0 or more"),
    ({"times": ["a", "b", "c"]}, "times must be numbers of seconds or dates, got values of type <U1"),
    ({"times": [0.5, 1, np.nan]}, "times that are floats must be finite and at most 9223372036854, got nan"),
    ({"ratings": [1, 2, 10]}, "has ratings up to 10, above the best rating, 5; give best_rating=10"),
    ({"best_rating": 0}, "best_rating must be a finite number above 0, got 0"),
    ({"repeats": "never"}, "repeats must be one of count, first, last, got 'never'"),
    ({"weights": [1, 2, np.inf]}, "weights must be finite numbers, got inf"),
    ({"weights": [0, 0, -1]}, "none of the 3 interactions counts, all have a weight of 0 or less"),
    ({"weights": [1]}, "users and weights must have one entry per interaction, got 3 and 1"),
    ({"ratings": 4}, "users and ratings must have one entry per interaction, got 3 and the shape"),
    ({"titles": {"a": "A"}}, "items and titles must have ids of one kind"),
    ({"titles": {7: "Seven"}}, r"none of the 3 items is in titles \(not 1, 2, 3\); use the same ids"),
    ({"titles": {2: "Two"}}, r"only 1 of the 3 items is in titles \(not 1, 3\); use the same ids"),
    ({"epochs": 0}, "`epochs` must be a whole number at least 1, got 0"),
    ({"epoch": 3}, "epoch is not a setting of a training; it takes aggregator, batch_size, "),
    ({"resume": True}, "resume is not a setting of a training"),
    ({"preset": "best"}, "`preset` best is not there; give default, paper or the name of a JSON file"),
    ({"preset": 5}, "`preset` must be text, got 5"),
    ({"split": "random"}, "`split` must be one of leave_one_out, temporal, none, got 'random'"),
    ({"embedding_dim": 9}, "`embedding_dim` 9 must be even"),
    ({"items": None}, "items must be given"),
]


@pytest.mark.parametrize(("arguments", "message"), WRONG)
def test_what_cannot_be_trained_on_is_a_value_error(arguments, message):
    with pytest.raises(ValueError, match=message):
        pinsage.train(**({"users": [1, 1, 2], "items": [1, 2, 3]} | arguments))


def test_a_missing_column_is_named():
    frame = pd.DataFrame({"userId": [1], "film": [2]})
    with pytest.raises(ValueError, match="have a column item or itemId.*, got the columns userId, film"):
        pinsage.train(frame)
    ratings = pd.DataFrame({"user": [1, 1], "item": [2, 3]})
    with pytest.raises(ValueError, match="the catalogue must have each id once, got 3 twice"):
        pinsage.train(ratings, pd.DataFrame({"item": [2, 3, 3]}))
    with pytest.raises(ValueError, match="must be columns of the DataFrames"):
        pinsage.train(ratings, titles={1: "A"})
    with pytest.raises(ValueError, match="weights must be the name of a column of the DataFrame"):
        pinsage.train(ratings, weights=[1.0, 2.0])


def test_every_name_of_the_door_is_there():
    assert set(pinsage.__all__) <= set(dir(pinsage))
    promised = "Recommender train ItemGraph RandomWalkSampler PinSage ExactIndex LSHIndex WeakANDIndex"
    assert set(promised.split()) <= set(pinsage.__all__)


def test_the_door_loads_neither_charts_nor_the_web_page():
    code = "import sys, pinsage; assert not {'fastapi', 'matplotlib'} & set(sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
