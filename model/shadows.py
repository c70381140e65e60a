"""Shadows: every film once more, as it would look if it were new.

A model that only ever sees well-rated films learns nothing about new ones: it would take a new
film's few ratings for a verdict on its popularity. So each training epoch draws a shadow of every
film, which knows no more than a few of the film's ratings, or none, and in each batch some films are
stood in for by their shadows. A shadow is made exactly as ``model/new_films/from_graph.py`` makes a new film.

The paper has no such thing; its items are never new to the graph.
"""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from base.arrays import IntArray
from config import ModelConfig
from data.dataset import Genome, Movies, Tags
from data.feature_extractor import FeatureBasis, film_features
from data.graph_builder import ItemGraph
from data.walks.torch_sampler import walk_sampler

KNOWN_RATINGS = (0, 0, 1, 2, 5, 10, 20)  # how many ratings a shadow keeps at most, each as likely


class Nodes(NamedTuple):
    """Rows that the layers read: features ``[n, F]``, neighbours and weights ``[n, T]``."""

    features: Tensor
    neighbors: Tensor
    weights: Tensor


class ShadowSampler:
    """Draws shadows; those of an epoch are a function of (seed, epoch) alone.

    Args:
        graph: training graph.
        basis: what features are computed with.
        movies: the catalogue.
        tags: tag applications that belong to training.
        genome: tag genome.
        settings: of the walks.
        seed: the run's seed.
        device: where the walks are taken.
    """

    def __init__(
        self,
        graph: ItemGraph,
        basis: FeatureBasis,
        movies: Movies,
        tags: Tags | None,
        genome: Genome | None,
        settings: ModelConfig,
        seed: int,
        device: torch.device | str = "cpu",
    ):
        self.graph = graph
        self.basis = basis
        self.movies = movies
        self.tags = tags
        self.genome = genome
        self.settings = settings
        self.seed = seed
        self.device = device

    def draw(self, epoch: int) -> Nodes:
        """The shadows of ``epoch`` (0-based).

        A new film may come with tags and genome or without: shadows have theirs in even epochs.
        """
        graph, settings = self.graph, self.settings
        num_movies = graph.num_movies
        kept_users, kept_ptr = _keep_few(graph, np.random.default_rng([self.seed, epoch]))
        both = ItemGraph.unchecked(  # walks start from shadows and never reach them
            np.concatenate([graph.movie_ptr, graph.num_edges + kept_ptr[1:]]).astype(np.int32),
            np.concatenate([graph.movie_users, kept_users]),
            graph.user_ptr,
            graph.user_movies,
        )
        described = epoch % 2 == 0
        features = film_features(
            self.basis,
            self.movies,
            both.movie_user_matrix()[num_movies:],
            self.tags if described else None,
            self.genome if described else None,
            degree_known=False,
        )
        walks = walk_sampler(both, settings, self.seed, self.device)
        walks.refresh(epoch)
        film = torch.arange(num_movies)
        neighbors, weights = walks.batch_sample_neighbors(film + num_movies, settings.most_neighbors)
        # A shadow must not see the film that it stands in for, nor itself, except as padding.
        own = neighbors % num_movies == film.unsqueeze(1)
        weights = weights.masked_fill(own, 0)
        return Nodes(torch.from_numpy(features), torch.where(own, film.unsqueeze(1), neighbors), weights)


def _keep_few(graph: ItemGraph, rng: np.random.Generator) -> tuple[IntArray, IntArray]:
    """A few raters of each film: int32 users grouped by film, int64 ``[num_movies + 1]`` of starts."""
    degree = graph.movie_degree
    kept = np.minimum(rng.choice(KNOWN_RATINGS, graph.num_movies), degree)
    film = np.repeat(np.arange(graph.num_movies), kept)
    ptr = np.concatenate([[0], np.cumsum(kept)])
    # The j-th kept rater comes from the j-th of ``kept`` slices of the film's raters, which begin anywhere
    # on their circle: distinct, each as likely, and without shuffling all ratings.
    within = np.arange(ptr[-1]) - ptr[:-1][film]
    first, last = (step * degree[film] // kept[film] for step in (within, within + 1))
    place = first + (rng.random(len(film)) * (last - first)).astype(np.int64)
    start = (rng.random(graph.num_movies) * degree).astype(np.int64)[film]
    return graph.movie_users[graph.movie_ptr[film] + (start + place) % degree[film]], ptr
