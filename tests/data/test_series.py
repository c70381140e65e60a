"""Series of films in titles: what counts as one, and what only looks like it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.dataset import load_movielens
from data.series import find_series, parse_title
from data.title_year import year_of_title


def series(*titles, genres=None):
    """The titles of each series."""
    years = np.array([year_of_title(title) for title in titles])
    kinds = genres or [("Drama",)] * len(titles)
    return [[titles[row] for row in one.rows] for one in find_series(titles, years, kinds)]


@pytest.mark.parametrize(
    "titles",
    [
        ("Scream (1996)", "Scream 2 (1997)"),
        ("Godfather, The (1972)", "Godfather: Part II, The (1974)"),
        ("Godfather, The (1972)", "Godfather: Part III, The (1990)"),
        ("Young Guns (1988)", "Young Guns II (1990)"),
        ("Kill Bill: Vol. 1 (2003)", "Kill Bill: Vol. 2 (2004)"),
        ("Ace Ventura: Pet Detective (1994)", "Ace Ventura: When Nature Calls (1995)"),
        ("Star Trek: Generations (1994)", "Star Trek IV: The Voyage Home (1986)"),
        ("Boys Life (1995)", "Boy's Life 2 (1997)"),
        ("Candyman (1992)", "Candyman: Farewell to the Flesh (1995)"),
        ("Amélie (2001)", "Amelie 2 (2003)"),
        ("Hangover, The (2009)", "Hangover Part II, The (2011)"),
    ],
)
def test_series(titles):
    assert series(*titles) == [list(titles)]


@pytest.mark.parametrize(
    "titles",
    [
        ("Sabrina (1995)", "Sabrina (1954)"),  # a remake
        ("Father of the Bride (1950)", "Father of the Bride Part II (1995)"),  # the sequel of the remake
        ("That Darn Cat! (1997)", "That Darn Cat! (1997)", "That Darn Cat! (1965)"),
        ("Apollo 13 (1995)", "Seven (1995)"),
        ("Fantasia (1940)", "Fantasia 2000 (1999)"),  # a year, not a part
        ("Boys (1996)", "Boys, Les (1997)"),
        ("Scream 2 (1997)", "Scream 2 (1997)"),  # one film that is listed twice
        ("user 1", "user 2"),  # no films
    ],
)
def test_no_series(titles):
    assert series(*titles) == []


def test_a_colon_needs_a_common_genre():
    titles = ("Robin Hood: Men in Tights (1993)", "Robin Hood: Prince of Thieves (1991)")
    assert series(*titles, genres=[("Comedy",), ("Drama",)]) == []
    assert series(*titles, genres=[("Comedy",), ("Comedy", "Drama")]) == [list(titles)]
    numbered = ("Free Willy (1993)", "Free Willy 2: The Adventure Home (1995)")
    assert series(*numbered, genres=[("Drama",), ("Adventure",)]) == [list(numbered)]


def test_of_remakes_the_one_before_the_second_part_counts():
    titles = ("Omen, The (1976)", "Omen II (1978)", "Omen, The (2006)", "Omen, The (1930)")
    assert series(*titles) == [["Omen, The (1976)", "Omen II (1978)"]]


@pytest.mark.parametrize(
    ("title", "name", "is_part", "has_colon"),
    [
        ("Star Trek VI: The Undiscovered Country (1991)", "star trek", True, True),
        ("Die Hard 2 (1990)", "die hard", True, False),
        ("Crow: City of Angels, The (1996)", "crow", False, True),
        ("Killer (Bulletproof Heart) (1994)", "killer", False, False),
        ("Blues Brothers 2000 (1998)", "blues brothers 2000", False, False),
        ("2001: A Space Odyssey (1968)", "2001", False, True),
        ("IV (1999)", "iv", False, False),
        ("Pi " + "3" * 5000, "pi " + "3" * 5000, False, False),
        ("", "", False, False),
    ],
)
def test_parts_of_a_title(title, name, is_part, has_colon):
    assert parse_title(title) == (name, is_part, has_colon)


@given(st.lists(st.text(alphabet="aA:2 I,(1990)é", max_size=14), max_size=12))
def test_any_titles(titles):
    years = np.array([year_of_title(title) for title in titles], dtype=np.float32)
    found = find_series(titles, years, [("Drama",)] * len(titles))
    rows = [row for one in found for row in one.rows]
    assert len(rows) == len(set(rows))
    assert all(len(one.rows) >= 2 and (np.diff(one.rows) > 0).all() for one in found)


@pytest.mark.network
def test_the_series_of_ml_100k_as_a_person_read_them(ml_100k_dir):
    movies = load_movielens(ml_100k_dir).movies
    found = find_series(movies.titles, movies.years, movies.genres)
    assert [one.name for one in found] == [
        "ace ventura", "alien", "amityville", "boys life", "candyman", "crow", "die hard", "free willy",
        "godfather", "grease", "highlander", "home alone", "homeward bound", "jaws", "lawnmower man",
        "mortal kombat", "prophecy", "scream", "speed", "star trek", "tales from the crypt presents",
        "terminator", "three colors", "under siege", "young guns",
    ]  # fmt: skip
    assert sum(len(one.rows) for one in found) == 61
