"""Shadows: known films that are shown in training as if they were new.

A model that is trained only on films with many ratings learns nothing about new films: it would conclude
from the few ratings of a new film that the film is unpopular. So each epoch draws a shadow of each film,
which has only a few of the film's ratings, or none. In each batch, shadows replace a share of the films. The
features and neighbours of a shadow are made like those of a new film in ``model/new_films/from_graph.py``.

The paper does not have shadows; all of its items are in the graph.
"""

import numpy as np
import scipy.sparse as sp
import torch

from base.arrays import FloatArray, IntArray
from config import ModelConfig
from data.dataset import Facts
from data.feature_extractor import FeatureBasis, film_features
from data.graph_builder import ItemGraph
from data.walks.sampler import walk_sampler
from model.nodes import Nodes

MAX_KEPT_RATINGS = (0, 0, 1, 2, 5, 10, 20)  # one of them is drawn per film; all are equally likely


class ShadowSampler:
    """Draws shadows. The shadows of an epoch depend on the seed and the number of the epoch only.

    Args:
        graph: training graph.
        basis: computes the features.
        facts: facts about all films; tags from the training part only.
        settings: settings of the walks.
        seed: seed of all draws and of the walks.
        content: the content part of the features of all films, float32 ``[num_movies, num_content]``; None if
            the features have none.
    """

    def __init__(
        self,
        graph: ItemGraph,
        basis: FeatureBasis,
        facts: Facts,
        settings: ModelConfig,
        seed: int,
        content: FloatArray | None = None,
    ):
        self.graph = graph
        self.basis = basis
        self.facts = facts
        self.settings = settings
        self.seed = seed
        self.content = content

    def draw(self, epoch: int, masked_share: float = 0.0) -> Nodes:
        """The shadows of all films in ``epoch`` (from 0).

        Some new films have tags and a tag genome, others do not. So shadows have those of their films in
        even epochs and none in odd epochs. The content of a film is known as soon as the film is, so shadows
        keep it; but some new films lack parts of it.

        Args:
            epoch: number of the epoch.
            masked_share: chance that a part of a shadow's content (a block of vectors, the text, a column) is
                masked.

        Returns:
            One row per film. Neighbours are film rows of the catalogue; padding is the row of the film
            behind the shadow, with weight 0.
        """
        graph, settings = self.graph, self.settings
        num_movies = graph.num_movies
        kept, kept_ptr = _draw_raters(graph, np.random.default_rng([self.seed, epoch]))
        weights = graph.movie_weights
        both = ItemGraph.unchecked(  # walks start from shadows and never reach them
            np.concatenate([graph.movie_ptr, graph.num_edges + kept_ptr[1:]]).astype(graph.movie_ptr.dtype),
            np.concatenate([graph.movie_users, graph.movie_users[kept]]),
            graph.user_ptr,
            graph.user_movies,
            None if weights is None else np.concatenate([weights, weights[kept]]),
            graph.user_weights,
        )
        facts = self.facts if epoch % 2 == 0 else Facts(self.facts.movies)
        kept_weights = np.ones(len(kept), np.float32) if weights is None else weights[kept]
        raters = sp.csr_matrix(
            (kept_weights, graph.movie_users[kept], kept_ptr), shape=(num_movies, graph.num_users)
        )
        content = self.content
        if self.basis.content is not None and content is not None:
            content = self.basis.content.masked(content, masked_share, _masks(self.seed, epoch))
        features = film_features(self.basis, facts, raters, degree_known=False, content=content)
        walks = walk_sampler(both, settings, self.seed)
        walks.refresh(epoch)
        film = torch.arange(num_movies)
        neighbors, visits = walks.batch_sample_neighbors(film + num_movies, settings.max_neighbors)
        # Neither the shadow itself nor the film behind it may be its neighbour, except as padding.
        own = neighbors % num_movies == film.unsqueeze(1)
        visits = visits.masked_fill(own, 0)
        return Nodes(torch.from_numpy(features), torch.where(own, film.unsqueeze(1), neighbors), visits)


def _masks(seed: int, epoch: int) -> np.random.Generator:
    """The generator of the masks of an epoch."""
    return np.random.default_rng([seed, epoch, 1])


def _draw_raters(graph: ItemGraph, rng: np.random.Generator) -> tuple[IntArray, IntArray]:
    """Draw a few raters of each film.

    Returns:
        int64 places in ``graph.movie_users`` grouped by film, and int64 ``[num_movies + 1]`` start positions
        of the groups.
    """
    degree = graph.movie_degree
    kept = np.minimum(rng.choice(MAX_KEPT_RATINGS, graph.num_movies), degree)
    film = np.repeat(np.arange(graph.num_movies), kept)
    ptr = np.concatenate([[0], np.cumsum(kept)])
    # Arrange the raters of a film in a circle, cut it into ``kept`` slices from a random start, and draw one
    # rater from each slice. The drawn raters are distinct, all raters are equally likely, and no list of all
    # ratings is shuffled.
    within = np.arange(ptr[-1]) - ptr[:-1][film]
    first, last = (step * degree[film] // kept[film] for step in (within, within + 1))
    place = first + (rng.random(len(film)) * (last - first)).astype(np.int64)
    start = (rng.random(graph.num_movies) * degree).astype(np.int64)[film]
    return graph.movie_ptr[film] + (start + place) % degree[film], ptr
