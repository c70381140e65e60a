"""One index in several parts: each shard is searched on its own, and the best of their best are the best.

A shard is an index with ids that no other shard has, or anything with its methods, for instance an object
that asks another machine. The shards are searched one after the other or at the same time, and their results
are merged in one order, so the result is the same.
"""

import contextlib
import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, Protocol, Self

import numpy as np
import numpy.typing as npt

from base.arrays import IntArray
from base.checks import MAX_INT64, check_distinct, whole_number
from base.files import write_json
from search.base import Effort, SearchResult, VectorIndex, checked_vectors
from search.conditions import is_for_all
from search.exact import ExactIndex
from search.lsh.index import LSHIndex
from search.subset import Allowed
from search.weak_and.index import WeakANDIndex

KINDS: dict[str, type[VectorIndex]] = {kind.kind: kind for kind in (ExactIndex, LSHIndex, WeakANDIndex)}
MANIFEST = "shards.json"
FORMAT, VERSION = "pinsage-shards", 1


class Shard(Protocol):
    """What a search needs of a shard; ``ShardedIndex`` says what its other methods need."""

    def search(self, queries: npt.ArrayLike, k: int, **conditions: Any) -> SearchResult:
        """As ``VectorIndex.search``; ``conditions`` are those that were given: ``exclude``, ``allowed``."""
        ...

    def __len__(self) -> int:
        """Number of vectors."""
        ...


