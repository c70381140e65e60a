"""``--mode tune`` from end to end on planted data: killed and continued, refused, and what it writes."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from commands.entry import main_modes, main_train
from config import Config
from data.dataset import load_movielens
from data.splits import held_out_queries, split_interactions
from evaluation.ranking import evaluate
from evaluation.train_once import train_once
from evaluation.tuning.verdict import NOTHING_BETTER
from model.checkpoint import load_checkpoint
from tests.commands.test_commands import refused
from tests.planted import planted_movielens

pytest.importorskip("optuna", reason="needs requirements-tune.txt")

ROOT = Path(__file__).resolve().parents[2]
# Small layers, so that a training takes a moment; the other settings are varied, from a bad start.
SMALL = "--hidden_dim 16 --embedding_dim 8 --num_walks 20 --batch_size 64 --epochs 2 --num_threads 1".split()


START = {
    "num_neighbors": 50,
    "lr": 0.002,
    "temperature": 0.13,
    "pair_window": 8,
    "graph_view": 0.03,
    "content_view": 0.07,
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    workspace = planted_movielens(tmp_path_factory.mktemp("workspace") / "planted", per_user=20).parent
    (workspace / "start.json").write_text(json.dumps(START))
    return workspace


def command(folder, *argv, output="output", trials=4):
    return [
        *("--mode", "tune", "--data_dir", str(folder / "planted"), "--output_dir", str(folder / output)),
        *(*SMALL, "--preset", str(folder / "start.json"), "--trials", str(trials), *argv),
    ]


@pytest.fixture(scope="module")
def tuned(folder):
    """The report of four trials, with the default number of seeds."""
    assert main_modes(command(folder)) == 0
    return json.loads((folder / "output" / "tuning.json").read_text())


def test_the_report_has_every_trial_and_the_comparison(tuned, folder):
    assert [trial["trial"] for trial in tuned["trials"]] == [1, 2, 3, 4]
    figures = [trial["validation_mrr"] for trial in tuned["trials"]]
    assert tuned["best_trial"] == 1 + int(np.argmax(figures)) and not (folder / "checkpoints").exists()
    first = tuned["trials"][0]["settings"]
    assert first == {name: Config().model_settings()[name] for name in first} | START
    assert not {"hidden_dim", "embedding_dim"} & first.keys()  # they are typed
    assert tuned["comparison"]["seeds"] == [1, 2, 3]


def test_the_comparison_is_of_trainings_with_other_seeds(tuned, folder):
    movielens = load_movielens(folder / "planted", 0.0)
    split = split_interactions(
        movielens.interactions, movielens.num_users, movielens.num_movies, "leave_one_out"
    )
    questions = held_out_queries(split, "test")
    values = json.loads((folder / "output" / "best_settings.json").read_text())
    trained = train_once(Config().override(values | {"seed": 2}), movielens, split, torch.device("cpu"))
    mrr = evaluate(trained.scorer, questions).metrics["mrr"]
    assert tuned["comparison"]["best"]["mrr"][1] == pytest.approx(mrr)
    again = train_once(Config().override(values | {"seed": 0}), movielens, split, torch.device("cpu"))
    best = tuned["trials"][tuned["best_trial"] - 1]
    assert best["validation_mrr"] == pytest.approx(again.progress.best_mrr)


def test_the_same_command_again_trains_nothing(tuned, folder, capsys, monkeypatch):
    for name in ("validation_mrr", "train_once"):
        monkeypatch.setattr(f"commands.tune.{name}", None)
    assert main_modes(command(folder)) == 0
    shown = capsys.readouterr()
    assert "tuning.sqlite3: 4 trials are there" in shown.err
    assert tuned["comparison"]["verdict"] in shown.out
    assert json.loads((folder / "output" / "tuning.json").read_text()) == tuned


def test_more_trials_go_on_where_fewer_ended(tuned, folder, capsys):
    assert main_modes(command(folder, "--num_seeds", "1", output="more", trials=2)) == 0
    assert main_modes(command(folder, "--num_seeds", "1", output="more", trials=4)) == 0
    told = capsys.readouterr().err
    assert "trial 2/2: " in told and "trial 3/4: " in told and "trial 4/4: " in told
    more = json.loads((folder / "more" / "tuning.json").read_text())
    without_seconds = [
        [{key: value for key, value in trial.items() if key != "seconds"} for trial in found["trials"]]
        for found in (more, tuned)
    ]
    assert without_seconds[0] == without_seconds[1]


def test_the_best_settings_train_a_model_by_preset(tuned, folder, capsys):
    best = folder / "output" / "best_settings.json"
    where = ["--checkpoint_dir", str(folder / "checkpoints"), "--output_dir", str(folder / "trained")]
    argv = ["--data_dir", str(folder / "planted"), *where, "--preset", str(best), "--num_threads", "1"]
    assert main_train([*argv, "--lr", "0.002"]) == 0
    stored = load_checkpoint(folder / "checkpoints" / "best.pt").settings
    assert stored["preset"] == "file" and stored["lr"] == 0.002
    values = json.loads(best.read_text())
    assert {name: stored[name] for name in values} == values | {"lr": 0.002}
    evaluation = ["--mode", "evaluate", *argv, "--lr", "0.002"]
    assert main_modes(evaluation) == 0
    rate = f"error: --lr {values['lr']} contradicts the checkpoint, trained with 0.002"
    assert refused(capsys, main_modes, evaluation[:-2]).startswith(rate)
    assert (
        main_modes(["--mode", "inspect", "--data_dir", str(folder / "planted"), "--preset", str(best)]) == 0
    )
    ablation = ["--mode", "ablation", "--data_dir", str(folder / "planted"), "--preset", str(best)]
    assert "--preset is varied by the ablation itself" in refused(capsys, main_modes, ablation)


def test_a_planted_study_where_nothing_helps_says_so(folder, capsys, monkeypatch):
    monkeypatch.setattr("commands.tune.validation_mrr", lambda *arguments: 0.25)
    monkeypatch.setattr("commands.tune.train_once", None)
    assert main_modes(command(folder, output="equal")) == 0
    assert NOTHING_BETTER in capsys.readouterr().out
    assert json.loads((folder / "equal" / "tuning.json").read_text())["comparison"] == {
        "verdict": NOTHING_BETTER
    }
    kept = json.loads((folder / "equal" / "best_settings.json").read_text())
    assert kept["lr"] == START["lr"]


def test_a_lucky_trial_is_not_said_to_help(folder, capsys, monkeypatch):
    """Settings that change nothing: the second trial is better on validation, and nowhere else."""
    figures = iter([0.25, 0.3, 0.2, 0.2])
    monkeypatch.setattr("commands.tune.validation_mrr", lambda *arguments: next(figures))
    real = train_once
    start = Config().override({"hidden_dim": 16, "embedding_dim": 8, "num_walks": 20, "epochs": 1})

    def same(config, *others):
        return real(start.override({"seed": config.run.seed}), *others)

    monkeypatch.setattr("commands.tune.train_once", same)
    assert main_modes(command(folder, output="lucky")) == 0
    shown = capsys.readouterr().out
    assert "cannot be told apart from the start: not shown to help" in shown
    assert json.loads((folder / "lucky" / "tuning.json").read_text())["best_trial"] == 2


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (
            ["--lr", "0.004"],
            "tuning.sqlite3 has trials with --lr 0.002, not 0.004; give another",
        ),
        (["--split", "temporal"], "tuning.sqlite3 has trials with --split leave_one_out, not temporal"),
        (["--seed", "5"], "tuning.sqlite3 has trials with --seed 0, not 5"),
        (["--split", "none"], "--split none holds nothing out to evaluate"),
        (["--resume"], "--resume continues one training, but --mode tune keeps no checkpoints; drop it"),
        (["--preset", "no.json"], "--preset no.json is not there; give default, paper or the name"),
        (["--seed", "2147483646"], "--num_seeds 3 from --seed 2147483647 ends beyond 2147483647"),
        (["--seed", "2147483647"], "--num_seeds 3 from --seed 2147483648 ends beyond 2147483647"),
    ],
)
def test_what_cannot_be_tuned_is_one_line(tuned, folder, capsys, argv, message):
    assert message in refused(capsys, main_modes, command(folder, *argv))


def test_other_data_are_refused(tuned, folder, capsys):
    planted_movielens(folder / "other", per_user=20, seed=1)
    argv = command(folder)
    argv[3] = str(folder / "other")
    assert "tuning.sqlite3 has trials with the data " in refused(capsys, main_modes, argv)


def test_two_searches_in_one_folder_are_refused(tuned, folder, capsys):
    from base.files import locked

    with locked(folder / "output", ".tuning.lock", "a search for settings", "output_dir"):
        message = refused(capsys, main_modes, command(folder))
    assert "is in use (a search for settings, process" in message and "another --output_dir" in message


def test_without_optuna_a_line_names_the_command(folder, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "optuna", None)
    message = refused(capsys, main_modes, command(folder, output="none"))
    assert message.endswith("needs an extra; run `pip install -r requirements-tune.txt`")


@pytest.mark.slow
def test_a_search_that_is_killed_again_and_again_has_the_trials_of_one_that_is_not(tuned, folder):
    """SIGKILL at any moment; the trials are those of the search that nothing interrupted."""
    path = folder / "killed" / "tuning.sqlite3"
    argv = [sys.executable, str(ROOT / "main.py"), *command(folder, "--num_seeds", "1", output="killed")]
    rng = np.random.default_rng(0)
    for wanted in (0, 1, 3):
        process = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=folder)
        while ended_trials(path) < wanted and process.poll() is None:
            time.sleep(0.02)
        time.sleep(rng.uniform(0, 0.3))
        os.kill(process.pid, signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
    done = subprocess.run(argv, capture_output=True, text=True, cwd=folder, check=False)
    assert done.returncode == 0, done.stderr
    killed = json.loads((folder / "killed" / "tuning.json").read_text())
    assert len(killed["trials"]) == 4
    for trial, expected in zip(killed["trials"], tuned["trials"], strict=True):
        assert trial["settings"] == expected["settings"] and trial["epochs"] == expected["epochs"]


def ended_trials(path):
    """Trials in a study's file that were trained to their end, or ended early."""
    if not path.exists():
        return 0
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as file:
        try:
            return file.execute(
                "select count(*) from trials where state in ('COMPLETE', 'PRUNED')"
            ).fetchone()[0]
        except sqlite3.OperationalError:  # no tables yet
            return 0


def test_an_interrupted_search_says_how_it_goes_on(folder, capsys, monkeypatch):
    def interrupt(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr("commands.tune.validation_mrr", interrupt)
    assert main_modes(command(folder, output="interrupted")) == 130
    assert "interrupted; the same command goes on with the trials that are done" in capsys.readouterr().err
