"""The server in processes of its own: start, stop, several processes, and new models under load."""

import asyncio
import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import threading

import pytest

from config import SearchConfig
from model.checkpoint import BEST, load_checkpoint
from serve.app import create_app
from serve.films import Films
from serve.health import main as ask_health
from serve.live import model_fingerprint
from tests.serving import ROOT, put, running_server, write_other_model

pytestmark = pytest.mark.slow
testclient = pytest.importorskip("fastapi.testclient")
aiohttp = pytest.importorskip("aiohttp")
prometheus_client = pytest.importorskip("prometheus_client")

QUESTIONS = [
    f"/api/movies/{movie}/recommendations?k=10&method={m}" for movie in (1, 7, 23) for m in ("exact", "lsh")
]
RELOADS = 100


@pytest.fixture(scope="module")
def models(trained_folder, tmp_path_factory):
    """Four models by their fingerprints: the file, and the bytes of their answers to ``QUESTIONS``."""
    folder = tmp_path_factory.mktemp("models")
    trained = trained_folder / "checkpoints" / BEST
    shutil.copy(trained, folder / "0.pt")
    for seed in (1, 2, 3):
        write_other_model(trained, folder / f"{seed}.pt", seed)
    found = {}
    for path in sorted(folder.iterdir()):
        films = Films(load_checkpoint(path), SearchConfig(), None)
        client = testclient.TestClient(create_app(films))
        fingerprint = model_fingerprint(path.read_bytes(), b"")
        found[fingerprint] = (path, [client.get(question).content for question in QUESTIONS])
    assert len({answers[0] for _, answers in found.values()}) == 4
    return found


@pytest.fixture
def folder(models, tmp_path):
    put(next(path for path, _ in models.values()), tmp_path)
    return tmp_path


def processes_of(server, fingerprint):
    """How many processes answer from a model."""
    return server.metrics().get(f'pinsage_model_processes{{fingerprint="{fingerprint}"}}', 0)


async def ask_until(server, done, models, number):
    """What ``number`` clients got until ``done``: failures, and fingerprints that were answered rightly."""
    failures, right = [], set()

    async def client(session, start):
        turn = start
        while not done.is_set():
            turn = (turn + 1) % len(QUESTIONS)
            try:
                async with session.get(QUESTIONS[turn]) as response:
                    body, mark = await response.read(), response.headers.get("X-Model-Fingerprint")
            except aiohttp.ClientError as error:
                failures.append(repr(error))
                continue
            if response.status != 200 or body != models[mark][1][turn]:
                failures.append((response.status, mark, QUESTIONS[turn], body[:200]))
            right.add(mark)
            await asyncio.sleep(0.005)

    async with aiohttp.ClientSession(f"http://127.0.0.1:{server.port}") as session:
        await asyncio.gather(*(client(session, start) for start in range(number)))
    return failures, right


@contextlib.contextmanager
def load_on(server, models, number=6):
    """Clients that ask while the block runs; checks at its end that every answer was right."""
    done, result = threading.Event(), []
    thread = threading.Thread(
        target=lambda: result.append(asyncio.run(ask_until(server, done, models, number)))
    )
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
    ((failures, right),) = result
    assert failures == []
    assert right == set(models)


def test_a_hundred_new_models_under_load_fail_no_request(folder, models):
    with running_server(folder, "--workers", "2") as server, load_on(server, models):
        order = list(models)
        for turn in range(1, RELOADS + 1):
            fingerprint = order[turn % len(order)]
            put(models[fingerprint][0], folder)
            if turn % 2:  # the others are found by looking every second
                server.process.send_signal(signal.SIGHUP)
            server.wait_for(lambda f=fingerprint: processes_of(server, f) == 2, f"model {fingerprint}")
        assert server.metrics()['pinsage_model_loads_total{outcome="taken"}'] >= 2 * (RELOADS + 1)
        torn = models[order[1]][0].read_bytes()[:50_000]
        (folder / BEST).write_bytes(torn)
        server.wait_for(
            lambda: server.metrics().get('pinsage_model_loads_total{outcome="refused"}', 0) >= 2, "refusal"
        )
        assert processes_of(server, order[0]) == 2
        assert "the new model is refused, the one before still answers" in server.log.read_text()
    assert "Traceback" not in server.log.read_text()


