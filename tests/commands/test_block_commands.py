"""``--mode embed`` and ``--mode recommend_all`` on a prepared work folder, beside the commands in memory."""

import csv
import io
import shutil
from dataclasses import replace

import numpy as np
import pytest
from pyarrow import parquet

from blocks.description import SETTINGS, Description, read_description, write_description
from blocks.ingest.source import find_source
from blocks.preparation import preparation
from blocks.runner import opened
from blocks.stage import VERSION
from blocks.work_dir import WorkDir
from commands.entry import main_modes, main_train
from config import Config
from model.checkpoint import load_checkpoint
from tests.blocks.here import Here
from tests.commands.test_commands import refused
from tests.planted import planted_movielens
from tests.workspaces import ask

WANTED = 6


def work_flags(folder, work="work"):
    return [
        *("--work_dir", str(folder / work)),
        *("--checkpoint_dir", str(folder / "checkpoints")),
        *("--workers", "1"),
    ]


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    """A work folder of three blocks of films, a model trained on it, embeddings and answers."""
    folder = tmp_path_factory.mktemp("workspace")
    planted_movielens(folder / "planted")
    model = Config().override({"spectral_dim": 4, "num_walks": 20, "num_neighbors": 5})
    source = find_source(folder / "planted")
    with opened(folder / "work", Here()) as runner:
        runner.run(preparation(source, "leave_one_out", 0.0, model.model, 0, films_per_block=16))
    settings = {name: model.model_settings()[name] for name in SETTINGS}
    write_description(folder / "work", Description("planted", source.fingerprint, settings, VERSION))
    small = ["--hidden_dim", "16", "--embedding_dim", "8", "--batch_size", "64", "--epochs", "1"]
    where = ["--checkpoint_dir", str(folder / "checkpoints"), "--output_dir", str(folder / "output")]
    assert main_train(["--work_dir", str(folder / "work"), *small, *where, "--num_threads", "1"]) == 0
    assert main_modes(["--mode", "embed", *work_flags(folder), "--embedding_dim", "8"]) == 0
    assert recommend_all(folder) == 0
    return folder


def recommend_all(folder, *more, work="work"):
    where = ["--work_dir", str(folder / work), "--output_dir", str(folder / "output"), "--workers", "1"]
    return main_modes(["--mode", "recommend_all", *where, "--num_recommendations", str(WANTED), *more])


def test_embeddings_are_those_of_the_checkpoint(workspace):
    checkpoint = load_checkpoint(workspace / "checkpoints" / "best.pt")
    blocks = list(WorkDir(workspace / "work").each("embeddings"))
    assert [len(block["queries"]) for block in blocks] == [16, 16, 8]
    for name, expected in (
        ("candidates", checkpoint.embeddings),
        ("queries", checkpoint.query_embeddings),
    ):
        ours = np.concatenate([block[name] for block in blocks])
        np.testing.assert_allclose(ours, expected.numpy(), rtol=0, atol=1e-6)


def test_the_file_has_the_answers_of_inference(workspace, capsys):
    ids = load_checkpoint(workspace / "checkpoints" / "best.pt").movies.ids
    (workspace / "ids.txt").write_text("\n".join(map(str, ids)))
    text = ask(
        workspace,
        capsys,
        *("--movie_ids", str(workspace / "ids.txt"), "--format", "csv"),
        *("--num_recommendations", str(WANTED)),
    )
    expected = list(csv.DictReader(io.StringIO(text)))
    table = parquet.read_table(workspace / "output" / "recommendations.parquet")
    assert [(field.name, str(field.type)) for field in table.schema] == [
        ("queryId", "int64"), ("rank", "int32"), ("movieId", "int64"), ("score", "float"),
    ]  # fmt: skip
    rows = table.to_pylist()
    assert len(rows) == len(expected) == WANTED * len(ids)
    for column in ("queryId", "rank"):
        assert [row[column] for row in rows] == [int(row[column]) for row in expected]
    np.testing.assert_allclose(
        [row["score"] for row in rows], [float(row["score"]) for row in expected], atol=2e-6
    )
    found, wanted = ([int(row["movieId"]) for row in part] for part in (rows, expected))
    same = np.array(found) == np.array(wanted)
    scores = np.array([row["score"] for row in rows]).reshape(-1, WANTED)
    gaps = np.abs(np.diff(scores, axis=1))
    clear = np.ones_like(scores, bool)  # scores that rounding cannot have exchanged
    clear[:, 1:] &= gaps > 4e-6
    clear[:, :-1] &= gaps > 4e-6
    clear[:, -1] = False  # the next film is not known
    assert same[clear.reshape(-1)].all() and clear.mean() > 0.7


