"""The index that the settings ask for: from its file beside the checkpoint, or built anew."""

import logging
from pathlib import Path

import numpy as np

from base.arrays import FloatArray
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


def new_index(search: SearchConfig, seed: int) -> VectorIndex:
    """An empty index with the parameters of the settings."""
    if search.search_method == "exact":
        return ExactIndex(search.vectors)
    if search.search_method == "ivf":
        return WeakANDIndex(search.ivf_partitions, search.ivf_factor, seed, search.vectors)
    return LSHIndex(search.lsh_bits, search.lsh_tables, seed, search.vectors)


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
    fresh = new_index(search, seed)
    ids = np.arange(len(embeddings))
    index = None
    if folder is not None and search.needs_file:
        path = index_path(folder, search.search_method)
        mark = fingerprint(embeddings, ids)
        index = _from_file(path, fresh, mark, search.verify)
        if index is None and _to_file(fresh.build(embeddings, ids), path) and search.vectors != "float32":
            index = _from_file(path, fresh, mark, False)  # mapped: what is not asked for leaves the memory
    if index is None:
        index = fresh if len(fresh) else fresh.build(embeddings, ids)
    if search.target_recall is not None and len(index):
        _tune(index, embeddings if queries is None else queries, search.target_recall, seed)
    if search.needs_file:
        logger.info("search: %r", index)
    return index


def _from_file(path: Path, fresh: VectorIndex, mark: str, verify: bool) -> VectorIndex | None:
    """The index in ``path`` if it is the one wanted; otherwise None, and the reason is logged."""
    try:
        index = type(fresh).load(path, mark, verify)
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


def _to_file(index: VectorIndex, path: Path) -> bool:
    """Keep the index for the next time; a folder that cannot be written to is not an error."""
    try:
        index.save(path)
    except OSError as error:
        logger.info("the index is not kept: %s cannot be written (%s)", path, error.strerror or error)
        return False
    return True


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
