import numpy as np
import pytest

from data.dataset import Movies
from recommend.titles import find_title, normalise

TITLES = [
    "Toy Story (1995)",
    "Toy Story 2 (1999)",
    "Matrix, The (1999)",
    "Sabrina (1995)",
    "Sabrina (1954)",
    "Amélie (Fabuleux destin d'Amélie Poulain, Le) (2001)",
    "Star Wars (1977)",
    "Schindler's List (1993)",
    "2001: A Space Odyssey (1968)",
    "Silence of the Lambs, The (1991)",
    "七人の侍 (1954)",
]
MOVIES = Movies(np.arange(len(TITLES)), TITLES, [()] * len(TITLES), np.zeros(len(TITLES), np.float32))


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("Toy Story (1995)", [0]),
        ("toy story", [0]),  # the whole title of one film, though part of another's
        ("TOY STORY 2", [1]),
        ("the matrix", [2]),
        ("Matrix, The", [2]),
        ("matrix", [2]),
        ("sabrina", [3, 4]),
        ("Sabrina (1954)", [4]),
        ("amelie", [5]),
        ("schindlers list", [7]),
        ("Schindler's List", [7]),
        ("2001 space odyssey", [8]),
        ("silense of the lams", [9]),
        ("str wars", [6]),
        ("toy stori", [0]),
        ("story", [0, 1]),
        ("zzzzqqq", []),
        ("", []),
        ("七人の侍", [10]),
        ("羅生門", []),
        ("(1995)", [0, 3]),  # what came out that year
    ],
)
def test_what_a_person_types_finds_the_film(typed, expected):
    found = find_title(typed, MOVIES)
    assert sorted(found) == expected


def test_normalised_titles_agree():
    assert normalise("Matrix, The (1999)") == normalise("The MATRIX (1999)") == "the matrix 1999"
