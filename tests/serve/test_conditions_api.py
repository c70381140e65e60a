"""Conditions in the API: text in the address, text or a tree in a body, one line for what is wrong."""

import json

import pytest

from serve.app import create_app
from serve.guard import MAX_BYTES_OF
from tests.serve.test_serve import problem

testclient = pytest.importorskip("fastapi.testclient")
SIMILAR, TASTE = "/api/movies/7/recommendations", "/api/recommendations"


@pytest.fixture(scope="module")
def client(served_films):
    with testclient.TestClient(create_app(served_films, frozenset({"testserver"}))) as client:
        yield client


def ids(response):
    assert response.status_code == 200, response.text
    return [film["movieId"] for film in response.json()["recommendations"]]


def taste(**more):
    return {"history": [{"movieId": 7}], "k": 40} | more


@pytest.mark.parametrize("method", ["exact", "lsh", "ivf"])
def test_films_that_go_with_a_film_under_a_condition(client, method):
    params = {"where": "year >= 1990 and not id in (12, 13)", "k": 100, "method": method}
    every = ids(client.get(SIMILAR, params={"k": 100}))
    years = {
        film["movieId"]: film["year"]
        for film in client.get(SIMILAR, params={"k": 100}).json()["recommendations"]
    }
    wanted = {one for one in every if years[one] is not None and years[one] >= 1990} - {12, 13}
    assert set(ids(client.get(SIMILAR, params=params))) == wanted != set()


def test_a_person_gives_a_text_or_a_tree(client):
    text = ids(client.post(TASTE, json=taste(where="id in (12, 13, 7) or id = '20'")))
    tree = {
        "or": [{"column": "id", "op": "in", "value": [12, 13, 7]}, {"column": "id", "op": "=", "value": "20"}]
    }
    assert set(text) == {12, 13, 20} and ids(client.post(TASTE, json=taste(where=tree))) == text
    assert ids(client.post(TASTE, json=taste(where=None))) == ids(client.post(TASTE, json=taste()))


def test_a_million_ids_fit(client):
    tree = {"column": "id", "op": "in", "value": list(range(10**15, 10**15 + 999_998)) + [12, 13]}
    sent = json.dumps(taste(where=tree)).encode()
    assert len(sent) < MAX_BYTES_OF[TASTE]
    assert set(ids(client.post(TASTE, content=sent, headers={"content-type": "application/json"}))) == {
        12,
        13,
    }


@pytest.mark.parametrize(
    ("where", "line"),
    [
        ("year >", "where, character 7: expected a value"),
        ("(" * 60_000, "where, character 33: more than 32 levels"),
        ("yeer = 3", "where, character 1: there is no column 'yeer'; did you mean year?"),
        ("id in @/etc/passwd", "where, character 7: @file is read on the command line only"),
    ],
)
def test_a_wrong_text_is_one_line(client, where, line):
    assert line in problem(client.post(TASTE, json=taste(where=where)), 422)
    if len(where) < 1000:
        assert line in problem(client.get(SIMILAR, params={"where": where}), 422)


@pytest.mark.parametrize(
    ("where", "line"),
    [
        (3, "where: must be an object such as"),
        ([], "where: must be an object such as"),
        (
            {"and": [{"column": "year", "op": ">=", "value": "x"}]},
            "where.and[0].value: 'year' must be compared",
        ),
        (
            {"column": "id", "op": "in", "value": [1] * 1_000_001},
            "where.value: lists may have at most",
        ),
    ],
)
def test_a_wrong_tree_is_one_line(client, where, line):
    assert line in problem(client.post(TASTE, json=taste(where=where)), 422)


def test_columns_are_listed(client):
    found = {one["name"]: one for one in client.get("/api/columns").json()}
    assert list(found) == ["id", "title", "year", "genres"]
    assert found["year"]["kind"] == "number" and found["year"]["lowest"] <= found["year"]["highest"]
    assert found["genres"]["values"][0]["films"] > 0 and "values" not in found["title"]
