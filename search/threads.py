"""The queries of a batch, divided among threads."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numba
import numpy as np

MIN_QUERIES = 64  # per thread: for fewer, starting a thread costs more than it saves


def over_queries(
    kernel: Callable[..., None], by_query: tuple[np.ndarray, ...], fixed: tuple[Any, ...]
) -> None:
    """Call ``kernel(*by_query, *fixed)``, in parts if there are many queries.

    The kernel is compiled, releases the interpreter's lock, and answers each query on its own. So the
    results do not depend on the number of threads, which is Numba's.

    Args:
        kernel: fills some of its arrays.
        by_query: arrays with one row per query.
        fixed: its other arguments.
    """
    num_queries = len(by_query[0])
    if num_queries < 2 * MIN_QUERIES or numba.get_num_threads() == 1:
        kernel(*by_query, *fixed)
        return
    num_threads = min(num_queries // MIN_QUERIES, numba.get_num_threads())
    borders = np.linspace(0, num_queries, num_threads + 1).astype(int)
    with ThreadPoolExecutor(num_threads) as pool:
        parts = [
            pool.submit(kernel, *(array[start:stop] for array in by_query), *fixed)
            for start, stop in zip(borders[:-1], borders[1:], strict=True)
        ]
        for part in parts:
            part.result()
