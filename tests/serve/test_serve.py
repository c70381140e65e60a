"""The API, without a browser."""

import asyncio
import json
import socket
import sys
import threading

import pytest

from commands.entry import main_modes
from data.dataset import Facts
from data.feature_extractor import film_features, fit_features, training_ratings
from serve.app import create_app
from serve.films import _in_background
from serve.guard import HEADERS, MAX_BYTES, MAX_BYTES_OF
from tests.commands.test_commands import PLANTED_DIM, flags
from tests.factories import catalogue, random_graph
from tests.planted import block_of

testclient = pytest.importorskip("fastapi.testclient")


@pytest.fixture(scope="module")
def client(served_films):
    with testclient.TestClient(create_app(served_films, frozenset({"testserver"}))) as client:
        yield client


def problem(response, status):
    """The one line of an error."""
    assert response.status_code == status and response.headers["content-type"] == "application/json"
    (line,) = response.json().values()
    assert list(response.json()) == ["error"] and "\n" not in line and "Traceback" not in line
    return line


def test_popularity_is_a_parameter_of_both_questions(client):
    path = "/api/movies/1/recommendations?k=5"
    plain, zero, known = (client.get(path + more).json() for more in ("", "&popularity=0", "&popularity=1"))
    assert plain == zero != known
    body = {"history": [{"movieId": 1}], "k": 5}
    answers = [client.post("/api/recommendations", json=body | {"popularity": p}).json() for p in (0, 1)]
    assert answers[0] != answers[1]
    assert "popularity" in problem(client.get(path + "&popularity=2"), 422)
    assert "popularity" in problem(client.post("/api/recommendations", json=body | {"popularity": "x"}), 422)


def test_diversity_is_a_parameter_of_both_questions(client):
    path = "/api/movies/1/recommendations?k=5"
    plain, zero, varied = (client.get(path + more).json() for more in ("", "&diversity=0", "&diversity=1"))
    assert plain == zero != varied
    assert varied["recommendations"][0] == plain["recommendations"][0]
    body = {"history": [{"movieId": 1}], "k": 5}
    answers = [client.post("/api/recommendations", json=body | {"diversity": d}).json() for d in (0, 1)]
    assert answers[0] != answers[1]
    assert "diversity" in problem(client.get(path + "&diversity=-1"), 422)
    assert "diversity" in problem(client.post("/api/recommendations", json=body | {"diversity": 2}), 422)


def test_the_model_is_described(client):
    assert client.get("/api/info").json() == {
        "fingerprint": "", "dataset": "planted", "films": 40, "words": {"item": "film", "items": "films"},
        "dimension": PLANTED_DIM, "other": None, "split": "leave_one_out",
        "methods": ["exact", "lsh", "ivf"], "method": "exact", "popularity": True,
        "lowest_rating": 0.5, "highest_rating": 5,
        "ratings": [5, 4.5, 4, 3.5, 3, 2.5, 2, 1.5, 1, 0.5],
    }  # fmt: skip


@pytest.mark.parametrize("method", ["exact", "lsh", "ivf"])
def test_films_that_go_with_a_film(client, method):
    answer = client.get(f"/api/movies/7/recommendations?k=5&method={method}").json()
    title = "Planted 007 (1987)"
    assert answer["query"] == {"kind": "film", "id": 7, "title": title, "shownTitle": title}
    found = answer["recommendations"]
    assert [film["rank"] for film in found] == [1, 2, 3, 4, 5] and answer["method"] == method
    assert sum(block_of(film["movieId"]) == block_of(7) for film in found) >= 4
    assert all(film["movieId"] != 7 and film["reason"] and film["genres"] for film in found)
    assert list(found[0]) == [
        "movieId", "title", "shownTitle", "year", "genres", "columns", "rank", "score", "reason", "details",
    ]  # fmt: skip


def test_methods_side_by_side(client):
    answer = client.get("/api/movies/7/methods?k=39").json()
    assert [side["method"] for side in answer["methods"]] == ["exact", "lsh", "ivf"]
    exact = answer["methods"][0]
    for side in answer["methods"]:
        assert side["microseconds"] > 0 and len(side["recommendations"]) == 39 and side["recall"] == 1
        first, best = side["recommendations"][0], exact["recommendations"][0]
        assert first == best | {"score": pytest.approx(best["score"], abs=2e-6)}  # float32 sums differ


