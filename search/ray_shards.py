"""Shards on a Ray cluster: an actor opens each index file, on whichever node has a processor for it.

The folder of the shards lies under the same path on every node, and so does this code. An actor that dies
with its node is started again on another one, and opens the file again.
"""

from pathlib import Path
from typing import Any

import numpy.typing as npt

from search.base import Effort, SearchResult, VectorIndex
from search.sharded import ShardedIndex, open_shard, shard_files

CODE = Path(__file__).resolve().parent.parent
REPEATS = 2  # of a search whose actor died meanwhile


class RayShard:
    """A shard of ``ShardedIndex`` in a process of a Ray cluster.

    Args:
        ray: the module, connected to the cluster.
        path: the index file, under the same path on every node.
        entry: what the manifest says of it.
    """

    def __init__(self, ray: Any, path: Path, entry: dict[str, str]) -> None:
        self._ray = ray
        actor = ray.remote(OpenShard).options(
            num_cpus=1,
            max_restarts=-1,
            max_task_retries=REPEATS,
            runtime_env={"env_vars": {"PYTHONPATH": f"{CODE}:${{PYTHONPATH}}"}},
        )
        self._actor = actor.remote(path, entry)
        self._size = int(ray.get(self._actor.size.remote()))

    def search(self, queries: npt.ArrayLike, k: int, **conditions: Any) -> SearchResult:
        """As ``VectorIndex.search``."""
        return self._ray.get(self._actor.search.remote(queries, k, **conditions))

    def effort(self, queries: npt.ArrayLike, k: int, allowed: Any = None) -> Effort:
        """As ``VectorIndex.effort``."""
        return self._ray.get(self._actor.effort.remote(queries, k, allowed))

    def __len__(self) -> int:
        return self._size


class OpenShard:
    """What an actor does. Arguments as for ``RayShard``."""

    def __init__(self, path: Path, entry: dict[str, str]) -> None:
        self._index: VectorIndex = open_shard(path, entry)

    def size(self) -> int:
        """Number of vectors."""
        return len(self._index)

    def search(self, queries: npt.ArrayLike, k: int, **conditions: Any) -> SearchResult:
        """As ``VectorIndex.search``."""
        return self._index.search(queries, k, **conditions)

    def effort(self, queries: npt.ArrayLike, k: int, allowed: Any) -> Effort:
        """As ``VectorIndex.effort``."""
        return self._index.effort(queries, k, allowed)


def load_on_ray(folder: str | Path) -> ShardedIndex:
    """Open what ``ShardedIndex.save`` wrote, each shard in an actor of the cluster that Ray is connected to.

    Raises:
        ImportError: Ray is not installed; the message has the command that does it.
        RuntimeError: ``ray.init`` was not called.
        FileNotFoundError: there is no such folder.
        ValueError: as ``ShardedIndex.load``.
    """
    try:
        import ray
    except ImportError as error:
        raise ImportError("shards on Ray need an extra; run `pip install -r requirements-ray.txt`") from error
    if not ray.is_initialized():
        raise RuntimeError("Ray is not connected to a cluster; call ray.init first")
    folder = Path(folder).resolve()
    shards = [RayShard(ray, folder / entry["file"], entry) for entry in shard_files(folder)]
    return ShardedIndex(shards, num_threads=len(shards))
