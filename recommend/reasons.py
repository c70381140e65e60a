"""Why a film goes with another one, in a person's words: who rated both, and what both share.

How the network came to it stands in ``Reasons.details`` and in ``recommend/explanation.py``.
"""

from functools import cached_property

from base.arrays import FloatArray
from data.series import find_series
from model.checkpoint import Checkpoint
from recommend.explanation import NeighborTable

MAX_COLUMNS = 2  # of the data's own columns, how many shared values are named


class Reasons:
    """Says why films go together.

    Args:
        model: a trained model.
        table: its importance neighbours.
        num_ratings: ``[num_movies]``, people who have each film in training.
    """

    def __init__(self, model: Checkpoint, table: NeighborTable, num_ratings: FloatArray):
        self._model = model
        self._movies = model.movies
        self._table = table
        self._num_ratings = num_ratings
        self._columns = {
            name: values for name, values in model.item_columns.items() if isinstance(values, list)
        }

    def of(self, first: int, second: int) -> str:
        """Why film ``second`` goes with film ``first``, by rows.

        A number is exact: people who have both films in training. A model of an earlier version, a pair that
        was not counted and a new film have none. Then a film stands for it that is important to both. Films
        of which nothing is known together are told by how many people have the second.
        """
        people = self._people(first, second)
        common = self._in_common(first, second)
        parts = [
            people or self._between(first, second),
            f"in common: {', '.join(common)}" if common else "",
        ]
        return "; ".join(filter(None, parts)) or self._alone(second)

    def details(self, first: int, second: int) -> list[str]:
        """How the network connects film ``second`` with film ``first``: by the ends of random walks."""
        ours, theirs = ([film for film, _ in self._table.of(row)] for row in (first, second))
        direct = [f"walk neighbour no. {ours.index(second) + 1}"] if second in ours else []
        shared = len(set(ours).intersection(theirs))
        return [*direct, f"{shared} of {len(ours)} walk neighbours in common"]

    def _people(self, first: int, second: int) -> str:
        """``214 people rated both``; empty without a number."""
        known = self._model.co_raters
        count = 0 if known is None else known.of(first, second)
        return self._did(count, "both") if count else ""

    def _alone(self, row: int) -> str:
        """``107 people rated it``."""
        count = int(self._num_ratings[row])
        return self._did(count, "it") if count else "new here"

    def _did(self, count: int, what: str) -> str:
        """What so many people did: ``214 people rated both``."""
        who = f"{count:,} {'person' if count == 1 else 'people'}"
        if "repeats" in self._model.dataset:  # data without ratings
            return f"{who} took {what}"
        least = self._model.settings["min_rating"]
        return f"{who} rated {what}{f' {least:g} or higher' if least else ''}"

    def _between(self, first: int, second: int) -> str:
        """A film that walks from both reach often; empty if there is none."""
        shared = [n.row for n in self._table.tie(first, second).shared if n.row not in (first, second)]
        return f"both go with {self._movies.shown_title(shared[0])}" if shared else ""

    def _in_common(self, first: int, second: int) -> list[str]:
        """What the data say of both: genres, year, series, values in columns of their own."""
        movies, year = self._movies, self._movies.year(first)
        parts = [genre for genre in movies.genres[second] if genre in movies.genres[first]]
        if year is not None and year == movies.year(second):
            parts.append(str(year))
        if first in self._series and self._series[first] == self._series.get(second):
            parts.append("the series")
        equal = [
            f"{name} {values[first]}"
            for name, values in self._columns.items()
            if values[first] and values[first] == values[second]
        ]
        return parts + equal[:MAX_COLUMNS]

    @cached_property
    def _series(self) -> dict[int, int]:
        """Film row to the number of its series."""
        found = find_series(self._movies.titles, self._movies.years, self._movies.genres)
        return {int(row): number for number, series in enumerate(found) for row in series.rows}
