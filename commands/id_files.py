"""A file of film ids, one a line, for many questions at once."""

import sys
from collections.abc import Iterator
from pathlib import Path

from base.errors import UserError

STDIN = "-"
COMMENT = "#"


def read_id_lines(name: str) -> Iterator[tuple[int, str]]:
    """The ids of a file with the numbers of their lines; blank lines and comments are passed over.

    Args:
        name: the file, UTF-8 text; ``-`` is stdin.

    Raises:
        UserError: it cannot be read, is no text, or holds no id.
    """
    found = False
    for line, content in enumerate(_read(name).split("\n"), start=1):
        text = content.strip()
        if text and not text.startswith(COMMENT):
            found = True
            yield line, text
    if not found:
        raise UserError(f"--movie_ids {name} holds no id; write one id a line")


def _read(name: str) -> str:
    try:
        content = sys.stdin.buffer.read() if name == STDIN else Path(name).read_bytes()
        return content.decode("utf-8-sig")
    except OSError as error:
        raise UserError(
            f"--movie_ids {name} cannot be read ({error.strerror}); name a file with one id a line"
        ) from error
    except UnicodeDecodeError as error:
        raise UserError(f"--movie_ids {name} is not UTF-8 text; save it as UTF-8") from error
