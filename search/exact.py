"""Exact search: every inner product is computed. The approximate indexes are measured against it."""

from typing import Any

import numpy as np
import numpy.typing as npt

from base.arrays import FloatArray, IntArray
from search.base import VectorIndex

MAX_ON_GPU = 2048  # results per query: FAISS's GPU indexes refuse more


class ExactIndex(VectorIndex):
    """FAISS's flat index, on the GPU if there is one and faiss-gpu is installed."""

    kind = "exact"

    def _train(self, vectors: FloatArray) -> dict[str, npt.NDArray[Any]]:
        return {}

    def _encode(self, vectors: FloatArray) -> dict[str, npt.NDArray[Any]]:
        return {}

    def _arrange(self) -> None:
        import faiss

        self._index = faiss.IndexFlatIP(max(1, self.embeddings.shape[1]))
        if len(self):
            self._index.add(self.embeddings)
        has_gpu = getattr(faiss, "get_num_gpus", int)() > 0  # faiss-cpu may lack the function
        self._on_gpu: Any = faiss.index_cpu_to_all_gpus(self._index) if has_gpu else None

    def _search(self, vectors: FloatArray, k: int) -> tuple[FloatArray, IntArray]:
        index = self._index if self._on_gpu is None or k > MAX_ON_GPU else self._on_gpu
        scores, rows = index.search(vectors, k)
        return scores, np.asarray(rows, dtype=np.int64)
