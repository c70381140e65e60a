"""Titles as people say them."""

import pytest

from data.title_article import shown_title
from recommend.titles import normalise


@pytest.mark.parametrize(
    ("title", "shown"),
    [
        ("Godfather, The (1972)", "The Godfather (1972)"),
        ("Godfather: Part II, The (1974)", "The Godfather: Part II (1974)"),
        ("Affair to Remember, An", "An Affair to Remember"),
        ("Boot, Das (1981)", "Das Boot (1981)"),
        ("Avventura, L' (a.k.a. Adventure, The) (1960)", "L'Avventura (a.k.a. The Adventure) (1960)"),
        ("City of Lost Children, The (Cité des enfants perdus, La) (1995)",
         "The City of Lost Children (La Cité des enfants perdus) (1995)"),
        ("Good, the Bad and the Ugly, The (1966)", "The Good, the Bad and the Ugly (1966)"),
        ("I, The Jury (1982)", "I, The Jury (1982)"),
        ("Paris, Texas (1984)", "Paris, Texas (1984)"),
        ("Toy Story (1995)", "Toy Story (1995)"),
        ("", ""),
        (", The", ", The"),
    ],
)  # fmt: skip
def test_the_article_stands_in_front(title, shown):
    assert shown_title(title) == shown == shown_title(shown)
    assert normalise(shown) == normalise(title) or "(" in shown[1:-7]  # other titles in brackets are left
