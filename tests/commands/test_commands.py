"""Commands from end to end on planted data, in this process where that suffices."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from commands.entry import main_inference, main_modes, main_train
from tests.planted import block_of, planted_movielens

ROOT = Path(__file__).resolve().parents[2]
PLANTED_DIM = 8 + 39 + 3 + 2  # of an embedding: learned, graph view, genres and year, popularity and filler
FAST = "--hidden_dim 16 --embedding_dim 8 --spectral_dim 4 --num_walks 20 --num_neighbors 5".split()
FAST += "--batch_size 64 --lr 0.01 --num_threads 1".split()


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    """A folder with planted data and a trained checkpoint."""
    folder = tmp_path_factory.mktemp("workspace")
    planted_movielens(folder / "planted")
    assert main_train(flags(folder) + ["--epochs", "4", *FAST]) == 0
    return folder


def flags(folder, data="planted"):
    return [
        *("--data_dir", str(folder / data)),
        *("--checkpoint_dir", str(folder / "checkpoints")),
        *("--output_dir", str(folder / "output")),
    ]


def refused(capsys, main, argv, code=2):
    """The one line that a command which cannot be done shows."""
    capsys.readouterr()
    assert main(argv) == code
    shown = capsys.readouterr().err.splitlines()
    errors = [line for line in shown if line.startswith("error: ")]
    assert len(errors) == 1 and not any("Traceback" in line for line in shown)
    return errors[0]


def test_training_leaves_checkpoints_history_and_curves(workspace):
    names = {path.name for path in (workspace / "checkpoints").iterdir()}
    assert names == {".training.lock", "best.pt", "last.pt"}
    rows = list(csv.DictReader((workspace / "output" / "training_history.csv").open()))
    assert [row["epoch"] for row in rows] == [str(n + 1) for n in range(len(rows))]
    assert {"loss", "validation_mrr", "learning_rate", "pairs_per_second"} <= rows[0].keys()
    assert (workspace / "output" / "training_curves.png").stat().st_size > 5000


def test_evaluation_reports_every_baseline_and_beats_popularity(workspace, capsys):
    assert main_modes(["--mode", "evaluate", *flags(workspace)]) == 0
    report = json.loads((workspace / "output" / "metrics.json").read_text())
    assert (report["protocol"], report["split"], report["queries"], report["catalogue"]) == (
        "next_item", "leave_one_out", 60, 40,
    )  # fmt: skip
    assert len(report["baselines"]) == 8
    # 40 films without the twelve or so that a user has seen: nobody can miss one of 100.
    assert report["few_candidates"] == {"100": 60, "500": 60}
    assert report["metrics"].keys() == report["baselines"]["popularity"].keys()
    assert report["metrics"]["mrr"] > report["baselines"]["popularity"]["mrr"]
    variety = {f"{name}@10" for name in ("coverage", "diversity", "novelty", "personalisation", "gini")}
    assert variety <= report["metrics"].keys()
    assert report["metrics"]["novelty@10"] > report["baselines"]["popularity"]["novelty@10"]
    assert report["metrics"]["gini@10"] < report["baselines"]["popularity"]["gini@10"]
    table = capsys.readouterr().out
    assert "PinSage" in table and f"{report['metrics']['mrr']:.3f}" in table
    assert "personalisation@10" in table and f"{report['metrics']['personalisation@10']:.3f}" in table
    words = "60 of 60 questions have at most 100 candidates: every method finds the target within that many"
    assert words in table and words in (workspace / "output" / "report.html").read_text(encoding="utf-8")
    for picture in ("hit_rates.png", "embedding_map.png"):
        assert (workspace / "output" / picture).stat().st_size > 5000


def test_inference_prints_k_films_of_the_same_block_and_never_the_query(workspace, capsys):
    assert main_inference([*flags(workspace), "--movie_id", "7", "--num_recommendations", "8"]) == 0
    found = recommended(capsys.readouterr().out)
    assert len(found) == len(set(found)) == 8 and 7 not in found
    assert sum(block_of(movie) == block_of(7) for movie in found) >= 7


def test_inference_needs_no_data_folder(workspace, capsys):
    gone = flags(workspace, data="never_existed")
    assert main_inference([*gone, "--movie_id", "7"]) == 0
    assert (
        main_modes(["--mode", "inference", *gone, "--title", "planted 007", "--search_method", "exact"]) == 0
    )
    texts = capsys.readouterr().out.split("films that go with ")
    assert texts[1].strip() == texts[2].strip() and "Planted 007 (1987)" in texts[1]


def test_more_than_there_are_is_said(workspace, capsys):
    assert main_inference([*flags(workspace), "--num_recommendations", "100"]) == 0
    text = capsys.readouterr().out
    assert len(recommended(text)) == 39 and "39 instead of 100: the catalogue has no other films" in text


def recommended(text):
    """MovieLens ids in the printed table."""
    rows = text.split("---\n", 1)[1].split("\n\n", 1)[0]
    return [int(line.split()[2]) for line in rows.splitlines()]


def test_export_writes_embeddings_and_their_films(workspace):
    assert main_modes(["--mode", "export", *flags(workspace)]) == 0
    embeddings = np.load(workspace / "output" / "embeddings" / "embeddings.npy")
    rows = list(csv.DictReader((workspace / "output" / "embeddings" / "movies.csv").open()))
    assert embeddings.dtype == np.float32 and embeddings.shape == (40, PLANTED_DIM) and len(rows) == 40
    np.testing.assert_allclose(np.linalg.norm(embeddings, axis=1), 1, atol=1e-5)
    assert rows[6] == {"row": "6", "movieId": "7", "title": "Planted 007 (1987)", "genres": "Action"}


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (
            ["--movie_id", "999"],
            "no film has the id 999; planted has 40 films with ids from 1 to 40, try --title",
        ),
        (["--title", "xylophone"], "no film is called anything like 'xylophone'"),
        (["--title", "planted"], "'planted' can mean 40 films: Planted 002 (1982) (id 2); Planted 029 "),
        (
            ["--title", "planted 007", "--movie_id", "7"],
            "--movie_id 7 and --title 'planted 007' both name a film",
        ),
        (
            ["--search_method", "lsh", "--lsh_bits", "100"],
            "--lsh_tables 16 must divide --lsh_bits 100",
        ),
        (["--split", "temporal"], "--split temporal contradicts the checkpoint, trained with leave_one_out"),
        (["--checkpoint_dir", "nowhere"], "no checkpoint at nowhere/best.pt; train one first"),
        (["--device", "cuda"], "--device cuda: PyTorch finds no such device"),
        (["--output_dir", __file__], "test_commands.py is a file; name a folder"),
    ],
)
def test_wrong_inference_flags_are_one_line_and_exit_2(workspace, capsys, argv, message):
    if argv == ["--device", "cuda"] and torch.cuda.is_available():
        pytest.skip("there is a CUDA device")
    assert message in refused(
        capsys, lambda a: main_modes(["--mode", "inference", *a]), flags(workspace) + argv
    )


def test_other_data_than_the_checkpoints_is_refused(workspace, capsys):
    planted_movielens(workspace / "other", seed=9)
    other = flags(workspace, data="other")
    assert "is not what the checkpoint was trained on (planted)" in refused(capsys, main_inference, other)
    evaluate = ["--mode", "evaluate", *other]
    assert "was trained on planted, but the content of --data_dir other differs" in refused(
        capsys, main_modes, evaluate
    )
    assert "was trained on planted, but the content" in refused(capsys, main_train, [*other, "--resume"])


def test_training_on_a_missing_folder_is_one_line(tmp_path, capsys):
    assert "nowhere" in refused(capsys, main_train, ["--data_dir", str(tmp_path / "nowhere")])


def test_a_diverged_loss_is_exit_1_and_keeps_the_last_good_checkpoint(tmp_path, capsys):
    planted_movielens(tmp_path / "planted")
    argv = [*flags(tmp_path), *FAST, "--epochs", "2"]
    assert main_train(argv) == 0
    before = torch.load(tmp_path / "checkpoints" / "last.pt", weights_only=True)
    bad = dict(before, trainer=dict(before["trainer"], model=dict(before["trainer"]["model"])))
    bad["trainer"]["model"]["convs.0.lin_self.bias"] = torch.full_like(
        bad["trainer"]["model"]["convs.0.lin_self.bias"], torch.nan
    )
    torch.save(bad, tmp_path / "checkpoints" / "last.pt")
    content = (tmp_path / "checkpoints" / "last.pt").read_bytes()
    line = refused(capsys, main_train, [*flags(tmp_path), "--resume", "--epochs", "3"], code=1)
    assert "the loss became nan in epoch 3, step 1" in line
    assert (tmp_path / "checkpoints" / "last.pt").read_bytes() == content


def test_split_none_trains_and_has_nothing_to_evaluate(tmp_path, capsys):
    planted_movielens(tmp_path / "planted")
    assert main_train([*flags(tmp_path), *FAST, "--epochs", "2", "--split", "none"]) == 0
    best, last = (
        torch.load(tmp_path / "checkpoints" / f"{name}.pt", weights_only=True) for name in ("best", "last")
    )
    assert torch.equal(best["embeddings"], last["embeddings"])
    line = refused(capsys, main_modes, ["--mode", "evaluate", *flags(tmp_path)])
    assert "--split none holds nothing out" in line


SLOW = [*FAST, "--batch_size", "8", "--max_hard_negatives", "6", "--patience", "9", "--epochs", "4"]


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory):
    """Four epochs in one go."""
    folder = tmp_path_factory.mktemp("uninterrupted")
    planted_movielens(folder / "planted")
    assert main_train([*flags(folder), *SLOW]) == 0
    return folder


@pytest.mark.parametrize("stop_with", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_killed_and_resumed_equals_uninterrupted(uninterrupted, tmp_path, stop_with):
    """Two epochs, a kill in the third, and a resumed training: the same embeddings to the bit."""
    planted_movielens(tmp_path / "planted")
    process = subprocess.Popen(
        [sys.executable, "train.py", *flags(tmp_path), *SLOW],
        cwd=ROOT,
        stderr=subprocess.PIPE,
        text=True,
        # A shell's background job, as a CI can be, ignores Ctrl-C and hands that on.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    for line in process.stderr:
        if line.startswith("epoch  2/4"):
            break
    time.sleep(0.3)  # into the third epoch
    process.send_signal(stop_with)
    rest = process.communicate()[1]
    if stop_with != signal.SIGKILL:
        assert process.returncode == 130
        assert rest == "interrupted; the last complete checkpoint is intact, --resume continues a training\n"
    interrupted = torch.load(tmp_path / "checkpoints" / "last.pt", weights_only=True)
    assert interrupted["trainer"]["epoch"] == 2
    assert main_train([*flags(tmp_path), "--resume", "--num_threads", "1"]) == 0
    for name in ("best.pt", "last.pt"):
        ours, theirs = (
            torch.load(folder / "checkpoints" / name, weights_only=True)
            for folder in (tmp_path, uninterrupted)
        )
        assert torch.equal(ours["embeddings"], theirs["embeddings"])
        assert ours["trainer"]["epoch"] == theirs["trainer"]["epoch"]
        for key, value in ours["trainer"]["model"].items():
            assert torch.equal(value, theirs["trainer"]["model"][key])


def test_waiting_threads_sleep_unless_the_user_says_otherwise(tmp_path, monkeypatch, capsys):
    planted_movielens(tmp_path / "planted")
    argv = [*flags(tmp_path), *FAST, "--epochs", "1"]
    monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
    assert main_train(argv) == 0 and os.environ["OMP_WAIT_POLICY"] == "PASSIVE"
    monkeypatch.setenv("OMP_WAIT_POLICY", "ACTIVE")
    assert main_train(argv) == 0 and os.environ["OMP_WAIT_POLICY"] == "ACTIVE"
