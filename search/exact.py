"""Every inner product computed: what the approximate indexes are measured against."""

from typing import Any

import numpy as np
import numpy.typing as npt

from base.arrays import FloatArray, IntArray
from search.base import VectorIndex

MOST_ON_GPU = 2048  # results a query, more than which FAISS's GPU indexes refuse


class ExactIndex(VectorIndex):
    """FAISS's flat index, on a GPU where faiss-gpu and a GPU are there."""

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
        index = self._index if self._on_gpu is None or k > MOST_ON_GPU else self._on_gpu
        scores, rows = index.search(vectors, k)
        return scores, np.asarray(rows, dtype=np.int64)
