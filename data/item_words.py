"""What one item of the data is called, and several: films, unless ``schema.json`` says otherwise."""

from typing import NamedTuple


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


FILMS = ItemWords()