def test_new_second_models_under_load_fail_no_request(folder, models, tmp_path):
    """Both lists of every comparison are those of their model; a torn second model is refused."""
    second, path = tmp_path / "second", "/api/movies/7/models?k=10"
    second.mkdir()
    order = list(models)
    put(models[order[1]][0], second)
    alone = {
        fingerprint: json.loads(answers[QUESTIONS.index("/api/movies/7/recommendations?k=10&method=exact")])
        for fingerprint, (_, answers) in models.items()
    }
    done, wrong, seen = threading.Event(), [], set()

    def compare():
        while not done.is_set():
            status, headers, body = server.get(path)
            sides = json.loads(body).get("models", []) if status == 200 else []
            right = [one["recommendations"] == alone[one["fingerprint"]]["recommendations"] for one in sides]
            if right != [True, True] or sides[0]["fingerprint"] != headers["x-model-fingerprint"]:
                wrong.append((status, body[:200]))
            seen.update(one["fingerprint"] for one in sides[1:])

    with running_server(folder, "--workers", "2", "--compare_dir", str(second)) as server:
        clients = [threading.Thread(target=compare) for _ in range(3)]
        for client in clients:
            client.start()
        try:
            for turn in range(2, 12):
                fingerprint = order[1 + turn % 3]
                put(models[fingerprint][0], second)
                if turn % 2:
                    server.process.send_signal(signal.SIGHUP)
                server.wait_for(lambda f=fingerprint: processes_of(server, f) == 2, f"model {fingerprint}")
            (second / BEST).write_bytes(b"torn")
            refused = 'pinsage_model_loads_total{outcome="refused"}'
            server.wait_for(lambda: server.metrics().get(refused, 0) >= 2, "refusal")
            assert processes_of(server, fingerprint) == processes_of(server, order[0]) == 2
        finally:
            done.set()
            for client in clients:
                client.join()
    assert wrong == [] and seen == set(order[1:])
    assert "Traceback" not in server.log.read_text()


def answered(server, count):
    """The lines of the access log about recommendations, once there are so many: they follow the answers."""
    text = server.log.read_text()
    lines = [json.loads(row) for row in text[: text.rfind("\n")].splitlines() if row.startswith("{")]
    found = [line for line in lines if line["route"].endswith("/recommendations")]
    return found if len(found) == count else None


def test_a_process_that_ends_is_replaced_and_all_stop_together(folder):
    with running_server(folder, "--workers", "2", "--access_log") as server:
        for _ in range(20):
            assert server.get(QUESTIONS[0])[0] == 200
        answers = server.wait_for(lambda: answered(server, 20), "line for each answer")
        assert {line["status"] for line in answers} == {200}
        route = '{route="/api/movies/{movie_id:path}/recommendations",status="200"}'
        assert server.metrics()[f"pinsage_requests_total{route}"] == 20  # of both processes
        victim = answers[0]["worker"]
        os.kill(victim, signal.SIGKILL)
        text = f"process {victim} of the server has ended with code -9; another one is started"
        server.wait_for(lambda: text in server.log.read_text(), "line about the process")
        fingerprint = server.get("/api/info")[1]["x-model-fingerprint"]
        server.wait_for(lambda: processes_of(server, fingerprint) == 2, "second process")
        assert server.stop() == 130
        assert server.log.read_text().splitlines()[-1] == "interrupted"
        with pytest.raises(ConnectionRefusedError):
            server.get("/")


def test_the_processes_end_with_a_parent_that_is_killed(folder):
    with running_server(folder, "--workers", "2") as server:
        children = subprocess.run(
            ["ps", "-o", "pid=", "--ppid", str(server.process.pid)], capture_output=True, text=True
        ).stdout.split()
        assert len(children) >= 2
        server.process.kill()
        server.process.wait()

        def all_ended():
            try:
                server.get("/")
            except OSError:
                return True

        for _ in range(200):
            if all_ended():
                return
            threading.Event().wait(0.1)
        raise AssertionError(server.log.read_text())


