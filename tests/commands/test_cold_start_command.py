"""``--mode cold_start`` from end to end, its table, its sentences and its chart."""

import json

import pytest

from commands.entry import main_modes
from evaluation.cold_start.plot import plot_cold_start
from evaluation.cold_start.report import SeedResult, cold_start_table, verdict_table
from tests.commands.test_commands import FAST, flags, refused
from tests.planted import planted_movielens
from tests.report.test_plots import is_picture

GROUPS = ("target unseen", "query unseen", "either unseen", "all pairs")
METHODS = ("content only", "item-kNN cosine", "item-kNN BM25", "PinSage")


def seed_result(seed, shift=0.0):
    """Hit rates that rise with the ratings; PinSage's are .01 above the others'."""
    metrics = {
        group: {
            method: {
                count: {
                    "hit_rate@10": 0.01 * count + shift + 0.01 * (method == "PinSage"),
                    "hit_rate@100": 0.2,
                    "mrr": 0.05,
                }
                for count in (0, 5)
            }
            for method in METHODS
        }
        for group in GROUPS
    }
    return SeedResult(seed, 4, {group: 100 + seed for group in GROUPS}, metrics)


def test_the_table_as_printed():
    lines = cold_start_table([seed_result(0), seed_result(1, shift=0.01)], (0, 5)).splitlines()
    assert lines[:8] == [
        "                    hit rate @10   hit rate @100   ---- MRR ----",
        "ratings folded in      0       5       0       5       0       5",
        "----------------------------------------------------------------",
        "target unseen: 100 to 101 questions per seed",
        "content only       0.005   0.055   0.200*  0.200*  0.050*  0.050*",
        "item-kNN cosine    0.005   0.055   0.200*  0.200*  0.050*  0.050*",
        "item-kNN BM25      0.005   0.055   0.200*  0.200*  0.050*  0.050*",
        "PinSage            0.015*  0.065*  0.200*  0.200*  0.050*  0.050*",
    ]
    assert "means over 2 seeds" in lines[-2]


def test_the_comparison_with_each_rival_as_printed():
    lines = verdict_table([seed_result(0), seed_result(1, shift=0.001)], count=5).splitlines()
    assert len(lines) == 2 + 9 + 2
    assert lines[:3] == [
        "questions      PinSage minus    hit rate @10   verdict",
        "-----------------------------------------------------------------",
        "target unseen  content only     +0.010 ±0.000  outside seed noise",
    ]
    assert lines[-1].startswith("5 ratings of each unseen film folded in; ±")
    single = verdict_table([seed_result(0)], count=5).splitlines()
    assert single[5] == "query unseen   content only     +0.010        seed noise unknown"


@pytest.mark.parametrize("seeds", [1, 3])
def test_the_chart_is_drawn(tmp_path, seeds):
    results = [seed_result(seed, 0.002 * seed) for seed in range(seeds)]
    plot_cold_start(results, (0, 5), tmp_path / "new" / "chart.png", "a $ title")
    assert is_picture(tmp_path / "new" / "chart.png")


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cold_start")
    planted_movielens(folder / "planted", num_movies=50, per_user=20)
    planted_movielens(folder / "small", num_users=12)
    return folder


def test_from_end_to_end(workspace, capsys):
    argv = [*flags(workspace), *FAST, "--epochs", "8", "--num_seeds", "2", "--quiet"]
    assert main_modes(["--mode", "cold_start", *argv]) == 0
    report = json.loads((workspace / "output" / "cold_start.json").read_text())
    assert report.keys() == {
        "dataset", "split", "protocol", "seeds", "catalogue", "fewest_ratings", "ratings", "films",
        "questions", "results",
    }  # fmt: skip
    assert (report["split"], report["protocol"], report["seeds"]) == ("temporal", "pairs", [0, 1])
    assert report["ratings"] == [0, 1, 5, 20] and report["fewest_ratings"] == 20
    assert report["results"].keys() == report["questions"].keys() == set(GROUPS)
    for methods in report["results"].values():
        assert methods.keys() == set(METHODS)
        for by_count in methods.values():
            assert by_count.keys() == {"0", "1", "5", "20"}
            assert by_count["5"].keys() == {"mean", "deviation", "runs"} and len(by_count["5"]["runs"]) == 2
    target = report["results"]["target unseen"]
    assert target["content only"]["0"] == target["content only"]["20"]  # ratings do not matter to it
    assert target["PinSage"]["0"] != target["PinSage"]["20"]
    text = capsys.readouterr().out
    assert f"{target['PinSage']['5']['mean']['mrr']:.3f}" in text
    assert "a tenth of those with 20 ratings or more" in text
    assert is_picture(workspace / "output" / "cold_start.png")


@pytest.mark.parametrize(
    ("data", "argv", "message"),
    [
        ("planted", ["--split", "leave_one_out"], "--mode cold_start asks the pairs of --split temporal"),
        ("planted", ["--split", "none"], "--mode cold_start asks the pairs of --split temporal"),
        ("planted", ["--resume"], "--mode cold_start keeps no checkpoints; drop it"),
        ("small", [], "no film has 20 ratings, which a held-out film must have; the most rated one has "),
    ],
)
def test_wrong_flags_and_data_are_one_line_and_exit_2(workspace, capsys, data, argv, message):
    argv = ["--mode", "cold_start", *flags(workspace, data), *FAST, *argv]
    assert message in refused(capsys, main_modes, argv)
