"""Ids in JSON, which a reader must be able to give back.

JavaScript and other readers of JSON keep whole numbers as floating-point ones, which are exact up to
2^53 - 1. A larger id would become another one, so it is written as text.
"""

import re

from base.checks import EXACT_BELOW

_DIGITS = re.compile(r"[0-9]{1,40}")


def json_id(value: int | str) -> int | str:
    """An id as JSON has it: a number that every reader keeps exactly, or else text."""
    return str(value) if isinstance(value, int) and abs(value) >= EXACT_BELOW else value


def id_from_json(value: object) -> object:
    """A value where an id that is a number is wanted: digits in a text become it, all else stays."""
    return int(value) if isinstance(value, str) and _DIGITS.fullmatch(value) else value