class ShardedIndex:
    """Several indexes that answer as one.

    Shards of ``ExactIndex`` give the ids and scores of one ``ExactIndex`` over all vectors, ties included, on
    machines of one kind: compiled sums may differ in the last bit on another. Shards of the other two score
    as many candidates each as their query parameters say.

    Args:
        shards: at least one, with disjoint ids. They may be empty, to be filled by ``build``.
        num_threads: shards searched at the same time. More than 1 is for shards that wait, as for another
            machine: a batch of queries uses all processors by itself.

    Shapes:
        as ``VectorIndex``.

    Raises:
        ValueError: no shards, an id in two of them, or a number of threads below 1.
    """

    kind: ClassVar[str] = "sharded"

    def __init__(self, shards: Sequence[Any], num_threads: int = 1) -> None:
        self.shards: list[Any] = list(shards)
        if not self.shards:
            raise ValueError("shards must be at least one index, got none")
        self.num_threads = whole_number("num_threads", num_threads, 1)
        local = [shard.ids for shard in self.shards if isinstance(shard, VectorIndex)]
        check_distinct("ids of shards", np.concatenate([np.zeros(0, np.int64), *local]))

    def build(self, embeddings: npt.ArrayLike, ids: npt.ArrayLike) -> Self:
        """Divide vectors among the shards, in place of what they contain; arguments as ``VectorIndex.build``.

        Row i goes to shard i modulo their number, so that films that are near each other in a catalogue are
        in different shards: a first level that keeps equally many in each then keeps nearly what one index
        would. Shards of ``WeakANDIndex`` with equal settings get partitions of all vectors, so together they
        read the lists that one index would.

        Raises:
            ValueError: as ``VectorIndex.build``.
        """
        vectors, names = checked_vectors(embeddings, ids)
        count = len(self.shards)
        settings = [shard.settings() if isinstance(shard, WeakANDIndex) else None for shard in self.shards]
        shared = {}
        if len(vectors) and settings[0] is not None and all(each == settings[0] for each in settings):
            shared = {"learnt": self.shards[0].learn(vectors)}
        for number, shard in enumerate(self.shards):
            shard.build(vectors[number::count], names[number::count], **shared)
        return self

    @property
    def ids(self) -> IntArray:
        """Int64 ``[n]``, the ids of the first shard, then of the second, and so on."""
        return np.concatenate([shard.ids for shard in self.shards])

    def __len__(self) -> int:
        return sum(map(len, self.shards))

    def search(
        self,
        queries: npt.ArrayLike,
        k: int,
        exclude: IntArray | list[IntArray] | None = None,
        allowed: "Allowed | ShardedSubset | list[ShardedSubset] | None" = None,
    ) -> SearchResult:
        """As ``VectorIndex.search``. A shard gets the same arguments and gives its own best ``k``."""
        given = {"exclude": exclude, "allowed": allowed}
        given = {name: value for name, value in given.items() if value is not None}
        conditions = [given | _for_shard(number, allowed) for number in range(len(self.shards))]
        if self.num_threads == 1:
            parts = [
                _asked(shard, queries, k, each) for shard, each in zip(self.shards, conditions, strict=True)
            ]
        else:
            with ThreadPoolExecutor(min(self.num_threads, len(self.shards))) as pool:
                parts = list(
                    pool.map(lambda *asked: _asked(asked[0], queries, k, asked[1]), self.shards, conditions)
                )
        counts = np.sum([part.counts for part in parts], axis=0)
        best = merged([part.found for part in parts], min([k, *counts.tolist()]))
        return SearchResult(best.scores[0], best.ids[0]) if parts[0].single else best

    def effort(
        self,
        queries: npt.ArrayLike,
        k: int,
        allowed: "Allowed | ShardedSubset | list[ShardedSubset] | None" = None,
    ) -> Effort:
        """As ``VectorIndex.effort``, as shares of the vectors of all shards, which need this method, too."""
        total = max(1, len(self))
        of_each = [
            np.array(shard.effort(queries, k, **({"allowed": allowed} | _for_shard(number, allowed))))
            * (len(shard) / total)
            for number, shard in enumerate(self.shards)
        ]
        return Effort(*np.sum(of_each, axis=0).tolist())

    def subset(self, ids: npt.ArrayLike) -> "ShardedSubset":
        """As ``VectorIndex.subset``. Shards elsewhere get the ids themselves."""
        here = [isinstance(shard, VectorIndex) for shard in self.shards]
        return ShardedSubset([s.subset(ids) if h else ids for s, h in zip(self.shards, here, strict=True)])

    def add(self, embeddings: npt.ArrayLike, ids: npt.ArrayLike) -> None:
        """Index more vectors, all in the smallest shard; arguments and errors as ``VectorIndex.add``."""
        vectors, names = checked_vectors(embeddings, ids)
        check_distinct("ids", np.concatenate([self.ids, names]))
        largest = max(self.shards, key=len)
        if len(largest) and vectors.shape[1] not in (0, largest.dim):
            raise ValueError(f"embeddings must have dimension {largest.dim}, got {vectors.shape}")
        if len(vectors):
            min(self.shards, key=len).add(vectors, names)

    def remove(self, ids: npt.ArrayLike) -> int:
        """Remove ids from the shards that have them; returns how many. Errors as ``VectorIndex.remove``."""
        return sum(shard.remove(ids) for shard in self.shards)

    def save(self, folder: str | Path) -> None:
        """Write each shard to a file of its own in ``folder``, and ``shards.json``, which names them.

        The files are named by what is in them, and ``shards.json`` is written when all are there. So a
        program that is interrupted leaves the older index. Files that only the older one had are removed at
        the end.

        Raises:
            ValueError: a shard is not an index of this program.
        """
        folder = Path(folder)
        for shard in self.shards:
            if not isinstance(shard, VectorIndex):
                raise ValueError(f"only shards in this program can be saved, got a {type(shard).__name__}")
        folder.mkdir(parents=True, exist_ok=True)
        older, entries = [], []
        with contextlib.suppress(FileNotFoundError, ValueError):  # none, or a torn one
            older = shard_files(folder)
        for number, shard in enumerate(self.shards):
            name = f"shard-{number:05}-{shard.kind}-{shard.fingerprint}.npz"
            shard.save(folder / name)
            entries.append({"file": name, "kind": shard.kind, "fingerprint": shard.fingerprint})
        write_json({"format": FORMAT, "version": VERSION, "shards": entries}, folder / MANIFEST)
        for name in {entry["file"] for entry in older} - {entry["file"] for entry in entries}:
            with contextlib.suppress(OSError):  # a system that keeps files that are open
                (folder / name).unlink()

    @classmethod
    def load(cls, folder: str | Path, verify: bool = False, num_threads: int = 1) -> Self:
        """Open what ``save`` wrote; the large arrays of the shards are mapped, not read.

        Args:
            folder: the folder.
            verify: as ``VectorIndex.load``, for each shard.
            num_threads: as for the class.

        Raises:
            FileNotFoundError: there is no such folder, or a file of it is missing.
            ValueError: a file is torn, foreign, of another kind or version, or contains other vectors.
        """
        folder = Path(folder)
        shards = [open_shard(folder / entry["file"], entry, verify) for entry in shard_files(folder)]
        return cls(shards, num_threads)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({len(self)} in {len(self.shards)} shards, {self.shards[0]!r}, ...)"


