"""Recommendations for films that are given by their rows, from the embeddings of a trained model."""

import copy
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np

from base.arrays import FloatArray, IntArray
from base.checks import number, row_numbers, whole_number
from base.errors import UserError
from config import SearchConfig
from data.feature_extractor import training_ratings
from data.histories import History
from data.reading.film_file import FilmFile
from model.checkpoint import Checkpoint
from recommend.answers import (
    Answer,
    Question,
    answer_for_person,
    film_question,
    history_question,
    make_answer,
)
from recommend.conditions.evaluate import fulfilling, parse
from recommend.conditions.film_columns import FilmColumns
from recommend.diversity import FilmChooser, num_candidates
from recommend.explanation import NeighborTable
from recommend.lookup import FilmLookup
from recommend.new_movies import append_guests
from recommend.reasons import Reasons
from recommend.taste import ChangeQueries, Suggestion, nearest_films, suggest
from search.base import SearchResult
from search.choose import open_index
from search.subset import Subset

BLOCK = 256  # films asked about at once


class Recommendation(NamedTuple):
    """A recommended film: its row, and the inner product of its embedding with that of the query."""

    row: int
    score: float


class RowRecommender:
    """Recommends films by rows. Row r is the film at place r of the catalogue.

    Args:
        model: a trained model.
        search: settings of the index that answers; exact search by default.
        folder: where the file of the index is kept; None keeps none.

    Attributes:
        checkpoint: the model.
        index: over the embeddings, by row.
        movies: the catalogue.
        embeddings: float32 ``[num_movies, dim]``, films as candidates.
        query_embeddings: float32 ``[num_movies, dim]``, films as queries.
        reasons: says why films go together.
        popularity: 0, or what ``with_popularity`` asked for.
        diversity: 0, or what ``with_diversity`` asked for.
        allowed: int64, rows of the films that may be recommended, ascending; None for all.

    Raises:
        ValueError: the settings of the index do not fit.
    """

    def __init__(
        self, model: Checkpoint, *, search: SearchConfig | None = None, folder: str | Path | None = None
    ):
        self.search_config = search or SearchConfig()
        self.popularity = self.diversity = 0.0
        self.allowed: IntArray | None = None
        self._subset: Subset | None = None  # the same, as the index looks them up
        self._set_model(model)
        self.index = open_index(
            self.search_config,
            self.embeddings,
            self.query_embeddings,
            model.settings["seed"],
            None if folder is None else Path(folder),
        )

    def _set_model(self, model: Checkpoint) -> None:
        self.checkpoint = model
        self.movies = model.movies
        self.embeddings = model.embeddings.numpy()
        self.query_embeddings = model.query_embeddings.numpy()
        self.num_ratings = training_ratings(model.basis, model.features.numpy())
        self.neighbor_table = NeighborTable(model.neighbors.numpy(), model.weights.numpy())
        self.reasons = Reasons(model, self.neighbor_table, self.num_ratings)
        self.columns = FilmColumns(self.movies, model.item_columns)

    def __repr__(self) -> str:
        num_movies, dim = self.embeddings.shape
        what = f"{self.checkpoint.dataset['name']}: {self.movies.words.counted(num_movies)}, {dim} dimensions"
        return f"{type(self).__name__}({what}, {self.search_config.search_method} search)"

    @cached_property
    def lookup(self) -> FilmLookup:
        """Finds the row of a film by id or title."""
        return FilmLookup(self.movies, self.checkpoint.dataset["name"], self.num_ratings)

    @cached_property
    def _chooser(self) -> FilmChooser:
        """Chooses varied films. New films behind those of the index are never chosen."""
        known = len(self.index)
        features = self.checkpoint.features.numpy()
        return FilmChooser(self.checkpoint.basis, features[:known], self.embeddings[:known])

    def similar_rows(self, rows: Sequence[int], k: int) -> Iterator[list[Recommendation]]:
        """The ``k`` films most similar to each of ``rows``, in their order. The index gets a block at a time.

        Raises:
            ValueError: a row does not exist, or ``k`` is below 1.
        """
        return self._nearest(row_numbers("rows", rows, len(self.movies)), whole_number("k", k, 1))

    def _nearest(self, rows: IntArray, k: int) -> Iterator[list[Recommendation]]:
        for start in range(0, len(rows), BLOCK):
            block = rows[start : start + BLOCK]
            queries = self.query_embeddings[block]
            if self._change is not None:
                queries = self._change(queries)
            for scores, ids in self._searched(queries, block, self._candidates(k)):
                if self.diversity:
                    chosen = self._chooser.choose(ids, scores, k, self.diversity)
                    scores, ids = scores[chosen], ids[chosen]
                yield [Recommendation(int(i), float(s)) for i, s in zip(ids, scores, strict=True)]

    def _searched(self, queries: FloatArray, rows: IntArray, k: int) -> Iterator[SearchResult]:
        """What the index finds for the films ``rows``, without themselves."""
        exclude = list(rows[:, None])
        if self.allowed is None or len(self.allowed) > k:
            yield from map(SearchResult, *self.index.search(queries, k, exclude, self._subset))
            return
        # A search gives all queries as many films. Those that may be recommended have one fewer.
        for query, out in zip(queries, exclude, strict=True):
            yield self.index.search(query, k, out, self._subset)

    def answer_rows(self, rows: Sequence[int], k: int, reasons: bool = False) -> Iterator[Answer]:
        """One answer per row of ``rows``. ``reasons`` say in a few words why each film is similar."""
        for row, found in zip(rows, self.similar_rows(rows, k), strict=True):
            question = film_question(self.movies, row)
            if row >= len(self.index):
                question = replace(question, id=None)  # a guest: nobody can ask for it by an id
            films = [film.row for film in found]
            why = [self.reasons.of(row, film) for film in films] if reasons else None
            answer = make_answer(question, self.movies, films, [film.score for film in found], k, why)
            yield self._of_condition(answer)

    def suggest(self, history: History, k: int) -> list[Suggestion]:
        """The ``k`` best films for a history."""
        offset = self.checkpoint.person.rank_offset
        candidates = self._candidates(k)
        found = suggest(
            self.index,
            self.query_embeddings,
            history,
            candidates,
            offset,
            self._change_for_person,
            self._subset,
        )
        if not self.diversity:
            return found
        rows = np.array([film.row for film in found], dtype=np.int64)
        scores = np.array([film.score for film in found])
        return [found[place] for place in self._chooser.choose(rows, scores, k, self.diversity)]

    def _candidates(self, k: int) -> int:
        """How many films a search must find for an answer of ``k`` films."""
        return num_candidates(k) if self.diversity else k

    def nearest_for_person(self, rows: IntArray, depth: int) -> IntArray:
        """The films that each of ``rows`` ranks as a part of a history, int64 ``[n, at most depth]``."""
        change = self._change_for_person
        return nearest_films(self.index, self.query_embeddings, rows, depth, change, self._subset)

    def answer_history(self, history: History, k: int, question: Question | None = None) -> Answer:
        """The ``k`` best films for a history, whose ratings are stars; each with its reason."""
        question = question or history_question(self.movies, history)
        found = self.suggest(history, k)
        return self._of_condition(
            answer_for_person(question, self.movies, found, k, self.checkpoint.best_rating)
        )

    def _of_condition(self, answer: Answer) -> Answer:
        return replace(answer, conditioned=self.allowed is not None)

    def with_popularity(self, popularity: float) -> Self:
        """A recommender that prefers well-known films, or surprising ones. The index stays as it is.

        Args:
            popularity: from -1, surprising, to 1, well-known; 0 changes nothing.

        Raises:
            ValueError: the number is out of this range, or the model has no view of popularity.
        """
        popularity = _from_to("popularity", popularity, -1, 1)
        if popularity and self.checkpoint.blend is None:
            raise UserError(
                f"`popularity` {popularity:g} needs a model with views, this one was trained without; train "
                "again with `graph_view` or `content_view` above 0"
            )
        changed = copy.copy(self)
        changed.popularity = popularity
        return changed

    def with_diversity(self, diversity: float) -> Self:
        """A recommender of varied lists, see ``recommend/diversity.py``. The index stays as it is.

        A film keeps its score, so scores no longer fall from film to film.

        Args:
            diversity: from 0, which changes nothing, to 1, where only the first film is chosen by its score.

        Raises:
            ValueError: the number is out of this range.
        """
        diversity = _from_to("diversity", diversity, 0, 1)
        if diversity:
            _ = self._chooser  # made once, for all copies
        changed = copy.copy(self)
        changed.diversity = diversity
        return changed

    def with_condition(self, condition: Any) -> Self:
        """A recommender of the films that fulfil a condition. The index stays as it is.

        Args:
            condition: text such as ``year >= 1990 and genre in (Comedy, Drama)``, or a tree of dictionaries
                and lists, as docs/conditions.md explains; it replaces an earlier one. None is no condition.

        Raises:
            ValueError: it is no condition, names a column that there is not, or compares one with values of
                another kind. The message names the place.
        """
        changed = copy.copy(self)
        changed.allowed = changed._subset = None
        if condition is not None:
            rows = fulfilling(parse(condition), self.columns)
            changed.allowed = rows[rows < len(self.index)]  # guests are never recommended
            changed._subset = self.index.subset(changed.allowed)
        return changed

    @property
    def num_recommendable(self) -> int:
        """How many films may be recommended."""
        return len(self.index) if self.allowed is None else len(self.allowed)

    @property
    def _change(self) -> ChangeQueries | None:
        """What is done with queries before a search; None is nothing."""
        blend = self.checkpoint.blend
        if blend is None or self.popularity == 0:
            return None
        return lambda queries: blend.with_popularity(queries, self.popularity)

    def _change_for_person(self, queries: FloatArray) -> FloatArray:
        """Queries for the films of a person's history."""
        if self.checkpoint.blend is not None:
            queries = self.checkpoint.blend.for_person(queries, self.checkpoint.person.graph_factor)
        return queries if self._change is None else self._change(queries)

    def with_guests(self, films: Sequence[FilmFile]) -> Self:
        """A recommender with new films behind its own ones. They may ask and are never recommended.

        Args:
            films: checked, as by ``checked_movies``.
        """
        guests = copy.copy(self)
        guests.__dict__.pop("lookup", None)
        guests._set_model(append_guests(self.checkpoint, films))
        return guests


def _from_to(name: str, value: float, low: float, high: float) -> float:
    """``value`` as a float; refuse what is not a number from ``low`` to ``high``."""
    try:
        return number(f"`{name}`", value, low, high)
    except ValueError as error:
        raise UserError(str(error)) from None
