"""From what a person calls a film, an id or a title, to its row."""

import numbers
from typing import Any

from base.arrays import FloatArray
from base.checks import shown_value
from base.errors import UserError
from data.dataset import Movies
from data.reading.number_kinds import ID
from data.reading.source_files import shown
from recommend.titles import TitleSearch

MAX_SHOWN = 10  # films listed if a title can mean several


class FilmLookup:
    """Finds the row of a film.

    Args:
        movies: the catalogue.
        dataset: its name, for messages.
        popularity: ``[num_movies]``. Of films that a title can mean, the more popular comes first.
    """

    def __init__(self, movies: Movies, dataset: str, popularity: FloatArray):
        self.movies = movies
        self.dataset = dataset
        self.titles = TitleSearch(movies.titles, popularity)
        self._row_of_text = {str(movies.public_id(row)): row for row in range(len(movies))}

    def row(self, film: Any) -> int:
        """Row of the film with this id or, if no film has the id, with this title.

        Args:
            film: an int or a str; ``"7"`` can be the id 7. A number that is not an id must be a whole title,
                so that a wrong id never finds ``12 Angry Men``.

        Raises:
            UserError: neither fits, or the title can mean several films.
        """
        text = str(_int_or_text(film, "a film"))
        if text in self._row_of_text:
            return self._row_of_text[text]
        is_number = text.removeprefix("-").isdecimal()
        if is_number and not (text.isdecimal() and self.titles.same(text)):
            return self.row_of_id(text)  # ``007`` is 7; otherwise the error says what ids there are
        return self.row_of_title(text)

    def row_of_id(self, movie_id: Any) -> int:
        """Row of the film with this id: a whole number, or a text if the ids of the data are texts.

        Raises:
            UserError: no film has it, or it cannot be an id.
        """
        movies, text = self.movies, str(_int_or_text(movie_id, "an id"))
        if movies.text_ids is not None:
            which = f"{movies.words.counted(len(movies))} with ids such as {movies.text_ids[0]!r}"
        else:
            try:
                text = str(ID.parse(text))
            except ValueError as rule:
                raise UserError(f"an id must be {rule}, got {shown(text)}") from None
            which = (
                f"{movies.words.counted(len(movies))} with ids from {movies.ids.min()} to {movies.ids.max()}"
            )
        if text not in self._row_of_text:
            named = text if text.isdecimal() else shown(text)
            raise UserError(f"no {movies.words.item} has the id {named}; {self.dataset} has {which}")
        return self._row_of_text[text]

    def row_of_title(self, title: Any) -> int:
        """Row of the one film that ``title`` means. Case, accents, articles and typos do not matter.

        Raises:
            UserError: it means no film, or several, which are listed with their ids.
        """
        if not isinstance(title, str):
            raise UserError(f"a title must be a text, got {shown_value(title)}")
        rows = self.titles.meant(title)
        if not rows:
            raise UserError(
                f"no {self.movies.words.item} is called anything like {shown(title)}; check the spelling "
                "or give its id"
            )
        if len(rows) > 1:
            named = [
                f"{self.movies.shown_title(row)} (id {self.movies.public_id(row)})"
                for row in rows[:MAX_SHOWN]
            ]
            more = f" and {len(rows) - MAX_SHOWN} more" if len(rows) > MAX_SHOWN else ""
            raise UserError(
                f"{shown(title)} can mean {len(rows)} {self.movies.words.items}: {'; '.join(named)}{more}; "
                "give the whole title, or its id"
            )
        return rows[0]


def _int_or_text(value: Any, what: str) -> int | str:
    """A whole number of any library as an int, a text as it is."""
    if isinstance(value, numbers.Integral) and not isinstance(value, bool):
        return int(value)
    if not isinstance(value, str):
        raise UserError(f"{what} must be a whole number or a text, got {shown_value(value)}")
    return value
