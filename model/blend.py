"""One pair of vectors per film from what the network learned and from the views: one score for all questions.

The score of candidate c for query q is

    learned(q, c) + weight_1 * deviation(q) * view_1(q, c) / deviation_1(q) + the same for view 2

Each term is an inner product. ``deviation`` is the standard deviation of the learned scores of q over the
whole catalogue, and ``deviation_1`` that of view 1. So a view counts equally much for every query, also where
a film has few raters. Deviations follow from the covariance of the candidates; no score is computed for them.

All of this is one inner product of two longer vectors. Their columns are: learned, graph view, content view,
popularity, filler. The filler makes all candidates equally long, so that indexes may compare angles; it is 0
in queries. Popularity is 0 in queries, too, until somebody asks for well-known or for surprising films: then
it adds a number of deviations of the learned score per deviation of log popularity.

The views are added after training. Training with them in the score was tried: the network learns to subtract
them, and validation figures are lower.
"""

from dataclasses import dataclass, fields, replace
from typing import Any

import torch
from torch import Tensor

from base.arrays import FloatArray
from config import ModelConfig
from model.heads import Embeddings
from model.view_arrays import NEW_FILM_FACTOR
from model.views import Views

POPULARITY_LENGTH = 0.1  # of one deviation of log popularity, where learned vectors have length 1
# Deviations of the learned score that one deviation of log popularity takes away or adds at the ends.
# With more, approximate indexes find less, and the films that are shown have little to do with the query.
SURPRISING, WELL_KNOWN = 0.25, 0.5
# Scores of a view that vary less, in cosines, say nothing: the view is then the same for all films.
MIN_COSINE_DEVIATION = 1e-3


