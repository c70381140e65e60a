"""Count how many people rated both of two films: in training, since a checkpoint holds nobody's ratings.

Counted are the pairs of each film and the films nearest to it, which are those that it recommends first.
Only training interactions count.
"""

from dataclasses import replace

import numpy as np
import torch

from base.arrays import IntArray
from base.common_counts import common_counts
from data.graph_builder import ItemGraph
from model.checkpoint import Checkpoint
from model.co_raters import CoRaters
from recommend.taste import nearest_films
from search import ExactIndex

NEAREST = 100  # films that are counted with each film, as many as the web page shows at most
MAX_FILMS = (
    100_000  # with more, exact search for all of them would take too long: walk neighbours are counted
)
MAX_RATINGS = 100_000_000  # with more, counting takes many minutes, so nothing is counted


def with_co_raters(checkpoint: Checkpoint, graph: ItemGraph) -> Checkpoint:
    """The checkpoint with the number of people who rated a film and one of those nearest to it.

    Args:
        checkpoint: a trained model.
        graph: of its training.
    """
    if graph.num_edges > MAX_RATINGS:
        return checkpoint
    films = _partners(checkpoint)
    counts = common_counts(graph.movie_ptr, graph.movie_users, graph.user_ptr, graph.user_movies, films)
    counts[films == np.arange(len(films))[:, None]] = 0
    return replace(checkpoint, co_raters=CoRaters(torch.from_numpy(films), torch.from_numpy(counts)))


def _partners(checkpoint: Checkpoint) -> IntArray:
    """The films that each film is counted with, int32 ``[num_movies, k]``."""
    num_movies = len(checkpoint.movies)
    if num_movies > MAX_FILMS:
        return checkpoint.neighbors.numpy().astype(np.int32)
    index = ExactIndex().build(checkpoint.embeddings.numpy(), np.arange(num_movies))
    queries = checkpoint.query_embeddings.numpy()
    return nearest_films(index, queries, np.arange(num_movies), NEAREST).astype(np.int32)
