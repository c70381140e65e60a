"""The year at the end of a title, which catalogue, film files and title search must agree on."""

import math
import time

import pytest

from data.title_year import split_year, year_of_title


@pytest.mark.parametrize(
    ("title", "name", "year"),
    [
        ("Toy Story (1995)", "Toy Story", 1995),
        ("Das Boot (1981)  ", "Das Boot", 1981),
        ("Das Boot (1981)" + " " * 100, "Das Boot", 1981),
        ("Twin Peaks (1989–1991)", "Twin Peaks", 1989),
        ("Running (2006–)", "Running", 2006),
        ("Fawlty Towers (1975 - 1979)", "Fawlty Towers", 1975),
        ("2001 (film) (1968)", "2001 (film)", 1968),
        ("Seven(1995)", "Seven", 1995),
        ("(1995)", "", 1995),
        ("1984", "1984", None),
        ("(1995) first ", "(1995) first ", None),
        ("Heat (95)", "Heat (95)", None),
        ("Heat (١٩٩٥)", "Heat (١٩٩٥)", None),
        ("", "", None),
    ],
)
def test_split_year(title: str, name: str, year: int | None) -> None:
    assert split_year(title) == (name, year)
    assert year_of_title(title) == year or (year is None and math.isnan(year_of_title(title)))


def test_long_titles_take_no_longer() -> None:
    began = time.perf_counter()
    for title in (" " * 10**6 + "x", "(1995" * 10**5, "(1995 - " * 10**5):
        assert split_year(title) == (title, None)
    assert time.perf_counter() - began < 1
