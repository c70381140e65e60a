"""Count how many people rated both of two films: in training, since a checkpoint holds nobody's ratings.

Counted are the pairs of each film and the films nearest to it, which are those that it recommends first.
Only training interactions count.
"""

from dataclasses import replace

import numpy as np
import torch

from base.arrays import IntArray
from base.common_counts import common_counts
from data.graph_builder import build_graph
from data.splits import Split
from model.checkpoint import Checkpoint
from model.co_raters import CoRaters
from recommend.taste import nearest_films
from search import ExactIndex

NEAREST = 100  # films that are counted with each film, as many as the web page shows at most
MAX_FILMS = (
    100_000  # with more, exact search for all of them would take too long: walk neighbours are counted
)


def with_co_raters(checkpoint: Checkpoint, split: Split) -> Checkpoint:
    """The checkpoint with the number of people who rated a film and one of those nearest to it.

    Args:
        checkpoint: a trained model.
        split: the split of its training; only the training part counts.
    """
    graph = build_graph(split.train, split.num_users, split.num_movies)
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