def test_a_history_is_answered_with_reasons_and_without_its_own_films(client):
    taste = {"history": [{"movieId": 7, "rating": 5}, {"movieId": 9}], "k": 6}
    answer = client.post("/api/recommendations", json=taste).json()
    found = answer["recommendations"]
    title = "Planted 009 (1989), Planted 007 (1987)"
    assert answer["query"] == {"kind": "history", "id": None, "title": title, "shownTitle": title}
    assert len(found) == 6 and not {7, 9} & {film["movieId"] for film in found}
    reasons = {"because you rated Planted 007 (1987) 5", "because of Planted 009 (1989)"}
    assert {film["reason"] for film in found} <= reasons


@pytest.mark.parametrize(
    ("path", "status", "line"),
    [
        ("/api/movies/7/recommendations?k=0", 422, "k: Input should be greater than or equal to 1, got '0'"),
        ("/api/movies/7/recommendations?k=101", 422, "less than or equal to 100"),
        ("/api/movies/7/recommendations?k=x", 422, "k: Input should be a valid integer"),
        ("/api/movies/7/recommendations?method=hnsw", 422, "method: Input should be 'exact', 'lsh' or 'ivf'"),
        ("/api/movies/999/recommendations", 404, "no film has the id '999'"),
        ("/api/movies/x%0Ay/methods", 404, "Not Found"),
        ("/api/movies/-1", 404, "no film has the id '-1'"),
        ("/api/search", 422, "q: Field required"),
        (f"/api/search?q={'x' * 201}", 422, "q: String should have at most 200 characters"),
        ("/api/nothing", 404, "Not Found"),
        ("/../config.py", 404, "Not Found"),
        ("/%2e%2e/app.py", 404, "Not Found"),
        ("/api/recommendations", 405, "Method Not Allowed"),
    ],
)
def test_wrong_questions_are_one_line(client, path, status, line):
    response = client.get(path)
    assert line in problem(response, status) and HEADERS.items() <= dict(response.headers).items()


@pytest.mark.parametrize(
    ("body", "status", "line"),
    [
        (b'{"history": [', 422, "the body is not JSON"),
        (b"\xff\xfe", 422, ""),
        (b"[]", 422, "body: "),
        (b'{"history": []}', 422, "history: List should have at least 1 item"),
        (b'{"history": [{"movieId": 7, "rating": 1e999}]}', 422, "rating: Input should be a finite"),
        (b'{"history": [{"movieId": 7, "rating": -1}]}', 422, "greater than or equal to 0, got -1"),
        (b'{"history": [{"movieId": 7, "rating": 5.5}]}', 422,
         "history.0.rating: a rating must be a number from 0.5 to 5, got 5.5"),
        (b'{"history": [{"movieId": 9}, {"movieId": 7, "rating": 0}]}', 422, "history.1.rating: a rating"),
        (b'{"history": [{"movieId": 7, "stars": 5}]}', 422, "Extra inputs are not permitted"),
        (b'{"history": [{"movieId": 7}, {"movieId": 7}]}', 422, "each film must be there only once"),
        (b'{"history": [{"movieId": 999}]}', 404, "no film has the id '999'"),
        (b'{"history": [{"movieId": 7}], "k": 1000}', 422, "k: Input should be less than or equal to 100"),
        (b"[" * 50_000, 400, ""),
    ],
)  # fmt: skip
def test_wrong_bodies_are_one_line(client, body, status, line):
    sent = client.post("/api/recommendations", content=body, headers={"content-type": "application/json"})
    assert line in problem(sent, status)


