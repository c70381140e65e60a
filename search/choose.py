"""The index that the settings ask for: from its file beside the checkpoint, or built anew."""

import logging
from pathlib import Path

import numpy as np

from base.arrays import FloatArray, IntArray
from config import SearchConfig
from search.base import VectorIndex
from search.exact import ExactIndex
from search.files import fingerprint
from search.lsh.index import LSHIndex
from search.tuning import tune
from search.weak_and.index import WeakANDIndex

logger = logging.getLogger("pinsage")


def index_path(folder: Path, method: str) -> Path:
    """The file of an index in a folder."""
    return folder / f"index-{method}.npz"


def _new_index(search: SearchConfig, seed: int) -> VectorIndex:
    """An empty index with the parameters of the settings."""
    if search.search_method == "exact":
        return ExactIndex()
    if search.search_method == "ivf":
        return WeakANDIndex(search.ivf_partitions, search.ivf_factor, seed)
    return LSHIndex(search.lsh_bits, search.lsh_tables, seed)


def open_index(
    search: SearchConfig,
    embeddings: FloatArray,
    queries: FloatArray | None = None,
    seed: int = 0,
    folder: Path | None = None,
) -> VectorIndex:
    """An index over ``embeddings`` whose ids are row numbers.

    Args:
        search: the settings.
        embeddings: float32 ``[n, d]``, the vectors to find.
        queries: float32 ``[m, d]``, vectors like those to be asked, for ``target_recall``; by default
            ``embeddings``.
        seed: of hyperplanes, k-means and the tuning sample.
        folder: of the index's file; None reads and writes no file.
    """
    fresh = _new_index(search, seed)
    ids = np.arange(len(embeddings))
    path = (
        None
        if folder is None or search.search_method == "exact"
        else index_path(folder, search.search_method)
    )
    index = None if path is None else _from_file(path, fresh, embeddings, ids)
    if index is None:
        index = fresh.build(embeddings, ids)
        if path is not None:
            _to_file(index, path)
    if search.target_recall is not None and len(index):
        _tune(index, embeddings if queries is None else queries, search.target_recall, seed)
    if search.search_method != "exact":
        logger.info("search: %r", index)
    return index


def _from_file(path: Path, fresh: VectorIndex, embeddings: FloatArray, ids: IntArray) -> VectorIndex | None:
    """The index in ``path`` if it is the one wanted; otherwise None, and the reason is logged."""
    try:
        index = type(fresh).load(path, fingerprint(embeddings, ids))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        logger.info("%s; building it", str(error).removesuffix("; build it again"))
        return None
    if index.settings() != fresh.settings():
        logger.info("%s was built with %s, not %s; building it", path, index.settings(), fresh.settings())
        return None
    index.query = fresh.query  # the settings of this command decide, not those of an earlier one
    return index


def _to_file(index: VectorIndex, path: Path) -> None:
    """Keep the index for the next time; a folder that cannot be written to is not an error."""
    try:
        index.save(path)
    except OSError as error:
        logger.info("the index is not kept: %s cannot be written (%s)", path, error.strerror or error)


def _tune(index: VectorIndex, queries: FloatArray, target_recall: float, seed: int) -> None:
    if not index.operating_points():
        logger.info("`target_recall`: exact search finds everything, there is nothing to tune")
        return
    tuned = tune(index, queries, target_recall, seed=seed)
    logger.info(
        "`target_recall` %g: %r, recall@10 %.4f on %d queries%s",
        target_recall,
        index.query,
        tuned.recall,
        tuned.queries,
        "" if tuned.reached else "; nothing reaches the target with a margin, so this is the most thorough",
    )
