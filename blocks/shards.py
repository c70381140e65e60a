"""The stage ``shards``: one index per block of embeddings, for the methods that need one.

A shard is a block file whose arrays are those of an index file, and whose ids are rows of the catalogue.
"""

import json
from dataclasses import asdict
from typing import Any

import numpy as np

from base.arrays import FloatArray, IntArray
from blocks.block_file import Array
from blocks.embedding import EMBEDDINGS
from blocks.stage import Stage
from blocks.work_dir import WorkDir
from config import SearchConfig
from search.base import SearchResult, VectorIndex
from search.choose import new_index
from search.files import IndexContent

SHARDS = "shards"
HEADER = "header"


def shards_stage(work_dir: WorkDir, search: SearchConfig, seed: int) -> Stage:
    """The stage that makes the indexes; ``embeddings`` are whole.

    Args:
        work_dir: has the embeddings.
        search: what kind of index, and its parameters.
        seed: of hyperplanes and k-means.
    """
    names = ("search_method", "vectors")
    method = search.search_method
    values = {n: v for n, v in asdict(search).items() if n in names or n.startswith(f"{method}_")}
    return Stage(
        SHARDS, _index, work_dir.num_blocks(EMBEDDINGS), (EMBEDDINGS,), {"search": values, "seed": seed}
    )


def open_shard(work_dir: WorkDir, block: int, search: SearchConfig, seed: int) -> VectorIndex:
    """The index of a block. Its arrays are mapped."""
    arrays = dict(work_dir.block(SHARDS, block))
    header = json.loads(arrays.pop(HEADER).tobytes())
    return type(new_index(search, seed)).from_content(IndexContent(**header, arrays=arrays))


def merged(results: list[SearchResult], k: int) -> SearchResult:
    """The ``k`` best of what several shards found, for each query; of equal scores the lower id comes first.

    Args:
        results: of the same queries, ``[n, any]`` each.
        k: number of results; fewer if there are fewer.
    """
    scores: FloatArray = np.concatenate([result.scores for result in results], axis=1)
    ids: IntArray = np.concatenate([result.ids for result in results], axis=1)
    best = np.lexsort((ids, -scores), axis=1)[:, :k]
    return SearchResult(np.take_along_axis(scores, best, axis=1), np.take_along_axis(ids, best, axis=1))


def first_row(work_dir: WorkDir, block: int) -> int:
    """The row of a block's first film: all blocks but the last one have equally many."""
    return block * len(work_dir.block(EMBEDDINGS, 0)["candidates"])


def _index(work_dir: WorkDir, block: int, search: dict[str, Any], seed: int) -> dict[str, Array]:
    """The index over the candidates of a block."""
    candidates = work_dir.block(EMBEDDINGS, block)["candidates"]
    first = first_row(work_dir, block)
    index = new_index(SearchConfig(**search), seed)
    content = index.build(candidates, np.arange(first, first + len(candidates))).content()
    header = {name: value for name, value in vars(content).items() if name != "arrays"}
    return {HEADER: np.frombuffer(json.dumps(header).encode(), np.uint8), **content.arrays}