@pytest.mark.parametrize(
    ("number", "workers"), [(signal.SIGTERM, "1"), (signal.SIGINT, "1"), (signal.SIGINT, "2")]
)
def test_a_stop_answers_what_was_accepted(folder, number, workers):
    """Requests that are held back by their bodies are accepted, then the signal comes, then the bodies."""
    body = json.dumps({"history": [{"movieId": 7}], "k": 5}).encode()

    async def scenario(server):
        async def ask(go):
            reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
            head = (
                "POST /api/recommendations HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
            )
            writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body[:10])
            await writer.drain()
            await go.wait()
            writer.write(body[10:])
            return await reader.read()

        go = asyncio.Event()
        waiting = [asyncio.create_task(ask(go)) for _ in range(8)]
        name = "pinsage_requests_in_flight"
        await asyncio.to_thread(server.wait_for, lambda: server.metrics()[name] == 8, "8 requests in flight")
        server.process.send_signal(number)
        await asyncio.sleep(0.5)
        go.set()
        return await asyncio.gather(*waiting)

    with running_server(folder, "--workers", workers) as server:
        answers = asyncio.run(scenario(server))
        assert server.process.wait(60) == 130
    assert [answer[:15] for answer in answers] == [b"HTTP/1.1 200 OK"] * 8
    assert all(b'"recommendations"' in answer for answer in answers)


def test_a_limit_is_held_by_a_real_server(folder):
    async def scenario(server):
        async with aiohttp.ClientSession(
            f"http://127.0.0.1:{server.port}", connector=aiohttp.TCPConnector(limit=0)
        ) as session:

            async def ask():
                async with session.get(QUESTIONS[0]) as response:
                    await response.read()
                    return response.status, response.headers.get("Retry-After")

            return [pair for _ in range(5) for pair in await asyncio.gather(*(ask() for _ in range(60)))]

    with running_server(folder, "--max_in_flight", "2") as server:
        answers = asyncio.run(scenario(server))
        refused = server.metrics()["pinsage_refused_total"]
    assert set(answers) == {(200, None), (503, "1")}
    assert sum(status == 503 for status, _ in answers) == refused


def test_a_server_that_cannot_load_its_first_models_ends_with_one_line(folder, tmp_path):
    whole = tmp_path / "whole"
    whole.mkdir()
    shutil.copy(folder / BEST, whole)
    (folder / BEST).write_bytes(b"torn")
    command = [sys.executable, "main.py", "--mode", "serve", "--port", "0", "--checkpoint_dir"]
    second_is_torn = [str(whole), "--compare_dir", str(folder), "--workers", "2"]
    for more in ([str(folder)], [str(folder), "--workers", "2"], second_is_torn):
        ended = subprocess.run([*command, *more], cwd=ROOT, capture_output=True, text=True, timeout=180)
        errors = [line for line in ended.stderr.splitlines() if line.startswith("error: ")]
        assert ended.returncode == 2 and len(errors) == 1 and f"{folder / BEST} is damaged" in errors[0]
        assert "Traceback" not in ended.stderr


def test_health_is_asked_from_outside(folder, capsys):
    with running_server(folder) as server:
        address = f"http://127.0.0.1:{server.port}"
        assert ask_health(["--url", f"{address}/api/health"]) == 0
        assert capsys.readouterr().out == f'{address}/api/health answers 200: {{"state":"alive"}}\n'
        assert ask_health(["--url", f"{address}/nothing"]) == 1
        assert capsys.readouterr().out == f'{address}/nothing answers 404: {{"error":"Not Found"}}\n'
    assert ask_health(["--url", f"{address}/api/health"]) == 1
    assert capsys.readouterr().err.startswith(f"{address}/api/health does not answer: ")
