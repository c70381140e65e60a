"""Presets by name and in files: which values win, and what a wrong file says."""

import json

import pytest

from base.errors import UserError
from commands.cli import adopt, to_config
from config import Config
from model.presets import PRESET_SETTINGS, on_preset, with_preset_file


def preset_file(tmp_path, text):
    path = tmp_path / "best.json"
    path.write_text(text if isinstance(text, str) else json.dumps(text))
    return str(path)


def test_typed_flags_win_over_the_file_and_the_file_over_the_defaults(tmp_path):
    name = preset_file(tmp_path, {"lr": 1, "num_layers": 2, "num_neighbors": [20, 10], "hidden_dim": 64})
    config = to_config({"preset": name, "hidden_dim": 32})
    assert (config.training.lr, config.model.hidden_dim) == (1, 32)
    assert config.model.layer_neighbors == (20, 10) and config.training.epochs == Config().training.epochs
    assert config.training.preset == "file"
    assert name not in str(config.model_settings())


def test_a_preset_by_name_is_what_it_was():
    paper = to_config({"preset": "paper"})
    assert paper.training.preset == "paper" and paper.model.hidden_dim == 2048
    assert to_config({}) == Config() and with_preset_file({"preset": "paper"}) == {"preset": "paper"}


def test_every_setting_can_be_written_and_read_again(tmp_path):
    values = {name: getattr(Config().model, name, None) for name in PRESET_SETTINGS}
    values = {name: getattr(Config().training, name, value) for name, value in values.items()}
    assert to_config({"preset": preset_file(tmp_path, values)}) == Config().override({"preset": "file"})


def test_a_file_agrees_with_a_checkpoint_of_its_values(tmp_path):
    name = preset_file(tmp_path, {"lr": 0.01, "epochs": 9})
    typed = {"preset": name}
    by_hand = to_config({"lr": 0.01, "epochs": 9}).model_settings()
    assert adopt(to_config(typed), by_hand, typed).training.lr == 0.01
    other = to_config({"epochs": 9}).model_settings()
    with pytest.raises(UserError, match=r"^--lr 0.01 contradicts the checkpoint, trained with 0.003"):
        adopt(to_config(typed), other, typed)
    assert adopt(to_config(typed), by_hand | {"epochs": 3}, typed, frozenset({"epochs"})).training.epochs == 9
    # A resumed training on prepared data compares what its checkpoint stores, where the file is not known.
    stored = to_config(typed).model_settings()
    assert adopt(Config(), {"lr": 0.01}, stored).training.lr == 0.01


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("lr: 3", "not valid JSON at 'lr: 3'; correct it"),
        ("[1]", "must be an object of settings in {}, got [1]"),
        ('{"lr": 1, "lr": 2}', "the key 'lr' occurs twice"),
        ('{"lr": NaN}', "NaN is not a number"),
        ({"learning_rate": 1}, "'learning_rate' is not a setting of model or training; remove it"),
        ({"preset": "paper"}, "'preset' is not a setting of model or training"),
        ({"seed": 1}, "'seed' is not a setting of model or training"),
        ({"data_dir": "/etc"}, "'data_dir' is not a setting of model or training"),
        ({"lr": "fast"}, "lr must be a number above 0 and at most 1000, got 'fast'; correct it"),
        ({"epochs": 2.5}, "epochs must be a whole number at least 1, got 2.5"),
        ({"epochs": True}, "epochs must be a whole number at least 1, got true"),
        ({"epochs": None}, "epochs must be a whole number at least 1, got null"),
        ({"loss": "l2"}, "loss must be one of softmax, max_margin, got 'l2'"),
        ({"num_neighbors": []}, "num_neighbors must be a whole number at least 1"),
        ({"num_neighbors": [5, "x"]}, 'got [5, "x"]'),
        ({"num_neighbors": [1] * 9}, "num_neighbors must be a whole number"),
        ({"lr": [1]}, "lr must be a number above 0 and at most 1000, got [1]"),
        ('{"weight_decay": 1' + "0" * 400 + "}", "weight_decay must be a number at least 0, got 1000"),
        ('{"lr": 1e999}', "lr must be a number above 0 and at most 1000, got Infinity"),
        (" " * (1 << 16) + "{}", "is larger than 64 KiB"),
        ("[" * 50_000, "nested too deeply"),
        ({"embedding_dim": 7}, "`embedding_dim` 7 must be even"),
    ],
)
def test_a_wrong_file_is_one_line(tmp_path, text, message):
    with pytest.raises(UserError) as error:
        to_config({"preset": preset_file(tmp_path, text)})
    assert message in str(error.value)
    assert len(str(error.value).splitlines()) == 1 and len(str(error.value)) < 400


@pytest.mark.parametrize("name", ["best", "file", "no/such/file.json", ""])
def test_a_preset_that_is_not_there_is_named(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(
        UserError, match="is not there; give default, paper or the name|is not a regular file"
    ):
        on_preset({"preset": name})
