"""Taking over a new model: what changes, what is refused, and whose answers are given."""

import gc
import threading
import weakref
import zipfile

import pytest

from config import SearchConfig
from data.reading.film_file import parse_film
from model.checkpoint import BEST, load_checkpoint
from recommend.added_films import ADDED, add_film
from serve.app import create_app
from serve.films import Films
from serve.live import Live, Served, model_fingerprint
from serve.watch import Watch
from tests.serving import put, write_other_model

testclient = pytest.importorskip("fastapi.testclient")
QUESTION = "/api/movies/7/recommendations?k=5"


@pytest.fixture
def folder(trained_folder, tmp_path):
    """A folder with a model, and beside it ``other.pt`` and what else a test wants to put in its place."""
    trained = trained_folder / "checkpoints" / BEST
    (tmp_path / BEST).write_bytes(trained.read_bytes())
    write_other_model(trained, tmp_path / "other.pt", 1)
    return tmp_path


def live_of(folder, noted=None):
    """The model of ``folder``, as the command loads it, but without the thread."""

    def load(checkpoint, fingerprint):
        films = Films(checkpoint, SearchConfig(ivf_partitions=4), None, fingerprint=fingerprint)
        return Served(create_app(films), fingerprint, "films")

    return Live(folder, load, Served(create_app(None)), noted)


def answer(live, path=QUESTION):
    return testclient.TestClient(live.served.app).get(path).json()


def fingerprint_of(folder):
    added = folder / ADDED
    return model_fingerprint((folder / BEST).read_bytes(), added.read_bytes() if added.exists() else b"")


def test_a_new_model_is_taken_over_and_says_its_fingerprint(folder):
    noted = []
    live = live_of(folder, lambda *what: noted.append(what))
    assert live.renew() and not live.renew()
    first, before = live.served.fingerprint, answer(live)
    assert first == fingerprint_of(folder) == answer(live, "/api/info")["fingerprint"] and len(first) == 16
    put(folder / "other.pt", folder)
    live.try_to_renew()
    assert live.served.fingerprint == fingerprint_of(folder) != first
    expected = live_of(folder)
    expected.renew()
    assert answer(live) == answer(expected) != before
    assert noted == [("taken", "", first), ("taken", first, live.served.fingerprint)]


def test_the_model_before_leaves_the_memory(folder):
    live = live_of(folder)
    load, films = live._load, []

    def remembered(checkpoint, fingerprint):
        served = load(checkpoint, fingerprint)
        made = served.app.state.films
        made.map.result(60)  # its thread has the model, too
        films.append(weakref.ref(made))
        return served

    live._load = remembered
    live.renew()
    assert films[0]() is not None
    put(folder / "other.pt", folder)
    live.try_to_renew()
    gc.collect()
    assert films[0]() is None and films[1]() is not None


def middle_of_largest_tensor(path):
    """A place in a checkpoint, whose format is that of zip files; other places may be filling."""
    with zipfile.ZipFile(path) as file:
        largest = max(file.infolist(), key=lambda entry: entry.file_size)
        with file.open(largest):
            return file.fp.tell() + largest.file_size // 2


