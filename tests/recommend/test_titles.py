"""What a person types finds the film: once to list matches, once to decide which film is meant."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommend.titles import TitleSearch, normalise
from tests.fuzzing import fuzz

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
SEARCH = TitleSearch(TITLES)


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
    assert sorted(SEARCH.meant(typed)) == expected
    assert SEARCH.find(typed, 20)[: len(expected)] == SEARCH.meant(typed)


def test_titles_are_found_while_they_are_typed():
    titles = [
        "Star Wars (1977)", "Lone Star (1996)", "Matrix, The (1999)", "Amélie (2001)", "Star Kid (1997)",
    ]  # fmt: skip
    search = TitleSearch(titles, np.array([10, 50, 5, 1, 3]))
    assert search.find("star", 8) == [0, 4, 1]  # beginnings before words, the more popular first
    assert search.find("matr", 8) == search.find("the mat", 8) == search.find("MATRIX 1999", 1) == [2]
    assert search.find("amelie", 8)[0] == 3 and search.find("star wrs", 8)[0] == 0
    assert search.find("matirx", 8) == [2] and search.find("lone satr", 8)[0] == 1
    assert search.find("wars st", 8)[0] == 0 and search.find("star", 1) == [0]
    assert search.find("xylophone", 8) == search.find(" (", 8) == []


def test_a_misspelt_beginning_is_found_and_a_whole_title_comes_first():
    titles = ["Crow: City of Angels, The (1996)", "City of Angels (1998)", "Empire Strikes Back, The (1980)"]
    search = TitleSearch(titles, np.array([9, 1, 1]))
    assert search.find("citry of an", 8) == [1, 0]
    assert search.find("empire stirkes", 8) == [2]
    assert search.find("city of angles", 8)[0] == 1
    assert search.find("carm", 8) == []  # no part from the middle of a word


def test_an_article_makes_no_difference_unless_it_decides():
    titles = ["Thing, The (1982)", "Thing (1950)", "Godfather, The (1972)", "Godfather: Part II, The (1974)"]
    search = TitleSearch(titles, np.array([9, 1, 5, 7]))
    assert search.meant("the thing") == [0] and search.meant("thing") == [1]
    assert search.meant("godfather") == [2] and search.meant("godfather 1972") == [2]
    assert search.find("godfather", 8) == [2, 3]


def test_several_films_are_listed_the_more_popular_first():
    search = TitleSearch(["Sabrina (1954)", "Sabrina (1995)", "Sabrina Goes (1990)"], np.array([1, 5, 9]))
    assert search.meant("sabrina") == [1, 0] and search.find("sabrina", 8) == [1, 0, 2]
    assert search.meant("sabrinna") == search.find("sabrinna", 2) == [1, 0]  # of one name, and misspelt
    assert search.meant("sabri") == [2, 1, 0]


WORDS = st.sampled_from(["the", "star", "wars", "starry", "a", "kid", "l'", "été", "1984", "(1995)", "鯨"])
TYPED = st.text(st.sampled_from("thestarw 19845é(),'"), max_size=15) | st.lists(WORDS).map(" ".join)


@fuzz()
@given(st.lists(st.lists(WORDS).map(" ".join), max_size=12), TYPED, st.integers(0, 2**16))
def test_list_and_decision_agree_on_the_first_film(titles, typed, seed):
    search = TitleSearch(titles, np.random.default_rng(seed).integers(0, 3, len(titles)))
    found, meant = search.find(typed, len(titles)), search.meant(typed)
    assert found[:1] == meant[:1] and set(meant) <= set(found)
    assert len(found) == len(set(found))
    words = normalise(typed).split()
    # A naive loop over the same rule: every typed word begins a word of the title.
    begun = {
        row
        for row, title in enumerate(titles)
        if words and all(any(w.startswith(t) for w in normalise(title).split()) for t in words)
    }
    assert not begun or set(found) == begun


def test_normalised_titles_agree():
    assert normalise("Matrix, The (1999)") == normalise("The MATRIX (1999)") == "the matrix 1999"
