"""Nearest embeddings by inner product: the door to ``search``."""

from search import (
    ExactIndex,
    LSHIndex,
    LSHQuery,
    SearchResult,
    ShardedIndex,
    VectorIndex,
    WeakANDIndex,
    WeakANDQuery,
    fingerprint,
)

__all__ = [
    "ExactIndex",
    "LSHIndex",
    "LSHQuery",
    "SearchResult",
    "ShardedIndex",
    "VectorIndex",
    "WeakANDIndex",
    "WeakANDQuery",
    "fingerprint",
]
