"""Files with one id per line, for --movie_ids and for @file in --where."""

import sys
from pathlib import Path

from base.errors import UserError

STDIN = "-"
COMMENT = "#"


def read_id_lines(name: str, typed: str) -> list[tuple[int, str]]:
    """The ids of a file, one per line, with the numbers of their lines. Blank lines and comments are skipped.

    Args:
        name: the file, UTF-8 text; ``-`` is stdin.
        typed: the flag and the file, for messages.

    Raises:
        UserError: it cannot be read, or is not text.
    """
    try:
        content = sys.stdin.buffer.read() if name == STDIN else Path(name).read_bytes()
        lines = content.decode("utf-8-sig").split("\n")
    except OSError as error:
        raise UserError(
            f"{typed} cannot be read ({error.strerror}); name a file with one id per line"
        ) from error
    except UnicodeDecodeError as error:
        raise UserError(f"{typed} is not UTF-8 text; save it as UTF-8") from error
    texts = [(line, text.strip()) for line, text in enumerate(lines, start=1)]
    return [(line, text) for line, text in texts if text and not text.startswith(COMMENT)]
