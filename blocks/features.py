"""Features and views of films, block by block, from the mapped graph; then their neighbours."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from operator import itemgetter
from typing import Any

import numpy as np
import scipy.sparse as sp

from blocks.block_file import Array, Parts
from blocks.ingest.catalogue import read_movies
from blocks.ingest.graph import read_graph
from blocks.ingest.runs import num_panels, users_of_panel
from blocks.power_iteration import SIDES, panel_vectors, power_iteration, sides_stage
from blocks.stage import Stage
from blocks.work_dir import WorkDir, block_ranges
from config import ModelConfig
from data.dataset import Facts
from data.feature_extractor import FeatureBasis, basis_of, film_features
from data.graph_builder import ItemGraph
from data.graph_view import GRAPH_VIEW_DIM, view_scale
from data.spectral import POWER_ITERATIONS, inverse_root
from data.walks.sampler import RandomWalkSampler
from model.view_arrays import view_arrays

GRAPH = ("user_side", "movie_side")


def feature_stages(settings: ModelConfig, seed: int, films_per_block: int) -> list[Stage]:
    """From the graph to ``features`` and ``neighbors``, and to ``nodes``, which has both for training.

    Args:
        settings: of features and walks.
        seed: of the random start of the power iteration, and of the walks.
        films_per_block: films of a block.
    """
    stages, made = [], []
    for name, rank, normalised in (
        ("spectral", settings.spectral_dim, True),
        ("view", GRAPH_VIEW_DIM if settings.graph_view else 0, False),
    ):
        if rank:
            stages += power_iteration(name, rank, normalised, seed)
            made += [name]
    needs = (
        *GRAPH,
        "users",
        SIDES,
        *(f"{name}-{end}" for name in made for end in (POWER_ITERATIONS, "values")),
    )
    films = {"films_per_block": films_per_block}
    count = partial(num_film_blocks, films_per_block=films_per_block)
    views = {"graph_view": settings.graph_view, "content_view": settings.content_view}
    walks = {
        "num_walks": settings.num_walks,
        "walk_length": settings.walk_length,
        "restart_probability": settings.restart_probability,
        "seed": seed,
    }
    return [
        sides_stage(),
        *stages,
        Stage("user_rows", user_rows, num_panels, needs, {"made": made}, temporary=True),
        Stage("user_basis", user_basis, 1, ("user_rows", "users"), {"made": made}),
        Stage(
            "features",
            features,
            count,
            ("catalogue", "user_basis", *GRAPH),
            {"views": views, "seed": seed, **films},
        ),
        Stage(
            "neighbors",
            neighbors,
            count,
            GRAPH,
            {"walks": walks, "num_neighbors": settings.max_neighbors, **films},
        ),
        Stage("nodes", nodes, 1, ("features", "neighbors", "catalogue")),
    ]


def num_film_blocks(work_dir: WorkDir, films_per_block: int) -> int:
    """Number of blocks of films."""
    return len(block_ranges(len(work_dir.block("catalogue")["movie_ids"]), films_per_block))


def user_rows(work_dir: WorkDir, block: int, made: Sequence[str]) -> Mapping[str, Array]:
    """The rows of a panel's users in the bases of ``FeatureBasis``: ``spectral`` and ``view``, float32.

    Args:
        work_dir: has the graph and the singular values.
        block: number of the panel.
        made: which of the two there are.
    """
    found: dict[str, Array] = {}
    if "spectral" in made:
        users = users_of_panel(work_dir, block)
        degree = np.diff(read_graph(work_dir).user_ptr[users.start : users.stop + 1])
        found["spectral"] = panel_vectors(work_dir, block, "spectral", True) * inverse_root(degree)[:, None]
    if "view" in made:
        scale = view_scale(np.square(work_dir.block("view-values")["values"]))
        found["view"] = (panel_vectors(work_dir, block, "view", False) * scale).astype(np.float32)
    return found


def user_basis(work_dir: WorkDir, block: int, made: Sequence[str]) -> Mapping[str, Parts]:
    """The rows of all users: ``spectral`` and ``view``, float32 ``[num_users, r]``."""
    panels = list(work_dir.each("user_rows"))
    num_users = len(work_dir.block("users")["user_ids"])
    return {
        name: Parts(np.float32, (num_users, panels[0][name].shape[1]), [panel[name] for panel in panels])
        for name in made
    }


def features(
    work_dir: WorkDir, block: int, views: Mapping[str, Any], seed: int, films_per_block: int
) -> Mapping[str, Array]:
    """``features`` float32 ``[films, num_features]``; with views, ``view_`` and each member of ``Views``."""
    graph, movies = read_graph(work_dir), read_movies(work_dir)
    basis = read_basis(work_dir, graph, Facts(movies), seed)
    films = block_ranges(len(movies), films_per_block)[block]
    ptr = graph.movie_ptr[films.start : films.stop + 1]
    raters = graph.movie_users[ptr[0] : ptr[-1]]
    matrix = sp.csr_matrix(
        (np.ones(len(raters), np.float32), raters, ptr - ptr[0]), shape=(len(films), graph.num_users)
    )
    found = {"features": film_features(basis, Facts(movies.select(np.array(films))), matrix)}
    settings = replace(ModelConfig(), **views)  # of which view_arrays reads these
    if settings.has_views:
        arrays = view_arrays(basis, found["features"], matrix, settings)
        found |= {f"view_{name}": array for name, array in arrays.items()}
    return found


def neighbors(
    work_dir: WorkDir, block: int, walks: Mapping[str, Any], num_neighbors: int, films_per_block: int
) -> Mapping[str, Array]:
    """``neighbors`` int32 and ``weights`` float32, ``[films, num_neighbors]``."""
    graph = read_graph(work_dir)
    films = block_ranges(graph.num_movies, films_per_block)[block]
    rows, weights = RandomWalkSampler(graph, **walks).sample_arrays(np.array(films), num_neighbors)
    return {"neighbors": rows.astype(np.int32), "weights": weights}


def nodes(work_dir: WorkDir, block: int) -> Mapping[str, Parts]:
    """All arrays of ``features`` and ``neighbors`` in one file, as training reads them: neighbours int64."""
    num_movies = len(work_dir.block("catalogue")["movie_ids"])
    joined = {}
    for stage in ("features", "neighbors"):
        for name, first in work_dir.block(stage).items():
            dtype = np.int64 if name == "neighbors" else first.dtype
            parts = map(itemgetter(name), work_dir.each(stage))
            joined[name] = Parts(dtype, (num_movies, *first.shape[1:]), parts)
    return joined


def read_basis(work_dir: WorkDir, graph: ItemGraph, facts: Facts, seed: int) -> FeatureBasis:
    """The feature basis of ``graph`` and the ``facts`` about all films; the rows of users are mapped."""
    of_users = work_dir.block("user_basis")
    spectral = of_users.get("spectral", np.zeros((graph.num_users, 0), np.float32))
    basis = basis_of(facts, graph, spectral, seed)
    return replace(basis, view_basis=of_users.get("view"))