@dataclass(frozen=True)
class Blend:
    """How learned vectors and views become one pair of vectors; fitted on the known films.

    Attributes:
        weights: of the graph view and of the content view.
        covariances: float32 ``[d, d]``, ``[k, k]`` and ``[c, c]`` of the known films' learned candidates,
            graph views and content views.
        content_mean: float32 ``[c]``, subtracted from candidates, so that the factor on the content of new
            films favours no film as such.
        lengths: root mean square length of the known films' graph views and content views.
        balances: factors on the two views of a candidate; the query's are divided by them. They make both
            parts about equally long, so that angles stay large.
        radius: length of the longest candidate before all are scaled to length 1, with the content of a new
            film.
        graph_share, content_share: shares of their weights that the views have when films are asked for a
            film; validation chooses them after the training.
    """

    weights: tuple[float, float]
    covariances: tuple[Tensor, Tensor, Tensor]
    content_mean: Tensor
    lengths: tuple[float, float]
    balances: tuple[float, float]
    radius: float
    graph_share: float = 1.0
    content_share: float = 1.0

    @classmethod
    def fit(cls, learned: Embeddings, views: Views, settings: ModelConfig) -> "Blend":
        """Fit on all known films.

        Args:
            learned: float32 ``[n, d]``, rows of unit length.
            views: of the same films.
            settings: the weights of the views.
        """
        weights = (settings.graph_view, settings.content_view)
        covariances = (
            _covariance(learned.candidates),
            _covariance(views.graph),
            _covariance(views.content),
        )
        mean = views.content.mean(dim=0)
        lengths = (_length(views.graph), _length(views.content))
        unscaled = cls(weights, covariances, mean, lengths, (1.0, 1.0), 1.0)
        graph, content = unscaled._asked(learned.queries, views)
        of_content = _balance(content, views.content - mean) / NEW_FILM_FACTOR**0.5
        balances = (_balance(graph, views.graph), of_content)
        as_new = views._replace(content_factor=torch.full_like(views.popularity, NEW_FILM_FACTOR))
        balanced = replace(unscaled, balances=balances)
        longest = balanced._candidates(learned.candidates, as_new).norm(dim=1).max()
        return replace(balanced, radius=float(longest))

    def join(self, learned: Embeddings, views: Views) -> Embeddings:
        """The vectors of films, float32 ``[n, d + k + c + 2]`` of unit length.

        Args:
            learned: float32 ``[n, d]``, rows of unit length; known films or new ones.
            views: of the same films.
        """
        candidates = self._candidates(learned.candidates, views).div_(self.radius)
        filler = (1 - candidates.square().sum(dim=1, keepdim=True)).clamp(min=0).sqrt()
        shares = (self.graph_share, self.content_share)
        asked = [
            share * part / balance
            for share, part, balance in zip(
                shares, self._asked(learned.queries, views), self.balances, strict=True
            )
        ]
        empty = torch.zeros(filler.size(0), 2)  # len would fix the number of films in an ONNX file
        candidates = _normalize(torch.cat([candidates, filler], dim=1))
        return Embeddings(candidates, _normalize(torch.cat([learned.queries, *asked, empty], dim=1)))

    def with_shares(self, queries: Tensor, graph: float, content: float) -> Tensor:
        """Queries of ``join`` as they are with other shares of the views, float32 of unit length."""
        return _normalize(self._with_views(queries, graph, content))

    def for_person(self, queries: FloatArray, graph_factor: float) -> FloatArray:
        """Queries for the films of a person's history.

        Args:
            queries: float32 ``[n, d + k + c + 2]`` of ``join``.
            graph_factor: of the weight of the graph view, whatever ``graph_share`` is. The content view has
                its whole weight.

        Returns:
            A changed copy. Its rows are longer than 1, which changes no order.
        """
        return self._with_views(torch.from_numpy(queries), graph_factor, 1.0).numpy()

    def with_popularity(self, queries: FloatArray, popularity: float) -> FloatArray:
        """Queries that ask for well-known films, or for surprising ones.

        Args:
            queries: float32 ``[n, d + k + c + 2]`` of ``join`` or ``for_person``.
            popularity: from -1, surprising films, to 1, well-known ones.

        Returns:
            A changed copy.
        """
        covariance = self.covariances[0]
        # In float64, so that a query asked alone gets the bits that it gets among many.
        learned = torch.from_numpy(queries[:, : len(covariance)]).double()
        deviation = _deviations(learned, covariance.double()).numpy()
        queries = queries.copy()
        strength = popularity * (SURPRISING if popularity < 0 else WELL_KNOWN)
        queries[:, -2] = strength * deviation / POPULARITY_LENGTH
        return queries

    def as_plain(self) -> dict[str, Any]:
        """Tensors and plain values, from which ``Blend(**plain)`` makes this blend."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def _with_views(self, queries: Tensor, graph: float, content: float) -> Tensor:
        """A copy of queries whose views have these shares of their weights."""
        columns = queries.clone()
        _, graph_view, content_view, _ = columns.split([*map(len, self.covariances), 2], dim=1)
        graph_view *= graph / self.graph_share
        content_view *= content / self.content_share
        return columns

    def _candidates(self, learned: Tensor, views: Views) -> Tensor:
        """Candidates before they are scaled, without the filler."""
        known = views.content.any(dim=1, keepdim=True)  # a film without content counts as the mean
        content = (views.content - self.content_mean) * known * views.content_factor[:, None]
        popularity = POPULARITY_LENGTH * views.popularity[:, None]
        parts = (learned, self.balances[0] * views.graph, self.balances[1] * content, popularity)
        return torch.cat(parts, dim=1)

    def _asked(self, learned: Tensor, views: Views) -> list[Tensor]:
        """The views of queries, each scaled to its weight."""
        deviation = _deviations(learned, self.covariances[0])
        asked = []
        parts = zip(
            (views.graph, views.content), self.covariances[1:], self.lengths, self.weights, strict=True
        )
        for part, covariance, length, weight in parts:
            of_view = _deviations(part, covariance)
            tells = of_view > MIN_COSINE_DEVIATION * length * part.norm(dim=1)
            factor = torch.where(tells, weight * deviation / of_view, 0)
            asked.append(factor[:, None] * part)
        return asked


def _normalize(vectors: Tensor) -> Tensor:
    """The rows scaled to unit length, in place: ``F.normalize`` would need the memory twice."""
    return vectors.div_(vectors.norm(dim=1, keepdim=True).clamp_min_(1e-12))


def _covariance(vectors: Tensor) -> Tensor:
    centred = vectors - vectors.mean(dim=0)
    return centred.T @ centred / max(len(vectors), 1)


def _deviations(queries: Tensor, covariance: Tensor) -> Tensor:
    """Standard deviations ``[n]`` of the inner products of ``queries`` with vectors of this covariance."""
    return ((queries @ covariance) * queries).sum(dim=1).clamp(min=0).sqrt()


def _length(vectors: Tensor) -> float:
    """Root mean square length of the rows."""
    return float(vectors.square().sum(dim=1).mean().sqrt())


def _balance(asked: Tensor, part: Tensor) -> float:
    """The factor that makes query part and candidate part equally long on average; 1 if one is zero."""
    ratio = float(asked.square().sum().sqrt() / part.square().sum().sqrt().clamp(min=1e-12))
    return ratio**0.5 if ratio > 0 else 1.0
