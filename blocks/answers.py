"""The stage ``answers``: the nearest candidates of every film, over all shards."""

from typing import Any

import numpy as np

from base.arrays import FloatArray, IntArray
from blocks.block_file import Array, read_block
from blocks.embedding import EMBEDDINGS
from blocks.nearest import Nearest
from blocks.shards import SHARDS, first_row, open_shard, shards_stage
from blocks.stage import Stage
from blocks.work_dir import WorkDir
from config import SearchConfig
from search.base import SearchResult
from search.sharded import merged

ANSWERS = "answers"


def answer_stages(work_dir: WorkDir, search: SearchConfig, k: int, seed: int) -> list[Stage]:
    """The stages from ``embeddings``, which are whole, to ``answers``.

    Blocks of ``answers`` have ``ids`` int64 ``[films, k]``, rows of the catalogue, and ``scores`` float32
    ``[films, k]``, best first. A film is never its own answer. Of equal scores the lower row comes first.

    Args:
        work_dir: has the embeddings.
        search: which index answers. Exact search over float32 vectors needs none.
        k: number of answers per film; fewer if the catalogue has fewer other films.
        seed: of the index.
    """
    num_blocks = work_dir.num_blocks(EMBEDDINGS)
    last = len(work_dir.block(EMBEDDINGS, num_blocks - 1)["candidates"])
    settings: dict[str, Any] = {"k": min(k, first_row(work_dir, num_blocks - 1) + last - 1)}
    if not search.needs_file:
        return [Stage(ANSWERS, _exact, num_blocks, (EMBEDDINGS,), settings)]
    shards = shards_stage(work_dir, search, seed)
    settings |= shards.settings
    return [shards, Stage(ANSWERS, _by_index, num_blocks, (EMBEDDINGS, SHARDS), settings)]


def exact_answers(work_dir: WorkDir, queries: FloatArray, first: int, k: int) -> tuple[FloatArray, IntArray]:
    """Scores and rows ``[n, k]`` of the nearest candidates of all blocks.

    Args:
        work_dir: has the embeddings.
        queries: float32 ``[n, dim]``.
        first: row of the first one; the others follow it.
        k: at most the number of films less one.
    """
    nearest = Nearest(queries, first + np.arange(len(queries)), k)
    for shard in range(work_dir.num_blocks(EMBEDDINGS)):
        # Mapped for this loop alone: all shards together may be larger than the memory.
        candidates = read_block(work_dir.path(EMBEDDINGS, shard))["candidates"]
        nearest.offer(candidates, first_row(work_dir, shard))
    return nearest.best()


def _exact(work_dir: WorkDir, block: int, k: int) -> dict[str, Array]:
    """The answers of a block by comparing everything."""
    queries = work_dir.block(EMBEDDINGS, block)["queries"]
    scores, rows = exact_answers(work_dir, queries, first_row(work_dir, block), k)
    return {"ids": rows, "scores": scores}


def _by_index(work_dir: WorkDir, block: int, k: int, search: dict[str, Any], seed: int) -> dict[str, Array]:
    """The answers of a block by the indexes of all shards."""
    queries = work_dir.block(EMBEDDINGS, block)["queries"]
    own = first_row(work_dir, block) + np.arange(len(queries))
    best: list[SearchResult] = []
    for shard in range(work_dir.num_blocks(SHARDS)):
        index = open_shard(WorkDir(work_dir.folder), shard, SearchConfig(**search), seed)
        exclude = list(own[:, None]) if shard == block else None
        best = [merged([*best, index.search(queries, k, exclude)], k)]
    return {"ids": best[0].ids, "scores": best[0].scores}
