"""What the API answers from: a checkpoint, its three indexes, its titles and its map."""

import json
import statistics
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any, get_args

import numpy as np

from base.json_ids import json_id
from config import SearchConfig
from data.histories import History
from data.rating_scale import rating_choices, to_stars
from model.checkpoint import Checkpoint
from recommend.recommender import Recommender
from report.html.film_map import HEIGHT, MARGIN, WIDTH, fit_into
from report.map_layout import lay_out_films
from search.tuning import recall_by_score
from serve.choices import Choices
from serve.schemas import Method
from serve.shown import as_shown, own_columns
from serve.two_models import THIS, Ask, ComparedModel, compare_models

METHODS = get_args(Method)
ALL = Choices()
REPEATS = 7  # searches behind a timing, which is their median


class Films:
    """A trained model as the API needs it.

    Args:
        checkpoint: the trained model.
        search: parameters of the indexes, and the method that answers if none is named.
        folder: where the files of the indexes are kept; None keeps none.
        other: gives the second model of the moment, to compare with; None for none.
        fingerprint: of the model's files.
    """

    def __init__(
        self,
        checkpoint: Checkpoint,
        search: SearchConfig,
        folder: Path | None,
        other: Callable[[], ComparedModel | None] = lambda: None,
        fingerprint: str = "",
    ):
        self.fingerprint = fingerprint
        self.checkpoint = checkpoint
        self.other = other
        self.movies = checkpoint.movies
        self.method = search.search_method
        self.recommenders = {
            method: Recommender(checkpoint, search=replace(search, search_method=method), folder=folder)
            for method in METHODS
        }
        self.default = self.recommenders[self.method]
        for recommender in self.recommenders.values():  # compile the kernels before the first visitor comes
            next(recommender.similar_rows([0], 10))
        self.map: Future[bytes] = _in_background(lambda: json.dumps(self._map()).encode())

    def info(self) -> dict[str, Any]:
        """What is served, for the top of the page."""
        return {
            "fingerprint": self.fingerprint,
            "dataset": self.checkpoint.dataset["name"],
            "films": len(self.movies),
            "words": self.movies.words._asdict(),
            "dimension": self.checkpoint.embeddings.shape[1],
            "split": self.checkpoint.settings["split"],
            "methods": list(METHODS),
            "method": self.method,
            "popularity": self.checkpoint.blend is not None,
            "other": other.name if (other := self.other()) else None,
            "lowest_rating": self.checkpoint.rating_range[0],
            "highest_rating": self.checkpoint.rating_range[1],
            "ratings": rating_choices(self.checkpoint.rating_range[0], self.checkpoint.best_rating),
        }

    def row(self, movie_id: int | str) -> int:
        """Row of a film's id.

        Raises:
            UserError: there is no such film.
        """
        return self.default.lookup.row_of_id(movie_id)

    def film(self, row: int) -> dict[str, Any]:
        """A film under its public names."""
        return {
            "movieId": json_id(self.movies.public_id(row)),
            "title": self.movies.titles[row],
            "shownTitle": self.movies.shown_title(row),
            "year": self.movies.year(row),
            "genres": list(self.movies.genres[row]),
            "columns": own_columns(self.checkpoint, row),
        }

    def search(self, typed: str, limit: int) -> list[dict[str, Any]]:
        """Films whose titles match what was typed, best first."""
        return [self.film(row) for row in self.default.lookup.titles.find(typed, limit)]

    @cached_property
    def columns(self) -> list[dict[str, Any]]:
        """What a condition can name, for a page that offers controls."""
        return self.default.columns.summaries()

    def similar(self, row: int, k: int, method: str, choices: Choices = ALL) -> dict[str, Any]:
        """The ``k`` films that go with a film, with reasons.

        Args:
            row: of the film.
            k: films wanted.
            method: of search.
            choices: of the visitor.

        Raises:
            UserError: the model has no view of popularity, or the condition is none.
        """
        recommender = choices.applied(self.recommenders[method])
        return as_shown(recommender, _asked_for_film(k)(recommender, [row])) | {"method": method}

    def compare(self, row: int, k: int) -> dict[str, Any]:
        """The same question to every method: what it finds, its time, and its recall of exact search."""
        answers = {
            method: _asked_for_film(k)(recommender, [row])
            for method, recommender in self.recommenders.items()
        }
        best = np.array([[film.score for film in answers["exact"]]])
        sides = []
        for method, answer in answers.items():
            scores = np.full_like(best, -np.inf)
            scores[0, : len(answer)] = [film.score for film in answer]
            sides.append(
                {
                    "method": method,
                    "microseconds": round(self._microseconds(method, row, k), 1),
                    "recall": recall_by_score(scores, best) if best.size else 1.0,
                    "recommendations": as_shown(self.default, answer)["recommendations"],
                }
            )
        return {"query": self.film(row), "methods": sides}

    def compare_models(self, row: int, k: int, choices: Choices = ALL) -> dict[str, Any]:
        """``similar`` by both models, see ``serve/two_models.py``."""
        return {"query": self.film(row), "models": self._by_both([row], _asked_for_film(k), choices)}

    def compare_models_for_history(
        self, rows: list[int], ratings: list[float | None], k: int, choices: Choices = ALL
    ) -> dict[str, Any]:
        """``for_history`` by both models."""
        models = self._by_both(rows, self._asked_for_history(ratings, k), choices)
        return {"query": models[0]["query"], "models": models}

    def _by_both(self, rows: list[int], ask: Ask, choices: Choices) -> list[dict[str, Any]]:
        this = ComparedModel(THIS, self.default, self.fingerprint)
        return compare_models(this, self.other(), rows, ask, choices)

    def _microseconds(self, method: str, row: int, k: int) -> float:
        """Median time of a search by the index alone, without titles and JSON."""
        recommender, times = self.recommenders[method], []
        for _ in range(REPEATS):
            started = time.perf_counter()
            recommender.index.search(recommender.query_embeddings[row], k, exclude=np.array([row]))
            times.append(time.perf_counter() - started)
        return 1e6 * statistics.median(times)

    def for_history(
        self,
        rows: list[int],
        ratings: list[float | None],
        k: int,
        choices: Choices = ALL,
    ) -> dict[str, Any]:
        """The ``k`` best films for someone who has seen ``rows``, oldest first; each with its reason.

        Args:
            rows: distinct film rows.
            ratings: one per film, in ``rating_range`` of the model, None without one.
            k: films wanted.
            choices: of the visitor.

        Raises:
            UserError: the model has no view of popularity, or the condition is none.
        """
        recommender = choices.applied(self.default)
        return as_shown(recommender, self._asked_for_history(ratings, k)(recommender, rows))

    def _asked_for_history(self, ratings: list[float | None], k: int) -> Ask:
        best = self.checkpoint.best_rating
        stars = np.array(
            [np.nan if rating is None else to_stars(rating, best) for rating in ratings], dtype=np.float32
        )
        return lambda recommender, rows: recommender.answer_history(History(np.array(rows), stars), k)

    def _map(self) -> dict[str, Any]:
        embeddings, ratings = self.default.embeddings, self.default.num_ratings
        laid_out = lay_out_films(embeddings, self.movies, ratings, self.checkpoint.settings["seed"])
        places = fit_into(laid_out.points, WIDTH, HEIGHT, MARGIN)
        films = [
            self._point(int(row)) | {"x": round(float(x), 1), "y": round(float(y), 1), "genre": int(genre)}
            for row, (x, y), genre in zip(laid_out.rows, places, laid_out.main_genre, strict=True)
        ]
        return {"width": WIDTH, "height": HEIGHT, "genres": laid_out.genres, "films": films}

    def _point(self, row: int) -> dict[str, Any]:
        """A film as the map shows it, without the columns that the map does not show."""
        return self.film(row) | {"columns": {}}


def _asked_for_film(k: int) -> Ask:
    return lambda recommender, rows: next(recommender.answer_rows(rows, k, reasons=True))


def _in_background(work: Callable[[], bytes]) -> Future[bytes]:
    """Start ``work`` in a thread that no exit waits for."""
    result: Future[bytes] = Future()
    result.set_running_or_notify_cancel()  # one reader who stops waiting must not cancel it for the others

    def run() -> None:
        try:
            result.set_result(work())
        except Exception as error:
            result.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    return result
