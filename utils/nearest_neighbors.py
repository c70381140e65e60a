"""Nearest embeddings by inner product: three indexes with one interface (paper, section 3.5).

``ExactIndex`` computes everything, ``LSHIndex`` hashes, ``WeakANDIndex`` retrieves in two levels on the
Weak AND operator. Their parts are in ``utils/search/``.
"""

from utils.search.base import SearchResult, VectorIndex
from utils.search.exact import ExactIndex
from utils.search.files import fingerprint
from utils.search.lsh import LSHIndex, LSHQuery
from utils.search.weak_and import WeakANDIndex, WeakANDQuery

__all__ = [
    "ExactIndex",
    "LSHIndex",
    "LSHQuery",
    "SearchResult",
    "VectorIndex",
    "WeakANDIndex",
    "WeakANDQuery",
    "fingerprint",
]
