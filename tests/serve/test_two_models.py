"""Two models side by side: the same answers as each gives alone, for a film and for a person."""

import pytest

from commands.entry import main_train
from config import SearchConfig
from model.checkpoint import BEST, load_checkpoint
from recommend.recommender import Recommender
from serve.app import create_app
from serve.films import Films
from serve.guard import MAX_BYTES
from serve.two_models import ComparedModel
from tests.commands.test_commands import FAST, flags
from tests.planted import planted_movielens
from tests.serving import write_other_model

testclient = pytest.importorskip("fastapi.testclient")

HISTORY = {"history": [{"movieId": 31, "rating": 2}, {"movieId": 7, "rating": 5}, {"movieId": 23}]}
CHOICES = [{}, {"k": 4, "diversity": 0.7}, {"popularity": 1}, {"where": "not id in (1, 2, 3, 9)"}]


@pytest.fixture(scope="module")
def second(tmp_path_factory):
    """A checkpoint that does not know the first film, so that every film has another row there."""
    folder = tmp_path_factory.mktemp("second")
    planted_movielens(folder / "planted")
    for name, column in (("movies.csv", 0), ("ratings.csv", 1)):
        path = folder / "planted" / name
        rows = [row for row in path.read_text().splitlines() if row.split(",")[column] != "1"]
        path.write_text("\n".join(rows) + "\n")
    assert main_train([*flags(folder), "--epochs", "1", *FAST]) == 0
    return folder / "checkpoints" / BEST


@pytest.fixture(scope="module")
def first(trained_folder):
    return trained_folder / "checkpoints" / BEST


def client_of(path, other=lambda: None):
    """What answers from a checkpoint alone, or beside the model that ``other`` gives."""
    films = Films(load_checkpoint(path), SearchConfig(ivf_partitions=4), None, other, path.parent.name)
    return testclient.TestClient(create_app(films))


def compared(path, name="second", fingerprint="f2"):
    return ComparedModel(name, Recommender(load_checkpoint(path)), fingerprint)


@pytest.fixture(scope="module")
def both(first, second):
    """Both models side by side, and each alone."""
    model = compared(second)
    return client_of(first, lambda: model), client_of(first), client_of(second)


@pytest.mark.parametrize("choices", CHOICES)
def test_a_film_and_a_person_get_what_each_model_answers_alone(both, choices):
    together, *alone = both
    film = together.get("/api/movies/7/models", params=choices).json()
    person = together.post("/api/recommendations/models", json=HISTORY | choices).json()
    assert film["query"] == together.get("/api/movies/7").json()
    assert person["query"] == alone[0].post("/api/recommendations", json=HISTORY | choices).json()["query"]
    for place, client in enumerate(alone):
        of_film = client.get("/api/movies/7/recommendations", params=choices).json()
        of_person = client.post("/api/recommendations", json=HISTORY | choices).json()
        assert film["models"][place]["recommendations"] == of_film["recommendations"]
        assert person["models"][place]["recommendations"] == of_person["recommendations"]
        assert len(of_person["recommendations"]) == choices.get("k", 10)
    for answer in (film, person):
        names = [(side["name"], side["fingerprint"]) for side in answer["models"]]
        assert names == [("this model", "checkpoints"), ("second", "f2")]
    assert film["models"][0]["recommendations"] != film["models"][1]["recommendations"]


def test_what_is_wrong_is_one_line(both):
    together = both[0]
    path = "/api/recommendations/models"
    cases = [
        (
            {"history": [{"movieId": 7}, {"movieId": 1}]},
            422,
            "the second model cannot answer: no film has the id 1;",
        ),
        ({"history": [{"movieId": 7}, {"movieId": 7}]}, 422, "each film must be there only once"),
        ({"history": [{"movieId": 7, "rating": 9}]}, 422, "history.0.rating: a rating must be a number from"),
        ({"history": [{"movieId": 999}]}, 404, "no film has the id '999'"),
        (HISTORY | {"where": "weight > 3"}, 422, "there is no column 'weight'"),
        ({"history": []}, 422, "history"),
    ]
    for body, status, line in cases:
        response = together.post(path, json=body)
        assert response.status_code == status and line in response.json()["error"]
    refused = together.get("/api/movies/1/models")
    assert "the second model cannot answer: no film has the id 1;" in refused.json()["error"]


def test_a_condition_on_a_comparison_may_be_as_long_as_on_a_list(both):
    tree = {"column": "id", "op": "in", "value": list(range(1, 20_000))}
    body = HISTORY | {"where": {"not": tree}}
    answer = both[0].post("/api/recommendations/models", json=body)
    assert len(answer.request.content) > MAX_BYTES
    assert [side["recommendations"] for side in answer.json()["models"]] == [[], []]


def test_the_second_model_of_the_moment_answers(first, second, tmp_path):
    write_other_model(second, tmp_path / BEST, 1)
    now = [compared(second)]
    together = client_of(first, lambda: now[0])
    path = "/api/movies/7/models"
    before = together.get(path).json()["models"]
    now[0] = compared(tmp_path / BEST, fingerprint="f3")
    after = together.get(path).json()["models"]
    alone = client_of(tmp_path / BEST).get("/api/movies/7/recommendations").json()
    assert after[0] == before[0] and after[1]["fingerprint"] == "f3"
    assert after[1]["recommendations"] == alone["recommendations"] != before[1]["recommendations"]
    assert together.get("/api/info").json()["other"] == "second"


def test_the_description_names_both_questions(both):
    description = both[0].get("/openapi.json").json()
    (query,) = [description["components"]["schemas"]["TwoModels"]["properties"]["query"]]
    assert [one["$ref"].split("/")[-1] for one in query["anyOf"]] == ["Film", "Query"]
    assert "post" in description["paths"]["/api/recommendations/models"]