@pytest.mark.parametrize("kind", ["torn", "empty", "foreign", "one byte", "gone"])
def test_what_is_no_whole_model_is_refused_in_one_line(folder, kind, caplog):
    noted = []
    live = live_of(folder, lambda *what: noted.append(what))
    live.renew()
    before, whole = live.served, (folder / BEST).read_bytes()
    damaged = bytearray(whole)
    damaged[middle_of_largest_tensor(folder / BEST)] ^= 1
    files = {
        "torn": whole[: len(whole) // 2],
        "empty": b"",
        "foreign": b"PK\3\4 no model",
        "one byte": damaged,
    }
    if kind == "gone":
        (folder / BEST).unlink()
    else:
        (folder / BEST).write_bytes(files[kind])  # in place, over the file that is served
    caplog.clear()
    live.try_to_renew()
    (line,) = [record.message for record in caplog.records if record.levelname == "ERROR"]
    assert line.startswith("the new model is refused, the one before still answers: ") and "\n" not in line
    assert live.served is before and noted[1:] == [("refused", *[before.fingerprint] * 2)]
    put(folder / "other.pt", folder)
    live.try_to_renew()
    assert live.served.fingerprint == fingerprint_of(folder) != before.fingerprint


def test_added_films_are_a_change_too(folder, caplog):
    live = live_of(folder)
    live.renew()
    before = live.served
    assert not live.has_changed()
    add_film(folder, load_checkpoint(folder / BEST), parse_film({"title": "Added (2001)"}, "film"))
    assert live.has_changed()
    live.try_to_renew()
    assert live.served.fingerprint == fingerprint_of(folder) != before.fingerprint
    assert [film["title"] for film in answer(live, "/api/search?q=added")][:1] == ["Added (2001)"]
    (folder / ADDED).write_text("{")
    now = live.served
    live.try_to_renew()
    assert live.served is now and "the new model is refused" in caplog.text


def test_added_films_that_change_during_the_load_are_read_again(folder, monkeypatch):
    live, loads = live_of(folder), []

    def slow(path, content):
        loads.append(path)
        if len(loads) == 1:
            film = parse_film({"title": "Meanwhile (2001)"}, "film")
            add_film(folder, load_checkpoint(folder / BEST), film)
        return load_checkpoint(path, content)

    monkeypatch.setattr("serve.live.load_checkpoint", slow)
    live.renew()
    assert len(loads) == 2 and live.served.fingerprint == fingerprint_of(folder)


def test_the_thread_sees_a_new_file(folder):
    live, ready = live_of(folder), threading.Event()
    watch = Watch([live])
    watch.start(ready.set)
    assert ready.wait(60) and watch.tried.wait(60) and watch.failure is None
    first = live.served.fingerprint
    put(folder / "other.pt", folder)
    wait_until(lambda: live.served.fingerprint != first)
    assert live.served.fingerprint == fingerprint_of(folder)


def test_asked_it_looks_without_waiting_for_the_next_second(folder, monkeypatch):
    monkeypatch.setattr("serve.watch.CHECK_SECONDS", 10_000)
    live = live_of(folder)
    watch = Watch([live])
    watch.start(lambda: None)
    assert watch.tried.wait(60)
    first = live.served.fingerprint
    put(folder / "other.pt", folder)
    watch.look_now()
    wait_until(lambda: live.served.fingerprint != first)


def test_a_first_model_that_cannot_be_loaded_is_a_failure(folder):
    (folder / BEST).write_bytes(b"torn")
    live = live_of(folder)
    watch = Watch([live])
    watch.start(lambda: None)
    assert watch.tried.wait(60) and "is damaged or not a checkpoint" in str(watch.failure)
    assert testclient.TestClient(live.served.app).get("/api/ready").status_code == 503


def test_a_refused_model_does_not_hold_up_another(folder, tmp_path):
    """Two folders, one thread: the first one's new file is torn, the second one's is whole."""
    second = tmp_path / "second"
    second.mkdir()
    put(folder / BEST, second)
    seen = []
    models = [
        live_of(one, lambda outcome, *_, one=one: seen.append((one, outcome))) for one in (second, folder)
    ]
    watch = Watch(models)
    watch.start(lambda: None)
    assert watch.tried.wait(60) and seen == [(second, "taken"), (folder, "taken")]
    before = models[0].served
    (second / BEST).write_bytes(b"torn")
    wait_until(lambda: (second, "refused") in seen)
    put(folder / "other.pt", folder)
    wait_until(lambda: models[1].served.fingerprint == fingerprint_of(folder))
    assert models[0].served is before
    put(folder / "other.pt", second)
    wait_until(lambda: models[0].served.fingerprint == fingerprint_of(folder))


def wait_until(condition):
    pause = threading.Event()
    for _ in range(1200):
        if condition():
            return
        pause.wait(0.05)
    raise AssertionError("it did not happen within a minute")