def test_a_second_run_makes_nothing(workspace, capsys):
    def times():
        return {path: path.stat().st_mtime_ns for path in (workspace / "work").rglob("*.block")}

    before = times()
    assert main_modes(["--mode", "embed", *work_flags(workspace)]) == 0
    assert "embedded: 40 films, " in capsys.readouterr().out
    assert recommend_all(workspace) == 0
    assert "recommendations.parquet, 240 recommendations for 40 films" in capsys.readouterr().out
    assert times() == before


def test_an_index_answers_too(workspace):
    answers = workspace / "output" / "recommendations.parquet"
    exact = parquet.read_table(answers).to_pylist()
    work = shutil.copytree(workspace / "work", workspace / "with-ivf")
    assert recommend_all(workspace, "--search_method", "ivf", "--ivf_partitions", "2", work=work.name) == 0
    found = parquet.read_table(answers).to_pylist()
    hits = {(row["queryId"], row["movieId"]) for row in found}
    assert len(hits) == len(exact)
    assert len(hits & {(row["queryId"], row["movieId"]) for row in exact}) > 0.9 * len(exact)
    assert recommend_all(workspace) == 0


def describe(work, settings=(), **changed):
    """Change what the folder says it was prepared from."""
    description = read_description(work)
    changed["settings"] = description.settings | dict(settings)
    write_description(work, replace(description, **changed))


def damage(path):
    content = bytearray(path.read_bytes())
    content[0] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("mode", "change", "message"),
    [
        ("embed", lambda w: shutil.rmtree(w), "run --mode prepare first, or check --work_dir"),
        ("embed", lambda w: shutil.rmtree(w / "features"), "has no features; run --mode prepare first"),
        ("embed", lambda w: damage(w / "neighbors/000001.block"), "000001.block is missing or damaged; run"),
        ("embed", lambda w: (w / "work.json").unlink(), "is not prepared; run --mode prepare"),
        (
            "embed",
            lambda w: describe(w, fingerprint="1"),
            "was prepared from other data (planted) than the checkpoint was trained on (planted); run",
        ),
        (
            "embed",
            lambda w: describe(w, settings={"num_walks": 30}),
            "was prepared with --num_walks 30, but the checkpoint was trained with 20; run --mode prepare",
        ),
        ("recommend_all", lambda w: shutil.rmtree(w), "run --mode prepare first, or check --work_dir"),
        (
            "recommend_all",
            lambda w: shutil.rmtree(w / "embeddings"),
            "has no embeddings; run --mode embed first",
        ),
        (
            "recommend_all",
            lambda w: (w / "embeddings/000002.block").unlink(),
            "000002.block is missing or damaged; run --mode embed again",
        ),
        (
            "recommend_all",
            lambda w: (w / "features/manifest.json").write_text('{"key": "1", "digests": [1, 2, 3]}'),
            "are of other features or neighbours than those there now; run --mode embed again",
        ),
    ],
)
def test_a_work_that_is_not_whole_is_one_line(workspace, tmp_path, capsys, mode, change, message):
    work = tmp_path / "work"
    shutil.copytree(workspace / "work", work)
    change(work)
    argv = work_flags(workspace) if mode == "embed" else []
    assert message in refused(capsys, main_modes, ["--mode", mode, *argv, "--work_dir", str(work)])


@pytest.mark.parametrize(
    ("mode", "flag", "message"),
    [
        ("recommend_all", ["--ray_address", "1.2.3.4"], "--ray_address 1.2.3.4 needs --engine ray"),
        ("embed", ["--embedding_dim", "16"], "--embedding_dim 16 contradicts the checkpoint"),
        ("embed", ["--spectral_dim", "5"], "--spectral_dim 5 contradicts the checkpoint"),
        ("embed", ["--checkpoint_dir", "nowhere"], "no checkpoint at nowhere/best.pt"),
        ("embed", ["--work_dir", __file__], "is a file; name a folder"),
    ],
)
def test_wrong_flags_are_one_line(workspace, capsys, mode, flag, message):
    argv = work_flags(workspace) if mode == "embed" else ["--work_dir", str(workspace / "work")]
    assert message in refused(capsys, main_modes, ["--mode", mode, *argv, *flag])


def test_unknown_flags_of_the_new_modes_are_refused(capsys):
    for argv in (["embed", "--device", "cuda"], ["recommend_all", "--title", "Heat"]):
        with pytest.raises(SystemExit):
            main_modes(["--mode", *argv])
        assert "unrecognized arguments" in capsys.readouterr().err
