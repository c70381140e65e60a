"""Features and views of films, block by block, from the mapped graph and facts; then their neighbours."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from operator import itemgetter
from typing import Any

import numpy as np
import scipy.sparse as sp

from blocks.block_file import Array, Parts
from blocks.ingest.facts import FACTS, read_facts
from blocks.ingest.graph import read_graph
from blocks.ingest.runs import num_panels, users_of_panel
from blocks.plain_values import packed, unpacked
from blocks.power_iteration import SIDES, panel_vectors, power_iteration, sides_stage
from blocks.stage import Stage
from blocks.work_dir import WorkDir, block_ranges
from config import ModelConfig
from data.content.basis import ContentBasis
from data.feature_extractor import FeatureBasis, basis_of, film_features
from data.film_facts import select_facts
from data.graph_view import GRAPH_VIEW_DIM, view_scale
from data.spectral import POWER_ITERATIONS, inverse_root
from data.walks.sampler import RandomWalkSampler
from model.view_arrays import view_arrays

GRAPH = ("user_side", "movie_side")
OF_USERS = ("user_basis", "view_basis")  # members of a basis that have a row per user


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
        Stage("basis", basis, 1, ("catalogue", FACTS, *GRAPH), {"seed": seed}),
        Stage(
            "features",
            features,
            count,
            ("catalogue", FACTS, "basis", "user_basis", *GRAPH),
            {"views": views, **films},
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
    first, num_users = work_dir.block("user_rows"), len(work_dir.block("users")["user_ids"])
    return {
        name: Parts(
            np.float32,
            (num_users, first[name].shape[1]),
            map(itemgetter(name), work_dir.each("user_rows")),
        )
        for name in made
    }


def basis(work_dir: WorkDir, block: int, seed: int) -> Mapping[str, Array]:
    """The members of ``FeatureBasis``, packed, but for the rows of users."""
    graph = read_graph(work_dir)
    fitted = basis_of(read_facts(work_dir), graph, np.zeros((graph.num_users, 0), np.float32), seed)
    plain = vars(fitted) | {"content": None if fitted.content is None else fitted.content.as_plain()}
    return packed({name: part for name, part in plain.items() if name not in OF_USERS})


def features(
    work_dir: WorkDir, block: int, views: Mapping[str, Any], films_per_block: int
) -> Mapping[str, Array]:
    """``features`` float32 ``[films, num_features]``; with views, ``view_`` and each member of ``Views``."""
    graph, facts, fitted = read_graph(work_dir), read_facts(work_dir), read_basis(work_dir)
    films = block_ranges(graph.num_movies, films_per_block)[block]
    ptr = graph.movie_ptr[films.start : films.stop + 1]
    raters = graph.movie_users[ptr[0] : ptr[-1]]
    matrix = sp.csr_matrix(
        (np.ones(len(raters), np.float32), raters, ptr - ptr[0]), shape=(len(films), graph.num_users)
    )
    found = {"features": film_features(fitted, select_facts(facts, np.array(films)), matrix)}
    settings = replace(ModelConfig(), **views)  # of which view_arrays reads these
    if settings.has_views:
        arrays = view_arrays(fitted, found["features"], matrix, settings)
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


def read_basis(work_dir: WorkDir) -> FeatureBasis:
    """The feature basis of the stages ``basis`` and ``user_basis``; the rows of users are mapped."""
    plain, of_users = unpacked(work_dir.block("basis")), work_dir.block("user_basis")
    if plain["content"] is not None:
        plain["content"] = ContentBasis.from_plain(plain["content"])
    none = np.zeros((len(work_dir.block("users")["user_ids"]), 0), np.float32)
    return FeatureBasis(**plain, user_basis=of_users.get("spectral", none), view_basis=of_users.get("view"))
