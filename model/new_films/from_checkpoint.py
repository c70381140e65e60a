"""New films with the checkpoint alone: no ratings file, no graph, no training.

The neighbours of a film are the films that random walks from it visit most. Walks need the graph, and a
checkpoint does not contain it. It contains the leading singular vectors of the graph, which approximate it.
Let A be the 0/1 film-user matrix and ``D_m``, ``D_u`` the diagonal matrices of its degrees. The first hop of
a walk from a film with raters R visits film m in proportion to the sum over u in R of ``A[m, u] / D_u[u]``.
If the truncated decomposition ``U S V'`` replaces ``D_m^-1/2 A D_u^-1/2``, this becomes

    sqrt(D_m[m]) * (U S)[m] . (sum over u in R of (V D_u^-1/2)[u])

The sum on the right is the spectral part of the new film's features before scaling. The rows of ``U S`` have
about the same length for all films, so the spectral features of the known films, which have unit length,
replace them. The degree ``D_m[m]`` is among the features too.
"""

from collections.abc import Sequence
from dataclasses import fields, replace
from typing import TYPE_CHECKING

import numpy as np
import scipy.sparse as sp
import torch
from torch import Tensor

from base.errors import UserError
from config import ModelConfig
from data.dataset import Facts, Movies, Tags
from data.feature_extractor import FeatureBasis, film_features, spectral_rows, training_ratings
from data.reading.film_file import FilmFile
from model.checkpoint import Checkpoint
from model.new_films.content import content_of_films
from model.nodes import Nodes
from model.views import film_views

# The network needs PyG, which takes longer to import than an answer takes: only new films make one.
if TYPE_CHECKING:
    from model.pinsage import PinSage


def append_films(checkpoint: Checkpoint, films: Sequence[FilmFile]) -> Checkpoint:
    """Append new films to a checkpoint. The rows of the known films do not change.

    Args:
        checkpoint: a trained model.
        films: new films; each has an id that no other film has.

    Returns:
        A checkpoint with the new films as its last rows.

    Raises:
        UserError: the weights of the checkpoint do not fit its settings.
    """
    if not films:
        return checkpoint
    from model.pinsage import build_blocks

    known = len(checkpoint.movies)
    facts = replace(_facts(films), content=content_of_films(checkpoint.basis.content, films))
    raters = known_raters(checkpoint, films)
    features = film_features(checkpoint.basis, facts, raters, degree_known=False)
    table = spectral_neighbors(
        checkpoint.basis, checkpoint.features.numpy(), raters, checkpoint.neighbors.size(1)
    )
    nodes = checkpoint.nodes.followed_by(Nodes(torch.from_numpy(features), *table))
    model = stored_model(checkpoint)
    sources, blocks = build_blocks(
        torch.arange(known, known + len(films)), nodes.neighbors, nodes.weights, model.layer_neighbors
    )
    with torch.no_grad():
        new = model.forward_blocks(nodes.features.index_select(0, sources), blocks)
    if checkpoint.blend is not None:
        views = film_views(checkpoint.basis, features, raters, model_settings(checkpoint), new=True)
        new = checkpoint.blend.join(new, views)
    return replace(
        checkpoint,
        movies=_joined(checkpoint.movies, facts.movies),
        features=nodes.features,
        neighbors=nodes.neighbors.to(checkpoint.neighbors.dtype),
        weights=nodes.weights,
        embeddings=torch.cat([checkpoint.embeddings, new.candidates]),
        query_embeddings=torch.cat([checkpoint.query_embeddings, new.queries]),
        item_columns=_extended_columns(checkpoint, films),
        co_raters=None if checkpoint.co_raters is None else checkpoint.co_raters.followed_by(len(films)),
    )


def stored_model(checkpoint: Checkpoint) -> "PinSage":
    """The network of a checkpoint, on the CPU, in evaluation mode.

    Raises:
        UserError: the weights of the checkpoint do not fit its settings.
    """
    from model.trainer import build_model

    model = build_model(checkpoint.features.size(1), model_settings(checkpoint), seed=0)
    try:
        model.load_state_dict(checkpoint.trainer["model"])
    except (RuntimeError, TypeError, AttributeError) as error:
        raise UserError("the checkpoint's weights do not fit its settings; train again") from error
    return model.eval()


def model_settings(checkpoint: Checkpoint) -> ModelConfig:
    """The settings of the network and of the views."""
    return ModelConfig(**{field.name: checkpoint.settings[field.name] for field in fields(ModelConfig)})


