"""Exact search: every inner product is computed. The approximate indexes are measured against it."""

from typing import TYPE_CHECKING, Any

import numpy.typing as npt

from base.arrays import FloatArray, IntArray
from search.base import VectorIndex
from search.scan import best_by_blocks, best_by_faiss, best_by_scan
from search.vectors import BLOCK

if TYPE_CHECKING:
    from torch import Tensor

MANY_QUERIES = 20  # from so many on, a product of matrices is faster; FAISS thinks so too
BLOCK_SCORES = 1 << 28  # scores in a GPU's memory at once, 1 GB


class ExactIndex(VectorIndex):
    """Every vector is compared: by FAISS on the CPU, or by PyTorch on the GPU if there is one.

    Compact vectors are compared on the CPU by a kernel that decodes them on the way, so they need no more
    memory; a GPU holds them as float32.
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
                self._on_gpu[start : start + BLOCK] = torch.from_numpy(block)

    def _search(self, vectors: FloatArray, k: int) -> tuple[FloatArray, IntArray]:
        if self._on_gpu is not None:
            return best_by_product(self._on_gpu, vectors, k)
        if not self._stored.compact:
            return best_by_faiss(self._stored.codes, vectors, k)
        if len(vectors) < MANY_QUERIES:
            return best_by_scan(self._stored, vectors, k)
        return best_by_blocks(self._stored, vectors, k)


def best_by_product(candidates: "Tensor", queries: FloatArray, k: int) -> tuple[FloatArray, IntArray]:
    """The ``k`` largest inner products of each query, computed where the candidates are.

    Args:
        candidates: float32 ``[n, d]``.
        queries: float32 ``[q, d]``, q at least 1.
        k: at most n.

    Returns:
        Scores float32 and rows int64, ``[q, k]``, best first.
    """
    import torch

    blocks = torch.from_numpy(queries).split(max(1, BLOCK_SCORES // len(candidates)))
    best = [(block.to(candidates.device) @ candidates.T).topk(k, dim=1) for block in blocks]
    scores, rows = (torch.cat(parts).cpu().numpy() for parts in zip(*best, strict=True))
    return scores, rows
