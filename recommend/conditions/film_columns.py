"""The columns of a catalogue by the names that a condition may use."""

import difflib
from collections.abc import Callable, Mapping
from typing import Any

from torch import Tensor

from data.dataset import Movies
from data.reading.source_files import shown
from recommend.conditions.columns import Column, IdColumn, NumberColumn
from recommend.conditions.text_columns import SetColumn, TextColumn
from recommend.conditions.tree import Comparison, wrong

GENRES = "genres"
MAX_NAMED = 20  # columns that a message lists


class FilmColumns:
    """Columns of films. Each is prepared when a condition first names it, which takes a moment.

    Names in capitals or not are the same, unless two columns differ in that alone. ``genre`` is ``genres``.
    An own column with one of the four names that all catalogues have cannot be named.

    Args:
        movies: the catalogue: ``id``, ``title``, ``year`` and ``genres``.
        item_columns: of the checkpoint.
    """

    def __init__(self, movies: Movies, item_columns: Mapping[str, Tensor | list[str]]):
        ids = movies.text_ids
        self._make: dict[str, Callable[[], Column]] = {
            "id": lambda: IdColumn(movies.ids) if ids is None else TextColumn(ids, name_films=True),
            "title": lambda: TextColumn(movies.titles, name_films=True),
            "year": lambda: NumberColumn(movies.years),
            GENRES: lambda: SetColumn(movies.genres),
        }
        for name, values in item_columns.items():
            self._make.setdefault(name, lambda values=values: _own(values))  # type: ignore[misc]
        self._made: dict[str, Column] = {}
        self._lower: dict[str, list[str]] = {}
        for name in self._make:
            self._lower.setdefault(name.lower(), []).append(name)
        self._lower.setdefault("genre", [GENRES])

    def __getitem__(self, name: str) -> Column:
        """The column of exactly this name."""
        if name not in self._made:
            self._made[name] = self._make[name]()
        return self._made[name]

    def find(self, comparison: Comparison) -> Column:
        """The column that a comparison names.

        Raises:
            UserError: there is none, or capitals must tell which of several.
        """
        name = comparison.column
        if name in self._make:
            return self[name]
        found = self._lower.get(name.lower(), [])
        if len(found) == 1:
            return self[found[0]]
        if found:
            problem = f"{shown(name)} can be {' or '.join(map(shown, found))}; write capitals as in the data"
            raise wrong(comparison.place.of_column(), problem)
        names = list(self._make)
        close = difflib.get_close_matches(name[:100].lower(), list(self._lower), n=1)
        advice = f"did you mean {self._lower[close[0]][0]}?" if close else f"there are {_listed(names)}"
        raise wrong(comparison.place.of_column(), f"there is no column {shown(name)}; {advice}")

    def summaries(self) -> list[dict[str, Any]]:
        """Every column: name, kind, how many films have a value, and its range or most common values."""
        return [{"name": name} | self[name].summary() for name in self._make]


def _own(values: Tensor | list[str]) -> Column:
    return NumberColumn(values.numpy()) if isinstance(values, Tensor) else TextColumn(values)


def _listed(names: list[str]) -> str:
    more = len(names) - MAX_NAMED
    return ", ".join(map(shown, names[:MAX_NAMED])) + (f" and {more} more" if more > 0 else "")
