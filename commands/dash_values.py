"""Values that begin with a dash, such as ``--movie_id -kQ9ab_c``, which argparse takes for flags."""

import difflib
from collections.abc import Sequence
from dataclasses import fields

from config import Config, kind_of

SIMILAR = 0.8  # from this likeness on, ``--titel`` is a misspelt flag and not a value

_SETTINGS = [setting for section in fields(Config) for setting in fields(section.default_factory)]  # type: ignore[arg-type]
_TAKES_VALUE = frozenset(f"--{setting.name}" for setting in _SETTINGS if kind_of(setting) is not bool)
_FLAGS = frozenset({"-h", "--help", "--mode"} | {f"--{setting.name}" for setting in _SETTINGS})


def with_dash_values(argv: Sequence[str]) -> list[str]:
    """The command line with ``--flag -value`` as ``--flag=-value``, which argparse reads.

    What follows a flag that needs a value is its value unless it is a flag or looks like one. So a value that
    was forgotten is still reported.

    Args:
        argv: the command line, without the name of the program.
    """
    joined: list[str] = []
    waiting: str | None = None  # a flag that needs a value
    for word in argv:
        if waiting is not None and word.startswith("-") and word != "-" and not _looks_like_flag(word):
            joined[-1] = f"{waiting}={word}"
            waiting = None
            continue
        joined.append(word)
        waiting = word if word in _TAKES_VALUE else None
    return joined


def _looks_like_flag(word: str) -> bool:
    name = word.partition("=")[0]
    if name in _FLAGS:
        return True
    return name.startswith("--") and bool(difflib.get_close_matches(name, _FLAGS, n=1, cutoff=SIMILAR))
