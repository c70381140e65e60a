"""Ids that differ in their spelling only, such as ``550`` and ``550.0``: why two tables often do not meet."""

from collections.abc import Iterable

from data.reading.own_values import whole_number_in


class NearIds:
    """Finds the id of a catalogue that an unknown id probably means.

    Args:
        known: ids of the catalogue.
    """

    def __init__(self, known: Iterable[str]):
        self._known = known
        self._by_form: dict[str, str] | None = None

    def near(self, text: str) -> str | None:
        """The known id with the same letters and the same number; None if there is none."""
        if self._by_form is None:
            self._by_form = {_form(one): one for one in self._known}
        return self._by_form.get(_form(text))

    def with_near(self, text: str) -> str:
        """The id, and the one it probably means: ``'550.0' (the catalogue has '550')``."""
        near = self.near(text)
        return repr(text) if near is None else f"{text!r} (the catalogue has {near!r})"


def _form(text: str) -> str:
    """What ids of the same meaning have in common: no case, no leading zeros, no fraction of zeros."""
    number = whole_number_in(text.strip())
    return text.strip().lstrip("0").casefold() if number is None else str(number)
