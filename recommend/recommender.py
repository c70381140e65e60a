"""What goes with a film, from a checkpoint alone."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from base.errors import UserError
from config import SearchConfig
from data.dataset import Movies
from data.histories import History
from data.reading.number_columns import ID
from data.reading.source_files import shown
from model.checkpoint import Checkpoint
from recommend.taste import Suggestion, suggest
from recommend.titles import MOST_SHOWN, find_title
from search.choose import open_index

BLOCK = 256  # films asked about at once


class Recommendation(NamedTuple):
    """A recommended film and the inner product (cosine) of its embedding with the query's query embedding."""

    row: int
    score: float


class Recommender:
    """Answers from the embeddings of a checkpoint.

    Args:
        checkpoint: a trained model.
        search: the index that answers; exact search by default.
        seed: of the index.
        folder: where the index's file lies or will, beside the checkpoint; none when None.
        num_guests: films at the end of the checkpoint that may ask but are no answer.
    """

    def __init__(
        self,
        checkpoint: Checkpoint,
        search: SearchConfig | None = None,
        seed: int = 0,
        folder: Path | None = None,
        num_guests: int = 0,
    ):
        self.movies: Movies = checkpoint.movies
        self.dataset: str = checkpoint.dataset["name"]
        self.rating_range = checkpoint.rating_range
        self.embeddings = checkpoint.embeddings.numpy()
        self.query_embeddings = checkpoint.query_embeddings.numpy()
        self.index = open_index(
            search or SearchConfig(),
            self.embeddings[: len(self.movies) - num_guests],
            self.query_embeddings,
            seed,
            folder,
        )
        self._row_of = {self.movies.public_id(row): row for row in range(len(self.movies))}

    def row_of_id(self, movie_id: int | str) -> int:
        """Row of a film's id: a MovieLens id, or a text where the data's ids are text.

        Raises:
            UserError: the checkpoint knows no such film, or the id is none.
        """
        movies, text = self.movies, str(movie_id)
        if movies.text_ids is not None:
            known: int | str = text
            which = f"{len(movies):,} films with ids such as {movies.text_ids[0]!r}"
        else:
            try:
                known = int(ID.parse(text))
            except ValueError as rule:
                raise UserError(f"an id must be {rule}, got {shown(text)}") from None
            which = f"{len(movies):,} films with ids from {movies.ids.min()} to {movies.ids.max()}"
        if known not in self._row_of:
            named = text if text.isdecimal() else shown(text)
            raise UserError(f"no film has the id {named}; {self.dataset} has {which}")
        return self._row_of[known]

    def row_of_title(self, title: str) -> int:
        """Row of the one film that ``title`` means.

        Raises:
            UserError: no film, or several, listed with their ids.
        """
        rows = find_title(title, self.movies)
        if not rows:
            raise UserError(f"no film is called anything like {title!r}; check the spelling or give its id")
        if len(rows) > 1:
            named = [
                f"{self.movies.titles[row]} (id {self.movies.public_id(row)})" for row in rows[:MOST_SHOWN]
            ]
            more = f" and {len(rows) - MOST_SHOWN} more" if len(rows) > MOST_SHOWN else ""
            raise UserError(
                f"{title!r} can mean {len(rows)} films: {'; '.join(named)}{more}; "
                "give the whole title, or its id"
            )
        return rows[0]

    def similar(self, row: int, k: int) -> list[Recommendation]:
        """The ``k`` films nearest to film ``row`` (all others where they are fewer), best first."""
        return next(self.similar_to_each([row], k))

    def similar_to_each(self, rows: Sequence[int], k: int) -> Iterator[list[Recommendation]]:
        """The same for each film of ``rows``, in their order; the index is asked a block at a time."""
        for start in range(0, len(rows), BLOCK):
            block = np.asarray(rows[start : start + BLOCK])
            found = self.index.search(self.query_embeddings[block], k, exclude=list(block[:, None]))
            for scores, ids in zip(found.scores, found.ids, strict=True):
                yield [Recommendation(int(i), float(s)) for i, s in zip(ids, scores, strict=True)]

    def for_history(self, history: History, k: int) -> list[Suggestion]:
        """The ``k`` best films for someone with this history, each with its reason; see ``suggest``."""
        return suggest(self.index, self.query_embeddings, history, k)
