"""LightGCN by PyTorch Geometric: training on the whole graph at once.

LightGCN is by He et al. (LightGCN: Simplifying and Powering Graph Convolution Network for Recommendation,
SIGIR 2020). Users and films have a vector each, which is all that is learned. Every layer replaces it by the
sum of the neighbours' vectors, each divided by the roots of both degrees (equation 3 of the paper); the
model's vector is the mean over the layers (equation 4). ``torch_geometric.nn.LightGCN`` has these.

The loss is the paper's BPR with one negative per training pair (equation 15), or a softmax over the whole
catalogue. Both are computed for all pairs in each step, so an epoch is one step.
"""

import warnings
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import torch
from torch_geometric.nn import LightGCN
from torch_geometric.utils import to_torch_csr_tensor

from base.arrays import FloatArray
from base.errors import UserError
from benchmarks.rivals.light_gcn_scorer import LightGCNScorer
from benchmarks.rivals.tuning import Grid, Scores
from data.splits import Split

# The order is that of the search, the first value the start.
GRID: Grid = {
    "loss": ("bpr", "softmax"),
    "lr": (0.03, 0.01),
    "num_layers": (2, 1, 3, 4),
    "dim": (64, 128, 256),
    "lambda_reg": (1e-4, 1e-3, 1e-2),
}
MAX_EPOCHS = 600
MIN_EPOCHS = 200
EVERY = 25  # epochs between two looks at validation
PATIENCE = 3  # looks without a better figure in any task, after which training stops
MAX_SCORES = 2**28  # users times films: every step has a score for each pair, 1 GB


class UserFilmGraph(NamedTuple):
    """The training interactions as a graph of users and films; node ``num_users + i`` is film i.

    Attributes:
        users: int64 ``[n]``, the user of each interaction.
        films: int64 ``[n]``, the film row of each interaction.
        num_users: number of user rows.
        num_films: number of film rows.
        adjacency: CSR float32 ``[num_nodes, num_nodes]``, 1 / sqrt(degree of both) for each edge.
        degrees: float32 ``[num_films]``, number of training interactions of each film.
    """

    users: torch.Tensor
    films: torch.Tensor
    num_users: int
    num_films: int
    adjacency: torch.Tensor
    degrees: FloatArray


def user_film_graph(split: Split) -> UserFilmGraph:
    """The graph of the training part.

    Raises:
        UserError: the data are too large for a score of every user and film at once.
    """
    if split.num_users * split.num_movies > MAX_SCORES:
        raise UserError(
            f"LightGCN scores all films for all users in each step and stops at {MAX_SCORES:,} scores, "
            f"this data has {split.num_users * split.num_movies:,}; use a smaller dataset"
        )
    users = torch.from_numpy(split.train.users.astype(np.int64))
    films = torch.from_numpy(split.train.movies.astype(np.int64))
    nodes = split.num_users + split.num_movies
    edges = torch.stack([users, films + split.num_users])
    edges = torch.cat([edges, edges.flip(0)], dim=1)  # [2, 2 n], both directions
    degree = torch.bincount(edges[0], minlength=nodes).float()
    weight = (degree[edges[0]] * degree[edges[1]]).rsqrt()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # PyTorch calls CSR tensors beta
        adjacency = to_torch_csr_tensor(edges, weight, size=(nodes, nodes))
    degrees = degree[split.num_users :].numpy()
    return UserFilmGraph(users, films, split.num_users, split.num_movies, adjacency, degrees)


def train(
    graph: UserFilmGraph, settings: dict[str, Any], seed: int, epochs: int = MAX_EPOCHS, every: int = EVERY
) -> Iterator[tuple[int, Scores]]:
    """Train, and give the model after every ``every`` epochs as (epoch, scores); the caller may stop.

    Args:
        graph: the training part.
        settings: a value for each name of ``GRID``.
        seed: of the first vectors and of the negatives.
        epochs: number of epochs.
        every: epochs between two models.
    """
    with torch.random.fork_rng(devices=[]):  # the library draws the first vectors from the global generator
        torch.manual_seed(seed)
        nodes = graph.num_users + graph.num_films
        model = LightGCN(nodes, settings["dim"], settings["num_layers"], normalize=False)
    generator = torch.Generator().manual_seed(seed)
    optimizer = torch.optim.Adam(model.parameters(), lr=settings["lr"])
    seen = torch.zeros(graph.num_users, graph.num_films, dtype=torch.bool)
    seen[graph.users, graph.films] = True
    for epoch in range(1, epochs + 1):
        optimizer.zero_grad()
        vectors = model.get_embedding(graph.adjacency)  # [num_nodes, dim]
        users, films = vectors[: graph.num_users], vectors[graph.num_users :]
        scores = users @ films.T  # [num_users, num_films]
        if settings["loss"] == "bpr":
            negatives = _unseen(graph.users, seen, generator)
            higher, lower = scores[graph.users, graph.films], scores[graph.users, negatives]
            loss = model.recommendation_loss(higher, lower, lambda_reg=0)
            drawn = torch.bincount(negatives, minlength=graph.num_films)
        else:
            log_shares = scores[graph.users, graph.films] - scores.logsumexp(dim=1)[graph.users]
            loss = -log_shares.mean()
            drawn = torch.zeros(graph.num_films)
        loss = loss + settings["lambda_reg"] * _norm(model, graph, drawn)
        loss.backward()
        optimizer.step()
        if epoch % every == 0:
            yield epoch, _scorer(model, graph).scores


def _unseen(users: torch.Tensor, seen: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """One film per user of ``users`` ``[n]`` that the user has not rated in training, with equal chances."""
    films = torch.randint(seen.shape[1], users.shape, generator=generator)
    full = seen.all(dim=1)[users]  # a user who rated everything keeps the first draw
    while (again := (seen[users, films] & ~full).nonzero().ravel()).numel():
        films[again] = torch.randint(seen.shape[1], again.shape, generator=generator)
    return films


def _norm(model: LightGCN, graph: UserFilmGraph, drawn: torch.Tensor) -> torch.Tensor:
    """Squared norm of the learned vectors of a pair, with its negative if there is one: the mean over pairs.

    The library's ``recommendation_loss`` has the same for ``node_id`` with all users, films and negatives,
    but reads every vector once per pair. Here each is read once, times the number of pairs.

    Args:
        model: the model.
        graph: the training pairs.
        drawn: ``[num_films]``, number of pairs that each film is the negative of.
    """
    uses = torch.cat(
        [torch.bincount(graph.users, minlength=graph.num_users), torch.from_numpy(graph.degrees) + drawn]
    )
    squares = model.embedding.weight.square().sum(dim=-1)  # [num_nodes]
    return (squares * uses).sum() / len(graph.users)


@torch.no_grad()
def _scorer(model: LightGCN, graph: UserFilmGraph) -> LightGCNScorer:
    vectors = [model.embedding.weight]
    for layer in model.convs:
        vectors.append(layer(vectors[-1], graph.adjacency))
    stacked = torch.stack(vectors).clone().numpy()
    return LightGCNScorer(
        stacked[0, : graph.num_users],
        stacked[:, graph.num_users :],
        model.alpha.numpy(),
        graph.degrees,
    )
