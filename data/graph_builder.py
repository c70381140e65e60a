"""The bipartite film-user graph of the training interactions, in both directions.

Paper, section 3.1: items and contexts (pins and boards), with an edge where a context contains an item.
Here films are the items and users the contexts. An edge may have a weight: walks take it in proportion.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from base.arrays import FloatArray, IntArray
from data.dataset import Interactions
from data.graph_checks import checked_direction, checked_ends, checked_pointers, checked_side, checked_weights

if TYPE_CHECKING:
    from torch_geometric.data import HeteroData


@dataclass(frozen=True)
class ItemGraph:
    """Both directions of the film-user graph, each in compressed rows (CSR).

    Integer arrays of other types than int32 are converted. The arrays must not be changed afterwards.

    Attributes:
        movie_ptr: int32 ``[num_movies + 1]``; the users of film m are
            ``movie_users[movie_ptr[m]:movie_ptr[m + 1]]``.
        movie_users: int32 ``[num_edges]``, user rows.
        user_ptr: int32 ``[num_users + 1]``; the films of user u are
            ``user_movies[user_ptr[u]:user_ptr[u + 1]]``.
        user_movies: int32 ``[num_edges]``, film rows.
        movie_weights: float32 ``[num_edges]`` above 0, the weights of the edges ``movie_users``; None if all
            edges count the same.
        user_weights: the same weights, in the order of ``user_movies``; None if ``movie_weights`` is.

    Raises:
        ValueError: arrays that do not describe the same edges with the same weights in both directions.
    """

    movie_ptr: IntArray
    movie_users: IntArray
    user_ptr: IntArray
    user_movies: IntArray
    movie_weights: FloatArray | None = None
    user_weights: FloatArray | None = None

    def __post_init__(self) -> None:
        for name in ("movie_ptr", "user_ptr"):
            self._set(name, checked_pointers(name, getattr(self, name)))
        for name, ptr_name, num_rows in (
            ("movie_users", "movie_ptr", self.num_users),
            ("user_movies", "user_ptr", self.num_movies),
        ):
            pointers = getattr(self, ptr_name)
            self._set(name, checked_direction(name, getattr(self, name), ptr_name, pointers, num_rows))
        # A walk that arrives somewhere must be able to leave, or it would read beyond the arrays.
        for name, degree in (("movie_users", self.user_degree), ("user_movies", self.movie_degree)):
            found = np.bincount(getattr(self, name), minlength=len(degree))
            if not np.array_equal(found, degree):
                row = int((found != degree).argmax())
                raise ValueError(
                    f"both directions must have the same edges, but {row} occurs {found[row]} times in "
                    f"{name} and has {degree[row]} edges in the other direction"
                )
        if self.movie_weights is not None or self.user_weights is not None:
            by_film = checked_weights("movie_weights", self.movie_weights, self.num_edges)
            by_user = checked_weights("user_weights", self.user_weights, self.num_edges)
            _check_same_weights(self, by_film, by_user)
            self._set("movie_weights", by_film)
            self._set("user_weights", by_user)

    def _set(self, name: str, value: IntArray | FloatArray | None) -> None:
        object.__setattr__(self, name, value)  # the way into a frozen dataclass

    @classmethod
    def unchecked(
        cls,
        movie_ptr: IntArray,
        movie_users: IntArray,
        user_ptr: IntArray,
        user_movies: IntArray,
        movie_weights: FloatArray | None = None,
        user_weights: FloatArray | None = None,
    ) -> "ItemGraph":
        """A graph of arrays that are known to be right; compiled code will read them as they are.

        Pointers are both int32 or, with more edges than that can count, both int64.
        The film direction may have more rows than the user direction knows: films that walks start from
        and never reach.
        """
        graph = object.__new__(cls)
        for name, value in (
            ("movie_ptr", movie_ptr), ("movie_users", movie_users),
            ("user_ptr", user_ptr), ("user_movies", user_movies),
            ("movie_weights", movie_weights), ("user_weights", user_weights),
        ):  # fmt: skip
            graph._set(name, value)
        return graph

    @classmethod
    def from_edges(
        cls,
        users: npt.ArrayLike,
        items: npt.ArrayLike,
        num_users: int | None = None,
        num_items: int | None = None,
        weights: npt.ArrayLike | None = None,
    ) -> "ItemGraph":
        """The graph of edges in any order; an edge that occurs twice counts once, or its weights add up.

        The items of a user keep the order in which they come. So the interactions of a dataset give the
        same graph as ``build_graph``, to the bit.

        Args:
            users: integers ``[num_edges]``, row numbers from 0.
            items: integers ``[num_edges]``, row numbers from 0.
            num_users: user rows; by default one more than the largest of ``users``.
            num_items: item rows; by default one more than the largest of ``items``.
            weights: numbers ``[num_edges]`` above 0; None if all edges count the same.

        Raises:
            ValueError: arrays of different lengths, values that are not row numbers, or weights that are not
                finite and above 0.
        """
        user_rows, num_users = checked_side("users", users, num_users)
        item_rows, num_items = checked_side("items", items, num_items)
        if len(user_rows) != len(item_rows):
            raise ValueError(
                f"users and items must have the same length, got {len(user_rows)} and {len(item_rows)}"
            )
        edges = user_rows.astype(np.int64) * num_items + item_rows
        if weights is None:
            first = np.sort(np.unique(edges, return_index=True)[1])  # where each edge occurs first
            first = first[np.argsort(user_rows[first], kind="stable")]
            return both_directions(user_rows[first], item_rows[first], num_users, num_items)
        values = checked_weights("weights", weights, len(edges))
        _, first, edge_of = np.unique(edges, return_index=True, return_inverse=True)
        sums = checked_weights("sums of weights", np.bincount(edge_of, weights=values), len(first))
        order = np.lexsort((first, user_rows[first]))
        first = first[order]
        return both_directions(user_rows[first], item_rows[first], num_users, num_items, sums[order])

    @property
    def num_movies(self) -> int:
        """Films in the catalogue, isolated ones included."""
        return len(self.movie_ptr) - 1

    @property
    def num_users(self) -> int:
        """Users in the data, including those without a training interaction."""
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

    @property
    def movie_strength(self) -> IntArray | FloatArray:
        """Sum of the weights of each film's edges, float64 ``[num_movies]``; its degree without weights."""
        return _strength(self.movie_degree, self.movie_weights)

    @property
    def user_strength(self) -> IntArray | FloatArray:
        """Sum of the weights of each user's edges, float64 ``[num_users]``; its degree without weights."""
        return _strength(self.user_degree, self.user_weights)

    def movie_user_matrix(self) -> sp.csr_matrix:
        """The weights of the edges, float32 ``[num_movies, num_users]``; 1 for each edge without weights."""
        weights = self.movie_weights
        if weights is None:
            weights = np.ones(self.num_edges, dtype=np.float32)
        return sp.csr_matrix(
            (weights, self.movie_users, self.movie_ptr), shape=(self.num_movies, self.num_users)
        )

    def to_hetero_data(self) -> "HeteroData":
        """The graph in PyG's form: node types ``movie`` and ``user``, one edge type in each direction.

        With weights, both edge types have ``edge_weight``, float32 ``[num_edges]``.
        """
        import torch
        from torch_geometric.data import HeteroData

        movies = np.repeat(np.arange(self.num_movies), self.movie_degree)
        edge_index = torch.from_numpy(np.stack([movies, self.movie_users.astype(np.int64)]))
        data = HeteroData()
        data["movie"].num_nodes = self.num_movies
        data["user"].num_nodes = self.num_users
        data["movie", "rated_by", "user"].edge_index = edge_index
        data["user", "rated", "movie"].edge_index = edge_index.flip(0)
        if self.movie_weights is not None:
            edge_weight = torch.tensor(self.movie_weights)
            data["movie", "rated_by", "user"].edge_weight = edge_weight
            data["user", "rated", "movie"].edge_weight = edge_weight
        return data


