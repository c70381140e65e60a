"""The ablation: each variant is what its name says, and the command from end to end."""

import json
from dataclasses import fields

import pytest

from base.errors import UserError
from commands.cli import to_config
from commands.entry import main_modes, main_train
from config import Config
from evaluation.ablation.plot import plot_ablation
from evaluation.ablation.report import ablation_table, comparison_table
from evaluation.ablation.variants import (
    BLOCKS,
    NAMES,
    VARIED,
    AblationBlock,
    Variant,
    check_typed,
    variant_config,
)
from tests.commands.test_commands import flags, refused
from tests.planted import planted_movielens
from tests.report.test_plots import is_picture

FAST = "--hidden_dim 16 --embedding_dim 8 --num_walks 20 --batch_size 64 --num_threads 1 --quiet".split()
FAST += ["--pairs_per_epoch", "320"]  # of 3,300: some forty trainings are made
VARIANTS = {variant.name: variant for block in BLOCKS for variant in block.variants}
# What sets a variant apart from the preset it belongs to (at the default's width), in full.
APART = {
    "max pooling": ("paper", {"aggregator": "max", "max_hard_negatives": 0}),
    "mean pooling": ("paper", {"aggregator": "mean", "max_hard_negatives": 0}),
    "mean pooling, xent": ("paper", {"aggregator": "mean", "max_hard_negatives": 0, "loss": "softmax"}),
    "mean pooling, hard": ("paper", {"aggregator": "mean"}),
    "importance pooling": ("paper", {"max_hard_negatives": 0}),
    "full PinSage": ("paper", {}),
    "ours": ("default", {}),
    "ours, mean pooling": ("default", {"aggregator": "mean"}),
    "ours, max pooling": ("default", {"aggregator": "max"}),
    "ours, hard negatives": ("default", {"max_hard_negatives": 6}),
    "ours, no spectral features": ("default", {"spectral_dim": 0}),
    "ours, two layers": ("default", {"num_layers": 2}),
    "ours, shared head": ("default", {"head": "shared"}),
    "ours, directed head": ("default", {"head": "directed"}),
    "ours, no shadows": ("default", {"shadow_share": 0.0}),
    "ours, T = 10": ("default", {"num_neighbors": 10}),
    "ours, T = 20": ("default", {}),
    "ours, T = 50": ("default", {"num_neighbors": 50}),
    "full PinSage, T = 10": ("paper", {"num_neighbors": 10}),
    "full PinSage, T = 20": ("paper", {"num_neighbors": 20}),
    "full PinSage, T = 50": ("paper", {}),
}


def settings_of(config):
    return {f.name: getattr(part, f.name) for part in (config.model, config.training) for f in fields(part)}


def test_variants_differ_in_just_what_they_claim():
    assert APART.keys() == VARIANTS.keys() - {"content only"}
    ours = Config().model
    width = {"hidden_dim": ours.hidden_dim, "embedding_dim": ours.embedding_dim}
    for name, (preset, apart) in APART.items():
        expected = settings_of(to_config({"preset": preset} | width))
        assert settings_of(variant_config(Config(), VARIANTS[name], {})) == expected | apart, name
        assert apart.items() <= VARIANTS[name].settings.items() or not apart, name


def test_the_same_name_is_the_same_model_and_pairs_name_rows():
    for block in BLOCKS:
        assert all(VARIANTS[variant.name] == variant for variant in block.variants)
        for name, reference in block.pairs:
            assert {name, reference} <= VARIANTS.keys() and name != reference


def test_what_is_typed_holds_for_every_variant():
    typed = {"epochs": 2, "batch_size": 64, "hidden_dim": 32, "pair_window": 2}
    for variant in VARIANTS.values():
        config = variant_config(to_config(typed), variant, typed)
        assert typed.items() <= settings_of(config).items()


@pytest.mark.parametrize("name", sorted(VARIED))
def test_what_the_variants_are_about_cannot_be_typed(name):
    with pytest.raises(UserError, match=f"`{name}` is varied by the ablation itself"):
        check_typed({name: "anything", "epochs": 2})


SMALL_BLOCK = AblationBlock(
    "a block",
    (Variant("content only", trained=False), Variant("ours"), Variant("other")),
    (("other", "ours"),),
)
RUNS = {
    "content only": [{"hit_rate@10": 0.02, "mrr": 0.01}] * 2,
    "ours": [{"hit_rate@10": 0.10, "mrr": 0.05}, {"hit_rate@10": 0.12, "mrr": 0.05}],
    "other": [{"hit_rate@10": 0.11, "mrr": 0.03}, {"hit_rate@10": 0.11, "mrr": 0.03}],
}


