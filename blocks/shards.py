"""The stage ``shards``: one index per block of embeddings, for the methods that need one.

A shard is a block file whose arrays are those of an index file, and whose ids are rows of the catalogue.
"""

from dataclasses import asdict
from typing import Any

import numpy as np

from blocks.block_file import Array
from blocks.embedding import EMBEDDINGS
from blocks.plain_values import as_json, from_json
from blocks.stage import Stage
from blocks.work_dir import WorkDir
from config import SearchConfig
from search.base import VectorIndex
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
    header = from_json(arrays.pop(HEADER))
    return type(new_index(search, seed)).from_content(IndexContent(**header, arrays=arrays))


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
    return {HEADER: as_json(header), **content.arrays}
