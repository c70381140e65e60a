"""Tuning without trainings: spaces, studies around planted figures, what is pruned, and the verdict."""

import json

import numpy as np
import pytest

from base.errors import UserError, WorldError
from commands.cli import to_config
from config import Config
from data.splits import held_out_queries, split_interactions
from evaluation.comparison.bootstrap import estimate_means
from evaluation.statistics import paired_difference
from evaluation.tuning.report import seconds_left, trial_line, trials_as_plain, trials_table
from evaluation.tuning.space import RANGES, preset_values, space_of
from evaluation.tuning.study import TRIALS_BEFORE_PRUNING, Study, Tried
from evaluation.tuning.trial import EndedEarly
from evaluation.tuning.verdict import compare_runs
from model.presets import PRESET_SETTINGS
from tests.factories import random_interactions

IDENTITY = {"the data": "a" * 64, "`seed`": 0}
SPACE = space_of(Config(), ())


# Spaces


def test_every_range_is_of_a_setting_of_presets_and_holds_the_default():
    assert RANGES.keys() <= PRESET_SETTINGS.keys()
    assert SPACE.ranges == RANGES
    assert SPACE.start == {name: Config().model_settings()[name] for name in RANGES}


def test_all_corners_of_the_ranges_are_valid_settings():
    for end in ("low", "high"):
        Config().override({name: getattr(values, end) for name, values in RANGES.items()})


def test_what_is_typed_or_outside_its_range_keeps_its_value():
    assert space_of(Config(), ("hidden_dim", "data_dir")).ranges.keys() == RANGES.keys() - {"hidden_dim"}
    paper = to_config({"preset": "paper"})  # no spectral part, no views, wide layers, another loss
    assert space_of(paper, ()).ranges.keys() == {"num_neighbors", "lr", "pair_window"}
    layers = Config().override({"num_layers": 2, "num_neighbors": (20, 10)})
    assert "num_neighbors" not in space_of(layers, ()).ranges
    with pytest.raises(UserError, match="nothing is left to vary: all of spectral_dim, .*; leave one out"):
        space_of(Config(), RANGES)


def test_a_preset_file_has_what_was_varied_and_what_differs_from_the_defaults():
    config = Config().override({"epochs": 3, "lr": 0.005, "min_rating": 2.0, "seed": 7})
    values = preset_values(config, space_of(config, ("epochs",)))
    assert values.keys() == RANGES.keys() | {"epochs"} and values["epochs"] == 3 and values["lr"] == 0.005


# Studies


def study(folder, identity=IDENTITY, space=SPACE, seed=0):
    pytest.importorskip("optuna", reason="needs requirements-tune.txt")
    return Study(folder / "tuning.sqlite3", identity, space, seed)


def by_rate(settings, report):
    """A figure that is best at a learning rate of .005; nothing else counts."""
    mrr = 1 - abs(np.log(settings["lr"] / 0.005))
    for epoch in range(1, 5):
        if report(epoch, mrr * epoch / 4) and epoch < 4:
            raise EndedEarly
    return mrr


def kill(settings, report):
    report(1, 0.5)
    raise KeyboardInterrupt


def test_the_first_trial_has_the_settings_to_start_from_and_later_ones_are_better(tmp_path):
    tried = study(tmp_path)
    for _ in range(25):
        tried.advance(by_rate)
    trials = tried.trials()
    assert trials[0].settings == dict(SPACE.start) and [t.number for t in trials] == list(range(1, 26))
    assert tried.best().mrr == max(t.mrr for t in trials if t.mrr is not None) > trials[0].mrr
    assert len({json.dumps(trial.settings) for trial in trials}) == 25
    assert all(SPACE.ranges[name].holds(t.settings[name]) for t in trials for name in SPACE.ranges)