def test_the_table_as_printed():
    # Means that print alike share the star; a metric that the protocol lacks has no column.
    assert ablation_table([SMALL_BLOCK], RUNS).splitlines() == [
        "variant       hit rate @10            MRR",
        "-----------------------------------------",
        "a block",
        "content only  0.020 ±0.000   0.010 ±0.000",
        "ours          0.110 ±0.014*  0.050 ±0.000*",
        "other         0.110 ±0.000*  0.030 ±0.000",
        "-----------------------------------------",
        NAMES,
        "* best in its block and column; means over 2 seeds, ± is the standard deviation over them",
    ]


def test_differences_in_words():
    lines = comparison_table([SMALL_BLOCK], RUNS).splitlines()
    assert lines[2].startswith("other minus ours  +0.0000 ±0.0430 within seed noise")
    assert lines[2].endswith("-0.0200 ±0.0000 outside seed noise")
    single = comparison_table([SMALL_BLOCK], {name: runs[:1] for name, runs in RUNS.items()})
    assert single.splitlines() == [
        "difference        hit rate @10  MRR",
        "---------------------------------------",
        "other minus ours  +0.0100       -0.0200",
        "---------------------------------------",
        "one seed says nothing about seed noise; compare three or more",
    ]


@pytest.mark.parametrize("seeds", [1, 2])
def test_the_picture_is_drawn(tmp_path, seeds):
    runs = {name: results[:seeds] for name, results in RUNS.items()}
    plot_ablation([SMALL_BLOCK], runs, tmp_path / "new" / "ablation.png", "a $ title")
    assert is_picture(tmp_path / "new" / "ablation.png")


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    folder = tmp_path_factory.mktemp("ablation")
    planted_movielens(folder / "planted", num_movies=50, per_user=20)
    return folder


@pytest.mark.parametrize(
    ("typed", "protocol", "metrics"),
    [
        ([], "pairs", {"hit_rate@10", "hit_rate@100", "mrr", "scaled_mrr"}),
        (["--split", "leave_one_out"], "next_item", {"hit_rate@10", "hit_rate@100", "mrr", "ndcg@20"}),
    ],
)
def test_from_end_to_end(workspace, capsys, typed, protocol, metrics):
    argv = [*flags(workspace), *FAST, "--epochs", "2", "--num_seeds", "2", *typed]
    assert main_modes(["--mode", "ablation", *argv]) == 0
    report = json.loads((workspace / "output" / "ablation.json").read_text())
    assert report.keys() == {
        "dataset", "split", "protocol", "seeds", "queries", "catalogue", "typed", "blocks", "comparisons",
    }  # fmt: skip
    assert (report["protocol"], report["seeds"], report["catalogue"]) == (protocol, [0, 1], 50)
    rows = {row["name"]: row for block in report["blocks"] for row in block["rows"]}
    assert rows.keys() == VARIANTS.keys()
    for row in rows.values():
        assert metrics <= row["mean"].keys() and len(row["runs"]) == 2
    assert rows["ours"]["mean"] == rows["ours, T = 20"]["mean"] != rows["ours, two layers"]["mean"]
    assert set(report["comparisons"][0]) == {
        "variant", "reference", "metric", "difference", "noise", "verdict",
    }  # fmt: skip
    assert is_picture(workspace / "output" / "ablation.png")
    text = capsys.readouterr().out
    assert f"{rows['ours']['mean']['mrr']:.3f}" in text and "seed noise" in text
    assert "layers of 16 and embeddings of 8 throughout; the paper has 2048 and 1024" in text


def test_the_row_of_our_model_is_what_train_and_evaluate_give(workspace, capsys):
    argv = [*flags(workspace), *FAST, "--epochs", "2"]
    assert main_modes(["--mode", "ablation", *argv, "--num_seeds", "1", "--seed", "3"]) == 0
    report = json.loads((workspace / "output" / "ablation.json").read_text())
    assert main_train([*argv, "--split", "temporal", "--seed", "3"]) == 0
    assert main_modes(["--mode", "evaluate", *flags(workspace)]) == 0
    metrics = json.loads((workspace / "output" / "metrics.json").read_text())
    rows = {row["name"]: row["mean"] for block in report["blocks"] for row in block["rows"]}
    for name, ours in (("ours", metrics["metrics"]), ("content only", metrics["baselines"]["content only"])):
        assert rows[name] == {metric: ours[metric] for metric in rows[name]} and "mrr" in rows[name]
    capsys.readouterr()


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["--aggregator", "mean"], "--aggregator is varied by the ablation itself"),
        (["--preset", "paper"], "--preset is varied by the ablation itself"),
        (["--split", "none"], "--split none holds nothing out to evaluate"),
        (["--resume"], "--resume continues one training, but --mode ablation keeps no checkpoints"),
    ],
)
def test_wrong_flags_are_one_line_and_exit_2(workspace, capsys, argv, message):
    assert message in refused(capsys, main_modes, ["--mode", "ablation", *flags(workspace), *argv])
