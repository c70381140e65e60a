"""Every inner product computed: what the approximate indexes are measured against."""

from typing import Any

import numpy as np
import numpy.typing as npt

from data.dataset import FloatArray, IntArray
from utils.search.base import VectorIndex


class ExactIndex(VectorIndex):
    """FAISS's flat index, on a GPU where faiss-gpu and a GPU are there."""

    kind = "exact"

    def __init__(self) -> None:
        super().__init__()
        self._arrange()

    def _train(self) -> None:
        pass

    def _encode(self, vectors: FloatArray) -> dict[str, npt.NDArray[Any]]:
        return {}

    def _arrange(self) -> None:
        import faiss

        index: Any = faiss.IndexFlatIP(max(1, self.embeddings.shape[1]))
        if getattr(faiss, "get_num_gpus", int)():
            index = faiss.index_cpu_to_all_gpus(index)
        if len(self):
            index.add(self.embeddings)
        self._index = index

    def _search(self, vectors: FloatArray, k: int) -> tuple[FloatArray, IntArray]:
        scores, rows = self._index.search(vectors, k)
        return scores, np.asarray(rows, dtype=np.int64)
