"""Results for blocks of query films, kept while other settings of a method ask for the same blocks."""

from collections import OrderedDict
from collections.abc import Callable

import numpy as np

from base.arrays import FloatArray, IntArray

KEPT_NUMBERS = 2**26  # query films times films of the catalogue: 256 MB


class LatestBlocks:
    """A function of blocks of query films that keeps its latest results.

    Args:
        compute: from film rows ``[n]`` to float32 ``[n, num_movies]``.
    """

    def __init__(self, compute: Callable[[IntArray], FloatArray]):
        self.compute = compute
        self._known: OrderedDict[bytes, FloatArray] = OrderedDict()

    def __call__(self, queries: IntArray) -> FloatArray:
        """The result for the films ``queries`` ``[n]``, float32 ``[n, num_movies]``; must not be changed."""
        key = queries.astype(np.int64).tobytes()  # rows come as int32 too
        if key not in self._known:
            self._known[key] = self.compute(queries)
        self._known.move_to_end(key)
        result = self._known[key]
        while self._known and sum(known.size for known in self._known.values()) > KEPT_NUMBERS:
            self._known.popitem(last=False)
        return result