def known_raters(checkpoint: Checkpoint, films: Sequence[FilmFile]) -> sp.csr_matrix:
    """The users of the checkpoint who rated each film.

    As in training, ratings below ``min_rating`` do not count; both are on the data's own scale.

    Args:
        checkpoint: a trained model.
        films: films with ratings by users of any id.

    Returns:
        0/1 matrix ``[len(films), num_users]``.
    """
    users = checkpoint.user_ids.numpy()
    min_rating = checkpoint.settings["min_rating"]
    rated = [
        (row, user) for row, film in enumerate(films) for user, rating in film.ratings if rating >= min_rating
    ]
    rows, user_ids = np.array(rated, dtype=np.int64).reshape(-1, 2).T
    place = np.minimum(np.searchsorted(users, user_ids), len(users) - 1)
    known = users[place] == user_ids
    matrix = sp.csr_matrix(
        (np.ones(known.sum(), np.float32), (rows[known], place[known])), shape=(len(films), len(users))
    )
    matrix.data[:] = 1  # several ratings by one user count once
    return matrix


def spectral_neighbors(
    basis: FeatureBasis, features: np.ndarray, raters: sp.csr_matrix, num_neighbors: int
) -> tuple[Tensor, Tensor]:
    """Estimate the neighbours of new films, the films that walks visit most, from spectral features.

    Args:
        basis: feature basis of the checkpoint.
        features: float32 ``[n, num_features]``, features of the known films.
        raters: 0/1 ``[m, num_users]``, the raters of the new films.
        num_neighbors: T, the number of neighbours per film.

    Returns:
        Neighbours int64 ``[m, T]`` among the known films and weights float32 ``[m, T]``. Padding has weight
        0 and is the film's own row; the new films are the rows n to n + m - 1.
    """
    num_known, num_new = len(features), raters.shape[0]
    films = spectral_rows(basis, features) * np.sqrt(training_ratings(basis, features))[:, None]
    visits = np.maximum(raters @ basis.user_basis @ films.T, 0)  # [m, n]
    nearest = np.argsort(-visits, axis=1, kind="stable")[:, :num_neighbors]
    own = np.arange(num_known, num_known + num_new)[:, None]
    neighbors = np.broadcast_to(own, (num_new, num_neighbors)).copy()
    weights = np.zeros((num_new, num_neighbors), dtype=np.float32)
    found = np.take_along_axis(visits, nearest, axis=1)
    neighbors[:, : nearest.shape[1]] = np.where(found > 0, nearest, own)
    weights[:, : nearest.shape[1]] = found / np.maximum(found.sum(axis=1, keepdims=True), 1e-30)
    return torch.from_numpy(neighbors), torch.from_numpy(weights)


def _facts(films: Sequence[FilmFile]) -> Facts:
    """Facts about the films, each tag once per film; the features do not depend on who gave a tag."""
    movies = Movies(
        np.array([film.movie_id for film in films], dtype=np.int64),
        [film.title for film in films],
        [film.genres for film in films],
        np.array([np.nan if film.year is None else film.year for film in films], dtype=np.float32),
    )
    rows = np.repeat(np.arange(len(films), dtype=np.int32), [len(film.tags) for film in films])
    return Facts(movies, Tags(np.zeros_like(rows), rows, [tag for film in films for tag in film.tags]))


def _extended_columns(checkpoint: Checkpoint, films: Sequence[FilmFile]) -> dict[str, Tensor | list[str]]:
    """The columns for filters, with the values of the new films; what a film does not say is missing."""
    extended: dict[str, Tensor | list[str]] = {}
    for name, values in checkpoint.item_columns.items():
        if isinstance(values, Tensor):
            numbers = [film.numbers.get(name, np.nan) for film in films]
            extended[name] = torch.cat([values, torch.tensor(numbers, dtype=values.dtype)])
        else:
            extended[name] = values + [(film.categories | film.keep).get(name, "") for film in films]
    return extended


def _joined(known: Movies, new: Movies) -> Movies:
    text_ids = None if known.text_ids is None else known.text_ids + [f"added-{movie}" for movie in new.ids]
    return Movies(
        np.concatenate([known.ids, new.ids]),
        known.titles + new.titles,
        known.genres + new.genres,
        np.concatenate([known.years, new.years]),
        text_ids,
        known.words,
    )
