"""One process's service: limits, fingerprints, metrics and access lines, with applications made up for it."""

import asyncio
import json
import os
from types import SimpleNamespace

import pytest

from serve.access_log import Answered, write_access_line
from serve.app import create_app
from serve.live import Served
from serve.metrics import Metrics
from serve.service import Service

testclient = pytest.importorskip("fastapi.testclient")


def said(name):
    """An application that answers with its name when ``go`` is set."""

    async def app(scope, receive, send):
        scope["route"] = SimpleNamespace(path="/films/{film}")
        if (go := scope.get("go")) is not None:
            await go.wait()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": name.encode()})

    return app


def live_with(served):
    return SimpleNamespace(served=served)


async def ask(service, path="/films/7", go=None):
    """Status, headers and body of an answer."""
    sent = []

    async def send(message):
        sent.append(message)

    await service({"type": "http", "method": "GET", "path": path, "go": go}, None, send)
    start, body = sent
    return start["status"], dict(start["headers"]), body["body"]


def test_a_request_has_one_model_while_another_is_taken_over():
    live = live_with(Served(said("old"), "f0"))
    service = Service(live, 10)

    async def scenario():
        go = asyncio.Event()
        early = asyncio.create_task(ask(service, go=go))
        await asyncio.sleep(0.01)
        live.served = Served(said("new"), "f1")
        late = await ask(service)
        go.set()
        return await early, late

    early, late = asyncio.run(scenario())
    assert early == (200, {b"x-model-fingerprint": b"f0"}, b"old")
    assert late == (200, {b"x-model-fingerprint": b"f1"}, b"new")


@pytest.mark.parametrize(("limit", "asked"), [(1, 5), (3, 3), (4, 9)])
def test_above_the_limit_the_answer_is_503_and_every_accepted_request_is_answered(limit, asked):
    seen = []
    service = Service(live_with(Served(said("x"), "f")), limit, [seen.append])

    async def scenario():
        go = asyncio.Event()
        waiting = [asyncio.create_task(ask(service, go=go)) for _ in range(asked)]
        await asyncio.sleep(0.01)
        state = await ask(service, "/api/health")  # is answered however many wait
        go.set()
        return await asyncio.gather(*waiting), state, await ask(service)

    answers, state, afterwards = asyncio.run(scenario())
    assert [status for status, _, _ in answers] == [200] * min(limit, asked) + [503] * max(0, asked - limit)
    assert state[0] == afterwards[0] == 200 and service.in_flight == 0
    for status, headers, body in answers:
        if status == 503:
            assert headers[b"retry-after"] == b"1" and b"content-security-policy" in headers
            assert list(json.loads(body)) == ["error"]
    assert sum(one.refused for one in seen) == max(0, asked - limit)
    assert {(one.status, one.size > 0, one.fingerprint) for one in seen if not one.refused} == {
        (200, True, "f")
    }


def test_a_place_is_free_again_after_a_failure():
    async def failing(scope, receive, send):
        raise RuntimeError

    seen = []
    service = Service(live_with(Served(failing, "f")), 1, [seen.append])

    async def scenario():
        for _ in range(3):
            with pytest.raises(RuntimeError):
                await ask(service)

    asyncio.run(scenario())
    assert service.in_flight == 0 and [(one.status, one.refused) for one in seen] == [(500, False)] * 3


def test_an_access_line_says_who_answered_what_and_nothing_of_the_visitor(capsys):
    answered = Answered("GET", "/api/search", 200, 0.0123456, 17, "f0", False)
    write_access_line(answered)
    line = json.loads(capsys.readouterr().out)
    assert line.pop("time").endswith("+00:00")
    assert line == {
        "method": "GET", "route": "/api/search", "status": 200, "ms": 12.35, "bytes": 17,
        "worker": os.getpid(), "model": "f0",
    }  # fmt: skip


def test_metrics_count_answers_by_template_and_status():
    pytest.importorskip("prometheus_client")
    metrics = Metrics()
    for route, status, refused in [("/a/{b}", 200, False), ("/a/{b}", 503, True), (None, 404, False)]:
        metrics.answered(Answered("GET", route, status, 0.015, 5, "f", refused))
    metrics.in_flight(3)
    metrics.loaded("taken", "", "f0")
    metrics.loaded("taken", "", "f2")  # of a second model
    metrics.loaded("refused", "f0", "f0")
    metrics.loaded("taken", "f0", "f1")
    samples = set(metrics.text().decode().splitlines())
    assert samples >= {
        'pinsage_requests_total{route="/a/{b}",status="200"} 1.0',
        'pinsage_requests_total{route="/a/{b}",status="503"} 1.0',
        'pinsage_requests_total{route="none",status="404"} 1.0',
        'pinsage_request_seconds_bucket{le="0.01",route="/a/{b}"} 0.0',
        'pinsage_request_seconds_bucket{le="0.02",route="/a/{b}"} 2.0',
        "pinsage_refused_total 1.0",
        "pinsage_requests_in_flight 3.0",
        'pinsage_model_loads_total{outcome="taken"} 3.0',
        'pinsage_model_loads_total{outcome="refused"} 1.0',
        'pinsage_model_processes{fingerprint="f0"} 0.0',
        'pinsage_model_processes{fingerprint="f1"} 1.0',
        'pinsage_model_processes{fingerprint="f2"} 1.0',
    }


def test_routes_about_the_server_before_and_after_the_model_is_loaded(served_films):
    loading = testclient.TestClient(create_app(None))
    ready = testclient.TestClient(create_app(served_films))
    assert loading.get("/api/health").json() == ready.get("/api/health").json() == {"state": "alive"}
    assert ready.get("/api/ready").json() == {"state": "ready"}
    for path in ("/api/ready", "/", "/api/movies/7"):
        response = loading.get(path)
        assert response.status_code == 503 and response.headers["retry-after"] == "1"
        assert response.json() == {"error": "the model is being loaded; ask again"}


def test_without_the_client_metrics_say_what_to_install(served_films):
    response = testclient.TestClient(create_app(served_films)).get("/metrics")
    assert response.status_code == 501
    assert response.json() == {
        "error": "the package prometheus-client is not installed here; pip install -r requirements-serve.txt"
    }


def test_templates_of_routes_are_counted_not_paths(served_films):
    pytest.importorskip("prometheus_client")
    metrics, seen = Metrics(), []
    served = Served(create_app(served_films, metrics=metrics), "f0")
    client = testclient.TestClient(Service(live_with(served), 10, [seen.append], metrics))
    for path in ("/api/movies/7/recommendations?k=3", "/api/search?q=secret", "/nothing", "/"):
        assert client.get(path).headers["x-model-fingerprint"] == "f0"
    routes = ["/api/movies/{movie_id:path}/recommendations", "/api/search", None, "/"]
    assert [one.route for one in seen] == routes
    text = client.get("/metrics").text
    assert 'pinsage_requests_total{route="/api/search",status="200"} 1.0' in text and "secret" not in text
