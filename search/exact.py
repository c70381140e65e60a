"""Exact search: every inner product is computed. The approximate indexes are measured against it."""

from typing import TYPE_CHECKING, Any

import numpy.typing as npt

from base.arrays import FloatArray, IntArray
from search.base import VectorIndex
from search.scan import as_tensor, best_by_blocks, best_by_faiss, best_by_product, best_by_scan
from search.vectors import BLOCK

if TYPE_CHECKING:
    from torch import Tensor

MANY_QUERIES = 20  # from so many on, a product of matrices is faster


class ExactIndex(VectorIndex):
    """Every vector is compared: for few queries by FAISS, for many by PyTorch, on the GPU if there is one.

    Compact vectors are compared on the CPU by a kernel that decodes them on the way, or block by block, so
    they need no more memory; a GPU holds them as float32.
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

        self._on_gpu: Tensor | None = None
        if torch.cuda.is_available():
            self._on_gpu = torch.empty((len(self), self._stored.dim), device="cuda")
            for start in range(0, len(self), BLOCK):
                block = self._stored.decode(start, start + BLOCK)
                self._on_gpu[start : start + BLOCK] = as_tensor(block)

    def _search(self, vectors: FloatArray, k: int) -> tuple[FloatArray, IntArray]:
        if self._on_gpu is not None:
            return best_by_product(self._on_gpu, vectors, k)
        if len(vectors) < MANY_QUERIES:
            by_query = best_by_scan if self._stored.compact else best_by_faiss
            return by_query(self._stored, vectors, k)
        if self._stored.compact:
            return best_by_blocks(self._stored, vectors, k)
        return best_by_product(as_tensor(self._stored.codes), vectors, k)
