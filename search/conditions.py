"""``exclude`` and ``allowed`` of ``VectorIndex.search``: what one query, or each of many, may find."""

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from base.arrays import FloatArray, IntArray
from search.subset import Subset

if TYPE_CHECKING:
    from search.base import VectorIndex

Found = tuple[FloatArray, IntArray]  # scores and ids ``[n, k]``


def search_under(index: "VectorIndex", vectors: FloatArray, k: int, exclude: Any, allowed: Any) -> Found:
    """The best under both conditions (None is none); as many columns as every query has."""
    lists = None if exclude is None else per_query("exclude", exclude, len(vectors))
    if allowed is None:
        return _without(index, None, vectors, k, lists)
    parts = [
        _without(index, subset, vectors[which], k, None if lists is None else lists[which])
        for which, subset in subsets(index, allowed, len(vectors))
    ]
    if not parts:  # a list for each of no queries
        return index._best(vectors, min(k, len(index)))
    columns = min(ids.shape[1] for _, ids in parts)
    scores, ids = (
        np.concatenate([array[:, :columns] for array in of_parts]) for of_parts in zip(*parts, strict=True)
    )
    return scores, ids


def subsets(index: "VectorIndex", allowed: Any, num_queries: int) -> list[tuple[slice, Subset | None]]:
    """Parts of the queries, and what each may find (None: all): the same for all, or each its own."""
    if is_for_all(allowed):
        return [(slice(None), index._subset("allowed", allowed))]
    lists = per_query("allowed", allowed, num_queries)
    return [(slice(i, i + 1), index._subset("allowed", one)) for i, one in enumerate(lists)]


def is_for_all(allowed: Any) -> bool:
    """Whether ``allowed`` is one condition for all queries, and not a list or matrix with one for each."""
    if isinstance(allowed, (list, tuple)):  # of ids, or of what each query may find
        return not allowed or isinstance(allowed[0], (int, np.integer))
    return isinstance(allowed, Subset) or np.ndim(allowed) < 2


def per_query(name: str, lists: Any, num_queries: int) -> list[Any]:
    """A list of ids for each query.

    Raises:
        ValueError: another number of lists.
    """
    lists = list(lists) if isinstance(lists, (list, tuple)) else list(np.atleast_1d(lists))
    if len(lists) != num_queries:
        raise ValueError(f"{name} must have a list of ids for each query, got {len(lists)} for {num_queries}")
    return lists


def _without(
    index: "VectorIndex", subset: Subset | None, vectors: FloatArray, k: int, exclude: list[Any] | None
) -> Found:
    """Ask for as many more as the longest list excludes, then keep the first k of the others."""
    count = len(index) if subset is None else len(subset)
    if exclude is None:
        return index._best(vectors, min(k, count), subset)
    present = [_present(index, ids, subset) for ids in exclude]
    max_excluded = max((len(ids) for ids in present), default=0)
    k = min(k, count - max_excluded)
    scores, found = index._best(vectors, k + max_excluded if k > 0 else 0, subset)
    keep = np.array([~_contained(row, out) for row, out in zip(found, present, strict=True)], dtype=bool)
    keep = keep.reshape(found.shape)
    keep &= np.cumsum(keep, axis=1) <= k
    shape = (len(vectors), max(0, k))
    return scores[keep].reshape(shape), found[keep].reshape(shape)


def _present(index: "VectorIndex", ids: npt.ArrayLike, subset: Subset | None) -> IntArray:
    """Those of the excluded ``ids`` that could be found, once each, rising."""
    rows = index._rows_of("exclude", ids)
    if subset is not None:
        rows = rows[_contained(rows, subset.rows)]
    return np.sort(index.ids[rows])


def _contained(values: IntArray, ordered: IntArray) -> npt.NDArray[np.bool_]:
    """Which of ``values`` are in ``ordered``, which rises; for short arrays faster than NumPy's ``isin``."""
    if len(ordered) == 0:
        return np.zeros(len(values), dtype=bool)
    return ordered.take(np.searchsorted(ordered, values), mode="clip") == values
