"""How a trained LightGCN is asked: by the user with a history, or by the films of the history alone."""

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from base.arrays import FloatArray, unit_rows
from benchmarks.rivals.questions import Questions
from benchmarks.rivals.tuning import Ways
from evaluation.baselines.for_users import film_counts

# Ways to ask, of which validation chooses one: see LightGCNScorer.
WAYS: Ways = {
    "people": ("user", "user, weighted", "films, inner product", "films, cosine"),
    "next_by_history": ("user", "user, weighted", "films, inner product", "films, cosine"),
    "next_by_film": ("films, inner product", "films, cosine"),
}


@dataclass(frozen=True)
class LightGCNScorer:
    """A trained model that scores all films for histories.

    A user's vector is computed from the history that is asked, by the model's own layers: the learned vector
    of the user, then for each layer the sum of the history's films in the layer before. For the training
    history this is the model's own vector. *Weighted* lets films count by recency and rating, as in PinSage's
    recommendations. *Films* leaves the user out: the sum of the products, or cosines, of each candidate with
    the films of the history, weighted.

    Attributes:
        user_start: float32 ``[num_users, dim]``, learned vectors of the users.
        film_layers: float32 ``[num_layers + 1, num_films, dim]``, films after each layer.
        alpha: float32 ``[num_layers + 1]``, how much each layer counts.
        degrees: float32 ``[num_films]``, number of training interactions of each film.
    """

    user_start: FloatArray
    film_layers: FloatArray
    alpha: FloatArray
    degrees: FloatArray

    def scores(self, questions: Questions, way: str) -> FloatArray:
        """Scores of all films by a way of ``WAYS``: float32 ``[len(questions), num_films]``."""
        films = np.tensordot(self.alpha, self.film_layers, axes=1)  # [num_films, dim]
        kind, _, how = way.partition(", ")
        if kind == "films":
            vectors = unit_rows(films) if how == "cosine" else films
            return film_counts(questions.histories, len(films), weighted=True) @ vectors @ vectors.T
        return self.user_vectors(questions, weighted=how == "weighted") @ films.T

    def user_vectors(self, questions: Questions, weighted: bool) -> FloatArray:
        """The vector of the user of each question, float32 ``[len(questions), dim]``."""
        counts = film_counts(questions.histories, len(self.degrees), weighted)  # [n, num_films]
        lengths = np.array([len(history.rows) for history in questions.histories], dtype=np.float32)
        # Films without a training interaction have no edge, and add nothing.
        by_film = np.divide(1, np.sqrt(self.degrees), out=np.zeros_like(self.degrees), where=self.degrees > 0)
        step = sp.diags(1 / np.sqrt(lengths)) @ counts @ sp.diags(by_film)
        vectors = self.alpha[0] * self.user_start[questions.users]
        for alpha, films in zip(self.alpha[1:], self.film_layers[:-1], strict=True):
            vectors = vectors + alpha * (step @ films)
        return vectors.astype(np.float32)