def test_the_longest_history_fits_and_more_bytes_are_refused(client):
    history = [{"movieId": movie, "rating": 4.5} for movie in range(1, 40)]
    assert client.post("/api/recommendations", json={"history": history}).status_code == 200
    longest = json.dumps({"history": [{"movieId": 10**9, "rating": 4.5}] * 500})
    assert len(longest) < MAX_BYTES
    many = b" " * (MAX_BYTES_OF["/api/recommendations"] + 1)  # a condition may list a million ids
    assert "33,554,432 bytes" in problem(client.post("/api/recommendations", content=many), 413)
    pieces = (b" " * 2**22 for _ in range(9))  # no length is announced
    sent = client.post("/api/recommendations", content=pieces, headers={"content-type": "application/json"})
    assert "33,554,432 bytes" in problem(sent, 413)
    assert "65,536 bytes" in problem(client.post("/api/info", content=b" " * (MAX_BYTES + 1)), 413)


def test_a_bug_shows_one_line_and_no_traceback(served_films, monkeypatch, caplog):
    monkeypatch.setattr(served_films, "similar", lambda *_: 1 / 0)
    client = testclient.TestClient(create_app(served_films), raise_server_exceptions=False)
    response = client.get("/api/movies/7/recommendations")
    assert "unexpected error" in problem(response, 500) and "content-security-policy" in response.headers
    assert "unexpected ZeroDivisionError while answering /api/movies/7/recommendations" in caplog.text


def test_other_names_for_the_server_are_refused(client):
    assert "not known by that name" in problem(client.get("/", headers={"host": "evil.example"}), 400)
    assert client.get("/", headers={"host": "testserver:8000"}).status_code == 200


def test_pages_and_description_load_nothing_from_elsewhere(client):
    for path in ("/", "/docs", "/theme.css", "/page.css", "/app.js"):
        response = client.get(path)
        assert (
            response.status_code == 200
            and "default-src 'none'" in response.headers["content-security-policy"]
        )
        assert "https://" not in response.text
    paths = client.get("/openapi.json").json()["paths"]
    assert len(paths) == 13 and "/api/movies/{movie_id}/recommendations" in paths


def test_who_stops_waiting_for_the_map_does_not_cancel_it_for_others():
    done = threading.Event()
    film_map = _in_background(lambda: b"map" if done.wait(10) else b"")

    async def wait_briefly():
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.wrap_future(film_map), 0.01)

    asyncio.run(wait_briefly())
    done.set()
    assert film_map.result(10) == b"map"


def test_the_map_places_every_film_inside_its_frame(client):
    found = client.get("/api/map").json()
    assert len(found["films"]) == 40 and sorted(found["genres"]) == ["Action", "Romance"]
    assert all(0 < film["x"] < found["width"] and 0 < film["y"] < found["height"] for film in found["films"])


def test_ratings_are_read_back_from_features():
    graph, facts = random_graph(), Facts(catalogue(20))
    basis = fit_features(facts, graph, 4, 0)
    features = film_features(basis, facts, graph.movie_user_matrix())
    assert training_ratings(basis, features).tolist() == graph.movie_degree.tolist()


def test_a_taken_port_and_a_wrong_host_are_one_line(trained_folder, capsys):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        argv = ["--mode", "serve", *flags(trained_folder), "--port", str(taken.getsockname()[1])]
        assert main_modes(argv) == 1
        assert "Address already in use; choose another --port" in capsys.readouterr().err
    assert main_modes(["--mode", "serve", *flags(trained_folder), "--host", "not a host"]) == 2
    assert "error: --host not a host: " in capsys.readouterr().err


def test_without_the_framework_the_way_to_install_it_is_said(trained_folder, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    assert main_modes(["--mode", "serve", *flags(trained_folder)]) == 2
    assert "uvicorn is not installed here; pip install -r requirements.txt" in capsys.readouterr().err


def test_a_second_model_is_needed_to_compare_with(client, trained_folder, capsys):
    assert "there is no second model" in problem(client.get("/api/movies/7/models"), 422)
    sent = client.post("/api/recommendations/models", json={"history": [{"movieId": 7}]})
    assert "there is no second model" in problem(sent, 422)
    argv = ["--mode", "serve", *flags(trained_folder), "--port", "0", "--compare_dir", "nowhere"]
    assert main_modes(argv) == 2
    assert "no checkpoint at nowhere" in capsys.readouterr().err
