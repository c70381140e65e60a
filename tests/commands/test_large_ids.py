"""Ids beyond 2^53 - 1: text in all JSON, whole everywhere else."""

import csv
import json

import numpy as np
import pyarrow.parquet
import pytest

from commands.entry import main_inference, main_modes, main_train
from config import SearchConfig
from recommend.added_films import ADDED, load_model
from recommend.recommender import Recommender
from serve.app import create_app
from serve.films import Films
from tests.commands.test_commands import FAST, flags
from tests.other_data import SHIFT, large_ids

testclient = pytest.importorskip("fastapi.testclient")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Data with ids that JavaScript cannot hold as numbers, a model, and two films added to it."""
    folder = tmp_path_factory.mktemp("large")
    large_ids(folder / "planted", per_user=20)
    assert main_train([*flags(folder), "--epochs", "3", "--split", "temporal", *FAST]) == 0
    for title, film in {
        "One": {"movieId": str(SHIFT + 101), "ratings": [{"userId": str(SHIFT + 3), "rating": 5}]},
        "Two": {"movieId": SHIFT + 103, "ratings": [{"userId": SHIFT + 5, "rating": 5}]},
    }.items():
        (folder / "film.json").write_text(json.dumps({"title": title, "genres": ["Action"]} | film))
        assert main_inference([*flags(folder), "--new_movie", str(folder / "film.json"), "--add"]) == 0
    return folder


@pytest.fixture(scope="module")
def films(folder):
    return Films(load_model(folder / "checkpoints"), SearchConfig(ivf_partitions=4), None)


def as_javascript(text):
    """The value of a JSON text as a browser reads it; all ids in it must still be those of films."""

    def whole(digits):
        assert int(float(digits)) == int(digits), digits
        return int(digits)

    return json.loads(text, parse_int=whole)


def ids_in(value):
    """All ids in a JSON value."""
    if isinstance(value, dict):
        for key, one in value.items():
            if key in ("movieId", "userId", "id"):
                yield one
            yield from ids_in(one)
    elif isinstance(value, list):
        for one in value:
            yield from ids_in(one)


KNOWN = {str(SHIFT + film) for film in [*range(1, 41), 101, 103]}


def check(text, least=1):
    """All ids of a JSON text are texts and those of films; returns the value."""
    value = as_javascript(text)
    found = [one for one in ids_in(value) if one is not None]
    assert len(found) >= least and set(found) <= KNOWN
    return value


@pytest.mark.parametrize(
    "asked",
    [
        ["--movie_id", str(SHIFT + 7)],
        ["--history", f"{SHIFT + 7}:5,{SHIFT + 8}"],
        ["--title", "planted 007"],
        ["--user_id", str(SHIFT + 3)],
    ],
)
def test_answers_of_the_command_line(folder, capsys, asked):
    capsys.readouterr()
    assert main_inference([*flags(folder), *asked, "--format", "json"]) == 0
    check(capsys.readouterr().out, 10)
    assert main_inference([*flags(folder), *asked, "--format", "csv"]) == 0
    rows = list(csv.DictReader(capsys.readouterr().out.splitlines()))
    assert {row["movieId"] for row in rows} <= KNOWN


def test_files(folder):
    assert main_modes(["--mode", "evaluate", *flags(folder)]) == 0
    assert main_modes(["--mode", "evaluate", *flags(folder), "--search_method", "ivf"]) == 0
    for path in (folder / "output").glob("*.json"):
        as_javascript(path.read_text())
    added = check((folder / "checkpoints" / ADDED).read_text(), 2)
    assert [film["movieId"] for film in added["films"]] == [str(SHIFT + 101), str(SHIFT + 103)]
    assert main_modes(["--mode", "export", *flags(folder)]) == 0
    exported = folder / "output" / "embeddings"
    table = pyarrow.parquet.read_table(exported / "embeddings.parquet")
    assert table["movieId"].to_pylist() == [int(one) for one in sorted(KNOWN)]
    with (exported / "movies.csv").open(encoding="utf-8") as file:
        assert [row["movieId"] for row in csv.DictReader(file)] == sorted(KNOWN)


def test_records_in_python(films):
    recommender = Recommender(films.checkpoint)
    answer = recommender.similar(SHIFT + 7, k=5)
    assert recommender.similar(str(SHIFT + 7), k=5) == answer
    check(answer.to_json(), 5)
    assert answer.to_frame()["movieId"].tolist() == [film.movie_id for film in answer]
    assert all(isinstance(film.movie_id, int) for film in answer)
    explained = recommender.explain(SHIFT + 7, SHIFT + 9)
    check(explained.to_json(), 1) if explained.shared else as_javascript(explained.to_json())
    assert [type(one) for one in explained.to_frame()["movieId"]] == [int] * len(explained.shared)


def test_every_route_of_the_api(films):
    with testclient.TestClient(create_app(films)) as client:
        asked = str(SHIFT + 7)
        film = check(client.get(f"/api/movies/{asked}").text)
        assert film["movieId"] == asked
        similar = check(client.get(f"/api/movies/{asked}/recommendations").text, 11)
        assert similar["query"]["id"] == asked
        check(client.get(f"/api/movies/{asked}/methods").text, 31)
        check(client.get("/api/search?q=planted").text, 8)
        assert set(ids_in(check(client.get("/api/map").text, 42))) == KNOWN
        by_text = client.post("/api/recommendations", json={"history": [{"movieId": asked, "rating": 5}]})
        by_number = client.post(
            "/api/recommendations", json={"history": [{"movieId": SHIFT + 7, "rating": 5}]}
        )
        assert check(by_text.text, 10) == check(by_number.text, 10)


def test_a_small_id_stays_a_number_and_may_be_asked_for_as_text(served_films):
    with testclient.TestClient(create_app(served_films)) as client:
        answer = client.post("/api/recommendations", json={"history": [{"movieId": "7"}]}).json()
        assert answer == client.post("/api/recommendations", json={"history": [{"movieId": 7}]}).json()
        assert all(type(film["movieId"]) is int for film in answer["recommendations"])


def test_neighbours_of_equal_floating_point_ids_are_different_films(films):
    # 2^53 + 8 and 2^53 + 9 are one number in JavaScript.
    assert float(SHIFT + 8) == float(SHIFT + 9)
    rows = [films.row(str(SHIFT + 8)), films.row(str(SHIFT + 9))]
    assert np.array_equal(films.movies.ids[rows], [SHIFT + 8, SHIFT + 9])
