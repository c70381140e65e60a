"""Presets: sets of settings to start from, by name or in a JSON file."""

from collections.abc import Mapping
from dataclasses import Field, fields
from pathlib import Path
from typing import Any

from base.errors import UserError
from config import (
    FROM_FILE,
    PRESETS,
    Config,
    ModelConfig,
    TrainingConfig,
    check_setting,
    rule_of,
    takes_tuple,
)
from data.reading.json_files import read_json, shown_json
from data.reading.source_files import exists, shown, shown_path

MAX_BYTES = 1 << 16
MAX_LAYERS = ModelConfig.__dataclass_fields__["num_layers"].metadata["high"]
# What a preset file may hold: all that makes the model and its training.
PRESET_SETTINGS: dict[str, Field] = {
    setting.name: setting
    for kind in (ModelConfig, TrainingConfig)
    for setting in fields(kind)
    if setting.name != "preset"
}


def on_preset(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The values of a preset, changed by settings.

    Args:
        settings: the user's own; ``preset`` names one of ``config.PRESETS`` or a JSON file.

    Raises:
        UserError: there is no such preset, or the file is not one.
    """
    name = settings.get("preset", "default")
    Config().override({"preset": name})  # is it text?
    if name in PRESETS:
        return PRESETS[name] | dict(settings)
    return _preset_file(name) | dict(settings) | {"preset": FROM_FILE}


def with_preset_file(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings; where ``preset`` is a file, its values stand in their place unless they are given, too.

    Raises:
        UserError: the file is not a preset.
    """
    name = settings.get("preset", FROM_FILE)
    if name in PRESETS or name == FROM_FILE:  # the latter is what a checkpoint stores
        return dict(settings)
    given = {key: value for key, value in settings.items() if key != "preset"}
    return _preset_file(name) | given


def _preset_file(name: str) -> dict[str, Any]:
    """The values in a preset file: an object with settings of model and training.

    Raises:
        UserError: there is no such file, or a value is not allowed.
    """
    path = Path(name)
    if not exists(path):
        raise UserError(
            f"`preset` {shown_path(path)} is not there; give {', '.join(PRESETS)} or the name of a JSON file"
        )
    where, values = shown_path(path), read_json(path, MAX_BYTES)
    if not isinstance(values, dict):
        raise UserError(f"{where} must be an object of settings in {{}}, got {shown_json(values)}")
    return {key: _value(where, key, value) for key, value in values.items()}


def _value(where: str, name: str, value: Any) -> Any:
    """One value of a preset file. Numbers per layer are a list there and a tuple here."""
    setting = PRESET_SETTINGS.get(name)
    if setting is None:
        raise UserError(f"{where}: {shown(name)} is not a setting of model or training; remove it")
    per_layer = isinstance(value, list) and takes_tuple(setting) and len(value) <= MAX_LAYERS
    found = tuple(value) if per_layer else value
    try:
        check_setting(setting, found)
    except ValueError:
        raise UserError(
            f"{where}: {name} must be {rule_of(setting)}, got {shown_json(value)}; correct it"
        ) from None
    return found
