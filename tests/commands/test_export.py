"""Exports, read back by what would read them."""

import csv
import errno
import json
import resource
import signal

import numpy as np
import pandas as pd
import pyarrow
import pytest
from pyarrow import parquet

from commands.entry import main_inference, main_modes, main_train
from data.dataset import Movies
from model.checkpoint import load_checkpoint
from recommend.stores.arrays import write_parquet, write_vectors
from tests.commands.test_commands import FAST, flags, refused
from tests.planted import planted_movielens

ONE_VECTOR = ["--head", "shared", "--graph_view", "0", "--content_view", "0"]


@pytest.mark.parametrize(("model", "two"), [([], True), (ONE_VECTOR, False)])
def test_all_files_of_an_export_say_the_same(tmp_path, model, two, capsys):
    planted_movielens(tmp_path / "planted")
    assert main_train([*flags(tmp_path), "--epochs", "1", *FAST, *model]) == 0
    folder = tmp_path / "output" / "embeddings"
    folder.mkdir()
    (folder / "queries.npy").write_bytes(b"of an earlier export")
    assert main_modes(["--mode", "export", *flags(tmp_path)]) == 0
    shown = capsys.readouterr().out
    assert all(str(file) in shown for file in folder.iterdir())
    frame = pd.read_parquet(folder / "embeddings.parquet")
    names = ["movieId", "title", "year", "genres", "embedding"]
    assert list(frame.columns) == names + ["query"] * two
    np.testing.assert_array_equal(np.stack(list(frame["embedding"])), np.load(folder / "embeddings.npy"))
    assert (folder / "queries.npy").exists() == two
    if two:
        np.testing.assert_array_equal(np.stack(list(frame["query"])), np.load(folder / "queries.npy"))
    with (folder / "movies.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [int(row["movieId"]) for row in rows] == frame["movieId"].tolist()
    assert [row["title"] for row in rows] == frame["title"].tolist()
    assert [row["genres"] for row in rows] == ["|".join(genres) for genres in frame["genres"]]


def test_parquet_keeps_titles_and_gaps(tmp_path):
    titles = ['"Quoted", with\nbreak\r', "七人の侍", ""]
    movies = Movies(
        np.array([5, 2**60, 0]),
        titles,
        [("A,b", "C"), (), ("D",)],
        np.array([1954, np.nan, 2000], np.float32),
    )
    vectors = np.arange(6, dtype=np.float32).reshape(3, 2)
    write_parquet(tmp_path / "x.parquet", movies, vectors, None)
    table = parquet.read_table(tmp_path / "x.parquet")
    assert table.schema.field("embedding").type == pyarrow.list_(pyarrow.float32(), 2)
    assert table.to_pydict() == {
        "movieId": [5, 2**60, 0],
        "title": titles,
        "year": [1954, None, 2000],
        "genres": [["A,b", "C"], [], ["D"]],
        "embedding": [[0, 1], [2, 3], [4, 5]],
    }


def test_a_disk_that_fills_up_is_said_and_leaves_the_file_before(tmp_path):
    """NumPy would say '300000 requested and 118784 written'."""
    vectors = np.random.default_rng(0).random((500, 20), dtype=np.float32)
    movies = Movies(np.arange(500), ["x"] * 500, [()] * 500, np.zeros(500, np.float32))
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    writers = {
        "x.npy": lambda path: write_vectors(path, vectors),
        "x.parquet": lambda path: write_parquet(path, movies, vectors, None),
    }
    for name, write in writers.items():
        write(tmp_path / name)
        before = (tmp_path / name).read_bytes()
        try:
            resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, limits[1]))
            with pytest.raises(OSError) as caught:
                write(tmp_path / name)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        assert (caught.value.errno, caught.value.filename) == (errno.EFBIG, str(tmp_path / name))
        assert (tmp_path / name).read_bytes() == before
    signal.signal(signal.SIGXFSZ, handler)
    np.testing.assert_array_equal(np.load(tmp_path / "x.npy"), vectors)
    assert {path.name for path in tmp_path.iterdir()} == set(writers)


def test_an_export_into_stores(tmp_path, capsys):
    """Films that were added are in every store; other files of the folder stay."""
    planted_movielens(tmp_path / "planted")
    assert main_train([*flags(tmp_path), "--epochs", "1", *FAST]) == 0
    (tmp_path / "new.json").write_text('{"title": "New (2001)", "genres": ["Action"]}')
    new = [
        "--new_movie",
        str(tmp_path / "new.json"),
        "--add",
        "--checkpoint_dir",
        str(tmp_path / "checkpoints"),
    ]
    assert main_inference(new) == 0
    folder = tmp_path / "output" / "embeddings"
    (folder / "faiss").mkdir(parents=True)
    (folder / "faiss" / "mine.txt").write_text("kept")
    capsys.readouterr()
    assert main_modes(["--mode", "export", *flags(tmp_path), "--to", "faiss, qdrant,pgvector,faiss"]) == 0
    assert capsys.readouterr().out.count("written: ") == 3
    assert {path.name for path in folder.iterdir()} == {"faiss", "qdrant", "pgvector"}
    assert (folder / "faiss" / "mine.txt").exists()
    items = pd.read_parquet(folder / "faiss" / "items.parquet")
    points = [json.loads(line) for line in (folder / "qdrant" / "points.jsonl").read_text().splitlines()]
    assert items["title"].iloc[-1] == points[-1]["payload"]["title"] == "New (2001)"
    assert "New (2001)" in (folder / "pgvector" / "items.sql").read_text()
    checkpoint = load_checkpoint(tmp_path / "checkpoints" / "best.pt")
    assert len(items) == len(points) == len(checkpoint.movies) + 1
    np.testing.assert_array_equal(np.load(folder / "faiss" / "queries.npy")[:-1], checkpoint.query_embeddings)


def test_a_store_that_is_not_known(capsys):
    line = refused(capsys, main_modes, ["--mode", "export", "--to", "faiss,chroma"])
    assert "--to must be one of faiss, lancedb, onnx, pgvector, qdrant, usearch, got 'chroma'" in line
