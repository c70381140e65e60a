"""Nearest embeddings by inner product: three indexes with one interface (paper, section 3.5).

``ExactIndex`` computes everything, ``LSHIndex`` hashes, ``WeakANDIndex`` retrieves in two levels on the
Weak AND operator. They know vectors and ids; they do not know movies or models.
"""

from search.base import SearchResult, VectorIndex
from search.exact import ExactIndex
from search.files import fingerprint
from search.lsh.index import LSHIndex, LSHQuery
from search.sharded import ShardedIndex
from search.subset import Subset
from search.weak_and.index import WeakANDIndex, WeakANDQuery

__all__ = [
    "ExactIndex",
    "LSHIndex",
    "LSHQuery",
    "SearchResult",
    "ShardedIndex",
    "Subset",
    "VectorIndex",
    "WeakANDIndex",
    "WeakANDQuery",
    "fingerprint",
]
