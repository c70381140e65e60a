"""The condition of --where: text, in which @file stands for the values in a file."""

from commands.id_lines import read_id_lines
from recommend.conditions.parser import parse_text
from recommend.conditions.tree import Condition


def typed_condition(where: str | None) -> Condition | None:
    """The condition that was typed; None if none was.

    Raises:
        UserError: it is no condition, or a file cannot be read; one line with the place.
    """
    return None if where is None else parse_text(where, _read_list)


def _read_list(name: str) -> tuple[list[str], list[int]]:
    """The values in a file and the number of the line of each; a file without any is an empty list."""
    lines = read_id_lines(name, f"--where @{name}")
    return [text for _, text in lines], [line for line, _ in lines]
