"""The year in brackets at the end of a title, as MovieLens writes titles: ``Toy Story (1995)``."""

import re

# Of a span of years, as series have them, the first one counts: Twin Peaks (1989-1991), Running (2006-).
_YEAR = re.compile(r"\(([0-9]{4})(?:\s?[-–—]\s?(?:[0-9]{4})?)?\)$")
_MAX_YEAR_LENGTH = 16  # characters; searching no more than these keeps long titles fast


def split_year(title: str) -> tuple[str, int | None]:
    """Take the year off a title.

    Args:
        title: with or without a year; spaces at its end do not count.

    Returns:
        The title without its year, and the year. The title as it was, and None, if it has no year.
    """
    text = title.rstrip()
    found = _YEAR.search(text, max(0, len(text) - _MAX_YEAR_LENGTH))
    return (text[: found.start()].rstrip(), int(found[1])) if found else (title, None)


def year_of_title(title: str) -> float:
    """The year of a title as a number for an array; nan if the title has none."""
    year = split_year(title)[1]
    return float("nan") if year is None else float(year)
