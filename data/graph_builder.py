"""The bipartite film-user graph of the training interactions, as two CSRs.

Paper, section 3.1: items and contexts (pins and boards) with an edge where one holds the other.
Here films are the items and users the contexts; rating values are not used.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import scipy.sparse as sp

from base.arrays import IntArray
from data.dataset import Interactions

if TYPE_CHECKING:
    from torch_geometric.data import HeteroData


@dataclass(frozen=True)
class ItemGraph:
    """Both directions of the film-user graph.

    Attributes:
        movie_ptr: int32 ``[num_movies + 1]``; the users of film m are
            ``movie_users[movie_ptr[m]:movie_ptr[m + 1]]``.
        movie_users: int32 ``[num_edges]``, user rows.
        user_ptr: int32 ``[num_users + 1]``; the films of user u are
            ``user_movies[user_ptr[u]:user_ptr[u + 1]]``.
        user_movies: int32 ``[num_edges]``, film rows.
    """

    movie_ptr: IntArray
    movie_users: IntArray
    user_ptr: IntArray
    user_movies: IntArray

    @property
    def num_movies(self) -> int:
        """Films in the catalogue, isolated ones included."""
        return len(self.movie_ptr) - 1

    @property
    def num_users(self) -> int:
        """Users in the data, whether or not they train."""
        return len(self.user_ptr) - 1

    @property
    def num_edges(self) -> int:
        """Training interactions."""
        return len(self.movie_users)

    @property
    def movie_degree(self) -> IntArray:
        """Training ratings of each film, int32 ``[num_movies]``."""
        return np.diff(self.movie_ptr)

    @property
    def user_degree(self) -> IntArray:
        """Training ratings by each user, int32 ``[num_users]``."""
        return np.diff(self.user_ptr)

    def movie_user_matrix(self) -> sp.csr_matrix:
        """The 0/1 matrix of the graph, float32 ``[num_movies, num_users]``."""
        ones = np.ones(self.num_edges, dtype=np.float32)
        return sp.csr_matrix(
            (ones, self.movie_users, self.movie_ptr), shape=(self.num_movies, self.num_users)
        )

    def to_hetero_data(self) -> "HeteroData":
        """The graph as PyG knows it: node types ``movie`` and ``user``, one edge type each way."""
        import torch
        from torch_geometric.data import HeteroData

        movies = np.repeat(np.arange(self.num_movies), self.movie_degree)
        edge_index = torch.from_numpy(np.stack([movies, self.movie_users.astype(np.int64)]))
        data = HeteroData()
        data["movie"].num_nodes = self.num_movies
        data["user"].num_nodes = self.num_users
        data["movie", "rated_by", "user"].edge_index = edge_index
        data["user", "rated", "movie"].edge_index = edge_index.flip(0)
        return data


def build_graph(train: Interactions, num_users: int, num_movies: int) -> ItemGraph:
    """Build the graph of the training interactions.

    Args:
        train: training interactions, each (user, film) at most once, sorted by user.
        num_users: user rows in the data.
        num_movies: film rows in the catalogue.
    """
    # The interactions are sorted by user already, so one direction is a copy and the other one
    # a transposition, which scipy does by counting rather than by sorting.
    user_ptr = np.concatenate([[0], np.cumsum(np.bincount(train.users, minlength=num_users))]).astype(
        np.int32
    )
    by_user = sp.csr_matrix(
        (np.ones(len(train), dtype=np.int8), train.movies, user_ptr), shape=(num_users, num_movies)
    )
    by_movie = by_user.tocsc()
    return ItemGraph(
        movie_ptr=by_movie.indptr.astype(np.int32),
        movie_users=by_movie.indices.astype(np.int32),
        user_ptr=user_ptr,
        user_movies=np.ascontiguousarray(train.movies, dtype=np.int32),
    )
