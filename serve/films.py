"""What the API answers from: a checkpoint, its three indexes, its titles and its map."""

import json
import statistics
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import numpy as np

from config import SearchConfig
from data.feature_extractor import training_ratings
from data.histories import History
from model.checkpoint import Checkpoint
from recommend.answers import answer_for_person, film_question, history_question, make_answer
from recommend.explanation import NeighborTable, reasons_for
from recommend.recommender import Recommendation, Recommender
from report.html.film_map import HEIGHT, MARGIN, WIDTH, fit_into
from report.map_layout import lay_out_films
from search.tuning import recall_by_score
from serve.schemas import Method

METHODS = get_args(Method)
REPEATS = 7  # searches behind a timing: their median


class Films:
    """A trained model as the API needs it.

    Args:
        checkpoint: the trained model.
        search: parameters of the indexes, and the method that answers when none is named.
        seed: of the indexes and the map.
        folder: where the indexes' files lie or will.
    """

    def __init__(self, checkpoint: Checkpoint, search: SearchConfig, seed: int, folder: Path | None):
        self.checkpoint = checkpoint
        self.movies = checkpoint.movies
        self.method = search.search_method
        self.recommenders = {
            method: Recommender(checkpoint, replace(search, search_method=method), seed, folder)
            for method in METHODS
        }
        self._popularity = training_ratings(checkpoint.basis, checkpoint.features.numpy())
        self._neighbors = NeighborTable(checkpoint.neighbors.numpy(), checkpoint.weights.numpy())
        for recommender in self.recommenders.values():  # compiled before the first visitor comes
            recommender.similar(0, 10)
        self.map: Future[bytes] = _in_background(lambda: json.dumps(self._map(seed)).encode())

    def info(self) -> dict[str, Any]:
        """What is served, for the page's head."""
        return {
            "dataset": self.checkpoint.dataset["name"],
            "films": len(self.movies),
            "dimension": self.checkpoint.embeddings.shape[1],
            "split": self.checkpoint.settings["split"],
            "methods": list(METHODS),
            "method": self.method,
        }

    def row(self, movie_id: int | str) -> int:
        """Row of a film's id.

        Raises:
            UserError: there is no such film.
        """
        return self.recommenders[self.method].row_of_id(movie_id)

    def film(self, row: int) -> dict[str, Any]:
        """A film under its public names."""
        return {
            "movieId": self.movies.public_id(row),
            "title": self.movies.titles[row],
            "year": self.movies.year(row),
            "genres": list(self.movies.genres[row]),
        }

    def search(self, typed: str, limit: int) -> list[dict[str, Any]]:
        """Films whose titles are like what was typed."""
        return [self.film(row) for row in self.recommenders[self.method].titles.find(typed, limit)]

    def similar(self, row: int, k: int, method: str) -> dict[str, Any]:
        """The ``k`` films that go with a film, with reasons."""
        found = self.recommenders[method].similar(row, k)
        return self._answer(row, found, k) | {"method": method}

    def _answer(self, row: int, found: list[Recommendation], k: int) -> dict[str, Any]:
        rows, scores = [f.row for f in found], [f.score for f in found]
        reasons = reasons_for(self.movies, self._neighbors, row, rows)
        return make_answer(film_question(self.movies, row), self.movies, rows, scores, k, reasons).as_plain()

    def compare(self, row: int, k: int) -> dict[str, Any]:
        """The same question to every method: what each finds, its time, and its share of exact's films."""
        found = {method: r.similar(row, k) for method, r in self.recommenders.items()}
        best = np.array([[film.score for film in found["exact"]]])
        sides = []
        for method, films in found.items():
            scores = np.full_like(best, -np.inf)
            scores[0, : len(films)] = [film.score for film in films]
            sides.append(
                {
                    "method": method,
                    "microseconds": round(self._microseconds(method, row, k), 1),
                    "recall": recall_by_score(scores, best) if best.size else 1.0,
                    "recommendations": self._answer(row, films, k)["recommendations"],
                }
            )
        return {"query": self.film(row), "methods": sides}

    def _microseconds(self, method: str, row: int, k: int) -> float:
        """Median time of a search by the index alone, without titles and JSON."""
        recommender, times = self.recommenders[method], []
        for _ in range(REPEATS):
            started = time.perf_counter()
            recommender.index.search(recommender.query_embeddings[row], k, exclude=np.array([row]))
            times.append(time.perf_counter() - started)
        return 1e6 * statistics.median(times)

    def for_history(self, rows: list[int], ratings: list[float | None], k: int) -> dict[str, Any]:
        """The ``k`` best films for someone who has seen ``rows``, oldest first, each with its reason."""
        stars = np.array([np.nan if rating is None else rating for rating in ratings], dtype=np.float32)
        history = History(np.array(rows), stars)
        found = self.recommenders[self.method].for_history(history, k)
        return answer_for_person(history_question(self.movies, history), self.movies, found, k).as_plain()

    def _map(self, seed: int) -> dict[str, Any]:
        laid_out = lay_out_films(self.checkpoint.embeddings.numpy(), self.movies, self._popularity, seed)
        places = fit_into(laid_out.points, WIDTH, HEIGHT, MARGIN)
        films = [
            self.film(int(row)) | {"x": round(float(x), 1), "y": round(float(y), 1), "genre": int(genre)}
            for row, (x, y), genre in zip(laid_out.rows, places, laid_out.main_genre, strict=True)
        ]
        return {"width": WIDTH, "height": HEIGHT, "genres": laid_out.genres, "films": films}


def _in_background(work: Callable[[], bytes]) -> Future[bytes]:
    """Start ``work`` in a thread that no exit waits for."""
    result: Future[bytes] = Future()
    result.set_running_or_notify_cancel()  # whoever stops waiting for it must not cancel it for the others

    def run() -> None:
        try:
            result.set_result(work())
        except Exception as error:
            result.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    return result