def build_graph(train: Interactions, num_users: int, num_movies: int) -> ItemGraph:
    """Build the graph of the training interactions, with their weights if they have any.

    Args:
        train: training interactions, each (user, film) at most once, sorted by user.
        num_users: user rows in the data.
        num_movies: film rows in the catalogue.

    Raises:
        ValueError: rows that do not exist, interactions that are not sorted by user, or weights that are not
            finite and above 0.
    """
    users = checked_ends("train.users", train.users, num_users)
    movies = checked_ends("train.movies", train.movies, num_movies)
    if (users[1:] < users[:-1]).any():
        raise ValueError("train must be sorted by user; use ItemGraph.from_edges for edges in any order")
    weights = train.weights
    if weights is not None:
        weights = checked_weights("train.weights", weights, len(users))
    return both_directions(users, movies, num_users, num_movies, weights)


def both_directions(
    users: IntArray, movies: IntArray, num_users: int, num_movies: int, weights: FloatArray | None = None
) -> ItemGraph:
    """The graph of distinct edges that are sorted by user.

    So one direction is a copy, and the other one a transposition, which SciPy does by counting rather
    than by sorting.
    """
    degree = np.bincount(users, minlength=num_users)
    user_ptr = np.concatenate([[0], np.cumsum(degree)]).astype(np.int32)
    values = np.ones(len(users), dtype=np.int8) if weights is None else weights
    by_user = sp.csr_matrix((values, movies, user_ptr), shape=(num_users, num_movies))
    by_movie = by_user.tocsc()
    return ItemGraph.unchecked(
        movie_ptr=by_movie.indptr.astype(np.int32),
        movie_users=by_movie.indices.astype(np.int32),
        user_ptr=user_ptr,
        user_movies=np.ascontiguousarray(movies, dtype=np.int32),
        movie_weights=None if weights is None else by_movie.data,
        user_weights=weights,
    )


def _strength(degree: IntArray, weights: FloatArray | None) -> IntArray | FloatArray:
    if weights is None:
        return degree
    return np.bincount(np.repeat(np.arange(len(degree)), degree), weights, minlength=len(degree))


def _check_same_weights(graph: ItemGraph, movie_weights: FloatArray, user_weights: FloatArray) -> None:
    """Compare the edges of both directions, sorted by film, user and weight."""
    films = np.repeat(np.arange(graph.num_movies), graph.movie_degree)
    users = np.repeat(np.arange(graph.num_users), graph.user_degree)
    by_film = np.lexsort((movie_weights, graph.movie_users, films))
    by_user = np.lexsort((user_weights, users, graph.user_movies))
    for one, other, what in (
        (films, graph.user_movies, "edges"),
        (graph.movie_users, users, "edges"),
        (movie_weights, user_weights, "weights"),
    ):
        differs = one[by_film] != other[by_user]
        if differs.any():
            edge = by_film[int(differs.argmax())]
            raise ValueError(
                f"both directions must have the same {what}, but those of film {films[edge]} and user "
                f"{graph.movie_users[edge]} differ"
            )
