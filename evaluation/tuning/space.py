"""What is varied: settings and their ranges, around the settings that the command starts from."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from base.errors import UserError
from config import Config
from model.presets import PRESET_SETTINGS


class Suggests(Protocol):
    """What a trial of Optuna does for a space."""

    def suggest_int(self, name: str, low: int, high: int, *, step: int) -> int:
        """A whole number from ``low`` to ``high`` in steps."""
        ...

    def suggest_float(self, name: str, low: float, high: float, *, log: bool) -> float:
        """A number from ``low`` to ``high``."""
        ...


@dataclass(frozen=True)
class Steps:
    """Whole numbers from ``low`` to ``high`` in steps."""

    low: int
    high: int
    step: int = 1

    def holds(self, value: Any) -> bool:
        """Whether a value is one of them."""
        return type(value) is int and value in range(self.low, self.high + 1, self.step)

    def suggest(self, trial: Suggests, name: str) -> int:
        """The value of a trial."""
        return trial.suggest_int(name, self.low, self.high, step=self.step)


@dataclass(frozen=True)
class Scale:
    """Numbers from ``low`` to ``high``; equal ratios are equally likely."""

    low: float
    high: float

    def holds(self, value: Any) -> bool:
        """Whether a value is one of them."""
        return type(value) in (int, float) and self.low <= value <= self.high

    def suggest(self, trial: Suggests, name: str) -> float:
        """The value of a trial."""
        return trial.suggest_float(name, self.low, self.high, log=True)


# Around the defaults. A training twice as wide takes more than twice as long, so 512 is the end.
RANGES: dict[str, Steps | Scale] = {
    "spectral_dim": Steps(64, 512, 64),
    "num_neighbors": Steps(10, 50, 5),
    "hidden_dim": Steps(128, 512, 64),
    "embedding_dim": Steps(128, 512, 64),
    "graph_view": Scale(0.01, 0.25),
    "content_view": Scale(0.01, 0.25),
    "lr": Scale(0.001, 0.01),
    "temperature": Scale(0.05, 0.2),
    "pair_window": Steps(1, 10),
}


@dataclass(frozen=True)
class Space:
    """The settings that are varied.

    Attributes:
        ranges: name of a setting to its range.
        start: their values before any trial.
    """

    ranges: Mapping[str, Steps | Scale]
    start: Mapping[str, Any]

    def suggest(self, trial: Suggests) -> dict[str, Any]:
        """The settings of a trial."""
        return {name: values.suggest(trial, name) for name, values in self.ranges.items()}

    def as_plain(self) -> dict[str, list[float]]:
        """Plain values for the report: lowest and highest value, and the step between whole numbers."""
        return {name: list(vars(values).values()) for name, values in self.ranges.items()}

    def in_words(self) -> dict[str, str]:
        """The ranges, for the study to compare and for messages."""
        return {f"the range of `{name}`": f"{r.low} to {r.high}" for name, r in self.ranges.items()}


def space_of(config: Config, typed: Collection[str]) -> Space:
    """The settings of ``RANGES`` that may vary.

    A setting that the user typed keeps its value, and so does one whose value is outside its range: what a
    preset leaves out stays out. The temperature is only varied where the loss has one.

    Args:
        config: the settings to start from.
        typed: names of the settings that the user typed.

    Raises:
        UserError: none is left.
    """
    values = config.model_settings()
    kept = set(typed) | ({"temperature"} if config.training.loss != "softmax" else set())
    ranges = {name: r for name, r in RANGES.items() if name not in kept and r.holds(values[name])}
    if not ranges:
        raise UserError(
            f"nothing is left to vary: all of {', '.join(RANGES)} are given or outside their ranges; "
            "leave one out"
        )
    return Space(ranges, {name: values[name] for name in ranges})


def preset_values(config: Config, space: Space) -> dict[str, Any]:
    """What a preset file says of some settings: those that were varied, and what differs from the defaults.

    Args:
        config: the settings.
        space: what was varied.
    """
    values, defaults = config.model_settings(), Config().model_settings()
    return {
        name: values[name]
        for name in PRESET_SETTINGS
        if name in space.ranges or values[name] != defaults[name]
    }
