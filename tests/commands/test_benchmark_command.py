"""``--mode benchmark`` from end to end on planted data, against figures computed another way."""

import json

import numpy as np
import pytest
import torch

from commands.cli import build_parser, to_config
from commands.entry import main_modes
from data.dataset import load_movielens
from data.splits import held_out_queries, split_interactions
from evaluation.baselines import BASELINES, ImplicitALS, fit_and_choose
from evaluation.baselines import ease as ease_module
from evaluation.ranking import evaluate
from evaluation.train_once import train_once
from evaluation.variety import FilmFacts
from tests.commands.test_commands import FAST, refused
from tests.planted import planted_movielens

SEEDS = (3, 4)
SETTINGS = [*FAST, "--epochs", "2", "--seed", "3"]
PROTOCOLS = {"next_item": "leave_one_out", "pairs": "temporal"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return planted_movielens(tmp_path_factory.mktemp("workspace") / "planted", per_user=20).parent


def command(folder, *argv, output="output"):
    return [
        *("--mode", "benchmark", "--data_dir", str(folder / "planted")),
        *("--output_dir", str(folder / output), *SETTINGS, *argv),
    ]


@pytest.fixture(scope="module")
def report(folder):
    assert main_modes(command(folder, "--num_seeds", "2", "--quiet")) == 0
    return json.loads((folder / "output" / "benchmark.json").read_text())


@pytest.fixture(scope="module")
def movielens(folder):
    return load_movielens(folder / "planted", 0.0)


def split_of(movielens, name):
    return split_interactions(movielens.interactions, movielens.num_users, movielens.num_movies, name)


def test_the_report_names_what_was_compared(report, folder):
    assert (report["dataset"], report["seeds"], report["catalogue"]) == ("planted", [3, 4], 40)
    assert report["settings"]["epochs"] == 2 and not {"split", "seed", "data_dir"} & report["settings"].keys()
    assert {key: found["split"] for key, found in report["protocols"].items()} == PROTOCOLS
    for found in report["protocols"].values():
        assert list(found["baselines"]) == [cls.name for cls in BASELINES] and not found["baselines_skipped"]
        assert found["queries"] == found["queries_available"]
    assert (folder / "output" / "benchmark.png").stat().st_size > 20_000
    assert not (folder / "checkpoints").exists()


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_pinsage_is_trained_once_a_seed_and_averaged(report, movielens, protocol):
    split = split_of(movielens, PROTOCOLS[protocol])
    questions = held_out_queries(split, "test")
    parser = build_parser("x.py", "", ("data", "model", "training", "run"), "")
    typed = vars(parser.parse_args([*SETTINGS, "--split", split.name]))
    config = to_config(typed)
    ours = report["protocols"][protocol]["pinsage"]
    for position, seed in enumerate(SEEDS):
        trained = train_once(config.override({"seed": seed}), movielens, split, torch.device("cpu"))
        expected = evaluate(trained.scorer, questions, facts=FilmFacts.of(movielens.movies, split))
        assert ours["per_seed"][position] == pytest.approx(expected.metrics)
        assert ours["validation_mrr"][position] == pytest.approx(trained.progress.best_mrr)
    for metric, value in ours["metrics"].items():
        assert value == pytest.approx(np.mean([seed[metric] for seed in ours["per_seed"]]))
    low, high = ours["interval"]["mrr"]
    assert low < ours["metrics"]["mrr"] < high


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_baselines_are_chosen_on_validation_and_refitted_only_where_seeds_matter(report, movielens, protocol):
    split = split_of(movielens, PROTOCOLS[protocol])
    questions = held_out_queries(split, "test")
    ratings = np.bincount(split.train.movies, minlength=40)
    found = report["protocols"][protocol]
    chosen = fit_and_choose(BASELINES, split, movielens.movies, SEEDS[0], 5000)
    best = max(chosen, key=lambda name: chosen[name].validation_mrr)
    assert found["best_baseline"] == best
    for name, baseline in chosen.items():
        theirs = found["baselines"][name]
        evaluation = evaluate(baseline.scorer, questions, facts=FilmFacts.of(movielens.movies, split))
        assert theirs["settings"] == baseline.settings
        assert theirs["validation_mrr"] == [pytest.approx(baseline.validation_mrr)]
        assert theirs["per_seed"][0] == pytest.approx(evaluation.metrics)
        assert len(theirs["per_seed"]) == (2 if name == ImplicitALS.name else 1)
        difference = found["pinsage"]["metrics"]["mrr"] - theirs["metrics"]["mrr"]
        assert theirs["difference"]["mrr"]["mean"] == pytest.approx(difference)
        if name != ImplicitALS.name:
            head = np.argsort(-ratings, kind="stable")[:4]
            hits = [r <= 100 for r, t in zip(evaluation.ranks, questions.targets, strict=True) if t in head]
            assert found["popularity"]["head"]["queries"] == len(hits)
            assert theirs["popularity"]["head"]["hit_rate@100"] == pytest.approx(np.mean(hits))
            shown = evaluation.recommended @ ratings / evaluation.recommended.sum()
            assert theirs["mean_ratings@10"] == pytest.approx(shown)


def test_the_screen_shows_tables_and_a_verdict_and_quiet_no_progress(folder, capsys):
    argv = command(folder, "--num_seeds", "1", "--split", "temporal", "--quiet", output="one")
    assert main_modes(argv) == 0
    shown = capsys.readouterr()
    assert shown.err == ""
    assert "planted, split temporal:" in shown.out and "leave_one_out" not in shown.out
    assert "intra-list diversity @10" in shown.out and "Gini@10" in shown.out
    assert "PinSage: seed 3" in shown.out and "by popularity of the target film:" in shown.out
    assert "best baseline by validation MRR: " in shown.out and "95 % interval" in shown.out
    assert max(map(len, shown.out.splitlines())) < 120
    only = json.loads((folder / "one" / "benchmark.json").read_text())
    assert list(only["protocols"]) == ["pairs"]


def test_progress_says_protocol_seed_and_time(folder, capsys):
    assert main_modes(command(folder, "--split", "temporal", "--num_seeds", "2", output="told")) == 0
    told = capsys.readouterr().err
    assert "pairs: PinSage, seed 4 (2 of 2)" in told and " s so far" in told
    assert "pairs: item-kNN BM25 (k1 " in told


def test_more_questions_than_eval_queries_are_sampled(folder, capsys):
    argv = command(folder, "--num_seeds", "1", "--split", "temporal", "--eval_queries", "20", output="few")
    assert main_modes(argv) == 0
    found = json.loads((folder / "few" / "benchmark.json").read_text())["protocols"]["pairs"]
    assert found["queries"] == 20 < found["queries_available"]
    assert f"20 of {found['queries_available']} test questions" in capsys.readouterr().out


def test_a_baseline_that_is_too_large_is_left_out_and_says_why(folder, capsys, monkeypatch):
    monkeypatch.setattr(ease_module, "MOVIE_LIMIT", 5)
    argv = command(folder, "--num_seeds", "1", "--split", "leave_one_out", output="large")
    assert main_modes(argv) == 0
    found = json.loads((folder / "large" / "benchmark.json").read_text())["protocols"]["next_item"]
    assert "EASE" not in found["baselines"] and "stops at 5" in found["baselines_skipped"]["EASE"]
    assert "EASE is left out: EASE inverts a matrix" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["--num_seeds", "0"], "argument --num_seeds: must be a whole number at least 1 and at most 100"),
        (["--num_seeds", "two"], "got 'two'"),
    ],
)
def test_a_wrong_number_of_seeds_is_refused_by_the_parser(folder, capsys, argv, message):
    with pytest.raises(SystemExit) as stop:
        main_modes(command(folder, *argv))
    error = capsys.readouterr().err
    assert stop.value.code == 2 and error.count("\n") == 1 and message in error


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["--split", "none"], "--split none holds nothing out"),
        (["--data_dir", "nowhere"], "nowhere"),
        (["--seed", "2147483646"], "--num_seeds 3 from --seed 2147483646 ends beyond 2147483647"),
    ],
)
def test_wrong_inputs_are_one_line_and_exit_2(folder, capsys, argv, message):
    assert message in refused(capsys, main_modes, command(folder, *argv, output="none"))
    assert not (folder / "none").exists()


@pytest.mark.parametrize("stars", ["5.0", "1.0"])
def test_a_dataset_too_small_for_one_protocol_is_refused_before_training(tmp_path, capsys, stars):
    (tmp_path / "movies.csv").write_text(
        "movieId,title,genres\n" + "".join(f"{i},F,Drama\n" for i in range(9))
    )
    ratings = "".join(f"{user},{film},{stars},{film}\n" for user in (1, 2) for film in range(4))
    (tmp_path / "ratings.csv").write_text("userId,movieId,rating,timestamp\n" + ratings)
    argv = ["--mode", "benchmark", "--data_dir", str(tmp_path), "--output_dir", str(tmp_path / "output")]
    line = refused(capsys, main_modes, argv)
    assert "nothing to evaluate" in line and "split temporal" in line
    assert not (tmp_path / "output").exists()