@dataclass(frozen=True, eq=False)
class ShardedSubset:
    """What may be found, as each shard takes it for ``allowed``."""

    parts: list[Any]


def _for_shard(number: int, allowed: Any) -> dict[str, Any]:
    """``allowed`` of one shard if it was prepared for all of them."""
    if isinstance(allowed, ShardedSubset):
        return {"allowed": allowed.parts[number]}
    if isinstance(allowed, (list, tuple)) and any(isinstance(one, ShardedSubset) for one in allowed):
        return {"allowed": [one.parts[number] if isinstance(one, ShardedSubset) else one for one in allowed]}
    return {}


class _Part(NamedTuple):
    """What a shard found: ``[n, c]``, of which query i has ``counts[i]``; and whether there was one query."""

    found: SearchResult
    counts: IntArray
    single: bool


def _asked(shard: Shard, queries: npt.ArrayLike, k: int, conditions: dict[str, Any]) -> _Part:
    """The best of a shard for each query.

    A shard gives as many columns as it has for every query. If some queries leave few of it, the others
    have more: then it is asked one query at a time, and places that stay empty come after all others.
    """
    found = shard.search(queries, k, **conditions)
    single = found.ids.ndim == 1
    if single:
        found = SearchResult(found.scores[None], found.ids[None])
    num_queries, columns = found.ids.shape
    all_alike = all(name == "allowed" and is_for_all(given) for name, given in conditions.items())
    if num_queries < 2 or columns == min(k, len(shard)) or all_alike:
        return _Part(found, np.full(num_queries, columns), single)
    each = [
        shard.search(query, k, **{name: _of_query(i, name, given) for name, given in conditions.items()})
        for i, query in enumerate(np.asarray(queries))
    ]
    counts = np.array([len(one.ids) for one in each])
    there = np.arange(counts.max()) < counts[:, None]
    scores, ids = np.full(there.shape, -np.inf, dtype=np.float32), np.full(there.shape, MAX_INT64)
    scores[there] = np.concatenate([one.scores for one in each])
    ids[there] = np.concatenate([one.ids for one in each])
    return _Part(SearchResult(scores, ids), counts, False)


def _of_query(number: int, name: str, given: Any) -> Any:
    """What a condition says of one query: ``allowed`` may be one for all."""
    return given if name == "allowed" and is_for_all(given) else given[number]


def merged(results: Sequence[SearchResult], k: int) -> SearchResult:
    """The ``k`` best of what several shards found, by falling score and, if scores are equal, rising id.

    Args:
        results: of the same queries, ``[n, any]`` each, ids that no other has.
        k: number of results; fewer if there are fewer.
    """
    scores = np.concatenate([result.scores for result in results], axis=1)
    ids = np.concatenate([result.ids for result in results], axis=1)
    best = np.lexsort((ids, -scores), axis=1)[:, :k]
    return SearchResult(np.take_along_axis(scores, best, axis=1), np.take_along_axis(ids, best, axis=1))


def open_shard(path: Path, entry: dict[str, str], verify: bool = False) -> VectorIndex:
    """The index in a file of a shard.

    Args:
        path: the file.
        entry: what the manifest says of it, see ``shard_files``.
        verify: as ``VectorIndex.load``.

    Raises:
        FileNotFoundError, ValueError: as ``ShardedIndex.load``.
    """
    return KINDS[entry["kind"]].load(path, entry["fingerprint"], verify)


def shard_files(folder: Path) -> list[dict[str, str]]:
    """The shards that the manifest of a folder names: file, kind and fingerprint of each.

    Raises:
        ValueError: the manifest is torn, or not one of this program.
    """
    path = folder / MANIFEST
    try:
        manifest = json.loads(path.read_text())
        found, entries = (manifest["format"], manifest["version"]), manifest["shards"]
        of_ours = all(
            Path(entry["file"]).name == entry["file"] and entry["kind"] in KINDS and entry["fingerprint"]
            for entry in entries
        )
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path} is torn or not of this program ({error!r}); build it again") from error
    if found != (FORMAT, VERSION) or not of_ours or not entries:
        raise ValueError(f"{path} is not of this program (format {found[0]!r}, version {found[1]!r})")
    return entries
