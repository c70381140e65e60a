"""Exact search: every inner product is computed. The approximate indexes are measured against it."""

from typing import TYPE_CHECKING, Any

import numpy.typing as npt

from base.arrays import FloatArray, IntArray
from search.base import NOT_COUNTED, SCORED, VectorIndex, empty_results
from search.narrow import settle_all
from search.scan import Catalogue, as_tensor, best_by_product, best_by_scan, best_on_device
from search.subset import Subset
from search.threads import over_queries
from search.vectors import BLOCK

if TYPE_CHECKING:
    from torch import Tensor

FEW_VECTORS = 100  # up to so many, computing the scores that decide is faster than narrowing first
MANY_QUERIES = 20  # from so many on, a product of matrices is faster


class ExactIndex(VectorIndex):
    """Every vector is compared: for few queries by a scan, for many by PyTorch, on the GPU if there is one.

    Results are ordered by score and, of equal scores, by id. They do not depend on the way they were
    computed, on the order of the vectors or on what else is indexed. Those of int8 are those of float16.
    Compact vectors are decoded on the way or block by block, so they need no more memory; a GPU holds them
    as float32.
    """

    kind = "exact"

    def _train(self, vectors: FloatArray) -> dict[str, npt.NDArray[Any]]:
        return {}

    def _encode(self, vectors: FloatArray) -> dict[str, npt.NDArray[Any]]:
        return {}

    def _arrange(self) -> dict[str, npt.NDArray[Any]]:
        return {}

    def _prepare(self) -> None:
        import torch

        self._vectors = tuple(self._stored)
        self._catalogue: Catalogue | None = None  # made when first needed: it reads float32 vectors
        self._on_gpu: Tensor | None = None
        if torch.cuda.is_available():
            self._on_gpu = torch.empty((len(self), self._stored.dim), device="cuda")
            for start in range(0, len(self), BLOCK):
                block = self._stored.decode(start, start + BLOCK)
                self._on_gpu[start : start + BLOCK] = as_tensor(block)

    def _search(
        self, vectors: FloatArray, k: int, subset: Subset | None = None, counts: IntArray = NOT_COUNTED
    ) -> tuple[FloatArray, IntArray]:
        if subset is not None:
            part: ExactIndex = subset.kept("index", lambda: self._part(subset.rows))
            return part._search(vectors, k, counts=counts)
        if len(counts):
            counts[:, SCORED] = len(self.ids)
        if len(self.ids) <= FEW_VECTORS:
            scores, ids = empty_results(len(vectors), k)
            over_queries(settle_all, (vectors, scores, ids), (self._vectors, self.ids))
            return scores, ids
        catalogue = self._catalogue
        if catalogue is None:
            catalogue = self._catalogue = Catalogue.of(self._stored, self.ids)
        if self._on_gpu is not None:
            return best_on_device(self._on_gpu, catalogue, vectors, k)
        if len(vectors) < MANY_QUERIES:
            return best_by_scan(catalogue, vectors, k)
        return best_by_product(catalogue, vectors, k)

    def _part(self, rows: IntArray) -> "ExactIndex":
        """An index of some rows, a copy: rows that are read here and there take twice as long."""
        part = ExactIndex(self.vectors)
        part._stored, part.ids = self._stored.take(rows), self.ids[rows]
        part._refresh()
        return part
