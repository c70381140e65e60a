"""Exact search: every inner product is computed. The approximate indexes are measured against it."""

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from base.arrays import FloatArray, IntArray
from search.base import VectorIndex

if TYPE_CHECKING:
    from torch import Tensor

BLOCK_SCORES = 1 << 28  # scores in a GPU's memory at once, 1 GB


class ExactIndex(VectorIndex):
    """Every vector is compared: by FAISS on the CPU, or by PyTorch on the GPU if there is one."""

    kind = "exact"

    def _train(self, vectors: FloatArray) -> dict[str, npt.NDArray[Any]]:
        return {}

    def _encode(self, vectors: FloatArray) -> dict[str, npt.NDArray[Any]]:
        return {}

    def _arrange(self) -> None:
        import faiss
        import torch

        self._on_gpu = torch.from_numpy(self.embeddings).cuda() if torch.cuda.is_available() else None
        if self._on_gpu is None:
            self._index = faiss.IndexFlatIP(max(1, self.embeddings.shape[1]))
            if len(self):
                self._index.add(self.embeddings)

    def _search(self, vectors: FloatArray, k: int) -> tuple[FloatArray, IntArray]:
        if self._on_gpu is not None:
            return best_by_product(self._on_gpu, vectors, k)
        scores, rows = self._index.search(vectors, k)
        return scores, np.asarray(rows, dtype=np.int64)


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