def test_a_trial_below_the_median_of_others_at_its_epoch_is_ended(tmp_path):
    tried = study(tmp_path)
    for _ in range(30):
        tried.advance(by_rate)
    trials = tried.trials()
    early = [trial for trial in trials if trial.mrr is None]
    assert early and all(trial.number > TRIALS_BEFORE_PRUNING for trial in early)
    for trial in early:
        whole = [t for t in trials[: trial.number - 1] if t.mrr is not None]
        at = len(trial.epochs)
        assert 2 <= at < 4 and max(trial.epochs) < np.median([t.epochs[at - 1] for t in whole])


def test_a_study_that_was_killed_has_the_trials_of_one_that_was_not(tmp_path):
    whole = study(tmp_path)
    for _ in range(14):
        whole.advance(by_rate)
    (tmp_path / "killed").mkdir()
    for number in range(14):
        with pytest.raises(KeyboardInterrupt):
            study(tmp_path / "killed").advance(kill)
        again = study(tmp_path / "killed")  # as in a new process
        assert len(again.trials()) == number
        again.advance(by_rate)
    expected = [(t.settings, t.mrr, t.epochs) for t in whole.trials()]
    assert [(t.settings, t.mrr, t.epochs) for t in again.trials()] == expected


def test_another_seed_tries_other_settings(tmp_path):
    (tmp_path / "other").mkdir()
    one, other = study(tmp_path), study(tmp_path / "other", seed=1)
    for tried in (one, other):
        tried.advance(by_rate)
        tried.advance(by_rate)
    assert one.trials()[0].settings == other.trials()[0].settings
    assert one.trials()[1].settings != other.trials()[1].settings


def test_equal_figures_leave_the_settings_as_they_are(tmp_path):
    tried = study(tmp_path)
    for _ in range(4):
        tried.advance(lambda settings, report: 0.25)
    assert tried.best().number == 1


def test_a_diverged_loss_ends_its_trial_and_not_the_study(tmp_path):
    def diverge(settings, report):
        raise WorldError("the loss became nan")

    tried = study(tmp_path)
    assert tried.advance(diverge).diverged
    with pytest.raises(WorldError, match="no trial was trained to its end"):
        tried.best()
    assert tried.advance(by_rate).number == 2 and tried.best().number == 2
    table = trials_table(tried.trials())
    assert "2 trials: 1 trained to their end, 1 ended early, 1 of them because the loss diverged" in table


@pytest.mark.parametrize(
    ("identity", "space", "message"),
    [
        (IDENTITY | {"the data": "b" * 64}, SPACE, "has trials with the data aaaaaaaaaaaa..., not bbbbbbbbb"),
        (IDENTITY | {"`seed`": 3}, SPACE, "has trials with `seed` 0, not 3; give another `output_dir`"),
        (IDENTITY, space_of(Config(), ("lr",)), "the range of `lr` 0.001 to 0.01, not None"),
    ],
)
def test_a_study_about_something_else_is_refused(tmp_path, identity, space, message):
    study(tmp_path).advance(by_rate)
    with pytest.raises(UserError, match="tuning.sqlite3 has trials with ") as error:
        study(tmp_path, identity, space)
    assert message in str(error.value) and "\n" not in str(error.value)


def test_a_file_that_is_no_study_is_one_line(tmp_path):
    (tmp_path / "tuning.sqlite3").write_text("no database " * 1000)
    with pytest.raises(UserError, match="is no study of this program .file is not a database.; remove or"):
        study(tmp_path)


def test_a_folder_of_any_name_holds_a_study(tmp_path):
    folder = tmp_path / "o?{x}#%20 é"
    folder.mkdir()
    study(folder).advance(by_rate)
    assert [path.name for path in folder.iterdir()] == ["tuning.sqlite3"] and len(study(folder).trials()) == 1


def test_without_optuna_a_line_names_the_command(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "optuna", None)
    with pytest.raises(UserError, match="needs an extra; run `pip install -r requirements-tune.txt`"):
        Study(tmp_path / "tuning.sqlite3", IDENTITY, SPACE, 0)


def test_what_is_kept_is_there_again(tmp_path):
    study(tmp_path).keep("ranks", [1.5] * 20_000)
    assert study(tmp_path).note("ranks") == [1.5] * 20_000 and study(tmp_path).note("other") is None


