"""The methods of the search benchmark: how each is built, and its operating points."""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from base.arrays import FloatArray
from benchmarks.search_data import Task
from search import ExactIndex, LSHIndex, LSHQuery, VectorIndex, WeakANDIndex, WeakANDQuery

Search = Callable[[FloatArray, int], tuple[Any, Any]]  # queries, k -> scores, ids


class Built(NamedTuple):
    """A built index: its name, its size in bytes, and a function that goes through its operating points."""

    method: str
    num_bytes: int
    points: Callable[[], Iterator[tuple[str, Search]]]


def exact(task: Task) -> Built:
    """Brute force: FAISS's flat index behind our interface."""
    index = ExactIndex().build(task.vectors, np.arange(len(task.vectors)))
    return Built("exact", task.vectors.nbytes, lambda: iter([("all", index.search)]))


def lsh(task: Task) -> Built:
    """256 bits in 16 tables, as on the command line."""
    index = LSHIndex(256, 16).build(task.vectors, np.arange(len(task.vectors)))
    queries = []
    if len(task.vectors) > 10_000:  # in a small catalogue, buckets are almost empty
        queries += [LSHQuery(20, "buckets", probes) for probes in (4, 8, 16, 32, 64)]
    queries += [LSHQuery(factor, "scan") for factor in (3, 5, 10, 20, 50)]

    def label(query: LSHQuery) -> str:
        size = f"{query.candidates_factor} k"
        return f"scan, {size}" if query.method == "scan" else f"{query.probes} buckets per table, {size}"

    return _ours("LSHIndex(256, 16)", index, [(label(query), query) for query in queries])


def weak_and(task: Task) -> Built:
    """Weak AND; ``30 k`` with the default probes is plain ``WeakANDIndex(partitions, 30)``."""
    index = WeakANDIndex(task.partitions, 30).build(task.vectors, np.arange(len(task.vectors)))
    points = [("default probes, 30 k", index.query), ("default probes, 10 k", WeakANDQuery())]
    points += [
        (f"{probes} probes, {factor} k", WeakANDQuery(probes, factor))
        for probes, factor in ((1, 2), (2, 2), (4, 2), (8, 3), (16, 3), (32, 3), (64, 3))
        if probes <= task.partitions
    ]
    return _ours(f"WeakANDIndex({task.partitions})", index, points)


def _ours(name: str, index: VectorIndex, queries: list[tuple[str, Any]]) -> Built:
    def points() -> Iterator[tuple[str, Search]]:
        for label, query in queries:
            index.query = query
            yield label, index.search

    return Built(name, index_bytes(index), points)


def index_bytes(index: VectorIndex) -> int:
    """Bytes of all arrays that one of our indexes keeps."""
    held = [index.embeddings, index.ids, *index._trained.values(), *index._rows.values()]
    if isinstance(index, WeakANDIndex):
        tokens, *lists = index.postings  # the tokens of the rows are views of these
        held = [array for array in held if not any(np.shares_memory(array, own) for own in tokens)]
        held += [*tokens, *lists, *index.partitions]
    return sum(array.nbytes for array in held)


def ivf_flat(task: Task) -> Built:
    """FAISS IVFFlat with as many lists as Weak AND has partitions."""
    index = faiss_ivf_flat(task.vectors, task.partitions)

    def points() -> Iterator[tuple[str, Search]]:
        for probes in (1, 2, 3, 4, 6, 8, 16, 32, 64):
            index.nprobe = probes
            yield f"{probes} probes", batched(index)

    return Built(f"FAISS IVFFlat({task.partitions})", task.vectors.nbytes + 8 * len(task.vectors), points)


def faiss_ivf_flat(vectors: FloatArray, num_lists: int) -> Any:
    """A FAISS IVFFlat index of ``vectors``."""
    import faiss

    dim = vectors.shape[1]
    index = faiss.IndexIVFFlat(faiss.IndexFlatIP(dim), dim, num_lists, faiss.METRIC_INNER_PRODUCT)
    index.cp.max_points_per_centroid = 64  # as in Weak AND: FAISS's default of 256 takes four times as long
    index.train(vectors)
    index.add(vectors)
    return index


def hnsw(task: Task) -> Built:
    """FAISS HNSW with 16 links per vector."""
    import faiss

    links = 16
    index = faiss.IndexHNSWFlat(task.vectors.shape[1], links, faiss.METRIC_INNER_PRODUCT)
    index.add(task.vectors)

    def points() -> Iterator[tuple[str, Search]]:
        for width in (16, 32, 64, 128, 256):
            index.hnsw.efSearch = width
            yield f"ef {width}", batched(index)

    return Built(f"FAISS HNSW({links})", task.vectors.nbytes + 4 * 2 * links * len(task.vectors), points)


def batched(index: Any) -> Search:
    """FAISS takes only batches, and fills missing results with -1 and the lowest float."""

    def search(queries: FloatArray, k: int) -> tuple[Any, Any]:
        return index.search(queries[None] if queries.ndim == 1 else queries, k)

    return search


METHODS: dict[str, Callable[[Task], Built]] = {
    "exact": exact,
    "lsh": lsh,
    "weak_and": weak_and,
    "ivf_flat": ivf_flat,
    "hnsw": hnsw,
}
