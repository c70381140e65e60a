"""What one item of the data is called, and several: films, unless ``schema.json`` says otherwise."""

import re
from typing import NamedTuple

_FILM = re.compile(r"\b(?:(an?) )?film(s?)\b")
VOWELS = "aeiou"


class ItemWords(NamedTuple):
    """The words of headings, tables and the web page.

    Attributes:
        item: one of them.
        items: several.
    """

    item: str = "film"
    items: str = "films"

    def counted(self, number: int) -> str:
        """A number and its noun: ``1 film``, ``1,682 films``."""
        return f"{number:,} {self.item if number == 1 else self.items}"

    def said(self, text: str) -> str:
        """A text that speaks of films, with these words: ``a film of the films``, ``a book of the books``."""
        article = "an" if self.item[:1].lower() in VOWELS else "a"

        def word(found: re.Match[str]) -> str:
            return (f"{article} " if found[1] else "") + (self.items if found[2] else self.item)

        return _FILM.sub(word, text)


FILMS = ItemWords()