# Words


def tried(number, mrr, seconds=60.0, epochs=(0.1,)):
    return Tried(number, {"lr": 0.001 * number}, mrr, epochs, False, seconds)


def test_a_line_has_the_figure_the_best_and_the_time_left():
    trials = [tried(1, 0.2, 100.0), tried(2, 0.3, 60.0), tried(3, None, 20.0, (0.1, 0.05))]
    assert seconds_left(trials, 10, 6) == pytest.approx(7 * 60 + 6 * 80)
    line = trial_line(trials[2], 10, trials[1], 900)
    assert (
        line == "trial 3/10: MRR 0.0500, ended after epoch 2, 20 s  best 0.3000 (trial 2)  about 15 min left"
    )
    assert trial_line(trials[0], 1, trials[0], 0) == (
        "trial 1/1: validation MRR 0.2000, 100 s  best 0.2000 (trial 1)"
    )
    assert trials_as_plain(trials)[2]["validation_mrr"] is None


def test_the_table_begins_with_the_start_and_goes_on_with_the_best():
    trials = [tried(1, 0.2), tried(2, None), tried(3, 0.1), *(tried(n, 0.1 + n / 100) for n in range(4, 14))]
    heading, rule, figures, rates, *_ = trials_table(trials).splitlines()
    assert heading.split() == ["start", *(w for n in range(13, 6, -1) for w in ("trial", str(n)))]
    assert figures.split()[2:4] == ["0.2000", "0.2300"] and rates.split()[:3] == ["lr", "0.001", "0.013"]
    assert max(map(len, trials_table(trials).splitlines())) < 120


# The verdict


@pytest.fixture(scope="module")
def questions():
    interactions = random_interactions(60, 30, 0.5)
    return held_out_queries(split_interactions(interactions, 60, 30, "leave_one_out"), "test")


def test_figures_and_intervals_are_those_of_the_benchmark(questions):
    rng = np.random.default_rng(0)
    start = [rng.integers(1, 30, len(questions)).astype(float) for _ in range(3)]
    best = [np.maximum(1, ranks - 3) for ranks in start]
    verdict = compare_runs((1, 2, 3), start, best, questions)
    gaps = np.mean([1 / b - 1 / s for s, b in zip(start, best, strict=True)], axis=0)
    assert verdict.users["mrr"] == pytest.approx(estimate_means({"mrr": gaps}, questions.users, 1)["mrr"])
    means = [[float(np.mean(1 / ranks)) for ranks in runs] for runs in (best, start)]
    assert verdict.noise["mrr"] == paired_difference(*means)
    assert verdict.start["hit_rate@10"] == [pytest.approx(np.mean(ranks <= 10)) for ranks in start]
    plain = verdict.as_plain()
    assert json.loads(json.dumps(plain)) == plain and plain["seeds"] == [1, 2, 3]
    assert "means of seeds 1, 2, 3, which no trial had; these figures choose nothing" in verdict.table()


@pytest.mark.parametrize(
    ("shifts", "words"),
    [
        ((2.0, 2.1, 1.9), "are better than the start, over users and over seeds"),
        ((0.0, 0.0, 0.0), "cannot be told apart from the start: not shown to help"),
        ((9.0, 0.0, 0.1), "above the start over users, but within seed noise: not shown to help"),
        ((-2.0, -2.1, -1.9), "are worse than the start: keep the settings as they are"),
    ],
)
def test_the_sentence_says_what_the_intervals_say(questions, shifts, words):
    rng = np.random.default_rng(0)
    start = [rng.integers(1, 30, len(questions)) + 10.0 for _ in shifts]
    best = [ranks - shift for ranks, shift in zip(start, shifts, strict=True)]
    assert words in compare_runs((1, 2, 3), start, best, questions).sentence


def test_with_one_seed_nothing_is_said_to_help(questions):
    start = np.full(len(questions), 20.0)
    verdict = compare_runs((1,), [start], [start - 10], questions)
    assert "above the start over users, but seed noise unknown" in verdict.sentence
