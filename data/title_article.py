"""The article of a title: catalogues write ``Godfather, The (1972)``, people say *The Godfather*."""

import re

ARTICLES = "the|a|an|le|la|les|il|el|der|die|das"  # ``l'`` is joined to its word, and so stands apart

_NAMES = "|".join(article.capitalize() for article in ARTICLES.split("|"))
# A title, or another one in brackets behind it, whose last word is an article.
_BEHIND = re.compile(rf"(^|\((?:a\.?k\.?a\.? )?)([^()]+), (?:({_NAMES})|(L'))(?=\s*(?:[()]|$))")


def shown_title(title: str) -> str:
    """The title as people say it, the article in front; a year and other titles in brackets stay.

    Ids, searches and files for programs keep the title of the data.
    """
    return _BEHIND.sub(_turned, title) if ", " in title else title


def _turned(found: re.Match[str]) -> str:
    before, name, article, joined = found.groups()
    return f"{before}{joined}{name}" if joined else f"{before}{article} {name}"
